"""Manages a running fleet over HTTP, on a port of its own that no gateway route shares.

Whoever reaches the port controls the fleet, so it listens on loopback, and a web page cannot drive it: requests
that carry an Origin are refused, and orders must be JSON. Secrets are masked in everything that it gives.
"""

from __future__ import annotations

import contextlib
import json
import logging
import re
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from flask import Flask, Response, request
from pydantic import ValidationError
from waitress.server import create_server  # type: ignore[import-untyped]
from werkzeug.exceptions import HTTPException

from fake_instances import orders
from fake_instances.errors import FleetError, UnknownInstanceError, UnknownSessionError
from fake_instances.sessions import Session
from fake_instances.webhooks import altered

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from fake_instances.fleet import Fleet
    from fake_instances.notifier import Delivery

ACTIONS = ("stop", "kill", "start", "restart", "pause", "resume")
"""What can be done to one instance as a whole."""
_PARTS: dict[str, dict[str, Any]] = {
    "number": {"type": "integer", "minimum": 0},
    "action": {"type": "string", "enum": list(ACTIONS)},
}
_COUNT = {"type": "integer", "minimum": 0}
_JOURNAL_QUERY: dict[str, dict[str, Any]] = {
    "after": _COUNT,
    "limit": _COUNT,
    "wait": _COUNT,
    "kind": {"type": "string"},
}
_LONGEST_WAIT = 30.0
_MOST_ENTRIES = 10_000


@dataclass(frozen=True, slots=True)
class _Route:
    method: str
    path: str
    order: type[orders.Order] | None
    carry_out: Callable[..., object]
    status: int = 200


class _Orders:
    """Carries orders out on a fleet, and gives what is to be answered."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet

    def status(self) -> object:
        """Tell how every instance is, which faults are in force, and what is not finished."""
        fleet = self.fleet
        return {
            "instances": [fleet.report(number) for number in fleet.numbers],
            "control_plane": fleet.control_plane,
            "unfinished_moves": fleet.unfinished(),
            "kept_webhooks": [one.number for one in fleet.announcer.kept()],
            "last": fleet.journal.last,
        }

    def sessions(self, number: int) -> object:
        """List the copies that an instance holds."""
        return {"sessions": [one.detail() for one in self.fleet.sessions(number)]}

    def hold(self, order: orders.HoldOrder) -> object:
        """Put a copy of a session on an instance, silently."""
        session = Session(order.session_id, order.workspace_id, order.phone_number, order.status)
        self.fleet.hold(session, order.instance)
        return {"holders": self.fleet.holders(order.session_id)}

    def release(self, order: orders.ReleaseOrder) -> object:
        """Take a copy of a session from an instance, silently."""
        self.fleet.release(order.session_id, order.instance)
        return {"holders": self.fleet.holders(order.session_id)}

    def migrate(self, order: orders.MigrationOrder) -> object:
        """Move a session, now or behind an answer."""
        move = self.fleet.migrate if order.announce else self.fleet.move
        self.fleet.url(order.to)
        if order.after_answer_of is not None:
            words = f"moves session {order.session_id} to {order.to} behind its answer"
            number = self.fleet.after_answer(
                lambda: move(order.session_id, order.to, order.handover),
                on=order.after_answer_of,
                words=words,
            )
            return {"trigger": number}
        if order.announce:
            self._known_control_plane()
        move(order.session_id, order.to, order.handover)
        return {"holders": self.fleet.holders(order.session_id)}

    def finish(self, order: orders.FinishOrder) -> object:
        """End the split brain or the gap of a session."""
        self.fleet.finish_migration(order.session_id)
        return {"holders": self.fleet.holders(order.session_id)}

    def arm(self, order: orders.FaultOrder) -> object:
        """Arm a fault and give its number."""
        number = self.fleet.arm(
            order.fault,
            order.instance,
            order.endpoints,
            times=order.times,
            session_id=order.session_id,
            chance=order.chance,
            seed=order.seed,
        )
        return {"number": number, "words": f"instance {order.instance} {order.fault}"}

    def clear(self, order: orders.ClearOrder) -> object:
        """Clear faults."""
        self.fleet.clear(order.instance, order.number)
        return {"cleared": True}

    def act(self, number: int, action: str, order: orders.StartOrder) -> object:
        """Do something to an instance as a whole.

        Raises:
            FleetError: it cannot be done to an instance in this state, or nothing is called so.
        """
        fleet = self.fleet
        fleet.url(number)
        match action:
            case "stop" | "kill":
                fleet.stop_instance(number, abruptly=action == "kill")
            case "start":
                fleet.start_instance(number, keep_sessions=order.keep_sessions)
            case "restart":
                fleet.restart(number, keep_sessions=order.keep_sessions)
            case "pause":
                fleet.pause(number)
            case "resume":
                fleet.resume(number)
            case _:
                raise FleetError(f"an instance cannot {action}; allowed: {', '.join(ACTIONS)}")
        return fleet.report(number)

    def webhook(self, order: orders.WebhookOrder) -> object:
        """Send a webhook and give what the control plane answered."""
        self._known_control_plane()
        fleet = self.fleet
        session = fleet.session(order.session_id, order.instance) or next(
            (found for one in fleet.numbers if (found := fleet.session(order.session_id, one))), None
        )
        if session is None:
            raise UnknownSessionError(f"no instance has a copy of session {order.session_id}; hold one first")
        webhook = fleet.webhook(session, order.instance, order.event, fields=order.fields)
        if order.alteration is not None:
            webhook = altered(webhook, order.alteration, fleet.secret)
        return _answered(fleet.send(webhook))

    def replay(self, order: orders.ReplayOrder) -> object:
        """Send a webhook that went out before once more."""
        self._known_control_plane()
        return _answered(self.fleet.announcer.replay(order.webhook, order.alteration))

    def release_webhooks(self, order: orders.WebhookReleaseOrder) -> object:
        """Send what was kept back."""
        self._known_control_plane()
        released = self.fleet.announcer.release(order.webhook, newest_first=order.newest_first)
        return {"released": [_answered(one) for one in released]}

    def point(self, order: orders.ControlPlaneOrder) -> object:
        """Say where the control plane is."""
        self.fleet.control_plane = order.url
        return {"control_plane": order.url}

    def reset(self, _: orders.EmptyOrder) -> object:
        """Clear every fault, let every session go and have every instance run."""
        self.fleet.reset()
        return {"reset": True}

    def journal(self) -> object:
        """Give entries behind `after`, of one `kind` if one is named; wait up to `wait` seconds for the first."""
        after, limit = _number("after", 0), _number("limit", 1000)
        wait, kind = _number("wait", 0), request.args.get("kind")
        journal = self.fleet.journal

        def wanted() -> list[Any]:
            return [one for one in journal.entries(after=after) if kind in {None, type(one).__name__}]

        if wait:
            journal.wait_until(lambda: bool(wanted()), timeout=min(wait, _LONGEST_WAIT))
        found = wanted()[: min(limit, _MOST_ENTRIES)]
        last = found[-1].sequence if found else max(after, 0)
        return {"entries": [one.to_json() for one in found], "last": last}

    def _known_control_plane(self) -> None:
        if self.fleet.control_plane is None:
            raise FleetError("no control plane is known: PUT /control-plane says where it is")


def create_control(fleet: Fleet) -> Flask:
    """Make the application that manages a fleet."""
    app = Flask("control", static_folder=None)
    carry = _Orders(fleet)
    for route in _routes(carry):
        app.add_url_rule(
            route.path,
            endpoint=f"{route.method} {route.path}",
            methods=[route.method],
            view_func=_view(route, (fleet.api_key, fleet.secret)),
        )
    document = _document(_routes(carry))
    app.add_url_rule("/openapi.json", view_func=lambda: _json(document, 200, ()))

    @app.before_request
    def refuse_web_pages() -> Response | None:
        if "Origin" in request.headers:
            return _json({"error": "a web page may not drive the fleet: send no Origin"}, 403, ())
        return None

    @app.errorhandler(HTTPException)
    def explain(problem: HTTPException) -> Response:
        known = ", ".join(f"{route.method} {route.path}" for route in _routes(carry))
        words = f"{request.method} {request.path}: {problem.name.lower()}; known: {known}, GET /openapi.json"
        return _json({"error": words}, problem.code or 500, ())

    return app


class ControlServer:
    """Serves the control API of a fleet. A context manager.

    Args:
        fleet: what it manages.
        host: where it listens; loopback unless there is a reason.
        port: 0 lets the system choose.

    Raises:
        OSError: the port is taken, or the address is not this machine's.

    """

    def __init__(self, fleet: Fleet, host: str = "127.0.0.1", port: int = 0) -> None:
        logging.getLogger("waitress").setLevel(logging.ERROR)
        self._server = create_server(create_control(fleet), host=host, port=port, threads=8)
        self._thread = threading.Thread(target=self._run, name="control", daemon=True)
        self.host = host
        self.port = int(self._server.effective_port)

    @property
    def url(self) -> str:
        """The base URL of the control API."""
        return f"http://{self.host}:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        self._server.task_dispatcher.shutdown()
        self._thread.join(5.0)

    def _run(self) -> None:
        with contextlib.suppress(OSError):  # its socket was closed: the way in which it is told to end
            self._server.run()


def _routes(carry: _Orders) -> tuple[_Route, ...]:
    return (
        _Route("GET", "/status", None, carry.status),
        _Route("GET", "/instances/<int:number>/sessions", None, carry.sessions),
        _Route("POST", "/instances/<int:number>/<action>", orders.StartOrder, carry.act),
        _Route("PUT", "/sessions", orders.HoldOrder, carry.hold),
        _Route("DELETE", "/sessions", orders.ReleaseOrder, carry.release),
        _Route("POST", "/migrations", orders.MigrationOrder, carry.migrate, 202),
        _Route("POST", "/migrations/finish", orders.FinishOrder, carry.finish),
        _Route("POST", "/faults", orders.FaultOrder, carry.arm, 201),
        _Route("DELETE", "/faults", orders.ClearOrder, carry.clear),
        _Route("POST", "/webhooks", orders.WebhookOrder, carry.webhook),
        _Route("POST", "/webhooks/replay", orders.ReplayOrder, carry.replay),
        _Route("POST", "/webhooks/release", orders.WebhookReleaseOrder, carry.release_webhooks),
        _Route("PUT", "/control-plane", orders.ControlPlaneOrder, carry.point),
        _Route("GET", "/journal", None, carry.journal),
        _Route("POST", "/reset", orders.EmptyOrder, carry.reset),
    )


def _view(route: _Route, secrets: tuple[str, ...]) -> Callable[..., Response]:
    def view(**parts: object) -> Response:
        try:
            if route.order is not None:
                parts["order"] = _read(route.order)
            given = route.carry_out(*parts.values())
        except ValidationError as problem:
            return _json({"error": orders.sentence(problem)}, 422, ())
        except (UnknownInstanceError, UnknownSessionError) as problem:
            return _json({"error": str(problem)}, 404, secrets)
        except TimeoutError as problem:
            return _json({"error": str(problem)}, 408, secrets)
        except FleetError as problem:
            return _json({"error": str(problem)}, 409, secrets)
        except ValueError as problem:
            return _json({"error": str(problem)}, 400, ())
        return _json(given, route.status, secrets)

    return view


def _read(order: type[orders.Order]) -> orders.Order:
    raw = request.get_data()
    if not raw:
        return order.model_validate({})
    if request.mimetype != "application/json":
        raise ValueError(f"send the order as application/json, not as {request.mimetype or 'nothing'}")
    try:
        value = json.loads(raw)
    except ValueError as problem:
        raise ValueError(f"the order is not JSON: {problem}") from None
    return order.model_validate(value)


def _number(name: str, default: int) -> int:
    text = request.args.get(name, str(default))
    if not text.isascii() or not text.isdecimal() or len(text) > 12:
        raise ValueError(f"{name} is {text!r}; write a whole number that is not negative")
    return int(text)


def _answered(delivery: Delivery) -> dict[str, object]:
    answer = delivery.wait()
    return {"webhook": delivery.number, "status": answer.status, "reason": answer.reason}


def _json(value: object, status: int, secrets: tuple[str, ...]) -> Response:
    text = json.dumps(value, ensure_ascii=False, default=str)
    for secret in filter(None, secrets):
        text = text.replace(secret, "***")
    return Response(text.encode(errors="replace"), status, content_type="application/json; charset=utf-8")


def _document(routes: tuple[_Route, ...]) -> dict[str, Any]:
    """Give the OpenAPI document, from the very values that orders are checked by."""
    schemas: dict[str, Any] = {
        "Fault": orders.fault_schema(),
        "Error": {"type": "object", "required": ["error"], "properties": {"error": {"type": "string"}}},
    }
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        path = re.sub(r"<(?:int:)?(\w+)>", r"{\1}", route.path)
        operation: dict[str, Any] = {
            "summary": (route.carry_out.__doc__ or "").splitlines()[0],
            "parameters": [
                {"name": name, "in": "path", "required": True, "schema": _PARTS[name]}
                for name in re.findall(r"{(\w+)}", path)
            ],
            "responses": {
                str(route.status): {"description": "Done.", "content": _content({"type": "object"})},
                "4XX": {"description": "Why not.", "content": _content(_reference("Error"))},
            },
        }
        if route.order is not None:
            schema = route.order.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas |= schema.pop("$defs", {})
            if "fault" in schema.get("properties", {}):
                schema["properties"]["fault"] = _reference("Fault")
            schemas[route.order.__name__] = schema
            operation["requestBody"] = {"content": _content(_reference(route.order.__name__))}
        if path == "/journal":
            operation["parameters"] += [
                {"name": name, "in": "query", "schema": schema} for name, schema in _JOURNAL_QUERY.items()
            ]
        paths.setdefault(path, {})[route.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {"title": "Control of a fleet of fake gateway instances", "version": "1"},
        "paths": paths,
        "components": {"schemas": schemas},
    }


def _content(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _reference(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}

"""Manages a running fleet over HTTP, on its own port that no gateway route shares.

Everyone who reaches the port controls the fleet, so it listens on loopback, and a web page cannot drive it: requests
that carry an Origin are refused, and orders must be JSON. Secrets are masked in every answer.
"""

from __future__ import annotations

import contextlib
import json
import logging
import socket
import threading
from typing import TYPE_CHECKING, Any, Never, Self

from flask import Flask, Response, request
from pydantic import ValidationError
from waitress.server import create_server  # type: ignore[import-untyped]
from werkzeug.exceptions import HTTPException

from fake_instances.control.actions import Actions
from fake_instances.control.fault_values import sentence
from fake_instances.control.openapi import control_document, gateway_document
from fake_instances.control.orders import ORDERS
from fake_instances.errors import FleetError, UnknownInstanceError, UnknownSessionError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from fake_instances.control.orders import Declared, Order
    from fake_instances.fleet import Fleet

_THREADS = 8
_PATIENCE = 1.0
"""Seconds that answers under way have when the control API ends."""


def create_control(actions: Actions) -> Flask:
    """Return the application that manages a fleet."""
    app = Flask("control", static_folder=None)
    secrets = (actions.fleet.api_key, actions.fleet.secret)
    for one in ORDERS.values():
        app.add_url_rule(
            one.path.replace("{", "<").replace("}", ">"),
            endpoint=one.name,
            methods=[one.method],
            view_func=_view(one, actions, secrets),
        )
    documents = {
        "/openapi.json": control_document(ORDERS.values()),
        "/openapi/gateway.json": gateway_document(),
    }

    def describe() -> Response:
        return _json(documents[request.path], 200, ())

    for path in documents:
        app.add_url_rule(path, endpoint=path, view_func=describe)
    routes = [(one.method, one.path) for one in ORDERS.values()] + [("GET", path) for path in documents]
    known = ", ".join(f"{method} {path}" for method, path in routes)

    @app.before_request
    def refuse_web_pages() -> Response | None:
        if "Origin" in request.headers:
            return _json({"error": "a web page may not drive the fleet: send no Origin"}, 403, ())
        return None

    @app.errorhandler(HTTPException)
    def explain(problem: HTTPException) -> Response:
        words = f"{request.method} {request.path}: {problem.name.lower()}; known: {known}"
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
        self._actions = Actions(fleet)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.create_server((host, port), family=family)
        self.host = host
        self.port = int(listener.getsockname()[1])
        # A socket of ours: for a name with several addresses waitress would make several servers.
        self._server = create_server(create_control(self._actions), sockets=[listener], threads=_THREADS)
        self._thread = threading.Thread(target=self._server.run, name="control", daemon=True)

    @property
    def url(self) -> str:
        """The base URL of the control API."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._actions.end()
        self._server.task_dispatcher.shutdown()
        self._server.trigger.pull_trigger(self._close)
        self._thread.join(_PATIENCE)
        for channel in tuple(self._server.active_channels.values()):  # those that do not take their answer
            with contextlib.suppress(OSError):
                channel.socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(_PATIENCE)

    def _close(self) -> None:
        """Close everything, answers under way last. Only its own thread may, since it waits on the descriptors."""
        for channel in tuple(self._server.active_channels.values()):
            channel.close_when_flushed = True
        self._server.close()


_STATUSES: tuple[tuple[type[Exception], int], ...] = (
    (ValidationError, 422),
    (UnknownInstanceError, 404),
    (UnknownSessionError, 404),
    (TimeoutError, 408),
    (FleetError, 409),
    (ValueError, 400),
)
"""What each mistake in an order is answered with: the first that fits."""


def _view(declared: Declared, actions: Actions, secrets: tuple[str, ...]) -> Callable[..., Response]:
    def view(**parts: str) -> Response:
        try:
            answer, status = actions.carry_out(declared.name, _read(declared, parts)), declared.status
        except tuple(kind for kind, _ in _STATUSES) as problem:
            answer = {"error": sentence(problem) if isinstance(problem, ValidationError) else str(problem)}
            status = next(status for kind, status in _STATUSES if isinstance(problem, kind))
        return _json(answer, status, secrets)

    return view


def _read(declared: Declared, parts: dict[str, str]) -> Order:
    """Read an order from its path, and from its query or its body."""
    try:
        value = request.args.to_dict() if declared.method == "GET" else _body()
        return declared.model.model_validate({**value, **parts} if isinstance(value, dict) else value)
    except RecursionError:
        raise ValueError("the order is nested too deeply to be read") from None


def _body() -> Any:
    raw = request.get_data()
    if not raw:
        return {}
    if request.mimetype != "application/json":
        raise ValueError(f"send the order as application/json, not as {request.mimetype or 'nothing'}")
    try:
        return json.loads(raw, parse_constant=_no_constant)
    except ValueError as problem:
        raise ValueError(f"the order is not JSON: {problem}") from None


def _no_constant(name: str) -> Never:
    raise ValueError(f"{name} is no number of JSON")


def _json(value: object, status: int, secrets: tuple[str, ...]) -> Response:
    text = json.dumps(value, ensure_ascii=False, default=str)
    for secret in filter(None, secrets):
        text = text.replace(secret, "***")
    return Response(text.encode(errors="replace"), status, content_type="application/json; charset=utf-8")

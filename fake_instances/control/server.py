"""Manages a running fleet over HTTP, on its own port that no gateway route shares.

Everyone who reaches the port controls the fleet, so it listens on loopback, and a web page cannot drive it: requests
that carry an Origin or a public name as their Host are refused, and orders must be JSON. Secrets are masked in every
answer.
"""

from __future__ import annotations

import contextlib
import ipaddress
import json
import logging
import socket
import threading
from functools import partial
from typing import TYPE_CHECKING, Any, Never, Self
from urllib.parse import urlsplit

from flask import Flask, Response, request
from pydantic import ValidationError
from waitress.server import create_server  # type: ignore[import-untyped]
from werkzeug.exceptions import HTTPException

from fake_instances.addresses import url_of
from fake_instances.control.actions import Actions
from fake_instances.control.fault_values import sentence
from fake_instances.control.openapi import control_document, gateway_document
from fake_instances.control.orders import ORDERS
from fake_instances.errors import FleetError, UnknownInstanceError, UnknownSessionError

if TYPE_CHECKING:
    from fake_instances.control.orders import Declared, Order
    from fake_instances.fleet import Fleet

_THREADS = 8
_PATIENCE = 1.0
"""Seconds that answers under way have when the control API ends."""


_STATUSES: dict[type[Exception], int] = {
    ValidationError: 422,
    UnknownInstanceError: 404,
    UnknownSessionError: 404,
    TimeoutError: 408,
    FleetError: 409,
    ValueError: 400,
}
"""What each mistake in an order is answered with: by the closest class."""


def create_control(actions: Actions) -> Flask:
    """Return the application that manages a fleet."""
    app = Flask("control", static_folder=None)
    secrets = (actions.fleet.api_key, actions.fleet.secret)
    documents = {
        "/openapi.json": control_document(ORDERS.values()),
        "/openapi/gateway.json": gateway_document(),
    }
    routes = [f"{one.method} {one.path}" for one in ORDERS.values()] + [f"GET {path}" for path in documents]

    def carry_out(order: Declared, **parts: str) -> Response:
        return _json(actions.carry_out(order.name, _read(order, parts)), order.status, *secrets)

    for one in ORDERS.values():
        path = one.path.replace("{", "<").replace("}", ">")
        app.add_url_rule(path, one.name, partial(carry_out, one), methods=[one.method])
    for path, document in documents.items():
        app.add_url_rule(path, path, partial(_json, document))

    @app.before_request
    def refuse_web_pages() -> Response | None:
        if "Origin" in request.headers:
            return _json({"error": "a web page may not drive the fleet: send no Origin"}, 403)
        if not _is_local(request.host):
            words = f"the fleet is not called {request.host}: use its IP address, localhost or a name without dots"
            return _json({"error": words}, 403)
        return None

    def refuse(status: int, problem: Exception) -> Response:
        words = sentence(problem) if isinstance(problem, ValidationError) else str(problem)
        return _json({"error": words}, status, *secrets)

    for kind, status in _STATUSES.items():
        app.register_error_handler(kind, partial(refuse, status))

    @app.errorhandler(HTTPException)
    def explain(problem: HTTPException) -> Response:
        words = f"{request.method} {request.path}: {problem.name.lower()}; known: {', '.join(routes)}"
        return _json({"error": words}, problem.code or 500)

    return app


class ControlServer:
    """Serves the control API of a fleet, as a context manager. With port 0 the system chooses one.

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
        return url_of(self.host, self.port)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._actions.end()
        self._server.task_dispatcher.shutdown()
        trigger = self._server.trigger
        # In one: else a pull of somebody else, between the two, would close the pipe that ours writes to.
        with trigger.lock:
            trigger.thunks.append(self._close)
            trigger.pull_trigger()
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


def _is_local(host: str) -> bool:
    """Return whether nobody outside can own this name: a page could make its own lead here (DNS rebinding)."""
    try:
        name = (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return False
    with contextlib.suppress(ValueError):
        ipaddress.ip_address(name)
        return True
    return bool(name) and ("." not in name or name.endswith(".localhost"))


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


def _json(value: object, status: int = 200, *secrets: str) -> Response:
    text = json.dumps(value, ensure_ascii=False, default=str)
    for secret in filter(None, secrets):
        text = text.replace(secret, "***")
    return Response(text.encode(errors="replace"), status, content_type="application/json; charset=utf-8")

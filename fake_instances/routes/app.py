"""The gateway's own routes, as the deployed service answers them (contract, section 6), and nothing else.

A view never touches a socket: it leaves a wire fault that a request meets to the server, in the Exchange.
"""

from __future__ import annotations

import hmac
import json
import os
import platform
import re
import time
from dataclasses import dataclass
from functools import cache, cached_property, partial
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from flask import Flask, Request, Response, request
from flask.sessions import NullSession, SessionInterface
from werkzeug.exceptions import BadRequest, HTTPException, MethodNotAllowed, NotFound

from fake_instances.faults import Endpoint, Lie
from fake_instances.http.protocol import BODY, EXCHANGE, HEADERS, Exchange
from fake_instances.journal import RequestArrived
from fake_instances.routes.dialect import is_unknown, translate_answer, translate_request
from fake_instances.routes.faulty import alter, meet, send
from fake_instances.routes.replies import answer, answer_json, dump, error_page, iso, iso_now
from fake_instances.sessions import SessionStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from _typeshed.wsgi import StartResponse, WSGIEnvironment
    from werkzeug.routing import MapAdapter

    from fake_instances.faults.book import Met
    from fake_instances.instance import Instance
    from fake_instances.routes.dialect import Dialect

_PHONE_NUMBER = re.compile(r"\+?[0-9]{8,15}(@(c\.us|lid))?")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_REQUIRED_TO_SEND = ("session_id", "recipient_phone", "message")


class Asked(Request):
    """One request to the gateway."""

    @property
    def exchange(self) -> Exchange:
        """What becomes of it."""
        exchange: Exchange = self.environ[EXCHANGE]
        return exchange

    @property
    def lies(self) -> tuple[Met, ...]:
        """The lies that its answer is told under."""
        return tuple(one for one in self.exchange.met if isinstance(one.fault, Lie))

    @property
    def session_id(self) -> str:
        """The session id that its path names, decoded after routing, as Express does; empty where it names none.

        Raises:
            BadRequest: what stands there cannot be decoded.
        """
        named = str((self.view_args or {}).get("session_id", ""))
        try:
            decoded = unquote(named, errors="strict")
        except UnicodeDecodeError:
            decoded = None
        if decoded is None or _BAD_ESCAPE.search(named):
            raise BadRequest(f"URIError: Failed to decode param '{named}'")
        return decoded

    @cached_property
    def body(self) -> dict[str, Any]:
        """Its JSON object; any other JSON counts as an empty one.

        Raises:
            BadRequest: the body is not JSON.
        """
        if not self.environ[BODY]:
            return {}
        try:
            decoded = json.loads(self.environ[BODY])
        except ValueError as problem:
            raise BadRequest(f"SyntaxError: {problem}") from None
        except RecursionError:
            raise BadRequest("SyntaxError: nested too deeply") from None
        return decoded if isinstance(decoded, dict) else {}

    def named_session(self) -> str | None:
        """Return the session id that its path or its body names, if any."""
        try:
            named = self.session_id or self.body.get("session_id")
        except BadRequest:
            return None
        return named if isinstance(named, str) else None

    def has_key(self, api_key: str) -> bool:
        """Say whether it brings the API key, where the gateway looks for it."""
        given = (self.args if self.method in {"GET", "HEAD"} else self.body).get("api_key")
        return isinstance(given, str) and hmac.compare_digest(
            given.encode(errors="replace"), api_key.encode()
        )


class _NoSession(SessionInterface):
    """The gateway has no cookies: what is opened holds nothing, and Flask does not save it."""

    def open_session(self, *_: object) -> NullSession:
        return _NOTHING


_NOTHING = NullSession()


class _Application(Flask):
    """Flask by the methods that it documents as replaceable, without what no gateway uses.

    There are no cookies, signals or async views, and one function stands before and one after every route. It matches
    by path and method alone: the gateway answers under any host name.
    """

    request_class = Asked
    session_interface = _NoSession()

    def __init__(self, instance: Instance, dialect: Dialect | None) -> None:
        super().__init__("gateway", static_folder=None)
        self._instance = instance
        self._dialect = dialect

    def wsgi_app(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if self._dialect is not None:
            translate_request(self._dialect, environ)
        return super().wsgi_app(environ, start_response)

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        if request is None:
            return None
        return self.url_map.bind(
            "gateway", path_info=request.environ["PATH_INFO"], default_method=request.method
        )

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        return func

    def preprocess_request(self) -> Response | None:
        return _before(self._instance, _asked())

    def process_response(self, response: Response) -> Response:
        if self._dialect is not None:
            response = translate_answer(self._dialect, _asked().environ, response)
        return _after(self._instance, _asked(), response)

    def do_teardown_request(self, *_: object) -> None:
        """Tear nothing down: nothing was set up."""

    def do_teardown_appcontext(self, *_: object) -> None:
        """Tear nothing down: nothing was set up."""


def create_app(instance: Instance, dialect: Dialect | None = None) -> Flask:
    """Make the application of one instance, which may speak the dialect of another gateway."""
    app = _Application(instance, dialect)
    app.url_map.strict_slashes = app.url_map.merge_slashes = False
    for name, route in _BY_NAME.items():
        app.add_url_rule(route.path, name, partial(view, instance, route), methods=[route.method])
    app.register_error_handler(HTTPException, _refuse)
    return app


def _before(instance: Instance, asked: Asked) -> Response | None:
    """Let the request meet its faults, and authenticate it."""
    exchange, environ = asked.exchange, asked.environ
    # The deployed gateway does not know //health; Werkzeug ignores leading slashes.
    known = not environ["PATH_INFO"].startswith("//") and not is_unknown(environ)
    route = _BY_NAME.get(asked.endpoint or "") if known else None
    exchange.met = instance.arrived(
        RequestArrived(
            instance=instance.number,
            request=exchange.number,
            endpoint=Endpoint.OTHER if route is None else route.endpoint,
            method=asked.method,
            target=environ["REQUEST_URI"],
            session_id=asked.named_session(),
            headers=environ[HEADERS],
            body=environ[BODY],
        )
    )
    if exchange.met and (replaced := meet(instance, exchange)) is not None:
        return replaced
    if route is None:
        raise NotFound
    if not route.is_open and not asked.has_key(instance.api_key):
        return answer({"error": "Invalid API key"}, 401)
    return None


def view(instance: Instance, route: Route, **_: str) -> Response:
    """Answer a request by its route."""
    return route.view(instance, _asked())


def _after(instance: Instance, asked: Asked, response: Response) -> Response:
    response.headers.add("X-Powered-By", "Express")
    altered = asked.exchange.met and alter(instance, asked.exchange, response)
    if not altered and response.status_code == 200 and "HTTP_IF_NONE_MATCH" in asked.environ:
        response.make_conditional(asked.environ)
    return response


def _refuse(problem: HTTPException) -> Response:
    if isinstance(problem, NotFound | MethodNotAllowed):
        shown = {"error": "Endpoint not found", "path": request.path, "method": request.method}
        return answer({**shown, "available_endpoints": _SHOWN, "timestamp": iso_now()}, 404)
    return error_page(problem)


def _asked() -> Asked:
    asked: Asked = request._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001 - Werkzeug's own way
    return asked


# The views


def _index(_: Instance, __: Asked) -> Response:
    return answer({"service": "WhatsApp Web.js Service", "status": "running", "timestamp": iso_now()})


def _health(instance: Instance, asked: Asked) -> Response:
    return answer(
        {
            "status": "healthy",
            "uptime": time.monotonic() - instance.started_at,
            "sessions": instance.counts(asked.exchange.number, asked.lies),
            "memory": {"used": 64, "total": 128, "unit": "MB"},
            "timestamp": iso_now(),
        }
    )


def _health_detailed(instance: Instance, asked: Asked) -> Response:
    counts, details = instance.details(asked.exchange.number, asked.lies)
    uptime = time.monotonic() - instance.started_at
    rate = min(100, round(100 * counts["connected"] / counts["total"])) if counts["total"] else 0
    changing = dump(
        {
            "status": "healthy",
            "uptime": uptime,
            "start_time": iso(time.time() - uptime),
            "timestamp": iso_now(),
            "sessions": {**counts, "connection_rate": rate},
        }
    )
    return answer_json(b'%b,"details":%b},%b' % (changing[:-2], details, _machine(instance.number)))


@cache
def _machine(number: int) -> bytes:
    """Return what an instance says of its machine, which never changes: the rest of the JSON object."""
    node = {"version": "v20.0.0", "platform": "linux", "arch": platform.machine(), "pid": os.getpid()}
    return dump(
        {
            "memory": {"heap_used": 64, "heap_total": 128, "external": 4, "rss": 160, "unit": "MB"},
            "cpu": {"user": 0, "system": 0},
            "node": node,
            "environment": {"node_env": "production", "port": number, "laravel_url": ""},
        }
    )[1:]


def _health_ready(instance: Instance, asked: Asked) -> Response:
    counts = instance.counts(asked.exchange.number, ())
    checks = {
        "laravel_configured": True,
        "api_key_configured": bool(instance.api_key),
        "active_sessions": counts["connected"],
        "session_count": counts["total"],
    }
    return answer({"ready": True, "timestamp": iso_now(), "checks": checks})


def _list_sessions(instance: Instance, asked: Asked) -> Response:
    total, listed = instance.listing(asked.exchange.number, asked.lies)
    return answer_json(b'{"success":true,"sessions":%b,"total":%d}' % (listed, total))


def _session_status(instance: Instance, asked: Asked) -> Response:
    session = instance.shown(asked.exchange.number, asked.lies, asked.session_id)
    return answer({"error": "Session not found"}, 404) if session is None else answer(session.detail())


def _create_session(instance: Instance, asked: Asked) -> Response:
    session_id, workspace_id = asked.body.get("session_id"), asked.body.get("workspace_id")
    if not isinstance(session_id, str) or not session_id or type(workspace_id) is not int:
        return answer({"error": "Missing required fields", "required": ["session_id", "workspace_id"]}, 400)
    instance.create(session_id, workspace_id)
    return answer({"success": True, "session_id": session_id, "status": SessionStatus.QR_SCANNING.value})


def _reconnect_session(instance: Instance, asked: Asked) -> Response:
    if instance.session(asked.session_id) is None:
        return answer({"error": "Session not found"}, 404)
    instance.reconnect(asked.session_id)
    status = SessionStatus.QR_SCANNING.value
    return answer({"success": True, "session_id": asked.session_id, "status": status})


def _delete_session(instance: Instance, asked: Asked) -> Response:
    known = instance.disconnect(asked.session_id)
    shown = {"success": True, "message": "Session disconnected successfully"}
    return answer(shown if known else {**shown, "alreadyDisconnected": True})


def _send_message(instance: Instance, asked: Asked) -> Response:
    body = asked.body
    if not all(isinstance(body.get(name), str) and body[name] for name in _REQUIRED_TO_SEND):
        return answer({"error": "Missing required fields", "required": _REQUIRED_TO_SEND}, 400)
    if not _PHONE_NUMBER.fullmatch(body["recipient_phone"]):
        return answer({"error": "Invalid phone number format"}, 400)
    return send(instance, asked.exchange, body)


@dataclass(frozen=True, slots=True)
class Route:
    """One route. One that `is_open` needs no API key."""

    method: str
    path: str
    view: Callable[[Instance, Asked], Response]
    endpoint: Endpoint = Endpoint.OTHER
    is_open: bool = False


ROUTES = (
    Route("GET", "/", _index, is_open=True),
    Route("GET", "/info", _index, is_open=True),
    Route("GET", "/health", _health, Endpoint.HEALTH, is_open=True),
    Route("GET", "/health/detailed", _health_detailed, Endpoint.HEALTH_DETAILED, is_open=True),
    Route("GET", "/health/ready", _health_ready, Endpoint.HEALTH_READY, is_open=True),
    Route("GET", "/api/sessions", _list_sessions, Endpoint.SESSION_LIST),
    Route("GET", "/api/sessions/<session_id>/status", _session_status, Endpoint.SESSION_STATUS),
    Route("POST", "/api/sessions", _create_session),
    Route("POST", "/api/sessions/<session_id>/reconnect", _reconnect_session),
    Route("DELETE", "/api/sessions/<session_id>", _delete_session),
    Route("POST", "/api/messages/send", _send_message, Endpoint.SEND),
)
_SHOWN = [f"{one.method} {one.path.replace('<session_id>', ':sessionId')}" for one in ROUTES[2:]]
_BY_NAME = {f"{one.method} {one.path}": one for one in ROUTES}

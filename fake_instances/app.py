"""The gateway's own routes, as the deployed service answers them (contract, section 6), and nothing else.

A view never touches a socket: a wire fault that a request meets is handed to the server in the Exchange.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import platform
import re
import time
from typing import TYPE_CHECKING, Any, Protocol

from flask import Flask, Response, g, request
from markupsafe import escape
from werkzeug.exceptions import BadRequest, HTTPException, MethodNotAllowed, NotFound

from fake_instances.faults import Answer, ArmedFault, Delay, Endpoint, Hang
from fake_instances.server import EXCHANGE, Exchange
from fake_instances.sessions import Session, SessionStatus

if TYPE_CHECKING:
    from collections.abc import Iterator

_ENDPOINTS = {
    "health": Endpoint.HEALTH,
    "health_detailed": Endpoint.HEALTH_DETAILED,
    "health_ready": Endpoint.HEALTH_READY,
    "list_sessions": Endpoint.SESSION_LIST,
    "session_status": Endpoint.SESSION_STATUS,
    "send_message": Endpoint.SEND,
}
_OPEN_ROUTES = {"index", "health", "health_detailed", "health_ready", "info"}
_PHONE_NUMBER = re.compile(r"\+?[0-9]{8,15}(@c\.us)?")
_REQUIRED_TO_SEND = ("session_id", "recipient_phone", "message")
_ROUTES_SHOWN = (
    "GET /health",
    "GET /health/detailed",
    "GET /health/ready",
    "GET /api/sessions",
    "GET /api/sessions/:sessionId/status",
    "POST /api/sessions",
    "POST /api/sessions/:sessionId/reconnect",
    "DELETE /api/sessions/:sessionId",
    "POST /api/messages/send",
)


class Gateway(Protocol):
    """What the routes need of the instance they speak for."""

    number: int
    api_key: str
    started_at: float

    def arrived(
        self, exchange: Exchange, endpoint: Endpoint, session_id: str | None
    ) -> tuple[ArmedFault, ...]:
        """Record that the current request arrived, and give the faults it meets."""

    def executed(self, exchange: Exchange, armed: ArmedFault) -> None:
        """Record that the fault was carried out."""

    def sessions(self) -> Iterator[Session]:
        """Give every copy held."""

    def counts(self) -> dict[str, int]:
        """Count the copies held, by the health routes' terms."""

    def session(self, session_id: str) -> Session | None:
        """Give the copy held under exactly this id."""

    def deliver(self, exchange: Exchange, session: Session, recipient: str, text: str) -> str:
        """Send a message over a connected session and give its message id."""

    def create(self, session_id: str, workspace_id: int) -> None:
        """Start a login that waits for its QR code to be scanned."""

    def reconnect(self, session_id: str) -> None:
        """Start connecting a known session again."""

    def disconnect(self, session_id: str) -> bool:
        """End a session for good; False when it was not held."""


def create_app(gateway: Gateway) -> Flask:
    """Make the application of one instance."""
    app = Flask("gateway", static_folder=None)
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    _wrap_every_request(app, gateway)
    _add_health_routes(app, gateway)
    _add_session_routes(app, gateway)
    _add_message_route(app, gateway)
    return app


def _wrap_every_request(app: Flask, gateway: Gateway) -> None:
    @app.before_request
    def meet_faults_and_authenticate() -> Response | None:
        exchange: Exchange = request.environ[EXCHANGE]
        # The deployed gateway does not know //health; Werkzeug lets slashes in front go.
        route = None if request.environ["PATH_INFO"].startswith("//") else request.endpoint
        endpoint = _ENDPOINTS.get(route or "", Endpoint.OTHER)
        for armed in gateway.arrived(exchange, endpoint, _named_session()):
            replaced = _meet(gateway, exchange, armed)
            if replaced is not None:
                return replaced
        if route is None:
            raise NotFound
        if route not in _OPEN_ROUTES and not _key_matches(gateway.api_key):
            return _answer({"error": "Invalid API key"}, 401)
        return None

    @app.after_request
    def dress(response: Response) -> Response:
        response.headers["X-Powered-By"] = "Express"
        if request.method == "GET" and response.status_code == 200:
            response.make_conditional(request)
        return response

    @app.errorhandler(HTTPException)
    def refuse(problem: HTTPException) -> Response:
        if isinstance(problem, NotFound | MethodNotAllowed):
            shown = {"error": "Endpoint not found", "path": request.path, "method": request.method}
            return _answer({**shown, "available_endpoints": _ROUTES_SHOWN, "timestamp": _iso_now()}, 404)
        return _html_error(problem)


def _meet(gateway: Gateway, exchange: Exchange, armed: ArmedFault) -> Response | None:
    """Give the answer that a fault puts in place of the true one; leave what the server must do to the server."""
    match armed:
        case ArmedFault(fault=Answer() as fault):
            gateway.executed(exchange, armed)
            return Response(fault.body, fault.status, content_type=fault.content_type)
        case ArmedFault(fault=Hang()):
            exchange.armed = armed
            return Response()
        case ArmedFault(fault=Delay()):
            exchange.armed = armed
    return None


def _add_health_routes(app: Flask, gateway: Gateway) -> None:
    @app.get("/")
    @app.get("/info", endpoint="info")
    def index() -> Response:
        return _answer({"service": "WhatsApp Web.js Service", "status": "running", "timestamp": _iso_now()})

    @app.get("/health")
    def health() -> Response:
        return _answer(
            {
                "status": "healthy",
                "uptime": time.monotonic() - gateway.started_at,
                "sessions": gateway.counts(),
                "memory": {"used": 64, "total": 128, "unit": "MB"},
                "timestamp": _iso_now(),
            }
        )

    @app.get("/health/detailed")
    def health_detailed() -> Response:
        return _answer(_detailed(gateway))

    @app.get("/health/ready")
    def health_ready() -> Response:
        counts = gateway.counts()
        checks = {
            "laravel_configured": True,
            "api_key_configured": bool(gateway.api_key),
            "active_sessions": counts["connected"],
            "session_count": counts["total"],
        }
        return _answer({"ready": True, "timestamp": _iso_now(), "checks": checks})


def _add_session_routes(app: Flask, gateway: Gateway) -> None:
    @app.get("/api/sessions")
    def list_sessions() -> Response:
        listed = [session.listing() for session in gateway.sessions()]
        return _answer({"success": True, "sessions": listed, "total": len(listed)})

    @app.get("/api/sessions/<session_id>/status")
    def session_status(session_id: str) -> Response:
        session = gateway.session(session_id)
        if session is None:
            return _answer({"error": "Session not found"}, 404)
        return _answer(session.detail())

    @app.post("/api/sessions")
    def create_session() -> Response:
        session_id, workspace_id = _body().get("session_id"), _body().get("workspace_id")
        if not isinstance(session_id, str) or not session_id or not isinstance(workspace_id, int):
            return _answer(
                {"error": "Missing required fields", "required": ["session_id", "workspace_id"]}, 400
            )
        gateway.create(session_id, workspace_id)
        return _answer({"success": True, "session_id": session_id, "status": SessionStatus.QR_SCANNING.value})

    @app.post("/api/sessions/<session_id>/reconnect")
    def reconnect_session(session_id: str) -> Response:
        if gateway.session(session_id) is None:
            return _answer({"error": "Session not found"}, 404)
        gateway.reconnect(session_id)
        return _answer({"success": True, "session_id": session_id, "status": SessionStatus.QR_SCANNING.value})

    @app.delete("/api/sessions/<session_id>")
    def delete_session(session_id: str) -> Response:
        known = gateway.disconnect(session_id)
        told: dict[str, object] = {"success": True, "message": "Session disconnected successfully"}
        return _answer(told if known else {**told, "alreadyDisconnected": True})


def _add_message_route(app: Flask, gateway: Gateway) -> None:
    @app.post("/api/messages/send")
    def send_message() -> Response:
        body = _body()
        if not all(isinstance(body.get(name), str) and body[name] for name in _REQUIRED_TO_SEND):
            return _answer({"error": "Missing required fields", "required": _REQUIRED_TO_SEND}, 400)
        if not _PHONE_NUMBER.fullmatch(body["recipient_phone"]):
            return _answer({"error": "Invalid phone number format"}, 400)
        session = gateway.session(body["session_id"])
        if session is None:
            return _answer({"error": "Session not found"}, 404)
        if not session.connected:
            return _answer({"error": "Session not connected. Please check session status."}, 400)
        exchange: Exchange = request.environ[EXCHANGE]
        message_id = gateway.deliver(exchange, session, body["recipient_phone"], body["message"])
        return _answer({"success": True, "message_id": message_id, "timestamp": int(time.time())})


def _body() -> dict[str, Any]:
    """Give the request's JSON object; anything else that is JSON counts as an empty one.

    Raises:
        BadRequest: the body is not JSON.
    """
    if "body" not in g:
        raw = request.get_data()
        if not raw:
            g.body = {}
            return {}
        try:
            decoded = json.loads(raw)
        except ValueError as problem:
            raise BadRequest(f"SyntaxError: {problem}") from None
        g.body = decoded if isinstance(decoded, dict) else {}
    body: dict[str, Any] = g.body
    return body


def _named_session() -> str | None:
    if request.view_args and "session_id" in request.view_args:
        return str(request.view_args["session_id"])
    try:
        named = _body().get("session_id")
    except BadRequest:
        return None
    return named if isinstance(named, str) else None


def _key_matches(api_key: str) -> bool:
    given = request.args.get("api_key") if request.method in {"GET", "HEAD"} else _body().get("api_key")
    return isinstance(given, str) and hmac.compare_digest(given.encode(errors="replace"), api_key.encode())


def _detailed(gateway: Gateway) -> dict[str, object]:
    counts: dict[str, Any] = gateway.counts()
    rate = round(100 * counts["connected"] / counts["total"]) if counts["total"] else 0
    details = [session.listing() for session in gateway.sessions()]
    return {
        "status": "healthy",
        "uptime": time.monotonic() - gateway.started_at,
        "start_time": _iso(time.time() - (time.monotonic() - gateway.started_at)),
        "timestamp": _iso_now(),
        "sessions": {**counts, "connection_rate": rate, "details": details},
        "memory": {"heap_used": 64, "heap_total": 128, "external": 4, "rss": 160, "unit": "MB"},
        "cpu": {"user": 0, "system": 0},
        "node": {"version": "v20.0.0", "platform": "linux", "arch": platform.machine(), "pid": os.getpid()},
        "environment": {"node_env": "production", "port": gateway.number, "laravel_url": ""},
    }


def _answer(value: object, status: int = 200) -> Response:
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")
    response = Response(body, status, content_type="application/json; charset=utf-8")
    digest = base64.b64encode(hashlib.sha1(body, usedforsecurity=False).digest()).decode()
    response.set_etag(f"{len(body):x}-{digest[:27]}", weak=True)
    return response


def _html_error(problem: HTTPException) -> Response:
    error = escape(problem.description or problem.name)
    page = f'<!DOCTYPE html>\n<html lang="en">\n<body>\n<pre>{error}</pre>\n</body>\n</html>\n'
    return Response(page, problem.code or 500, content_type="text/html; charset=utf-8")


def _iso(seconds: float) -> str:
    moment = time.gmtime(seconds)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', moment)}.{int(seconds * 1000) % 1000:03d}Z"


def _iso_now() -> str:
    return _iso(time.time())

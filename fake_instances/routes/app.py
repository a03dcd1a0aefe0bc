"""The gateway's own routes, as the deployed service answers them (contract, section 6), and nothing else.

A view never touches a socket: a wire fault that a request meets is handed to the server in the Exchange.
"""

from __future__ import annotations

import hmac
import json
import os
import platform
import re
import time
from typing import TYPE_CHECKING, Any

from flask import Flask, Request, Response, g, request
from werkzeug.exceptions import BadRequest, HTTPException, MethodNotAllowed, NotFound

from fake_instances.faults import Endpoint, Lie
from fake_instances.http.protocol import BODY, HEADERS
from fake_instances.interface import EXCHANGE, Arrival, Exchange
from fake_instances.routes.faulty import alter, meet, send
from fake_instances.routes.framework import Application, is_conditional
from fake_instances.routes.replies import answer, answer_json, dump, html_error, iso, iso_now
from fake_instances.sessions import SessionStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    from _typeshed.wsgi import WSGIEnvironment

    from fake_instances.faults.book import Met
    from fake_instances.interface import Gateway

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


def create_app(gateway: Gateway) -> Flask:
    """Make the application of one instance."""
    app = Application(_before(gateway), _after(gateway))
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    _add_errors(app)
    _add_health_routes(app, gateway)
    _add_session_routes(app, gateway)
    _add_message_route(app, gateway)
    return app


def _before(gateway: Gateway) -> Callable[[Request], Response | None]:
    def meet_faults_and_authenticate(asked: Request) -> Response | None:
        environ = asked.environ
        exchange: Exchange = environ[EXCHANGE]
        # The deployed gateway does not know //health; Werkzeug lets slashes in front go.
        route = None if environ["PATH_INFO"].startswith("//") else asked.endpoint
        arrival = Arrival(
            exchange.number,
            _ENDPOINTS.get(route or "", Endpoint.OTHER),
            environ["REQUEST_METHOD"],
            environ["REQUEST_URI"],
            _named_session(asked),
            environ[HEADERS],
            environ[BODY],
        )
        g.met = gateway.arrived(arrival)
        replaced = meet(gateway, exchange, g.met) if g.met else None
        if replaced is not None:
            return replaced
        if route is None:
            raise NotFound
        if route not in _OPEN_ROUTES and not _key_matches(gateway.api_key):
            return answer({"error": "Invalid API key"}, 401)
        return None

    return meet_faults_and_authenticate


def _after(gateway: Gateway) -> Callable[[Response, WSGIEnvironment], Response]:
    def dress(response: Response, environ: WSGIEnvironment) -> Response:
        response.headers["X-Powered-By"] = "Express"
        if g.get("met") and alter(gateway, environ[EXCHANGE], g.met, response):
            return response
        if response.status_code == 200 and is_conditional(environ):
            response.make_conditional(environ)
        return response

    return dress


def _add_errors(app: Flask) -> None:
    @app.errorhandler(HTTPException)
    def refuse(problem: HTTPException) -> Response:
        if isinstance(problem, NotFound | MethodNotAllowed):
            shown = {"error": "Endpoint not found", "path": request.path, "method": request.method}
            return answer({**shown, "available_endpoints": _ROUTES_SHOWN, "timestamp": iso_now()}, 404)
        return html_error(problem)


def _lies() -> tuple[Met, ...]:
    return tuple(one for one in g.met if isinstance(one.fault, Lie)) if g.met else ()


def _number() -> int:
    exchange: Exchange = request.environ[EXCHANGE]
    return exchange.number


def _add_health_routes(app: Flask, gateway: Gateway) -> None:
    @app.get("/")
    @app.get("/info", endpoint="info")
    def index() -> Response:
        return answer({"service": "WhatsApp Web.js Service", "status": "running", "timestamp": iso_now()})

    detailed = _detailed(gateway)

    @app.get("/health")
    def health() -> Response:
        return answer(
            {
                "status": "healthy",
                "uptime": time.monotonic() - gateway.started_at,
                "sessions": gateway.counts(_number(), _lies()),
                "memory": {"used": 64, "total": 128, "unit": "MB"},
                "timestamp": iso_now(),
            }
        )

    @app.get("/health/detailed")
    def health_detailed() -> Response:
        return answer_json(*detailed(*gateway.details(_number(), _lies())))

    @app.get("/health/ready")
    def health_ready() -> Response:
        counts = gateway.counts(_number(), ())
        checks = {
            "laravel_configured": True,
            "api_key_configured": bool(gateway.api_key),
            "active_sessions": counts["connected"],
            "session_count": counts["total"],
        }
        return answer({"ready": True, "timestamp": iso_now(), "checks": checks})


def _add_session_routes(app: Flask, gateway: Gateway) -> None:
    @app.get("/api/sessions")
    def list_sessions() -> Response:
        total, listed = gateway.listing(_number(), _lies())
        return answer_json(b'{"success":true,"sessions":%b,"total":%d}' % (listed, total))

    @app.get("/api/sessions/<session_id>/status")
    def session_status(session_id: str) -> Response:
        session = gateway.shown(_number(), session_id, _lies())
        if session is None:
            return answer({"error": "Session not found"}, 404)
        return answer(session.detail())

    @app.post("/api/sessions")
    def create_session() -> Response:
        session_id, workspace_id = _body().get("session_id"), _body().get("workspace_id")
        if not isinstance(session_id, str) or not session_id or type(workspace_id) is not int:
            return answer(
                {"error": "Missing required fields", "required": ["session_id", "workspace_id"]}, 400
            )
        gateway.create(session_id, workspace_id)
        return answer({"success": True, "session_id": session_id, "status": SessionStatus.QR_SCANNING.value})

    @app.post("/api/sessions/<session_id>/reconnect")
    def reconnect_session(session_id: str) -> Response:
        if gateway.session(session_id) is None:
            return answer({"error": "Session not found"}, 404)
        gateway.reconnect(session_id)
        return answer({"success": True, "session_id": session_id, "status": SessionStatus.QR_SCANNING.value})

    @app.delete("/api/sessions/<session_id>")
    def delete_session(session_id: str) -> Response:
        known = gateway.disconnect(session_id)
        told: dict[str, object] = {"success": True, "message": "Session disconnected successfully"}
        return answer(told if known else {**told, "alreadyDisconnected": True})


def _add_message_route(app: Flask, gateway: Gateway) -> None:
    @app.post("/api/messages/send")
    def send_message() -> Response:
        body = _body()
        if not all(isinstance(body.get(name), str) and body[name] for name in _REQUIRED_TO_SEND):
            return answer({"error": "Missing required fields", "required": _REQUIRED_TO_SEND}, 400)
        if not _PHONE_NUMBER.fullmatch(body["recipient_phone"]):
            return answer({"error": "Invalid phone number format"}, 400)
        return send(gateway, request.environ[EXCHANGE], body, g.met)


def _body() -> dict[str, Any]:
    """Give the request's JSON object; anything else that is JSON counts as an empty one.

    Raises:
        BadRequest: the body is not JSON.
    """
    if "body" not in g:
        raw = request.environ[BODY]
        if not raw:
            g.body = {}
            return {}
        try:
            decoded = json.loads(raw)
        except ValueError as problem:
            raise BadRequest(f"SyntaxError: {problem}") from None
        except RecursionError:
            raise BadRequest("SyntaxError: nested too deeply") from None
        g.body = decoded if isinstance(decoded, dict) else {}
    body: dict[str, Any] = g.body
    return body


def _named_session(asked: Request) -> str | None:
    if asked.view_args and "session_id" in asked.view_args:
        return str(asked.view_args["session_id"])
    if not asked.environ[BODY]:
        return None
    try:
        named = _body().get("session_id")
    except BadRequest:
        return None
    return named if isinstance(named, str) else None


def _key_matches(api_key: str) -> bool:
    given = request.args.get("api_key") if request.method in {"GET", "HEAD"} else _body().get("api_key")
    return isinstance(given, str) and hmac.compare_digest(given.encode(errors="replace"), api_key.encode())


def _detailed(gateway: Gateway) -> Callable[[dict[str, int], bytes], tuple[bytes, ...]]:
    """Give what makes the body of the detailed health route, in parts, out of counts and details."""
    rest = dump(
        {
            "memory": {"heap_used": 64, "heap_total": 128, "external": 4, "rss": 160, "unit": "MB"},
            "cpu": {"user": 0, "system": 0},
            "node": {
                "version": "v20.0.0",
                "platform": "linux",
                "arch": platform.machine(),
                "pid": os.getpid(),
            },
            "environment": {"node_env": "production", "port": gateway.number, "laravel_url": ""},
        }
    )

    def make(counts: dict[str, int], details: bytes) -> tuple[bytes, ...]:
        uptime = time.monotonic() - gateway.started_at
        rate = min(100, round(100 * counts["connected"] / counts["total"])) if counts["total"] else 0
        head = dump(
            {
                "status": "healthy",
                "uptime": uptime,
                "start_time": iso(time.time() - uptime),
                "timestamp": iso_now(),
                "sessions": {**counts, "connection_rate": rate},
            }
        )
        return head[:-2], b',"details":', details, b"},", rest[1:]

    return make

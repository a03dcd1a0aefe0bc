"""What a request that meets faults is answered instead of the truth. Wire faults are left to the server."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING, Any

from flask import Response
from werkzeug.http import HTTP_STATUS_CODES

from fake_instances.faults import (
    Answer,
    AnswersHollow,
    BrokenJson,
    ClaimsSent,
    Delay,
    DeniesSession,
    Padding,
    Redirect,
    Relabel,
    SendLie,
    SendsThenFails,
    WireFault,
)
from fake_instances.routes.replies import answer

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment
    from werkzeug.datastructures import Headers

    from fake_instances.faults import Met
    from fake_instances.http.protocol import Exchange
    from fake_instances.instance import Instance
    from fake_instances.sessions import Session


def meet(instance: Instance, exchange: Exchange) -> Response | None:
    """Leave to the server what it must do, and return the answer that replaces the true one, if any."""
    replaced = None
    for one in exchange.met:
        match one.fault:
            case WireFault() as fault:
                exchange.wire = (one, fault)
                if fault.swallows:
                    return Response()
            case Delay():
                exchange.delay = one
            case Answer() as fault:
                instance.executed(exchange.number, one)
                replaced = _ordered(fault)
            case Redirect(location=location, status=status):
                instance.executed(exchange.number, one)
                text = f"{HTTP_STATUS_CODES.get(status, 'Redirect')}. Redirecting to {location}"
                replaced = _Verbatim(text, status, content_type="text/plain; charset=utf-8")
                replaced.headers["Location"] = location.encode(errors="replace").decode("latin-1")
    return replaced


class _Verbatim(Response):
    """A redirect to exactly the ordered location; Werkzeug would rewrite it."""

    def get_wsgi_headers(self, environ: WSGIEnvironment) -> Headers:
        headers = super().get_wsgi_headers(environ)
        headers["Location"] = self.headers["Location"]
        return headers


def _ordered(fault: Answer) -> Response:
    return Response(fault.body, fault.status, content_type=fault.content_type)


def alter(instance: Instance, exchange: Exchange, response: Response) -> bool:
    """Alter a true answer as ordered, and say whether that happened."""
    for one in exchange.met:
        body = response.get_data()
        match one.fault:
            case BrokenJson() if body:
                response.set_data(body[: len(body) // 2])
            case Relabel(content_type=content_type):
                response.headers["Content-Type"] = content_type
            case Padding(megabytes=megabytes):
                response.set_data(body.ljust(megabytes * 1_000_000))
            case _:
                continue
        instance.executed(exchange.number, one)
        return True
    return False


def send(instance: Instance, exchange: Exchange, body: dict[str, Any]) -> Response:
    """Send a message and say so, unless a lie about it prevents that."""
    session = instance.session(body["session_id"])
    lie = next((one for one in exchange.met if isinstance(one.fault, SendLie)), None)
    lied = None if lie is None else _lied(instance, exchange, body, session, lie)
    if lied is not None:
        return lied
    if session is None:
        return answer({"error": "Session not found"}, 404)
    if not session.connected:
        return answer({"error": "Session not connected. Please check session status."}, 400)
    return _sent(_deliver(instance, exchange, body))


def _lied(
    instance: Instance, exchange: Exchange, body: dict[str, Any], session: Session | None, lie: Met
) -> Response | None:
    sendable = session is not None and session.connected
    match lie.fault:
        case DeniesSession() if session is not None:
            instance.executed(exchange.number, lie)
            return answer({"error": "Session not found"}, 404)
        case ClaimsSent() if not sendable:
            instance.executed(exchange.number, lie)
            return _sent(f"true_{secrets.token_hex(8).upper()}")
        case AnswersHollow(body=hollow, delivered=delivered) if sendable:
            if delivered:
                _deliver(instance, exchange, body)
            instance.executed(exchange.number, lie)
            return Response(hollow, 200, content_type="application/json; charset=utf-8")
        case SendsThenFails(by=Answer() as by) if sendable:
            _deliver(instance, exchange, body)
            instance.executed(exchange.number, lie)
            return _ordered(by)
        case SendsThenFails(by=WireFault() as by) if sendable:
            exchange.wire = (lie, by)
            return _sent(_deliver(instance, exchange, body))
    return None


def _deliver(instance: Instance, exchange: Exchange, body: dict[str, Any]) -> str:
    return instance.deliver(exchange.number, body["session_id"], body["recipient_phone"], body["message"])


def _sent(message_id: str) -> Response:
    return answer({"success": True, "message_id": message_id, "timestamp": int(time.time())})

"""WAHA, the WhatsApp HTTP API: its routes, its session states and its webhooks, as its public documentation has them.

docs/adapters.md says what is translated, and what is not applicable.
"""

from __future__ import annotations

import hmac
import json
from typing import Any, ClassVar
from urllib.parse import quote, urlsplit

from harness.adapters.base import ControlPlaneAdapter, GatewayAdapter
from harness.adapters.signatures import LOCATION, SIGNATURE, TIMESTAMP, hmac_of, signed_as
from harness.adapters.values import Call, Message, Reply, Session, Webhook

_STATES = {
    "WORKING": "connected",
    "SCAN_QR_CODE": "qr_scanning",
    "STARTING": "authenticated",
    "STOPPED": "disconnected",
    "FAILED": "failed",
}
_STATE_OF_EVENT = {
    "session_ready": "WORKING",
    "session_reconnected": "WORKING",
    "qr_code_generated": "SCAN_QR_CODE",
    "session_authenticated": "STARTING",
    "session_disconnected": "STOPPED",
    "session_error": "FAILED",
}
_EVENT_OF_STATE = {
    "WORKING": "session_ready",
    "SCAN_QR_CODE": "qr_code_generated",
    "STARTING": "session_authenticated",
    "STOPPED": "session_disconnected",
    "FAILED": "session_error",
}
_EVENTS = {"message_received": "message", "message_sent": "message.any", "message_delivered": "message.ack"}
_HMAC, _ALGORITHM, _WHEN = "X-Webhook-Hmac", "X-Webhook-Hmac-Algorithm", "X-Webhook-Timestamp"
_CHAT = "@c.us"


class Waha(ControlPlaneAdapter):
    """A control plane that is made for WAHA: the four instances answer as WAHA does, and send its webhooks."""

    not_applicable: ClassVar = {"types": "/api/sendText sends texts alone"}

    def webhook(self, webhook: Webhook) -> Webhook:
        """Make WAHA's webhook, signed over its body by SHA-512; the location stays in its header, a custom one."""
        event, data = webhook.at("event"), webhook.at("data")
        body = webhook.body
        stamp = webhook.header(TIMESTAMP)
        if isinstance(event, str) and isinstance(data, dict):
            body = json.dumps(self._content(event, data, stamp), ensure_ascii=False).encode(errors="replace")
        gone = {SIGNATURE.lower(), TIMESTAMP.lower(), "user-agent"}
        headers = [pair for pair in webhook.headers if pair[0].lower() not in gone]
        if stamp is not None:
            headers.append((_WHEN, f"{stamp}000" if stamp.isdecimal() else stamp))
        if (signature := signed_as(webhook, self.given.secret, body, "sha512")) is not None:
            headers += [(_HMAC, signature), (_ALGORITHM, "sha512")]
        return Webhook(webhook.path, tuple(headers), body)

    @staticmethod
    def _content(event: str, data: dict[str, Any], stamp: str | None) -> dict[str, Any]:
        # WAHA signs its body alone: what must not be altered stands in there.
        when: object = int(stamp) * 1000 if stamp is not None and stamp.isdecimal() else stamp
        phone = data.get("phone_number")
        content: dict[str, Any] = {"timestamp": when, "session": data.get("session_id")}
        if "workspace_id" in data:
            content["metadata"] = {"workspace_id": data["workspace_id"]}
        if phone is not None:
            content["me"] = {"id": f"{phone}{_CHAT}"}
        if (state := _STATE_OF_EVENT.get(event)) is not None:
            return {"event": "session.status", **content, "payload": {"status": state}}
        return {"event": _EVENTS.get(event, event), **content, "payload": data}

    def asked(self, call: Call) -> Call | None:
        """Return the contract's call for a route of WAHA."""
        path, key = urlsplit(call.url).path, call.header("X-Api-Key")
        match call.method, path.strip("/").split("/"):
            case "GET", ["ping" | "health"]:
                return Call("GET", "/health")
            case "GET", ["api", "sessions"]:
                return Call("GET", f"/api/sessions?api_key={quote(key)}")
            case "GET", ["api", "sessions", name]:
                return Call("GET", f"/api/sessions/{name}/status?api_key={quote(key)}")
            case "POST", ["api", "sendText"]:
                asked = call.body if isinstance(call.body, dict) else {}
                chat = asked.get("chatId")
                body = {
                    "session_id": asked.get("session"),
                    "recipient_phone": chat.removesuffix(_CHAT) if isinstance(chat, str) else chat,
                    "message": asked.get("text"),
                    "type": "text",
                    "api_key": key,
                }
                return Call("POST", "/api/messages/send", body)
        return None

    def answered(self, call: Call, reply: Reply) -> Reply:
        """Return WAHA's answer for the contract's."""
        path = urlsplit(call.url).path.strip("/")
        if not reply.good:
            missing = reply.status == 404 and path == "api/sendText"
            status = 422 if missing else reply.status
            return Reply.of(status, {"statusCode": status, "message": reply.at("error")})
        if path == "ping":
            return Reply.of(200, {"message": "pong"})
        if path == "api/sessions":
            return Reply.of(200, [_shown(one) for one in reply.at("sessions") or ()])
        if path == "api/sendText":
            return Reply.of(
                201, {"id": reply.at("message_id"), "timestamp": reply.at("timestamp"), "fromMe": True}
            )
        if path.startswith("api/sessions/"):
            return Reply.of(200, _shown(reply.json))
        return reply


def _shown(session: dict[str, Any]) -> dict[str, Any]:
    states = {contract: state for state, contract in _STATES.items()}
    phone = session.get("phone_number")
    return {
        "name": session.get("session_id"),
        "status": states.get(str(session.get("status")), "STOPPED"),
        "me": None if phone is None else {"id": f"{phone}{_CHAT}"},
        "config": {"metadata": {"workspace_id": str(session.get("workspace_id"))}},
    }


class WahaGateway(GatewayAdapter):
    """WAHA itself. `[instance.connect]` names what stands for a phone that scans the QR code."""

    not_applicable: ClassVar = {"locations": "its webhooks name no URL of their sender"}
    webhook_path = "/webhooks/waha"

    def connect(self, session: Session, call: Call | None) -> Reply:
        """Start the session, and have its code scanned."""
        started = self._start(session)
        return self._made("connect", call) if started.good else started

    def create(self, session: Session, call: Call) -> Reply:
        """Start the session, which then waits for its code to be scanned."""
        return self._start(session)

    def reconnect(self, session: Session, call: Call) -> Reply:
        """Restart the session."""
        return self._asked("POST", f"{_path(session.session_id)}/restart", headers=call.headers)

    def end(self, session: Session, call: Call) -> Reply:
        """Delete the session."""
        return self._asked("DELETE", _path(session.session_id))

    def health(self, call: Call) -> Reply:
        """Tell the list of sessions, stopped ones too, as health."""
        reply = self._asked("GET", "/api/sessions?all=true")
        if not reply.good or not isinstance(reply.json, list):
            return reply
        return self.health_of({str(one["name"]): _STATES[one["status"]] for one in reply.json})

    def status(self, session_id: str, call: Call) -> Reply:
        """Tell one session's state."""
        reply = self._asked("GET", _path(session_id))
        return self.status_of(session_id, _STATES[reply.at("status")] if reply.good else None)

    def send(self, message: Message, call: Call) -> Reply:
        """Send a text."""
        body = {"session": message.session_id, "chatId": f"{message.recipient}{_CHAT}", "text": message.text}
        reply = self._asked("POST", "/api/sendText", body)
        if reply.good:
            return self.sent(str(reply.at("id") or reply.at("key", "id")))
        if reply.status in {404, 422}:  # a session that it does not have, or that does not work
            known = self._asked("GET", _path(message.session_id)).good
            return Reply.of(400, {"error": "Session not connected"}) if known else self.not_found()
        return reply

    def received(self, webhook: Webhook) -> Webhook | None:
        """Tell a change of a session's state. Its signature is over its body, by the digest that it names."""
        event = _EVENT_OF_STATE.get(str(webhook.at("payload", "status")))
        name = webhook.at("session")
        if webhook.at("event") != "session.status" or event is None or not isinstance(name, str):
            return None
        given, digest = webhook.header(_HMAC), webhook.header(_ALGORITHM) or "sha512"
        holds = None
        if given is not None:
            right = hmac_of(self.given.secret, webhook.body, digest) if digest in {"sha256", "sha512"} else ""
            holds = hmac.compare_digest(right.encode(), given.encode(errors="replace"))
        me = str(webhook.at("me", "id") or "")
        data: dict[str, object] = {"phone_number": me.partition("@")[0]} if me else {}
        if (workspace := webhook.at("metadata", "workspace_id")) is not None:
            data["workspace_id"] = int(workspace)
        stamp = webhook.header(_WHEN) or ""
        return self.event(
            webhook,
            event,
            name,
            data=data,
            url=webhook.header(LOCATION),
            signature_holds=holds,
            timestamp=stamp[:-3] if stamp.isdecimal() else stamp,
        )

    def _start(self, session: Session) -> Reply:
        hook = {
            "url": f"{self.given.control_plane}{self.webhook_path}",
            "events": ["session.status"],
            "hmac": {"key": self.given.secret},
            "retries": {"policy": "exponential", "delaySeconds": 1, "attempts": 4},
        }
        config = {"metadata": {"workspace_id": str(session.workspace_id)}, "webhooks": [hook]}
        made = self._asked(
            "POST", "/api/sessions", {"name": session.session_id, "start": True, "config": config}
        )
        # One that it kept over a restart is there already.
        return self._asked("POST", f"{_path(session.session_id)}/start") if made.status == 422 else made

    def _asked(self, method: str, path: str, body: object = None, headers: Any = None) -> Reply:
        return self.ask(Call(method, path, body, {**(headers or {}), "X-Api-Key": self.given.api_key}))


def _path(session_id: str) -> str:
    return f"/api/sessions/{quote(session_id, safe='')}"

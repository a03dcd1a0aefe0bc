"""Evolution API, version 2: its routes, its connection states and its webhooks, as its public documentation has them.

What Evolution API calls an instance is a session here. docs/adapters.md says what is translated, and what is not
applicable.
"""

from __future__ import annotations

import json
import time
from typing import Any, ClassVar
from urllib.parse import parse_qs, quote, unquote, urlsplit

from harness.adapters.base import ControlPlaneAdapter, GatewayAdapter
from harness.adapters.signatures import LOCATION, SIGNATURE, TIMESTAMP
from harness.adapters.values import Call, Message, Reply, Session, Webhook

_STATES = {"open": "connected", "connecting": "qr_scanning", "close": "disconnected"}
_STATE_OF_EVENT = {
    "session_ready": "open",
    "session_reconnected": "open",
    "session_authenticated": "connecting",
    "session_disconnected": "close",
    "session_error": "close",
}
_EVENT_OF_STATE = {
    "open": "session_ready",
    "connecting": "session_authenticated",
    "close": "session_disconnected",
}
_EVENTS = {
    "qr_code_generated": "qrcode.updated",
    "message_received": "messages.upsert",
    "message_sent": "send.message",
    "message_delivered": "messages.update",
    "message_read": "messages.update",
}
_USER = "@s.whatsapp.net"
_UNSIGNED = "does not sign its webhooks"


class EvolutionApi(ControlPlaneAdapter):
    """A control plane that is made for Evolution API: the instances answer as it does, and send its webhooks."""

    not_applicable: ClassVar = {
        "signatures": _UNSIGNED,
        "workspaces": "its webhooks name no workspace",
        "types": "/message/sendText sends texts alone",
    }

    def webhook(self, webhook: Webhook) -> Webhook:
        """Make Evolution API's webhook: the location is its `server_url`."""
        event, data = webhook.at("event"), webhook.at("data")
        gone = {SIGNATURE.lower(), TIMESTAMP.lower(), LOCATION.lower(), "user-agent"}
        headers = tuple(pair for pair in webhook.headers if pair[0].lower() not in gone)
        if not isinstance(event, str) or not isinstance(data, dict):
            return Webhook(webhook.path, headers, webhook.body)
        name, phone, stamp = data.get("session_id"), data.get("phone_number"), webhook.header(TIMESTAMP) or ""
        content: dict[str, Any] = {"event": _EVENTS.get(event, event), "instance": name, "data": data}
        if (state := _STATE_OF_EVENT.get(event)) is not None:
            details = {"instance": name, "state": state, "statusReason": 200}
            if phone is not None:
                details["wuid"] = f"{phone}{_USER}"
            content |= {"event": "connection.update", "data": details}
        if stamp.isdecimal() and len(stamp) < 12:
            content["date_time"] = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(int(stamp)))
        if (url := webhook.header(LOCATION)) is not None:
            content["server_url"] = url
        content["apikey"] = self.given.api_key
        return Webhook(
            webhook.path, headers, json.dumps(content, ensure_ascii=False).encode(errors="replace")
        )

    def asked(self, call: Call) -> Call | None:
        """Return the contract's call for a route of Evolution API."""
        parts, key = urlsplit(call.url), call.header("apikey")
        match call.method, parts.path.strip("/").split("/"):
            case "GET", [""]:
                return Call("GET", "/")
            case "GET", ["instance", "fetchInstances"]:
                return Call("GET", f"/api/sessions?api_key={quote(key)}")
            case "GET", ["instance", "connectionState", name]:
                return Call("GET", f"/api/sessions/{name}/status?api_key={quote(key)}")
            case "POST", ["message", "sendText", name]:
                asked = call.body if isinstance(call.body, dict) else {}
                number = asked.get("number")
                body = {
                    "session_id": unquote(name),
                    "recipient_phone": number.removesuffix(_USER) if isinstance(number, str) else number,
                    "message": asked.get("text"),
                    "type": "text",
                    "api_key": key,
                }
                return Call("POST", "/api/messages/send", body)
        return None

    def answered(self, call: Call, reply: Reply) -> Reply:
        """Return Evolution API's answer for the contract's."""
        parts = urlsplit(call.url)
        match parts.path.strip("/").split("/"):
            case ["instance", "fetchInstances"] if reply.good:
                wanted = parse_qs(parts.query).get("instanceName")
                listed = [_shown(one) for one in reply.at("sessions") or ()]
                return Reply.of(200, [one for one in listed if not wanted or one["name"] in wanted])
            case ["instance", "connectionState", name] if reply.good:
                state = _shown(reply.json)["connectionStatus"]
                return Reply.of(200, {"instance": {"instanceName": unquote(name), "state": state}})
            case ["message", "sendText", _] if reply.good:
                key = {"fromMe": True, "id": reply.at("message_id")}
                return Reply.of(
                    201, {"key": key, "status": "PENDING", "messageTimestamp": reply.at("timestamp")}
                )
            case [_, "connectionState" | "sendText", name] if reply.status == 404:
                return _error(404, f'The "{unquote(name)}" instance does not exist')
        return reply if reply.good else _error(reply.status, str(reply.at("error")))


def _shown(session: dict[str, Any]) -> dict[str, Any]:
    state = {"connected": "open", "qr_scanning": "connecting", "authenticated": "connecting"}
    phone = session.get("phone_number")
    return {
        "name": session.get("session_id"),
        "connectionStatus": state.get(str(session.get("status")), "close"),
        "ownerJid": None if phone is None else f"{phone}{_USER}",
    }


def _error(status: int, words: str) -> Reply:
    names = {400: "Bad Request", 401: "Unauthorized", 404: "Not Found"}
    return Reply.of(
        status, {"status": status, "error": names.get(status, words), "response": {"message": [words]}}
    )


class EvolutionApiGateway(GatewayAdapter):
    """Evolution API itself. `[instance.connect]` names what stands for a phone that scans the QR code."""

    not_applicable: ClassVar = {"signatures": _UNSIGNED}
    webhook_path = "/webhooks/evolution"

    def connect(self, session: Session, call: Call | None) -> Reply:
        """Make the instance, and have its code scanned."""
        made = self._make(session)
        return self._made("connect", call) if made.good else made

    def create(self, session: Session, call: Call) -> Reply:
        """Make the instance, which then waits for its code to be scanned."""
        return self._make(session)

    def reconnect(self, session: Session, call: Call) -> Reply:
        """Restart the instance."""
        return self._asked("POST", f"/instance/restart/{_name(session.session_id)}", headers=call.headers)

    def end(self, session: Session, call: Call) -> Reply:
        """Delete the instance."""
        return self._asked("DELETE", f"/instance/delete/{_name(session.session_id)}")

    def health(self, call: Call) -> Reply:
        """Tell the list of instances as health."""
        reply = self._asked("GET", "/instance/fetchInstances")
        if not reply.good or not isinstance(reply.json, list):
            return reply
        return self.health_of({str(one["name"]): _STATES[one["connectionStatus"]] for one in reply.json})

    def status(self, session_id: str, call: Call) -> Reply:
        """Tell one instance's state."""
        reply = self._asked("GET", f"/instance/connectionState/{_name(session_id)}")
        return self.status_of(session_id, _STATES[reply.at("instance", "state")] if reply.good else None)

    def send(self, message: Message, call: Call) -> Reply:
        """Send a text."""
        path = f"/message/sendText/{_name(message.session_id)}"
        reply = self._asked("POST", path, {"number": message.recipient, "text": message.text})
        if reply.good:
            return self.sent(str(reply.at("key", "id")))
        return self.not_found() if reply.status == 404 else reply

    def received(self, webhook: Webhook) -> Webhook | None:
        """Tell a change of an instance's connection; its `server_url` is where it lives."""
        name, data = webhook.at("instance"), webhook.at("data")
        if not isinstance(name, str) or not isinstance(data, dict):
            return None
        event = {"qrcode.updated": "qr_code_generated"}.get(str(webhook.at("event")))
        if webhook.at("event") == "connection.update":
            event = _EVENT_OF_STATE.get(str(data.get("state")))
        if event is None:
            return None
        owner = str(data.get("wuid") or webhook.at("sender") or "")
        phone = {"phone_number": owner.partition("@")[0]} if owner else {}
        return self.event(webhook, event, name, data=phone, url=webhook.at("server_url"))

    def _make(self, session: Session) -> Reply:
        hook = {
            "enabled": True,
            "url": f"{self.given.control_plane}{self.webhook_path}",
            "byEvents": False,
            "events": ["CONNECTION_UPDATE", "QRCODE_UPDATED"],
        }
        body = {
            "instanceName": session.session_id,
            "qrcode": True,
            "integration": "WHATSAPP-BAILEYS",
            "webhook": hook,
        }
        made = self._asked("POST", "/instance/create", body)
        # One that it kept over a restart is there already.
        return (
            self._asked("GET", f"/instance/connect/{_name(session.session_id)}")
            if made.status == 403
            else made
        )

    def _asked(self, method: str, path: str, body: object = None, headers: Any = None) -> Reply:
        return self.ask(Call(method, path, body, {**(headers or {}), "apikey": self.given.api_key}))


def _name(session_id: str) -> str:
    return quote(session_id, safe="")

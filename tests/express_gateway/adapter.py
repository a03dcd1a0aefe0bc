"""Translates between the contract and the gateway beside this file."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from harness.adapters import Call, Delivered, GatewayAdapter, Message, Reply, Session, Webhook

if TYPE_CHECKING:
    from collections.abc import Iterable

_STATES = {"online": "connected", "pairing": "qr_scanning"}
_EVENTS = {"paired": "session_ready", "restarted": "session_reconnected"}


class ExpressGateway(GatewayAdapter):
    """Routes by session name, a bearer token, and webhooks that are not signed."""

    not_applicable = {"signatures": "does not sign its webhooks"}
    webhook_path = "/hooks/gateway"

    def connect(self, session: Session, call: Call | None) -> Reply:
        """Make the session, and pair it."""
        self.create(session, call or Call("POST", ""))
        return self._asked("POST", f"{self._path(session.session_id)}/pair", {"phone": session.phone_number})

    def create(self, session: Session, call: Call) -> Reply:
        """Make the session, which then waits to be paired."""
        return self._asked(
            "POST", "/v1/sessions", {"name": session.session_id, "tenant": session.workspace_id}
        )

    def reconnect(self, session: Session, call: Call) -> Reply:
        """Restart it."""
        return self._asked("POST", f"{self._path(session.session_id)}/restart", {}, call)

    def end(self, session: Session, call: Call) -> Reply:
        """Delete it."""
        return self._asked("DELETE", self._path(session.session_id))

    def health(self, call: Call) -> Reply:
        """Tell its list of sessions as health."""
        reply = self._asked("GET", "/v1/sessions")
        if not reply.good:
            return reply
        return self.health_of({one["name"]: _STATES[one["state"]] for one in reply.json["data"]})

    def status(self, session_id: str, call: Call) -> Reply:
        """Tell one session's state."""
        reply = self._asked("GET", self._path(session_id))
        return self.status_of(session_id, _STATES[reply.json["data"]["state"]] if reply.good else None)

    def send(self, message: Message, call: Call) -> Reply:
        """Post the message to its session."""
        body = {"to": message.recipient, "text": message.text}
        reply = self._asked("POST", f"{self._path(message.session_id)}/messages", body)
        if reply.good:
            return self.sent(reply.json["data"]["id"])
        return self.not_found() if reply.status == 404 else reply

    def delivered(self, call: Call | None) -> Iterable[Delivered]:
        """Read its outbox."""
        return [
            Delivered(one["session"], one["text"]) for one in self._asked("GET", "/v1/outbox").json["data"]
        ]

    def received(self, webhook: Webhook) -> Webhook | None:
        """Tell a session that went online by why it did."""
        if webhook.at("type") != "session.online":
            return None
        session = webhook.at("session") or {}
        return self.event(
            webhook,
            _EVENTS[webhook.at("reason")],
            session["name"],
            data={"workspace_id": session["tenant"], "phone_number": session["phone"]},
            url=webhook.at("node"),
        )

    @staticmethod
    def _path(session_id: str) -> str:
        return f"/v1/sessions/{quote(session_id, safe='')}"

    def _asked(self, method: str, path: str, body: object = None, call: Call | None = None) -> Reply:
        headers = {} if call is None else dict(call.headers)
        made = Call(method, path, body, {**headers, "Authorization": f"Bearer {self.given.api_key}"})
        return self.ask(made)

"""The two protocols of an adapter: what lies between the harness and a control plane, or a gateway instance.

Every hook has a default, which is the contract's own way or the target file's. Override only what differs. Most hooks
are given the `call` that the contract's own way would make, and return the reply in the contract's terms.

Hooks run in the harness's own process, from several threads at once. An exception in one makes its scenario *not
judged*, and is told with its file and line.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, ClassVar

from harness.adapters.signatures import LOCATION, SIGNATURE, TIMESTAMP, hmac_of
from harness.adapters.values import Call, Given, Message, Reply, Session, Webhook

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from harness.gateway_contract import Delivered

WEBHOOK_PATH = "/api/whatsapp/webhooks/webjs"
"""Where webhooks of the contract go."""


class Adapter:
    """What both protocols share."""

    not_applicable: ClassVar[Mapping[str, str]] = {}
    """What has no meaning here, and why: requirement ids, or one of the words in docs/adapters.md.

    `{"signatures": "does not sign its webhooks"}`. What it names is counted apart, and never as passed.
    """

    def __init__(self, given: Given) -> None:
        self.given = given

    def ask(self, call: Call) -> Reply:
        """Make a call to what is attached, within the harness's bounds. NoReplyError if no answer comes."""
        return self.given.ask(call)

    @property
    def url(self) -> str:
        """Where what is attached listens now."""
        return self.given.url()


class ControlPlaneAdapter(Adapter):
    """How a control plane is spoken to, and how the fakes answer it."""

    # What users do

    def send(self, message: Message, call: Call) -> Reply:
        """Hand a message over; return the answer. `[send] succeeded` says which answers mean that it was sent."""
        return self.ask(call)

    # Rows. Override all three, or none: then `[state]` says how

    def write_row(self, row: Mapping[str, object]) -> None:
        """Create or replace the account with this `id`; `row` has the columns of the contract."""
        raise NotImplementedError

    def read_row(self, account_id: int) -> Mapping[str, object] | None:
        """Return an account, or None; of its columns at least status, assigned_instance_url and updated_at."""
        raise NotImplementedError

    def remove_rows(self, account_ids: Sequence[int]) -> None:
        """Remove accounts."""
        raise NotImplementedError

    # Webhooks that instances send

    def webhook(self, webhook: Webhook) -> Webhook:
        """Return what a webhook of the contract becomes here. One that is wrong must stay wrong: see `signed_as`."""
        return webhook

    # The instances, in the dialect of the gateway that this control plane is made for. Override both, or none

    def asked(self, call: Call) -> Call | None:
        """Return the contract's own call for one that came to an instance; None where the gateway has no such route.

        `call.url` is the path with its query as it came, `call.body` the JSON that came. The contract's key goes into
        `?api_key=` of a GET, and into the body otherwise.
        """
        return call

    def answered(self, call: Call, reply: Reply) -> Reply:
        """Return what the gateway would answer, for the contract's own answer to a call that came as `call`."""
        return reply


class GatewayAdapter(Adapter):
    """How a gateway instance is spoken to, and what its webhooks mean."""

    webhook_path: ClassVar[str] = WEBHOOK_PATH
    """Where this gateway sends its webhooks, on the base URL of the control plane."""

    # Sessions. Each reply must be 2xx once it is done. `call` is what the target file names, or the contract's own

    def connect(self, session: Session, call: Call | None) -> Reply:
        """Connect a session, as if its phone had just scanned the QR code."""
        return self._made("connect", call)

    def create(self, session: Session, call: Call) -> Reply:
        """Begin a login, which then waits for its QR code to be scanned."""
        return self.ask(call)

    def reconnect(self, session: Session, call: Call) -> Reply:
        """Connect a connected session anew. Keep the headers of `call`: one may call the instance by another name."""
        return self.ask(call)

    def end(self, session: Session, call: Call) -> Reply:
        """End a session permanently."""
        return self.ask(call)

    # Questions. Each reply is in the contract's terms

    def health(self, call: Call) -> Reply:
        """Answer `/health` or `/health/detailed`, as `call.url` says: see `health_of`."""
        return self.ask(call)

    def status(self, session_id: str, call: Call) -> Reply:
        """Answer the status of one session: see `status_of`."""
        return self.ask(call)

    def send(self, message: Message, call: Call) -> Reply:
        """Hand a message over: see `sent` and `not_found`."""
        return self.ask(call)

    def delivered(self, call: Call | None) -> Iterable[Delivered] | None:
        """List what really went out, before a restart too; None to have `[instance] delivered` read as it is."""
        return None

    # Webhooks

    def received(self, webhook: Webhook) -> Webhook | None:
        """Return what a webhook that came means in the contract's terms; None where it means nothing there.

        `event` makes one. What came is kept beside it, with its raw bytes and headers.
        """
        return webhook

    # What hooks return

    def event(  # noqa: PLR0913 - what a webhook can say
        self,
        webhook: Webhook,
        name: str,
        session_id: str,
        *,
        data: Mapping[str, object] | None = None,
        url: str | None = None,
        signature_holds: bool | None = None,
        timestamp: str = "",
    ) -> Webhook:
        """Return the contract's webhook for one that came, as good or as bad as that one.

        `url` is how the sender named itself, None if it did not. `signature_holds` says whether its signature
        verifies over its exact bytes, None if it has none. `timestamp` is when it went out by its own word, in Unix
        seconds.
        """
        known = self.given.sessions.get(session_id)
        details: dict[str, object] = {"session_id": session_id}
        if known is not None:
            details["workspace_id"] = known.workspace_id
        body = json.dumps({"event": name, "data": {**details, **(data or {})}}).encode(errors="replace")
        headers = [("Content-Type", webhook.header("Content-Type") or "")]
        headers.append(("User-Agent", "WhatsApp-WebJS-Service/1.0"))
        if timestamp:
            headers.append((TIMESTAMP, timestamp))
        if url is not None:
            headers.append((LOCATION, url))
        if signature_holds is not None:
            secret = self.given.secret if signature_holds else f"not {self.given.secret}"
            headers.append((SIGNATURE, hmac_of(secret, timestamp.encode() + body)))
        path = WEBHOOK_PATH if webhook.path == self.webhook_path else webhook.path
        return Webhook(path, tuple(headers), body)

    @staticmethod
    def health_of(statuses: Mapping[str, str]) -> Reply:
        """Return the health answer of an instance that holds these sessions, with their status in the contract."""
        connected = sum(1 for one in statuses.values() if one == "connected")
        details = [{"session_id": name, "status": status} for name, status in statuses.items()]
        counts = {"total": len(statuses), "connected": connected, "disconnected": len(statuses) - connected}
        return Reply.of(200, {"status": "healthy", "sessions": {**counts, "details": details}})

    @staticmethod
    def status_of(session_id: str, status: str | None) -> Reply:
        """Return the answer about one session; a status of None says that it is not held."""
        if status is None:
            return GatewayAdapter.not_found()
        return Reply.of(200, {"session_id": session_id, "status": status})

    @staticmethod
    def sent(message_id: str) -> Reply:
        """Return the answer to a message that was sent."""
        return Reply.of(200, {"success": True, "message_id": message_id})

    @staticmethod
    def not_found() -> Reply:
        """Return the answer about a session that is not held."""
        return Reply(404, b'{"error":"Session not found"}')

    def _made(self, name: str, call: Call | None) -> Reply:
        if call is None:
            raise NotImplementedError(
                f"override {name}, or name the hook [instance] {name} in the target file"
            )
        return self.ask(call)


def overrides(kind: type[Any], *names: str) -> bool:
    """Say whether an adapter has hooks of its own by any of these names."""
    return any(
        name in one.__dict__
        for name in names
        for one in kind.__mro__
        if one not in {Adapter, ControlPlaneAdapter, GatewayAdapter, object}
    )

"""How {name} is spoken to. Every hook below is as the contract has it: change what differs, and delete the rest.

Hooks run in the harness's own process, from several threads at once. One that raises makes its scenario not judged,
and is told with its line. docs/adapters.md has each hook, and two dialects of the field as examples.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.adapters import ControlPlaneAdapter, GatewayAdapter

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.adapters import Call, Delivered, Message, Reply, Session, Webhook


class ControlPlane(ControlPlaneAdapter):
    """The control plane. Also there: self.url, self.given.api_key, self.given.secret, self.given.instances."""

    # What has no meaning here, and why. It is counted apart, and never as passed. Requirement ids, or a word:
    # "signatures", "timestamps".
    # As in {"signatures": "does not sign its webhooks"}.
    not_applicable = {}

    def send(self, message: Message, call: Call) -> Reply:
        """Hand a message over. `call` is what [send] says; `message` has session_id, recipient, text and the row.

        Return the answer. [send] succeeded says which answers mean that it was sent: to translate one, return
        Reply.of(200, {"success": True, "message_id": …}). Reply is of harness.adapters.
        """
        return self.ask(call)

    def webhook(self, webhook: Webhook) -> Webhook:
        """Return what a webhook of the contract becomes here: another path, other headers, another body.

        Some are wrong on purpose, and must stay wrong: harness.adapters.signed_as signs a body of yours as rightly or
        as wrongly as the webhook is signed. One may be no JSON at all.
        """
        return webhook

    # Rows that neither SQL nor the hooks of [state] reach. All three, or none.
    #
    # def write_row(self, row): create or replace the account with row["id"]; row has the contract's columns
    # def read_row(self, account_id): return its columns as a dict, or None
    # def remove_rows(self, account_ids): remove them

    # The four instances, if this control plane is made for another gateway. Both, or none.

    def asked(self, call: Call) -> Call | None:
        """Return the contract's call for one that came to an instance; None if the gateway has no such route.

        `call.url` is path and query. The contract wants its key in ?api_key= of a GET, else in the body.
        """
        return call

    def answered(self, call: Call, reply: Reply) -> Reply:
        """Return what the gateway would answer. `call` is what came, `reply` the contract's own answer."""
        return reply


class Gateway(GatewayAdapter):
    """Gateway instances: one object for each. Also there: self.url, self.given.number, self.given.control_plane."""

    # As above: requirement ids, or "signatures", "locations", "retries".
    not_applicable = {}

    # Where it sends its webhooks, on the base URL of the control plane.
    webhook_path = "/api/whatsapp/webhooks/webjs"

    # def connect(self, session, call): connect a session, as if its phone had just scanned the QR code. `call` is
    # what [instance.connect] says, or None. Without this hook the target file must name that.

    def create(self, session: Session, call: Call) -> Reply:
        """Begin a login, which then waits for its QR code. Each reply about a session must be 2xx once it is done."""
        return self.ask(call)

    def reconnect(self, session: Session, call: Call) -> Reply:
        """Connect a connected session anew. Keep call.headers: one scenario calls the instance by another name."""
        return self.ask(call)

    def end(self, session: Session, call: Call) -> Reply:
        """End a session permanently."""
        return self.ask(call)

    def health(self, call: Call) -> Reply:
        """Answer /health and /health/detailed: return self.health_of({session_id: status}) of what it lists."""
        return self.ask(call)

    def status(self, session_id: str, call: Call) -> Reply:
        """Answer the status of one session: self.status_of(session_id, "connected"), or None for one not held."""
        return self.ask(call)

    def send(self, message: Message, call: Call) -> Reply:
        """Hand a message over: return self.sent(message_id), self.not_found(), or what it answered."""
        return self.ask(call)

    def delivered(self, call: Call | None) -> Iterable[Delivered] | None:
        """List what really went out, as Delivered(session_id, text); None to read [instance.delivered] as it is."""
        return None

    def received(self, webhook: Webhook) -> Webhook | None:
        """Return what a webhook means in the contract's terms, by self.event(…); None where it means nothing."""
        return webhook

"""``python -m reference_impl.before_fix``: the incident's implementation, honest but without the fix.

Its webhook sets status and phone number and ignores X-Instance-Url; its send posts straight to the assigned
instance. Everything else is the reference's own.
"""

from __future__ import annotations

from http.client import responses
from typing import TYPE_CHECKING

from reference_impl.app import create_app
from reference_impl.edges.answers import Outcome, judge_post
from reference_impl.edges.messages import Message, SendError, Sent, failure
from reference_impl.fix.webhooks import Delivery, WebhookReceiver
from reference_impl.server import Parts, serve

if TYPE_CHECKING:
    from flask import Flask

    from reference_impl.edges.accounts import Account


class StraightSender:
    """Posts to the assigned instance once, and reports its answer."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts

    def send(self, account_id: int, message: Message) -> Sent:
        """Send a message; raises SendError."""
        parts = self.parts
        account = parts.accounts.by_id(account_id)
        if account is None:
            raise SendError("account_not_found", f"There is no account {account_id}.")
        base = parts.settings.configured(account.assigned_instance_url)
        if base is None:
            raise SendError("session_unverifiable", f"Account {account_id} is assigned to no known instance.")
        answer = parts.loop.run(parts.client.post_message(base, message.payload(account)))
        outcome = judge_post(answer)
        if outcome is Outcome.SENT:
            return Sent(answer.text("message_id"), base)
        result = (
            f"{answer.status} {responses.get(answer.status, '')}".rstrip() if answer.status else "no answer"
        )
        text = f"Sending failed: POST {base}/api/messages/send gave {result}"
        parts.log.error(text, session_id=account.session_id, instance_url=base, status=answer.status)
        raise failure(outcome, answer, base, parts.settings.secrets)


def build(parts: Parts) -> Flask:
    """Make the application without the fix."""

    def apply_status(account: Account, delivery: Delivery) -> bool:
        parts.accounts.write(account, delivery.event.changes())
        return True

    receiver = WebhookReceiver(parts, apply_status)
    return create_app(receiver.receive, StraightSender(parts).send, parts.log)


if __name__ == "__main__":
    serve(build)

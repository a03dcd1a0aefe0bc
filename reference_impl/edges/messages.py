"""A message, and how sending it can end; pure (contract, section 3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reference_impl.edges.answers import Outcome, PostAnswer, is_text, json_object
from reference_impl.edges.log import bounded, redacted

if TYPE_CHECKING:
    from reference_impl.edges.accounts import Account

STATUS = {
    "account_not_found": 404,
    "invalid_message": 422,
    "session_not_found": 409,
    "session_unverifiable": 503,
    "rejected_by_instance": 502,
    "delivery_unknown": 504,
}


class SendError(Exception):
    """A send that failed; the text is a sentence for the user."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code

    @property
    def status(self) -> int:
        """The HTTP status that goes with the code."""
        return STATUS[self.code]


@dataclass(frozen=True)
class Sent:
    """A message that an instance says it has sent, under this id if it gave one."""

    message_id: str | None
    instance_url: str


@dataclass(frozen=True)
class Message:
    """What a user wants to send."""

    recipient_phone: str
    text: str
    type: str

    @classmethod
    def parse(cls, body: bytes) -> Message:
        """Read a request's body; raises SendError ``invalid_message``."""
        given = json_object(body)
        if given is None:
            raise SendError("invalid_message", "The request is not a JSON object.")
        parts = [given.get("recipient_phone", ""), given.get("message", ""), given.get("type", "text")]
        if not all(is_text(one) and one.strip() for one in parts):
            sentence = "recipient_phone, message and type must be texts, not empty ones."
            raise SendError("invalid_message", sentence)
        return cls(*parts)

    def payload(self, account: Account) -> dict[str, object]:
        """Return what an instance is given, except the API key."""
        return {
            "workspace_id": account.workspace_id,
            "session_id": account.session_id,
            "recipient_phone": self.recipient_phone,
            "message": self.text,
            "type": self.type,
        }


def failure(outcome: Outcome, answer: PostAnswer, instance_url: str, secrets: tuple[str, ...]) -> SendError:
    """Return the truth about a POST that did not succeed."""
    if outcome is Outcome.NEVER_REACHED:
        sentence = f"No connection to instance {instance_url} could be made; the message was not sent."
        return SendError("session_unverifiable", sentence)
    if outcome is Outcome.UNCERTAIN:
        said = "did not answer completely" if answer.body is None else f"answered {answer.status} unclearly"
        sentence = f"Instance {instance_url} {said}: it is not known whether the message was sent."
        return SendError("delivery_unknown", sentence)
    reason = bounded(redacted(answer.text("error") or "", secrets)) or "it gave no reason"
    sentence = f"Instance {instance_url} refused the message with status {answer.status}: {reason}"
    return SendError("rejected_by_instance", sentence)

"""Mistakes in what is told when something cannot be stored."""

from __future__ import annotations

from reference_impl.edges.messages import SendError
from tests.mutants.machinery.patching import around_sends
from tests.mutants.machinery.registry import mutant

REMOVED = "An account that is removed while its message goes out does not make it unsent"


@mutant("SEND-04", REMOVED)
def what_cannot_be_noted_was_not_sent() -> None:
    """A message that went out is noted with its account; where that fails, the user is told that it was not sent."""

    def act(parts, account_id, _message, send):
        sent = send()
        if parts.accounts.by_id(account_id) is None:
            raise SendError("account_not_found", "The message was not sent: there is no such account.")
        return sent

    around_sends(act)

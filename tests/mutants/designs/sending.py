"""Sound implementations of other designs: sending, and telling the user what became of it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from flask import request

from reference_impl import app
from reference_impl.edges import messages
from reference_impl.edges.answers import Outcome
from reference_impl.edges.messages import Message, SendError
from reference_impl.fix import sender
from reference_impl.fix.syncs import Source, Syncs, View
from tests.mutants.machinery.patching import around_sends
from tests.mutants.machinery.registry import sound_design

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask, Response

    from reference_impl.edges.accounts import Account
    from reference_impl.edges.messages import Sent
    from reference_impl.server import Parts

WORDS = {
    "session_not_found": "The session was not found on any gateway.",
    "session_unverifiable": "One of the gateways did not respond, and the others do not have the session.",
    "rejected_by_instance": "The gateway declined.",
    "delivery_unknown": "Nobody can tell whether the message went out.",
}


class _FreeError(SendError):
    """A failure without a code of the contract."""

    @property
    def status(self) -> int:
        return 500


@sound_design
def tells_failures_in_its_own_words() -> None:
    """Failures have no code of the contract, and another message is posted only where that is owed."""
    permitted = sender._may_try_again

    def sent(_parts: Parts, _account_id: int, _message: Message, send: Callable[..., Sent]) -> Sent:
        try:
            return send()
        except SendError as error:
            if error.code in WORDS:
                raise _FreeError("error", WORDS[error.code]) from error
            raise

    around_sends(sent)
    sender._may_try_again = lambda outcome, base, trip: (
        outcome is not Outcome.NOT_CONNECTED and permitted(outcome, base, trip)
    )


def around_answers(act: Callable[[Response], Response]) -> None:
    """Have `act` called for the answer to each request before it goes out."""
    create = app.create_app

    def created(*parts: Any) -> Flask:
        made = create(*parts)
        made.after_request(act)
        return made

    app.create_app = created


@sound_design
def answers_202_and_tells_more() -> None:
    """A message that was sent is answered 202, with more fields than the contract has."""

    def act(answer: Response) -> Response:
        if request.path.endswith("/messages") and answer.status_code == 200:
            answer.status_code = 202
            answer.set_data(answer.get_data()[:-2] + b',"attempts":1,"meta":{"error":null,"failed":false}}')
        return answer

    around_answers(act)


@sound_design
def failures_have_other_statuses() -> None:
    """Failures have the contract's codes, and other statuses from 400 on."""
    messages.STATUS = {
        "account_not_found": 400,
        "invalid_message": 400,
        "session_not_found": 404,
        "session_unverifiable": 500,
        "rejected_by_instance": 422,
        "delivery_unknown": 500,
    }


@sound_design
def repairs_the_row_behind_the_send() -> None:
    """What a scan found is sent to at once, and written into the row when the message has an answer."""
    write, found = Syncs.write, threading.local()

    def written(self: Syncs, view: View, new_url: str, *, source: Source, **more: Any) -> bool:
        if source is not Source.SEND:
            return write(self, view, new_url, source=source, **more)
        found.writes.append(lambda: write(self, view, new_url, source=source, **more))
        return True

    def act(_parts: Parts, _account_id: int, _message: Message, send: Callable[..., Sent]) -> Sent:
        found.writes = []
        try:
            return send()
        finally:
            for one in found.writes:
                one()

    Syncs.write = written
    around_sends(act)


@sound_design(slow=True)
def takes_its_time() -> None:
    """Whatever is asked of it is answered a little late, within every bound."""

    def act(answer: Response) -> Response:
        if request.method == "POST":
            threading.Event().wait(0.35)
        return answer

    around_answers(act)


@sound_design
def messages_carry_more() -> None:
    """Instances are given more with a message than they need."""
    payload = Message.payload

    def carried(self: Message, account: Account) -> dict[str, object]:
        more = {"client_reference": "ref-1", "account_id": account.id, "options": {"preview": False}}
        return {**more, **payload(self, account)}

    Message.payload = carried

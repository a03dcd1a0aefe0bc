"""Sound designs: sending, and what the user learns about it."""

from __future__ import annotations

import threading

from flask import request

from reference_impl import app
from reference_impl.edges import messages
from reference_impl.edges.answers import Outcome
from reference_impl.edges.messages import Message, SendError
from reference_impl.fix import sender
from reference_impl.fix.syncs import Source, Syncs
from tests.mutants.machinery.patching import around, around_sends
from tests.mutants.machinery.registry import sound_design

WORDS = {
    "session_not_found": "The session was not found on any gateway.",
    "session_unverifiable": "One of the gateways did not respond, and the others do not have the session.",
    "rejected_by_instance": "The gateway declined.",
    "delivery_unknown": "Nobody can tell whether the message went out.",
}


class _FreeError(SendError):
    """A failure without a code of the contract."""

    @property
    def status(self):
        return 500


@sound_design
def tells_failures_in_its_own_words() -> None:
    """Failures have no code of the contract, and another POST is made only where the contract demands it."""
    permitted = sender._may_try_again

    def sent(_parts, _account_id, _message, send):
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


def around_answers(act) -> None:
    """Call `act` for each answer before it is sent."""
    create = app.create_app

    def created(*parts):
        made = create(*parts)
        made.after_request(act)
        return made

    app.create_app = created


@sound_design
def answers_202_and_tells_more() -> None:
    """A message that was sent is answered 202, with more fields than the contract has."""

    def act(answer):
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
    """The message goes to the holder at once; the row is repaired when the message has an answer."""
    write, found = Syncs.write, threading.local()

    def written(self, view, new_url, *, source, **more):
        if source is not Source.SEND:
            return write(self, view, new_url, source=source, **more)
        found.writes.append(lambda: write(self, view, new_url, source=source, **more))
        return True

    def act(_parts, _account_id, _message, send):
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
    """Every answer is a little late, within every bound."""

    def act(answer):
        if request.method == "POST":
            threading.Event().wait(0.35)
        return answer

    around_answers(act)


@sound_design
def messages_carry_more() -> None:
    """Instances are given more with a message than they need."""

    @around(Message, "payload")
    def carried(payload, self, account):
        more = {"client_reference": "ref-1", "account_id": account.id, "options": {"preview": False}}
        return {**more, **payload(self, account)}

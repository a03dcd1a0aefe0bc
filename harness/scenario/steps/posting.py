"""Phrases about what becomes of posted messages: lost answers, denials, hollow successes, and wrong input."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from pytest_bdd import given, then, when
from pytest_bdd.parsers import parse
from pytest_bdd.parsers import re as regex
from sqlalchemy.exc import DBAPIError

from fake_instances.faults import (
    Answer,
    AnswersHollow,
    Close,
    Delay,
    DeniesSession,
    Drip,
    Endpoint,
    Hang,
    Redirect,
    Reset,
    SendsThenFails,
    Truncate,
)
from harness.checks import resilience, sending
from harness.errors import NotJudgedError
from harness.scenario import users
from harness.scenario.actions import action
from harness.scenario.client import MISSING

if TYPE_CHECKING:
    from harness.scenario.world import World

_SEND = frozenset({Endpoint.SEND})
_FAILURES = {
    "never answers": SendsThenFails(by=Hang()),
    "resets the connection": SendsThenFails(by=Reset()),
    "closes the connection": SendsThenFails(by=Close()),
    "breaks off its answer": SendsThenFails(by=Truncate(missing=20)),
    "answers 500": SendsThenFails(by=Answer(500)),
    "answers 502": SendsThenFails(by=Answer(502)),
    "answers 503": SendsThenFails(by=Answer(503)),
}
_HOLLOW = {
    "nothing": b"",
    "an empty object": b"{}",
    "success false": b'{"success":false,"error":"The message cannot be sent"}',
    "success as a text": b'{"success":"true"}',
    "a list": b'[{"success":true}]',
    "HTML": b"<html>It works!</html>",
}
_PARTS = {"recipient": "{recipient}", "text": "{text}"}
_WRONG: dict[str, object] = {
    "missing": MISSING,
    "empty": "",
    "null": None,
    "a number": 6281234567890,
    "a list": ["6281234567890"],
    "an object": {"text": "hello"},
    "true": True,
}
_MOST = 0.6
"""Of the send timeout: long, and far enough from its end for a busy machine."""
_DRIPS = 40
"""Drops of an answer in a send timeout; it has several times as many bytes."""
_IF_ANY = ("", ", if it gets one")
_TIMES = {"once": 1, "twice": 2, "eight times": 8}


@action(
    "instance {number} sends the message and then {failure}{optional}", failure=_FAILURES, optional=_IF_ANY
)
def sends_then_fails(world: World, number: int, failure: str, optional: str) -> None:
    """Have the message go out, and its answer get lost."""
    world.arm(_FAILURES[failure], number, _SEND, optional=bool(optional))


@given(parse("someone removes the account before instance {number:d} says that it sent the message"))
def removed_before_answer(world: World, number: int) -> None:
    """Remove the row when the message went out, before its answer does.

    Where the implementation keeps others from the row until then, it stays.
    """

    def remove() -> None:
        with contextlib.suppress(NotJudgedError, DBAPIError):
            world.implementation.accounts.remove([world.account.id])

    world.fleet.after_answer(
        remove,
        on=number,
        endpoints=_SEND,
        session_id=world.account.session_id,
        words="has the account removed before it says that it sent the message",
    )


@action(
    "instance {number} denies the session whenever a message arrives{optional}",
    optional=("", ", if one does"),
)
def denies(world: World, number: int, optional: str) -> None:
    """Have an instance hold the session and answer its messages with 404."""
    world.arm(DeniesSession(), number, _SEND, optional=bool(optional))


@action("every instance holds the session and denies it whenever a message arrives")
def all_deny(world: World) -> None:
    """Have all instances do so. Which of them are posted the message is the implementation's choice."""
    for number in world.fleet.numbers:
        world.fleet.hold(world.account.session, number)
        world.arm(DeniesSession(), number, _SEND, optional=True)


@action(
    "instance {number} does not send the message and answers it with 200 and {body}{optional}",
    body=_HOLLOW,
    optional=_IF_ANY,
)
def answers_hollow(world: World, number: int, body: str, optional: str) -> None:
    """Answer a message with status 200 and no success."""
    world.arm(AnswersHollow(_HOLLOW[body]), number, _SEND, optional=bool(optional))


@action(
    "instance {number} does not send the message and says {status} and nothing else{optional}",
    optional=_IF_ANY,
)
def answers_status_alone(world: World, number: int, status: int, optional: str) -> None:
    """Answer a message with a status of success and an empty body."""
    world.arm(Answer(status, b""), number, _SEND, optional=bool(optional))


@action("instance {number} takes messages in and never answers{optional}", optional=_IF_ANY)
def messages_hang(world: World, number: int, optional: str) -> None:
    """Arm a hang on the send route alone."""
    world.arm(Hang(), number, _SEND, optional=bool(optional))


@given(parse("instance {number:d} falls silent while it answers a message"))
def message_answer_stops(world: World, number: int) -> None:
    """Send the message, and stop a few bytes into the answer's body."""
    world.arm(Hang(after=5), number, _SEND)


@given(parse("instance {number:d} drips its answer to a message"))
def message_answer_drips(world: World, number: int) -> None:
    """Send the message, and take several send timeouts for the answer."""
    world.arm(Drip(size=1, every=world.settings.send_timeout_in_force / _DRIPS), number, _SEND)


@given(parse("instance {number:d} takes most of the send timeout to answer the message"))
def message_answered_in_time(world: World, number: int) -> None:
    """Send the message at once, and answer late."""
    world.arm(Delay(_MOST * world.settings.send_timeout_in_force), number, _SEND)


@action("instance {number} sends the message and answers with success alone{optional}", optional=_IF_ANY)
def answers_success_alone(world: World, number: int, optional: str) -> None:
    """Answer a message without an id."""
    fault = AnswersHollow(b'{"success":true}', delivered=True)
    world.arm(fault, number, _SEND, optional=bool(optional))


@action(
    "instance {number} redirects the message to instance {other} with status {status}{optional}",
    optional=_IF_ANY,
)
def redirects_message(world: World, number: int, other: int, status: int, optional: str) -> None:
    """Answer a message with the send route of another instance, which has the session too."""
    world.fleet.hold(world.account.session, other)
    fault = Redirect(f"{world.fleet.url(other)}/api/messages/send", status)
    world.arm(fault, number, _SEND, optional=bool(optional))


@when(parse('the user sends a {kind} that says "{message}" from the account'), target_fixture="given_type")
def sends_type(world: World, message: str, kind: str) -> str:
    """Send a message with a type, where the target's users can give one, and return the type that was given."""
    body = world.implementation.target.send.body
    typed = "recipient_phone" in body
    world.remember_rows()
    sent = world.announce(world.words.vary(message))
    world.answers.append(world.hand_over(sent, {**body, "type": kind} if typed else None))
    return kind if typed else "text"


@action('the user sends "{message}" from the other account')
def sends_from_other(world: World, message: str) -> None:
    """Send from the second account that was made."""
    world.send(world.words.vary(message), world.other_account)


@action("the users of both accounts send a message of their own at the same time")
def both_send_their_own(world: World) -> None:
    """Send different texts from both accounts at once."""
    users.send_at_once(
        world, [(world.account, "from the first account"), (world.other_account, "from the second account")]
    )


@action("the user twice sends a message whose {part} is {wrong}", part=_PARTS, wrong=_WRONG)
def sends_wrongly(world: World, part: str, wrong: str) -> None:
    """Send a message that cannot be delivered, twice: a call after only one of them has another cause."""
    for _ in range(2):
        users.send_spoiled(world, _PARTS[part], _WRONG[wrong])


@action('someone twice sends "{message}" from an account that does not exist')
def sends_from_nobody(world: World, message: str) -> None:
    """Send from an account id that no row has, and again."""
    for _ in range(2):
        users.send_from_nobody(world, world.words.vary(message))


@then(regex(r"the message is posted (?:at most )?(?P<times>once|twice|eight times) in all"))
def posted_in_all(world: World, times: str) -> None:
    """Check how often instances were posted the message, delivered or not."""
    resilience.posted_at_most(world.history, world.account.session_id, _TIMES[times])


@then("no instance is posted the message twice")
def none_posted_twice(world: World) -> None:
    """Check that each instance was posted the message at most once."""
    resilience.no_instance_posted_twice(world.history, world.account.session_id)


@then("no message went out twice")
def none_went_out_twice(world: World) -> None:
    """Check that nothing went out more often than users sent it."""
    resilience.nothing_went_out_twice(world.history)


@then("no message went out after its user was told that it did not")
def none_went_out_late(world: World) -> None:
    """Check that what users were told stayed true."""
    resilience.nothing_went_out_after_a_denial(world.history)


@then(parse('the user is told what became of "{message}"'))
def told_what_became(world: World, message: str) -> None:
    """Check what the user was told by what instances really sent."""
    text = world.words.said(message)
    resilience.told_what_became_of_it(world.history, world.account.session_id, text, world.answer)


@then(parse("instance {number:d} is handed the type that the user gave"))
def type_handed_on(world: World, given_type: str, number: int) -> None:
    """Check the type of the posted message."""
    sending.type_handed_on(world.history, world.account.session_id, number, given_type)


@then(parse('instance {number:d} is handed the type "{kind}"'))
def type_when_absent(world: World, number: int, kind: str) -> None:
    """Check the type of a message to which its user gave none."""
    sending.type_handed_on(world.history, world.account.session_id, number, kind)


@then("the user is answered within the send timeout")
def answered_within_send_timeout(world: World) -> None:
    """Check the time of a send whose message hangs. The verification before it may take its own timeout."""
    settings = world.settings
    seconds = settings.send_timeout_in_force + settings.verify_timeout_in_force
    sending.took_at_most(world.answer, seconds, "one verify timeout and one send timeout")


@then("the user is not told for certain that it was not sent")
def not_denied(world: World) -> None:
    """Check that the answer leaves open what the implementation cannot know."""
    resilience.not_denied_for_certain(world.answer)


@then("nothing says that the session is nowhere")
def nowhere_not_said(world: World) -> None:
    """Check the code of the failure and the log."""
    resilience.nowhere_not_said(world.answer, world.log_lines(), world.account.session_id)


@then(parse("the failure says that instance {number:d} could not be asked"))
def says_unasked(world: World, number: int) -> None:
    """Check the failure's code or words, or the log's line."""
    url, session_id = world.fleet.url(number), world.account.session_id
    world.soon(lambda: resilience.says_unasked(world.answer, world.log_lines(), session_id, url))


@then("both sends are refused with an error below 500")
def refused_below_500(world: World) -> None:
    """Check the status of each answer."""
    for answer in world.answers:
        resilience.refused_below_500(answer)


@then("no instance is called for them")
def no_instance_called(world: World) -> None:
    """Check by the instances' own record of what they were asked."""
    resilience.no_instance_called(world.history)


@then("each message goes out once over the session of its own account")
def over_own_sessions(world: World) -> None:
    """Check by the instances' own record of what they sent."""
    resilience.sent_over_own_sessions(world.history, [account.session_id for account in world.accounts])


@then("no instance delivers anything for any account")
def nothing_for_anyone(world: World) -> None:
    """Check that nothing went out over any session of the scenario."""
    for account in world.accounts:
        sending.delivered_nowhere(world.history, account.session_id)

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
    DeniesSession,
    Endpoint,
    Hang,
    Reset,
    SendsThenFails,
    Truncate,
)
from harness.checks import resilience, sending
from harness.errors import NotJudgedError
from harness.scenario import users
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
_TIMES = {"once": 1, "twice": 2, "eight times": 8}


@given(parse("instance {number:d} sends the message and then {failure}"))
def sends_then_fails(world: World, number: int, failure: str) -> None:
    """Have the message go out, and its answer get lost."""
    world.arm(_FAILURES[failure], number, _SEND)


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


@given(parse("instance {number:d} denies the session whenever a message arrives"))
def denies(world: World, number: int) -> None:
    """Have an instance hold the session and answer its messages with 404."""
    world.arm(DeniesSession(), number, _SEND)


@given("every instance holds the session and denies it whenever a message arrives")
def all_deny(world: World) -> None:
    """Have all instances do so. Which of them are posted the message is the implementation's choice."""
    for number in world.fleet.numbers:
        world.fleet.hold(world.account.session, number)
        world.arm(DeniesSession(), number, _SEND, optional=True)


@given(parse("instance {number:d} does not send the message and answers it with 200 and {body}"))
def answers_hollow(world: World, number: int, body: str) -> None:
    """Answer a message with status 200 and no success."""
    world.arm(AnswersHollow(_HOLLOW[body]), number, _SEND)


@given(parse("instance {number:d} takes messages in and never answers"))
def messages_hang(world: World, number: int) -> None:
    """Arm a hang on the send route alone."""
    world.arm(Hang(), number, _SEND)


@when(parse('the user sends "{message}" from the other account'))
def sends_from_other(world: World, message: str) -> None:
    """Send from the second account that was made."""
    world.send(message, world.other_account)


@when("the users of both accounts send a message of their own at the same time")
def both_send_their_own(world: World) -> None:
    """Send different texts from both accounts at once."""
    users.send_at_once(
        world, [(world.account, "from the first account"), (world.other_account, "from the second account")]
    )


@when(
    regex(rf"the user twice sends a message whose (?P<part>recipient|text) is (?P<wrong>{'|'.join(_WRONG)})")
)
def sends_wrongly(world: World, part: str, wrong: str) -> None:
    """Send a message that cannot be delivered, twice: a call after only one of them has another cause."""
    for _ in range(2):
        users.send_spoiled(world, _PARTS[part], _WRONG[wrong])


@when(parse('someone twice sends "{message}" from an account that does not exist'))
def sends_from_nobody(world: World, message: str) -> None:
    """Send from an account id that no row has, and again."""
    for _ in range(2):
        users.send_from_nobody(world, message)


@then(regex(r"the message is posted (?:at most )?(?P<times>once|twice|eight times) in all"))
def posted_in_all(world: World, times: str) -> None:
    """Check how often instances were posted the message, delivered or not."""
    resilience.posted_at_most(world.history, world.account.session_id, _TIMES[times])


@then("no instance is posted the message twice")
def none_posted_twice(world: World) -> None:
    """Check that each instance was posted the message at most once."""
    resilience.no_instance_posted_twice(world.history, world.account.session_id)


@then(parse('the user is told what became of "{message}"'))
def told_what_became(world: World, message: str) -> None:
    """Check what the user was told by what instances really sent."""
    resilience.told_what_became_of_it(world.history, world.account.session_id, message, world.answer)


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

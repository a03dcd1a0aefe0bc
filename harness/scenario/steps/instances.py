"""Phrases about instances: which sessions they hold and how they misbehave."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from pytest_bdd import given, then
from pytest_bdd.parsers import parse

from fake_instances.faults import (
    VERIFICATION,
    Answer,
    Delay,
    Drip,
    Endpoint,
    Fault,
    Hang,
    LoseWebhook,
    Refuse,
    Reset,
)
from harness.attach.http import health
from harness.checks import sending
from harness.errors import HarnessError
from harness.scenario.actions import action

if TYPE_CHECKING:
    from harness.scenario.world import World

_BEHAVIOURS: dict[str, tuple[Fault, frozenset[Endpoint]]] = {
    "refuses connections": (Refuse(), frozenset({Endpoint.LISTENER})),
    "never answers": (Hang(), VERIFICATION),
    "falls silent in mid-answer": (Hang(after=10), VERIFICATION),
    "drips its answer byte by byte": (Drip(size=1, every=0.01), VERIFICATION),
    "answers 500": (Answer(500), VERIFICATION),
    "answers an empty body": (Answer(200, b""), VERIFICATION),
    "answers broken JSON": (Answer(200, b'{"sessions":{"details":[{"session_id":'), VERIFICATION),
    "answers a list": (Answer(200, b"[]"), VERIFICATION),
    "answers null": (Answer(200, b"null"), VERIFICATION),
    "answers a number": (Answer(200, b"42"), VERIFICATION),
    "answers without sessions": (Answer(200, b'{"status":"healthy"}'), VERIFICATION),
    "answers without details": (Answer(200, b'{"status":"healthy","sessions":{"total":1}}'), VERIFICATION),
    "answers HTML": (Answer(200, b"<html>It works!</html>", "text/html; charset=utf-8"), VERIFICATION),
}
_MOST = 0.73
"""Of a timeout: long, and far enough from its end for a busy machine."""
_FAILURES: dict[str, Fault] = {
    "answers 500": Answer(500),
    "answers an empty body": Answer(200, b""),
    "resets the connection": Reset(),
}
_OCCASIONS = {"asked who holds the session": VERIFICATION, "handed a message": frozenset({Endpoint.SEND})}
_WHEN_ASKED = ("", " when asked who holds the session")
_IF_ASKED = ("", ", if it is asked")
_OWN = (
    "contains",
    "begins like",
    "ends like",
    "is the beginning of",
    "is the end of",
    "differs in case from",
)


@action(
    "instance {number} {behaviour}{asked}{optional}",
    behaviour=_BEHAVIOURS,
    asked=_WHEN_ASKED,
    optional=_IF_ASKED,
)
def misbehaves(world: World, number: int, behaviour: str, asked: str, optional: str) -> None:
    """Arm a fault on every route that can tell who holds a session."""
    del asked  # words for a reader
    fault, endpoints = _BEHAVIOURS[behaviour]
    world.arm(fault, number, endpoints, optional=bool(optional))


@action(
    "instance {number} answers {seconds} seconds late when asked who holds the session{optional}",
    optional=_IF_ASKED,
)
def answers_late(world: World, number: int, seconds: float, optional: str) -> None:
    """Arm a delay on every route that can tell who holds a session."""
    world.arm(Delay(seconds), number, VERIFICATION, optional=bool(optional))


@action(
    "instance {number} takes most of the verify timeout to answer who holds the session{optional}",
    optional=_IF_ASKED,
)
def answers_in_time(world: World, number: int, optional: str) -> None:
    """Arm a delay that whoever has the timeout in force sits out, and nobody who has a much shorter one."""
    fault = Delay(_MOST * world.settings.verify_timeout_in_force)
    world.arm(fault, number, VERIFICATION, optional=bool(optional))


@action(
    "instance {number} refuses the message with status {status}{optional}", optional=("", ", if it gets one")
)
def refuses_message(world: World, number: int, status: int, optional: str) -> None:
    """Answer a message with a refusal."""
    body = b'{"success":false,"error":"The message cannot be sent"}'
    world.arm(Answer(status, body), number, {Endpoint.SEND}, optional=bool(optional))


@action("instance {number} {failure} the next time it is {occasion}", failure=_FAILURES, occasion=_OCCASIONS)
def fails_once(world: World, number: int, failure: str, occasion: str) -> None:
    """Arm a fault that one request meets, if it comes at all."""
    world.arm(_FAILURES[failure], number, _OCCASIONS[occasion], times=1, optional=True)


@action("instance {number} is well again")
def is_well_again(world: World, number: int) -> None:
    """Clear every fault of an instance."""
    world.fleet.clear(number)


@action("every instance is well again, and what was late has ended")
def all_is_well_again(world: World) -> None:
    """Clear every fault, start what was killed, and let one verify timeout pass where anything was wrong."""
    if world.implementation.killed:
        world.implementation.restart()
    troubled = any(world.fleet.armed(number) for number in world.fleet.numbers)
    world.fleet.clear()
    for session_id in world.fleet.unfinished():
        world.fleet.finish_migration(session_id)
    if troubled:
        # What an implementation remembers of a failure it may remember for so long (SEND-18).
        threading.Event().wait(world.settings.verify_timeout_in_force)
    world.fleet.settle(world.settings.verify_timeout_in_force)
    world.let_pass()


@action("instance {number} lists the session too")
def lists_too(world: World, number: int) -> None:
    """Put a second connected copy of the session on an instance."""
    world.fleet.hold(world.account.session, number)


@action("instance {number} holds sessions of other tenants")
def holds_others(world: World, number: int) -> None:
    """Put several sessions with made-up phone numbers on an instance."""
    # Loading faker takes longer than most scenarios, and few have this step.
    from faker import Faker  # noqa: PLC0415

    faker = Faker()
    faker.seed_instance(f"{world.account.session_id}/{number}")
    for _ in range(3):
        phone_number = faker.numerify("628##########")
        world.fleet.hold(world.new_session(phone_number=phone_number), number)


@action("instance {number} holds a session whose id {likeness} the account's", likeness=_OWN)
def holds_alike(world: World, number: int, likeness: str) -> None:
    """Put another tenant's session, with an id that is like the account's, on an instance."""
    own = world.account.session_id
    alike = {
        "contains": f"x{own}x",
        "begins like": own + "2",
        "ends like": f"x{own}",
        "is the beginning of": own[:-1],
        "is the end of": own[1:],
        "differs in case from": own.swapcase(),
    }
    world.fleet.hold(world.new_session(alike[likeness]), number)


@action(
    "the session reconnects on instance {number} and the webhook is lost",
    given="the session has reconnected on instance {number} and the webhook was lost",
)
def reconnects_unheard(world: World, number: int) -> None:
    """Move the session in one step, and lose its webhook."""
    world.arm(LoseWebhook(), number, {Endpoint.WEBHOOK}, times=1)
    if world.fleet.migrate(world.account.session_id, number) is not None:
        raise HarnessError("a webhook went out that was to be lost")


@given(parse("the session has connected on instance {number:d} unannounced"))
def connects_unheard(world: World, number: int) -> None:
    """Put the session on an instance, without a webhook."""
    world.fleet.hold(world.account.session, number)


@action(
    "the session moves to instance {number} unannounced",
    given="the session has moved to instance {number} unannounced",
)
def moves_unannounced(world: World, number: int) -> None:
    """Move the session in one step, without a webhook."""
    world.fleet.move(world.account.session_id, number)


@given(parse("instance {number:d} counts {count} session"))
@then(parse("instance {number:d} counts {count} session"))
def counts(world: World, number: int, count: str) -> None:
    """Check the counts of the instance's own health route, over HTTP."""
    sessions = health(world.fleet.url(number))["sessions"]
    sending.sessions_counted(sessions, {"no": 0, "one": 1}[count], number)


@given(parse("instance {number:d} lists the session"))
def lists(world: World, number: int) -> None:
    """Check that the instance's own health route lists the session, over HTTP."""
    details = health(world.fleet.url(number))["sessions"]["details"]
    if [one["session_id"] for one in details] != [world.account.session_id]:
        raise HarnessError(f"instance {number} was to list the session alone, and lists {details}")

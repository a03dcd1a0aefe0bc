"""Phrases about what must not last from one send to the next: failures, connections, words."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pytest_bdd import then
from pytest_bdd.parsers import parse

from fake_instances.faults import VERIFICATION, Answer, DeniesSession, Endpoint, Fault, Hang, Refuse
from harness.checks import resilience, sending
from harness.checks.resilience import Trouble
from harness.scenario import users
from harness.scenario.actions import action

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.scenario.world import World

_POLL_SECONDS = 0.02
_WORDS = "yes"
_COUNTS = {"four": 4, "six": 6}
_TROUBLES: dict[str, tuple[Fault, frozenset[Endpoint]]] = {
    "refused connections": (Refuse(), frozenset({Endpoint.LISTENER})),
    "answered 500": (Answer(500), VERIFICATION),
    "never answered": (Hang(), VERIFICATION),
    "denied the session": (DeniesSession(), frozenset({Endpoint.SEND})),
    "answered messages with 500": (Answer(500), frozenset({Endpoint.SEND})),
    "answered messages with 429": (Answer(429), frozenset({Endpoint.SEND})),
}


@contextmanager
def _ended(world: World, number: int, *, abruptly: bool) -> Iterator[None]:
    """End an instance, and have it back with its sessions behind the context, without a webhook."""
    sessions = world.fleet.sessions(number)
    world.fleet.stop_instance(number, abruptly=abruptly)
    try:
        yield
    finally:
        world.fleet.start_instance(number, keep_sessions=False)
        for session in sessions:
            world.fleet.hold(session, number)


@action(
    "instance {number} is {how}",
    given="instance {number} was {how}",
    how=["restarted", "killed and is started again"],
)
def instance_restarted(world: World, number: int, how: str) -> None:
    """End an instance and start it again, with the sessions that it had."""
    with _ended(world, number, abruptly=how != "restarted"):
        pass


@action(
    "instance {number} closes its idle connections", given="instance {number} closed its idle connections"
)
def closed_idle(world: World, number: int) -> None:
    """Close every connection between two sends, as a server does with those that are idle for long."""
    fault, endpoints = _TROUBLES["refused connections"]
    world.arm(fault, number, endpoints)
    world.fleet.clear(number)


@then("the implementation goes on running")
def goes_on(world: World) -> None:
    """Check that the implementation did not end by itself."""
    world.check_implementation_runs()


@action("twelve sends at once were made while instance {number} took messages in and never answered")
def twelve_hung(world: World, number: int) -> None:
    """Have twelve messages hang until they are given up; then the instance has no fault."""
    world.arm(Hang(), number, {Endpoint.SEND})
    users.send_at_once(world, [(world.account, f"hanging {turn + 1}") for turn in range(12)])
    world.fleet.clear(number)


@action("{count} sends were made while instance {number} was down", count=_COUNTS)
def sent_while_down(world: World, count: str, number: int) -> None:
    """Send while the instance is killed; then it is back, with the sessions that it had."""
    with _ended(world, number, abruptly=True):
        for turn in range(_COUNTS[count]):
            world.send(f"down {turn + 1}")


@action("{count} sends were made while instance {number} {trouble}", count=_COUNTS, trouble=_TROUBLES)
def sent_while_troubled(world: World, count: str, number: int, trouble: str) -> None:
    """Send while the instance has a fault; then it has none."""
    fault, endpoints = _TROUBLES[trouble]
    world.arm(fault, number, endpoints)
    for turn in range(_COUNTS[count]):
        world.send(f"in trouble {turn + 1}")
    world.fleet.clear(number)


@action("users go on sending for one verify timeout, until a message goes out")
def go_on_sending(world: World) -> None:
    """Send until something is delivered, and once more when the timeout is over."""
    texts: list[str] = []
    timeout, began, over = world.settings.verify_timeout_in_force, time.monotonic(), False
    while not over and not any(world.history.deliveries(world.account.session_id, one) for one in texts):
        if texts:
            threading.Event().wait(_POLL_SECONDS)
        over = time.monotonic() - began >= timeout
        texts.append(f"back {len(texts) + 1}")
        world.send(texts[-1])
    world.trouble_over = Trouble(tuple(texts), timeout)


@then(parse("instance {number:d} delivers the last of them"))
def delivers_last(world: World, number: int) -> None:
    """Check that the instance was used again in time."""
    if world.trouble_over is None:
        raise AssertionError("nobody went on sending before")
    resilience.used_again(world.history, world.account.session_id, number, world.trouble_over, world.answer)


@action("the user sends the same words three times to the same person")
def same_words(world: World) -> None:
    """Send one after another."""
    text, recipient = world.words.vary(_WORDS), world.words.recipient()
    for _ in range(3):
        world.send(text, recipient=recipient)


@action("the user sends the same words to three people")
def same_words_to_three(world: World) -> None:
    """Send one after another."""
    text = world.words.vary(_WORDS)
    for _ in range(3):
        world.send(text)


@action("the users of both accounts send the same words to the same person")
def same_words_from_both(world: World) -> None:
    """Send from one account after the other."""
    text, recipient = world.words.vary(_WORDS), world.words.recipient()
    for account in (world.account, world.other_account):
        world.send(text, account, recipient=recipient)


@action("four users of the account send the same words to different people at the same time")
def same_words_at_once(world: World) -> None:
    """Send at once from one account."""
    text = world.words.vary(_WORDS)
    users.send_at_once(world, [(world.account, text)] * 4)


@then(parse("instance {number:d} delivers the words each time"))
def delivers_each_time(world: World, number: int) -> None:
    """Check that no message was taken for another, and that each recipient got his own."""
    for account in world.accounts:
        resilience.each_send_delivered(world.history, account.session_id, number)


@then("the user is told each time that it was sent")
def told_each_time(world: World) -> None:
    """Check every answer by the target's own terms."""
    for answer in world.answers:
        sending.told_sent(answer)

"""The strains by which an implementation is measured: each one value, and whether everything still holds under it.

A trial acts on a world of its own, and judges by the checks that scenarios judge by. It passes silently, or raises a
ConformanceFailure where something no longer holds. That is a measurement and no verdict: a sound implementation may
ignore a late webhook, for example.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from functools import lru_cache
from random import Random
from typing import TYPE_CHECKING

from fake_instances import Session
from fake_instances.faults import VERIFICATION, Drip, Hang
from harness.checks import sending
from harness.errors import NotJudgedError, TargetError
from harness.frontier.bisection import Scale
from harness.scenario import users

if TYPE_CHECKING:
    from collections.abc import Callable

    from fake_instances.webhooks.delivery import Delivery
    from harness.scenario.account import Account
    from harness.scenario.world import World

_TO_THE_SECOND = 60.0
"""Seconds from which on a webhook's time need not be exact to less than a second."""
_JUST_AFTER = 0.002
"""Seconds after a full second at which a timestamp is certainly of that second."""
_PIECE = 10
"""Bytes that drip at a time: single ones would come too fast for any clock."""
_AT_PACE = 1.25
"""By how much the moves of a second may take longer, and still be so many a second."""
_MOVING_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Axis:
    """A strain.

    Attributes:
        name: what it is called on the command line.
        title: what grows, for a reader.
        unit: what its values are counted in, with a name that follows a number.
        scale: the values that come into question.
        means: when everything still holds at a value, for a reader.
        holds: tries it in a world, and raises ConformanceFailure where something no longer holds; NotJudgedError
            where the harness itself cannot go so far.

    """

    name: str
    title: str
    unit: str
    scale: Scale
    means: str
    holds: Callable[[World, float], None]


def _late_webhook_is_heard(world: World, seconds: float) -> None:
    first, second, *_ = world.fleet.numbers
    _account(world, on=first, assigned=first)
    _move_and_announce(world, second, seconds=-seconds)


def _clock_ahead_is_heard(world: World, seconds: float) -> None:
    first, second, third, *_ = world.fleet.numbers
    _account(world, on=first, assigned=first)
    _move_and_announce(world, second, seconds=seconds)
    _move_and_announce(world, third, seconds=0.0)


def _dripped_answer_is_waited_for(world: World, milliseconds: float) -> None:
    first, *_ = world.fleet.numbers
    account = _account(world, on=first, assigned=first)
    drip = Drip(size=_PIECE, every=_PIECE * milliseconds / 1000)
    world.arm(drip, first, VERIFICATION, optional=True)
    _message_arrives(world, account, first)


def _hung_instances_are_passed(world: World, count: float) -> None:
    *others, holder = world.fleet.numbers
    account = _account(world, on=holder, assigned=others[0])
    for number in others[: int(count)]:
        world.arm(Hang(), number, VERIFICATION, optional=True)
    _message_arrives(world, account, holder)


def _sends_at_once_arrive(world: World, count: float) -> None:
    first, second, *_ = world.fleet.numbers
    account = _account(world, on=second, assigned=first)
    texts = [f"message {number}" for number in range(1, int(count) + 1)]
    users.send_at_once(world, [(account, text) for text in texts])
    history = world.history
    for text, answer in zip(texts, world.answers, strict=True):
        sending.delivered_once(history, account.session_id, text, second)
        sending.told_sent(answer)
    world.check_assigned(second, account)


def _session_among_many_is_seen(world: World, count: float) -> None:
    first, *_ = world.fleet.numbers
    for session in _others(int(count) - 1):
        world.fleet.hold(session, first)
    account = _account(world, on=first, assigned=first)
    _message_arrives(world, account, first)


def _moves_are_followed(world: World, rate: float) -> None:
    first, second, *_ = world.fleet.numbers
    accounts = [_account(world, on=first, assigned=first) for _ in range(int(rate))]
    began = time.monotonic()
    on_their_way: list[Delivery] = []
    for place, account in enumerate(accounts):
        threading.Event().wait(max(began + place * _MOVING_SECONDS / rate - time.monotonic(), 0.0))
        session = world.fleet.move(account.session_id, second)
        on_their_way.append(world.fleet.send(world.fleet.webhook(session, second, "session_reconnected")))
    took = time.monotonic() - began
    if took > _AT_PACE * _MOVING_SECONDS:
        raise NotJudgedError(f"the harness itself made {len(accounts)} moves in {took:.1f} s, and no more")
    for delivery in on_their_way:
        sending.webhook_accepted(delivery.wait())
    world.fleet.settle(world.settings.verify_timeout_in_force)
    for account in accounts:
        world.eventually(lambda moved=account: world.check_assigned(second, moved))  # type: ignore[misc]
    _message_arrives(world, accounts[-1], second)


AXES = (
    Axis(
        "webhook-delay",
        "how late the webhook of a move arrives",
        "s",
        Scale(0.5, 900),
        "the session moves, and its webhook arrives that long after it was signed: it is accepted, and the row is on "
        "the holder",
        _late_webhook_is_heard,
    ),
    Axis(
        "clock-skew",
        "how far the clock of an instance is ahead",
        "s",
        Scale(0.5, 900),
        "an instance whose clock is ahead announces the session, and then one whose clock is right: both webhooks "
        "are accepted, and the row is on the holder after each",
        _clock_ahead_is_heard,
    ),
    Axis(
        "drip",
        "how slowly the assigned instance drips its answer about who holds the session",
        "ms a byte",
        Scale(0.01, 100),
        "the assigned instance, which is the holder, delivers the message once, the user is told so, and the row is "
        "on it",
        _dripped_answer_is_waited_for,
    ),
    Axis(
        "hung-instances",
        "how many instances never answer who holds the session",
        "instances",
        Scale(0, 3, whole=True),
        "the row names the first of those that hang, and the last of the four holds the session: it delivers the "
        "message once, the user is told so, and the row is on it",
        _hung_instances_are_passed,
    ),
    Axis(
        "sends-at-once",
        "how many users send at the same moment from one row that names the wrong instance",
        "sends",
        Scale(1, 200, whole=True),
        "the holder delivers each message once, each user is told so, and the row is on the holder",
        _sends_at_once_arrive,
    ),
    Axis(
        "sessions",
        "how many sessions the assigned instance has, the account's as the last",
        "sessions",
        Scale(10, 20_000, whole=True),
        "the assigned instance, which is the holder, delivers the message once, the user is told so, and the row is "
        "on it",
        _session_among_many_is_seen,
    ),
    Axis(
        "moves",
        "how many sessions move within a second, each announced by its webhook",
        "moves a second",
        Scale(1, 200, whole=True),
        "each webhook is accepted, each row is on its holder, and the next message of one of them is delivered once",
        _moves_are_followed,
    ),
)


def named(names: tuple[str, ...]) -> tuple[Axis, ...]:
    """Return the axes with these names, in their own order; all of them for no name.

    Raises:
        TargetError: there is no axis of one of these names.
    """
    known = {one.name: one for one in AXES}
    if unknown := [one for one in names if one not in known]:
        raise TargetError(f"there is no axis {unknown[0]}; there are {', '.join(known)}")
    return tuple(one for one in AXES if not names or one.name in names)


def _account(world: World, *, on: int, assigned: int) -> Account:
    return world.new_account(on=on, assigned=world.fleet.url(assigned))


def _message_arrives(world: World, account: Account, on: int) -> None:
    """Check that a message from an account is delivered once by its holder, that its user knows, and the row too."""
    text = world.words.vary("hello")
    answer = world.send(text, account)
    sending.delivered_once(world.history, account.session_id, text, on)
    sending.told_sent(answer)
    world.check_assigned(on, account)


def _move_and_announce(world: World, number: int, *, seconds: float) -> None:
    """Move the session, announce it by a webhook that is signed so many seconds from now, and check that it is heard.

    Timestamps have full seconds. Where parts of one count, the moment is awaited at which the difference is exact.
    """
    world.fleet.move(world.account.session_id, number)
    if seconds and abs(seconds) < _TO_THE_SECOND:
        threading.Event().wait(-(time.time() + seconds) % 1 + _JUST_AFTER)
    announcer = world.fleet.announcer
    clock, announcer.clock = announcer.clock, lambda: time.time() + seconds
    try:
        webhook = world.fleet.webhook(world.account.session, number, "session_reconnected")
    finally:
        announcer.clock = clock
    sending.webhook_accepted(world.deliver(webhook))
    world.eventually(lambda: world.check_assigned(number))


@lru_cache(maxsize=2)
def _others(count: int) -> tuple[Session, ...]:
    """Return so many sessions of other tenants."""
    random = Random(count)  # noqa: S311 - names, not secrets
    return tuple(
        Session(f"webjs_{random.randint(2, 9000)}_1763798326_{place:08x}", 1, f"628{place:09d}")
        for place in range(count)
    )

"""Phrases about what happens in the middle of a send, and about many sends at the same time."""

from __future__ import annotations

import contextlib
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING

from pytest_bdd import given, then, when
from pytest_bdd.parsers import parse

from fake_instances.faults import DeniesSession, Endpoint, Refuse
from fake_instances.journal import WebhookAnswered
from fake_instances.placement import Handover
from harness.checks import resilience, sending
from harness.contract import MARGIN
from harness.errors import ConformanceFailure, NotJudgedError
from harness.scenario import users
from harness.scenario.actions import action

if TYPE_CHECKING:
    from harness.history import UserAnswered
    from harness.scenario.world import World

_OTHER_ASKED = 0.25
"""Of the verify timeout: how long an answer waits at most for another instance to answer."""
_HELD_BACK = 0.6
"""Of the verify timeout: how long an answer waits at most for a webhook's effect."""
_ASKED_ANEW = 0.25
"""Of the verify timeout: how long an answer waits at most for a later send to ask for itself."""
_HANG_PATIENCE = 0.25
"""Of the send timeout: how long to wait at most until all sends hang."""
_POLL_SECONDS = 0.01
_TWENTY = tuple(f"message {number}" for number in range(1, 21))


@action("the session moves to instance {new} right after the next verification by instance {old}")
def moves_after_verification(world: World, old: int, new: int) -> None:
    """Move the session when the answer is ready, before the caller can read it."""
    session_id = world.account.session_id
    world.fleet.after_answer(
        lambda: world.fleet.move(session_id, new),
        on=old,
        words=f"lets the session move to instance {new} after its answer",
    )


@action("the session moves to instance {new} just before a message reaches instance {old}")
def moves_before_message(world: World, old: int, new: int) -> None:
    """Have the session gone when the message arrives, however it was verified before.

    The message is denied, and the session moves before the denial goes out. Its sender cannot tell the difference.
    """
    session_id = world.account.session_id
    world.arm(DeniesSession(), old, {Endpoint.SEND}, times=1)
    world.fleet.after_answer(
        lambda: world.fleet.move(session_id, new),
        on=old,
        endpoints={Endpoint.SEND},
        session_id=session_id,
        words=f"lets the session move to instance {new} before the message arrives",
    )


@action("the session moves to instance {new} when instance {old} has answered and goes away")
def moves_and_old_goes_away(world: World, old: int, new: int) -> None:
    """Have the next verification answered, and no connection made any more."""
    session_id = world.account.session_id

    def go_away() -> None:
        world.fleet.move(session_id, new)
        world.arm(Refuse(finishes=True), old, {Endpoint.LISTENER})

    world.fleet.after_answer(
        go_away, on=old, words=f"lets the session move to instance {new} after its answer, and goes away"
    )


@given(
    parse(
        "the session connects on instance {new:d} too, announced before instance {old:d} says that it holds it"
    )
)
def connects_during_scan(world: World, new: int, old: int) -> None:
    """Hold back the next answer until the new instance has said no and a webhook has taken effect.

    The answer does not wait for ever: an implementation need not ask the new instance, and may put off the
    webhook until its scan is over.
    """
    fleet, session_id = world.fleet, world.account.session_id
    timeout = world.settings.verify_timeout_in_force

    def announce() -> None:
        deadline = time.monotonic() + _HELD_BACK * timeout
        fleet.journal.wait_until(lambda: _has_answered(world, new), timeout=_OTHER_ASKED * timeout)
        session = fleet.move(session_id, new, Handover.SPLIT_BRAIN)
        delivery = fleet.send(fleet.webhook(session, new, "session_reconnected"))
        with contextlib.suppress(TimeoutError):
            delivery.wait(deadline - time.monotonic())
        while not _is_assigned(world, new) and time.monotonic() < deadline:
            threading.Event().wait(_POLL_SECONDS)

    fleet.after_answer(announce, on=old, words=f"has instance {new} announce the session before it answers")
    world.take_for_granted(lambda: _check_announcement_heeded(world, new, old))


def _check_announcement_heeded(world: World, new: int, old: int) -> None:
    """Check that such an announcement moves a row when no scan and no health check is under way.

    It is another account's: whoever got stuck over the first one is no more excused by being so still.
    """
    account = world.new_account(on=new, assigned=world.fleet.url(old))
    webhook = world.fleet.webhook(account.session, new, "session_reconnected")
    sending.webhook_accepted(world.deliver(webhook))
    world.eventually(lambda: world.check_assigned(new, account))


def _has_answered(world: World, number: int) -> bool:
    history = world.history
    asked = history.verifications(world.account.session_id, number)
    return any((number, one.request) in history.answers for one in asked)


def _is_assigned(world: World, number: int) -> bool:
    try:
        world.check_assigned(number)
    except ConformanceFailure:
        return False
    return True


@action("twenty users send a message each from the account at the same time")
def twenty_send(world: World) -> None:
    """Send twenty texts at once from the account."""
    users.send_at_once(world, [(world.account, text) for text in _TWENTY])


@action("two sends overlap, and the session moves to instance {new} while instance {old} answers the first")
def sends_overlap(world: World, new: int, old: int) -> None:
    """Move the session when the answer to the first send is ready, and let it go out when the second has asked.

    The answer does not wait for ever: the second send may be taken up when the first is over.
    """
    fleet, session_id = world.fleet, world.account.session_id
    patience = _ASKED_ANEW * world.settings.verify_timeout_in_force
    with ThreadPoolExecutor(1) as user:
        later: list[Future[UserAnswered]] = []

        def move() -> None:
            fleet.move(session_id, new)
            before = len(world.history.verifications(session_id, old))
            later.append(user.submit(world.hand_over, world.announce(world.words.vary("second"))))
            fleet.journal.wait_until(
                lambda: len(world.history.verifications(session_id, old)) > before, timeout=patience
            )

        fleet.after_answer(
            move, on=old, words=f"lets the session move to instance {new} before its answer goes out"
        )
        world.remember_rows()
        world.answers.append(world.hand_over(world.announce(world.words.vary("first"))))
        world.answers += [one.result() for one in later]
    if not later:
        raise NotJudgedError(
            f"the first send did not ask instance {old}, so the second never overlapped with it"
        )
    fleet.settle(world.settings.verify_timeout_in_force)


@action("three users of each account send to somebody of their own at the same time")
def each_to_somebody(world: World) -> None:
    """Send different texts to different people, from all accounts at once."""
    texts = [
        (account, world.words.vary(f"for person {n} of {account.id}"))
        for account in world.accounts
        for n in range(3)
    ]
    users.send_at_once(world, texts)


@action("the session moves before each of twenty messages from the account")
def moves_before_each(world: World) -> None:
    """Move the session silently, each time to another instance, and send."""
    numbers = world.fleet.numbers
    place = numbers.index(world.holder)
    for turn, text in enumerate(_TWENTY):
        place += 1 + turn % (len(numbers) - 1)
        world.fleet.move(world.account.session_id, numbers[place % len(numbers)])
        world.send(text)


@when(parse('the user sends "{message}" from the account while the other eight send'))
def sends_meanwhile(world: World, message: str) -> None:
    """Send while the others' messages hang, only as long as it takes to see whether this one is held up."""
    text = world.words.vary(message)
    others = world.accounts[1:]
    (holder,) = world.fleet.holders(others[0].session_id)
    timeout = world.settings.send_timeout_in_force
    with ThreadPoolExecutor(1) as user:
        with users.hanging_sends(world, others, holder, patience=_HANG_PATIENCE * timeout):
            send = user.submit(world.send, text)
            wait([send], timeout=timeout / 2 + MARGIN)
        send.result()


@then(parse("the announcement of instance {number:d} is accepted"))
def announcement_accepted(world: World, number: int) -> None:
    """Check the answer to the instance's webhook, which may have waited for a whole send to end."""

    def answer() -> WebhookAnswered | None:
        answers = [one for one in world.history.of(WebhookAnswered) if one.instance == number]
        return answers[-1] if answers else None

    patience = world.settings.verify_timeout_in_force + world.settings.send_timeout_in_force + MARGIN
    world.journal.wait_until(lambda: answer() is not None, timeout=patience)
    sending.webhook_accepted(answer())


@then(parse("instance {number:d} delivers each message once"))
def delivers_each(world: World, number: int) -> None:
    """Check by the instances' own record of what they sent."""
    for text in _TWENTY:
        sending.delivered_once(world.history, world.account.session_id, text, number)


@then("each text went once to the person whom its user named")
def each_went_to_its_own(world: World) -> None:
    """Check recipients and sessions by the instances' own record of what they sent."""
    sending.each_to_its_own(world.history)
    resilience.sent_over_own_sessions(world.history, [account.session_id for account in world.accounts])


@then("each user is told of his own message")
def told_of_own(world: World) -> None:
    """Check the ids of messages, where the answers have them."""
    sending.told_of_own_message(world.history)


@then(parse('the message "{message}" is not posted to instance {number:d}'))
def text_not_posted_to(world: World, message: str, number: int) -> None:
    """Check by the texts that an instance was posted, delivered or not."""
    sending.text_not_posted(world.history, world.account.session_id, world.words.said(message), number)


@then("each message is delivered once by the instance that held the session")
def delivered_where_held(world: World) -> None:
    """Check each message by where the session was when it was sent."""
    resilience.delivered_where_held(world.history, world.account.session_id)


@then("no instance was asked more than ten times")
def asked_ten_times(world: World) -> None:
    """Check by the instances' own record of what they were asked, on any route."""
    resilience.asked_at_most(world.history, world.account.session_id, 10)


@then("the send took less than half the send timeout")
def took_half_a_send(world: World) -> None:
    """Check the time of a send that nothing should hold up."""
    seconds = world.settings.send_timeout_in_force / 2
    resilience.took_less_than(world.answer, seconds, "half the send timeout")

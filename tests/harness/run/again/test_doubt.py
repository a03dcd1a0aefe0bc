"""When a failure is doubted, and what follows: judged again, kept, or not judged."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fake_instances.faults import Endpoint
from fake_instances.journal import FaultArmed, InstancePaused, InstanceStopped, WebhookAnswered, WebhookSent
from harness.catalogue.verdict import Outcome
from harness.run.again.doubt import MOST_TRIES, Doubts, Next, doubt_about, what_next
from harness.run.again.machine import Strain
from harness.run.judging import doubts_about, not_judged_for
from tests.harness.reporting import LOGGED, record
from tests.harness.support import answered, asked, ended, history, user_answered, user_sends

if TYPE_CHECKING:
    from fake_instances.journal import Entry

TIMEOUT = 0.8
STILL = Strain(still=0.3)
CROWDED = Strain(idle=0.02, others=0.9)
BURNT_BY_OURS = Strain(idle=0.0, others=0.05)
FAILED, BROKEN, NOT_JUDGED = Outcome.FAILED, Outcome.BROKEN, Outcome.NOT_JUDGED


def at(seconds: float, entry: Entry) -> Entry:
    object.__setattr__(entry, "at", 1000 + seconds)
    return entry


def armed(instance: int, *endpoints: Endpoint) -> FaultArmed:
    return FaultArmed(instance=instance, fault=1, words="misbehaves", endpoints=endpoints)


def test_of_a_send_that_went_swiftly_nothing_is_doubted() -> None:
    told = history(
        user_sends(), asked(3002, 1), answered(3002, 1), ended(3002, 1, "answered"), user_answered(),
        seconds=0.05,
    )  # fmt: skip

    assert doubt_about(told, TIMEOUT) == ""


def test_who_was_never_answered_met_no_slow_one() -> None:
    nothing = user_answered(None, "", told_sent=False, seconds=24.0, problem="no whole answer")
    in_vain = history(at(0, user_sends()), at(24.0, nothing))
    late = history(at(0, user_sends()), at(24.0, user_answered()))

    assert doubt_about(in_vain, TIMEOUT) == ""
    assert doubt_about(late, TIMEOUT).startswith("the implementation did nothing for 24.00 s")


def test_a_webhook_that_was_answered_at_no_try_met_no_slow_one() -> None:
    def tried(*statuses: int | None) -> str:
        entries: list[Entry] = []
        for attempt, status in enumerate(statuses, start=1):
            sent = WebhookSent(
                instance=3002, webhook=1, attempt=attempt, event="e", session_id=None, headers=(), body=b""
            )
            heard = WebhookAnswered(instance=3002, webhook=1, attempt=attempt, status=status)
            entries += [at(6 * attempt, sent), at(6 * attempt + 5, heard)]
        return doubt_about(history(*entries), TIMEOUT)

    assert tried(None, None) == ""
    assert tried(None, 200).startswith("the implementation did nothing for 5.00 s")


def test_an_instance_without_a_fault_that_was_late_or_given_up_is_told() -> None:
    late = history(at(0, asked(3002, 1)), at(0.5, answered(3002, 1)), at(0.5, ended(3002, 1, "answered")))
    left = history(at(0, asked(3002, 1)), at(0.9, ended(3002, 1)))

    assert doubt_about(late, TIMEOUT) == "instance 3002, which had no fault, answered only after 0.50 s"
    assert doubt_about(left, TIMEOUT) == "instance 3002, which had no fault, was given up after 0.90 s"
    # What is late for a short timeout is not late for a long one.
    assert doubt_about(late, 3.0) == ""


@pytest.mark.parametrize(
    "why",
    [
        armed(3002, Endpoint.HEALTH_DETAILED),
        armed(3002, Endpoint.SEND, Endpoint.WEBHOOK),
        InstanceStopped(instance=3002),
        InstancePaused(instance=3002),
    ],
)
def test_of_an_instance_that_was_to_misbehave_nothing_is_doubted(why: Entry) -> None:
    assert doubt_about(history(why, asked(3002, 1), ended(3002, 1), seconds=1), TIMEOUT) == ""


def test_a_fault_of_webhooks_or_of_another_instance_explains_no_late_answer() -> None:
    told = history(
        armed(3002, Endpoint.WEBHOOK), armed(3001, Endpoint.SEND), asked(3002, 1), ended(3002, 1), seconds=1
    )

    assert "instance 3002" in doubt_about(told, TIMEOUT)


def test_an_implementation_that_stood_still_while_somebody_waited_is_told() -> None:
    sent = WebhookSent(instance=3002, webhook=1, event="e", session_id=None, headers=(), body=b"")
    heard = WebhookAnswered(instance=3002, webhook=1, status=200)
    before = history(at(0, user_sends()), at(1.4, asked(3002, 1)), at(1.41, ended(3002, 1, "answered")))
    after = history(at(0, asked(3002, 1)), at(0.1, user_sends()), at(0.2, ended(3002, 1, "answered")),
                    at(1.6, user_answered()))  # fmt: skip

    for told in (before, after):
        assert (
            doubt_about(told, TIMEOUT)
            == "the implementation did nothing for 1.40 s while somebody waited for it"
        )
    assert "did nothing for 1.00 s" in doubt_about(history(sent, heard, seconds=1), TIMEOUT)
    # Nobody waited, or it waited for an instance itself.
    assert doubt_about(history(heard, at(1009, user_sends())), TIMEOUT) == ""
    assert doubt_about(history(armed(3001, Endpoint.SEND), at(0, user_sends()), at(0, asked(3001, 1)),
                               at(1.4, ended(3001, 1)), at(1.4, user_answered())), TIMEOUT) == ""  # fmt: skip


def test_many_calls_need_many_short_pauses_and_that_is_no_standstill() -> None:
    quick: list[Entry] = [user_sends()]
    for turn in range(50):
        quick += [asked(3002, turn), ended(3002, turn, "answered")]

    assert doubt_about(history(*quick, user_answered(), seconds=0.01), TIMEOUT) == ""


def test_many_small_silences_of_one_send_are_one() -> None:
    entries: list[Entry] = [at(0, user_sends())]
    for turn in range(10):
        entries += [
            at(0.1 * turn + 0.05, asked(3002, turn)),
            at(0.1 * turn + 0.06, ended(3002, turn, "answered")),
        ]

    assert "did nothing for 0.86 s" in doubt_about(history(*entries), TIMEOUT)
    assert doubt_about(history(*entries), 3.0) == ""


def decided(*tries: Doubts) -> Next:
    """Return what is done in the end with a scenario that failed each time with these doubts."""
    for number, doubts in enumerate(tries, 1):
        if (step := what_next(number, doubts)) is not Next.AGAIN:
            return step
    return Next.AGAIN


def test_a_failure_that_nothing_speaks_against_is_kept_at_once() -> None:
    assert what_next(1, Doubts()) is Next.KEEP
    # A busy machine alone excuses nothing: what failed was not slow.
    assert what_next(1, Doubts(crowded="busy")) is Next.KEEP


@pytest.mark.parametrize("doubts", [Doubts(late="x"), Doubts(slow="x"), Doubts(still="x")])
def test_a_doubted_failure_is_judged_once_more_and_kept_when_the_machine_was_quiet(doubts: Doubts) -> None:
    assert decided(doubts) is Next.AGAIN
    assert decided(doubts, Doubts()) is Next.KEEP
    # The mistake itself may be slow, and miss time bounds, for ever.
    assert decided(doubts, Doubts(late="x", slow="x")) is Next.KEEP
    assert decided(doubts, Doubts(late="x", crowded="x")) is Next.KEEP
    # Nothing was slow, however short the machine stood still: what was wrong is wrong.
    assert decided(doubts, Doubts(still="x", crowded="x")) is Next.KEEP


@pytest.mark.parametrize(
    "excused",
    [
        Doubts(still="x", slow="x"),
        Doubts(still="x", late="x"),
        Doubts(still="x", long=True),
        Doubts(slow="x", crowded="x"),
    ],
)
def test_nobody_is_convicted_by_a_machine_that_never_became_quiet(excused: Doubts) -> None:
    assert decided(*[excused] * (MOST_TRIES - 1)) is Next.AGAIN
    assert decided(*[excused] * (MOST_TRIES - 1), Doubts(slow="x")) is Next.KEEP
    assert decided(*[excused] * MOST_TRIES) is Next.GIVE_UP


def test_what_an_implementation_does_to_the_machine_is_no_excuse() -> None:
    assert CROWDED.crowd == "other programs used 90% of the machine and left 2% of it idle"
    assert BURNT_BY_OURS.crowd == ""
    assert Strain(idle=0.5, others=0.5).crowd == ""


def test_a_standstill_is_measured_by_the_timeout_in_force() -> None:
    assert STILL.standstill(TIMEOUT) == "the machine stood still for 0.30 s"
    assert STILL.standstill(3.0) == ""


def test_doubts_are_about_what_failed_and_never_about_a_crash_or_the_harness() -> None:
    passed, slow = record(LOGGED), record(LOGGED, FAILED, doubt="slow")
    late, broken = record(LOGGED, FAILED, time_bound=True), record(LOGGED, BROKEN)

    assert doubts_about([passed], [passed], STILL, TIMEOUT) == Doubts()
    assert doubts_about([slow], [passed], Strain(), TIMEOUT) == Doubts(slow="slow")
    assert doubts_about([record(LOGGED, NOT_JUDGED)], [], STILL, TIMEOUT).still
    assert doubts_about([late], [], Strain(), TIMEOUT) == Doubts(late="a time bound was missed")
    assert doubts_about([late], [late], CROWDED, TIMEOUT).late
    assert doubts_about([slow], [record(LOGGED, FAILED)], STILL, TIMEOUT) == Doubts()
    assert doubts_about([late], [broken], STILL, TIMEOUT) == Doubts()
    assert doubts_about([broken], [], STILL, TIMEOUT) == Doubts()


def test_what_is_given_up_is_not_judged_and_says_why() -> None:
    told = not_judged_for(record(LOGGED, FAILED, reason="expected a; observed b"), "the machine stood still")

    assert told.outcome is NOT_JUDGED
    assert told.reason == (
        "it went wrong 3 times, the last time because the machine stood still; "
        "what was seen then: expected a; observed b"
    )

"""Trials against the reference, really launched: what becomes of each, and what is left behind."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import psutil
import pytest

from fake_instances import FleetError
from harness.attach.setup import Setup, fleet_addresses
from harness.errors import ConformanceFailure, NotJudgedError
from harness.frontier.axes import AXES, InexactError
from harness.frontier.bisection import Outcome, Scale
from harness.frontier.measuring import Measuring, Subject
from harness.targets.reader import load_target
from tests.harness.frontier.made_up import COUNT, axis
from tests.harness.support import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fake_instances.journal import WebhookAnswered
    from fake_instances.webhooks.message import Webhook
    from harness.frontier.axes import Axis
    from harness.frontier.bisection import Frontier
    from harness.scenario.world import World

pytestmark = pytest.mark.thorough

HOST = "127.0.0.70"
FEW_HUNDREDS = Scale(100, 200, whole=True, precision=1.0)


@pytest.fixture(scope="module")
def setup() -> Iterator[Setup]:
    with Setup(load_target("reference"), fleet_addresses(HOST, "free")) as made:
        yield made


def measure(setup: Setup, *axes: Axis, repeats: int = 1, seconds: float = 60.0) -> list[Frontier]:
    measuring = Measuring(
        [Subject("reference", setup)], axes, repeats=repeats, seconds=seconds, tell=lambda _: None
    )
    return [one.frontier for one in measuring.results()]


def breaking(limit: float, problem: Callable[[World], Exception]) -> Callable[[World, float], None]:
    def holds(world: World, value: float) -> None:
        if value > limit:
            raise problem(world)

    return holds


@pytest.mark.parametrize("one", AXES, ids=lambda one: one.name)
def test_the_least_of_every_axis_holds_for_the_reference(setup: Setup, one: Axis) -> None:
    least = axis(one.name, one.scale, breaking(one.scale.least, lambda _: NotJudgedError("only the least")))

    def holds(world: World, value: float) -> None:
        least.holds(world, value)
        one.holds(world, value)

    (frontier,) = measure(setup, axis(one.name, one.scale, holds), repeats=2)

    assert frontier.tolerates == one.scale.least, frontier.points
    assert setup.fleet.journal.entries() == ()
    assert all(setup.fleet.sessions(number) == () for number in setup.fleet.numbers)
    assert all(setup.fleet.armed(number) == () for number in setup.fleet.numbers)


@pytest.mark.parametrize("name", ["webhook-delay", "clock-skew"])
def test_a_webhook_is_signed_as_far_away_as_it_says(setup: Setup, name: str) -> None:
    (one,) = [each for each in AXES if each.name == name]
    sign = -1 if name == "webhook-delay" else 1
    away: list[float] = []

    def holds(world: World, value: float) -> None:
        own, sent = world.fleet.send, []
        world.fleet.send = lambda webhook: (sent.append((time.time(), webhook)), own(webhook))[1]  # type: ignore[method-assign]
        try:
            one.holds(world, value)
        finally:
            world.fleet.send = own  # type: ignore[method-assign]
        at, webhook = sent[0]
        away.append(sign * (int(webhook.header("X-Timestamp") or 0) - at) - value)

    measure(setup, axis(name, COUNT, lambda world, _value: holds(world, 1.3)))

    # As exact as a machine that does other things too, and never early: what is younger than it says bears more.
    assert min(abs(one) for one in away) < 0.1, away


def test_the_clock_is_right_again_whatever_happens(setup: Setup) -> None:
    clock = setup.fleet.announcer.clock

    measure(setup, *AXES[:2], seconds=3.0)

    assert setup.fleet.announcer.clock is clock


def test_what_broke_is_told_without_secrets_and_within_bounds(setup: Setup) -> None:
    key, secret = setup.secrets
    said = breaking(50, lambda _: ConformanceFailure("peace", f"{key} and {secret} {'x' * 5000}"))

    (frontier,) = measure(setup, axis(scale=COUNT, holds=said))

    assert frontier.end is not None
    assert frontier.end.outcome is Outcome.BROKE
    assert "expected peace; observed [secret] and [secret]" in frontier.end.why
    assert len(frontier.end.why) < 1100


@pytest.mark.parametrize("kind", [NotJudgedError, FleetError])
def test_what_the_harness_cannot_do_breaks_nothing(setup: Setup, kind: type[Exception]) -> None:
    (frontier,) = measure(setup, axis(scale=COUNT, holds=breaking(50, lambda _: kind("no further"))))

    assert frontier.fails_from is None
    assert frontier.end is not None
    assert (frontier.end.outcome, frontier.end.why) == (Outcome.NOT_JUDGED, "no further")


@pytest.mark.parametrize(("times", "outcome"), [(3, Outcome.HELD), (100, Outcome.NOT_JUDGED)])
def test_what_was_not_tried_exactly_is_tried_again(setup: Setup, times: int, outcome: Outcome) -> None:
    inexact = iter([InexactError("too late")] * times)

    def holds(_world: World, _value: float) -> None:
        if (problem := next(inexact, None)) is not None:
            raise problem

    (frontier,) = measure(setup, axis(scale=Scale(1, 1), holds=holds), seconds=60.0)

    assert [one.outcome for one in frontier.points] == [outcome]


@pytest.mark.parametrize(("name", "sign"), [("webhook-delay", -1), ("clock-skew", 1)])
def test_a_webhook_that_comes_too_late_shows_nothing(setup: Setup, name: str, sign: int) -> None:
    (one,) = [each for each in AXES if each.name == name]

    def holds(world: World, value: float) -> None:
        deliver = world.deliver

        def late(webhook: Webhook) -> WebhookAnswered:
            if sign < 0:
                webhook = webhook.signed("another secret")
            answered = deliver(webhook)
            threading.Event().wait(0.1)
            return answered

        world.deliver = late  # type: ignore[assignment, method-assign]
        one.holds(world, value)

    (frontier,) = measure(setup, axis(name, Scale(1, 1), holds))

    assert frontier.end is not None
    assert frontier.end.outcome is Outcome.NOT_JUDGED
    assert "the webhook came later than it should" in frontier.end.why


def test_an_implementation_that_ended_by_itself_did_not_bear_it_and_is_there_again(setup: Setup) -> None:
    def ends(world: World, value: float) -> None:
        if value > 100:
            for one in psutil.Process().children(recursive=True):
                # Its guard has the same words behind its own, and a child.
                if "reference_impl" in one.cmdline() and not one.children():
                    one.kill()
            until(lambda: world.implementation.crash is not None, "its end is seen")

    def sends(world: World, _value: float) -> None:
        first, *_ = world.fleet.numbers
        world.new_account(on=first, assigned=world.fleet.url(first))
        if not world.send("hello").told_sent:
            raise ConformanceFailure("it is there again", "it is not")

    ended, after = measure(setup, axis("ended", FEW_HUNDREDS, ends), axis("after", COUNT, sends))

    assert (ended.tolerates, ended.fails_from) == (100, 200)
    assert ended.end is not None
    assert "expected the implementation goes on running" in ended.end.why
    assert after.tolerates == COUNT.most


def test_time_is_shared_by_what_is_still_to_be_measured(setup: Setup) -> None:
    def slow(_world: World, _value: float) -> None:
        threading.Event().wait(0.02)

    began = time.monotonic()
    first, second = measure(setup, axis("a", COUNT, slow), axis("b", COUNT, slow), repeats=100, seconds=1.0)

    assert first.cut_short
    assert second.points or second.cut_short
    assert time.monotonic() - began < 10.0


def test_every_axis_is_measured_of_every_implementation_in_turn(setup: Setup) -> None:
    told: list[str] = []
    subjects = [Subject("one", setup), Subject("other", setup)]
    axes = [axis("a", COUNT), axis("b", COUNT)]
    results = Measuring(subjects, axes, repeats=1, seconds=30.0, tell=told.append).results()

    assert [(one.axis.name, one.subject) for one in results] == [
        ("a", "one"),
        ("a", "other"),
        ("b", "one"),
        ("b", "other"),
    ]
    assert told[0].startswith("a of one: 1 s, at most ")

"""The frontier that is found is the one that there is, though single tries are wrong; and what is none is told so."""

from __future__ import annotations

import itertools
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.frontier.bisection import Outcome, Scale, Try, find, judged
from tests.harness.frontier.made_up import BROKE, COUNT, HELD, SECONDS, UNJUDGED, found, up_to


@given(st.floats(0.5, 900, exclude_max=True))
def test_the_frontier_lies_in_the_interval_which_is_narrow(limit: float) -> None:
    frontier = found(SECONDS, up_to(limit))

    assert frontier.tolerates is not None
    assert frontier.fails_from is not None
    assert frontier.tolerates <= limit < frontier.fails_from <= frontier.tolerates * 1.05
    assert not frontier.odd
    assert not frontier.cut_short


@given(st.integers(1, 199))
def test_whole_numbers_are_closed_in_to_neighbours_where_they_are_few(limit: int) -> None:
    frontier = found(COUNT, up_to(limit))

    assert frontier.tolerates is not None
    assert frontier.fails_from is not None
    assert (
        frontier.tolerates
        <= limit
        < frontier.fails_from
        <= max(frontier.tolerates * 1.05, frontier.tolerates + 1)
    )
    assert all(one.value == int(one.value) for one in frontier.points)


@pytest.mark.parametrize("limit", [0, 1, 2])
def test_a_scale_may_begin_with_nothing(limit: int) -> None:
    frontier = found(Scale(0, 3, whole=True), up_to(limit))

    assert (frontier.tolerates, frontier.fails_from) == (limit, limit + 1)


def test_what_never_breaks_has_no_frontier_and_was_looked_at_in_the_middle() -> None:
    frontier = found(SECONDS, lambda _value: HELD)

    assert (frontier.tolerates, frontier.fails_from) == (900, None)
    assert [one.value for one in frontier.points] == [0.5, 21.2, 900]
    assert not frontier.odd


def test_what_never_holds_is_tried_elsewhere_too() -> None:
    frontier = found(SECONDS, lambda _value: BROKE)

    assert (frontier.tolerates, frontier.fails_from) == (None, 0.5)
    assert len(frontier.points) == 2


def test_a_value_that_holds_above_one_that_broke_is_odd() -> None:
    frontier = found(SECONDS, lambda value: BROKE if value < 1 else HELD)

    assert frontier.tolerates is None
    assert [(one.value, one.outcome) for one in frontier.odd] == [(21.2, Outcome.HELD)]


def test_a_gap_far_below_the_frontier_is_odd() -> None:
    frontier = found(SECONDS, lambda value: BROKE if 1 < value < 20 or value > 300 else HELD)

    assert frontier.tolerates is not None
    assert frontier.tolerates > 280
    assert [one.outcome for one in frontier.odd] == [Outcome.BROKE]


def test_an_island_far_above_the_frontier_is_odd() -> None:
    frontier = found(SECONDS, lambda value: HELD if value < 2 or 30 < value < 200 else BROKE)

    assert frontier.odd or (frontier.tolerates is not None and frontier.tolerates > 30)


def test_a_middle_that_breaks_between_two_ends_that_hold_is_odd() -> None:
    frontier = found(SECONDS, lambda value: BROKE if 10 < value < 100 else HELD)

    assert (frontier.tolerates, frontier.fails_from) == (900, None)
    assert [one.value for one in frontier.odd] == [21.2]


@pytest.mark.parametrize("seed", range(20))
def test_one_try_in_ten_may_lie(seed: int) -> None:
    random = Random(seed)

    def noisy(value: float) -> Try:
        truth = value <= 40
        return HELD if truth is not (random.random() < 0.1) else BROKE

    frontier = found(SECONDS, noisy, repeats=15)

    assert frontier.tolerates is not None
    assert 36 <= frontier.tolerates <= 44


def test_a_value_that_broke_by_chance_is_tried_anew_and_the_search_goes_on_from_there() -> None:
    unlucky = iter([BROKE, BROKE])

    frontier = found(SECONDS, lambda value: next(unlucky, HELD) if value == 21.2 else up_to(300)(value))

    assert frontier.tolerates is not None
    assert 285 <= frontier.tolerates <= 300
    assert not frontier.odd
    assert not frontier.blurred


def test_a_value_that_held_by_chance_is_tried_anew_too() -> None:
    lucky = iter([HELD] * 4)

    frontier = found(SECONDS, lambda value: next(lucky, BROKE) if value == 21.2 else up_to(3)(value))

    assert frontier.tolerates is not None
    assert 2.85 <= frontier.tolerates <= 3


def test_where_the_same_values_hold_and_break_the_frontier_is_blurred() -> None:
    random = Random(1)

    frontier = found(SECONDS, lambda value: HELD if value < 300 and random.random() < 0.75 else BROKE)

    assert frontier.blurred


def test_a_value_needs_no_more_tries_when_it_is_certain() -> None:
    assert judged(1, 5, iter([HELD] * 4)).tries == 4
    assert judged(1, 5, iter([BROKE] * 2)).tries == 2
    assert judged(1, 5, iter([HELD, BROKE, HELD, HELD, HELD])).holds
    assert judged(1, 1, iter([HELD])).holds
    assert not judged(1, 4, iter([HELD, HELD, BROKE])).holds


def test_why_a_value_broke_is_what_was_seen_first() -> None:
    point = judged(1, 5, iter([HELD, Try(Outcome.BROKE, "first"), Try(Outcome.BROKE, "second")]))

    assert (point.outcome, point.held, point.tries, point.why) == (Outcome.BROKE, 1, 3, "first")


def test_what_cannot_be_judged_neither_holds_nor_breaks() -> None:
    assert judged(1, 5, iter([UNJUDGED] * 2)).outcome is Outcome.NOT_JUDGED
    assert judged(1, 5, iter([HELD, HELD, HELD, BROKE, UNJUDGED])).outcome is Outcome.NOT_JUDGED
    assert judged(1, 5, iter([HELD, HELD, HELD, UNJUDGED, HELD])).holds


def test_where_the_harness_cannot_go_nothing_is_said_to_fail() -> None:
    frontier = found(COUNT, up_to(150, UNJUDGED))

    assert frontier.tolerates is not None
    assert 140 <= frontier.tolerates <= 150
    assert frontier.fails_from is None
    assert frontier.end is not None
    assert (frontier.end.outcome, frontier.end.why) == (Outcome.NOT_JUDGED, UNJUDGED.why)
    assert not frontier.odd


@pytest.mark.parametrize("allowed", range(0, 40, 3))
def test_when_the_time_is_up_what_is_known_is_kept(allowed: int) -> None:
    looks = itertools.count()

    frontier = find(SECONDS, 5, up_to(300), lambda: next(looks) >= allowed)

    assert frontier.tolerates is None or frontier.tolerates <= 300
    assert frontier.ends is None or frontier.ends > 300
    assert frontier.cut_short is (frontier.ends is None or frontier.ends > (frontier.tolerates or 0) * 1.05)
    assert not frontier.probed
    assert all(one.tries in {2, 4, 8} for one in frontier.points)

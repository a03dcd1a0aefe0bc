"""Random stories: incidents, in which trouble comes one at a time and ends, and mixtures of everything."""

from __future__ import annotations

from itertools import combinations, islice, product

import pytest

from harness.explore.making import MOST_ACTIONS, random_stories, small, stories

NUMBERS = (3001, 3002, 3003, 3004)
MANY = 300
CURES = {"is-well-again", "all-is-well-again", "started-again"}
TROUBLES = {"refuses-message", "sends-then-fails", "answers-hollow", "denies"}


def test_random_stories_come_between_the_small_ones_and_not_behind_them_all() -> None:
    first = {one.name for one in small(NUMBERS)}

    made = [one.name in first for one in islice(stories(NUMBERS, 1), 4 * MANY)]

    assert all(made[:MANY])
    assert made[2 * MANY :].count(False) > MANY


def test_an_incident_ends_within_the_bound() -> None:
    assert max(len(one.when) for one in islice(random_stories(NUMBERS, 1), MANY)) <= MOST_ACTIONS


def test_trouble_ends_in_most_stories_before_the_next_one_comes() -> None:
    single = 0
    for story in islice(random_stories(NUMBERS, 1), MANY):
        under_way = most = 0
        for one in story.when:
            under_way = 0 if one.kind.name in CURES else under_way + (one.kind.name in TROUBLES)
            most = max(most, under_way)
        single += most <= 1

    assert single > MANY * 0.8


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_three_things_that_an_incident_needs_come_in_this_order_soon(seed: int) -> None:
    met: set[tuple[str, ...]] = set()
    for story in islice(random_stories(NUMBERS, seed), 2 * MANY):
        met |= set(combinations([one.kind.name for one in story.when], 3))

    usual = ("sends", "reconnects", "moves-unannounced", "health-check-runs", "set-row")
    wanted = set(product(usual, repeat=3))
    assert len(wanted & met) > 0.9 * len(wanted)

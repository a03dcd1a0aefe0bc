"""Mistakes that need two things together: no scenario convicts them, and the explorer finds most of them."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context

import pytest

from harness.explore.making import random_stories
from tests.harness.support import PATIENCE
from tests.mutants.machinery import zygote
from tests.mutants.machinery.combinations import combinations
from tests.mutants.machinery.combined import SECONDS, STORIES, attached, complaints, explore, first_violation
from tests.mutants.machinery.trials import mutant_trials

HOST = "127.0.0.39"
QUICK = (20 * PATIENCE, 200)
"""Seconds and stories. What is found by so few is found in seconds, where nothing else runs."""
LONG_SECONDS = 900.0
"""On a machine that does much else, so many stories take longer than two minutes."""


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("name", "broken"),
    [
        pytest.param(
            *("move-after-a-repair-logged-from-the-older-url", "the log says that a webhook moved the URL"),
            marks=pytest.mark.thorough,
        ),
        ("reconnect-after-a-disconnect-ignored", "the row is assigned to instance"),
    ],
)
def test_one_is_found_by_the_first_random_stories(name: str, broken: str) -> None:
    with attached(name, HOST) as setup:
        told, violation, _ = first_violation(setup, random_stories(setup.fleet.numbers, 1), bounds=QUICK)

    assert violation is not None, f"nothing was found by {told} stories"
    assert violation.promise.then.startswith(broken)


def test_the_kill_matrix_does_not_know_them() -> None:
    assert not {one.name for one in mutant_trials()} & {*combinations()}


@pytest.mark.thorough
def test_ten_are_found_by_short_stories() -> None:
    names = list(combinations())
    bounds = (max(SECONDS, LONG_SECONDS), STORIES)
    with zygote.opened(), ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        found = list(pool.map(partial(explore, bounds=bounds, address=HOST), names))

    good = [one.combination for one in found if one.good]
    assert len(good) >= 10, good


@pytest.mark.thorough
def test_no_scenario_convicts_one() -> None:
    with zygote.opened():
        complained = {name: said for name, said in complaints([*combinations()], 4) if said}

    assert not complained

"""Promises are Then steps that exist, of requirements that exist, and none is made of what is not known."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from harness.catalogue.features import catalogue
from harness.explore.making import stories
from harness.explore.promises.table import MAKERS, is_judged, promises
from harness.scenario.actions import kinds, of_words
from harness.scenario.phrases import check_of
from tests.harness.explore.moments import NOWHERE, OTHER, WELL, WRONG, moment

_NUMBERS = (3001, 3002, 3003, 3004)
_SITUATIONS = (
    WELL,
    WRONG,
    NOWHERE,
    replace(WELL, row=None, named=None),
    replace(WELL, slash=True),
    replace(WELL, copies={3004: "disconnected"}),
    replace(WELL, holders=frozenset({3002, 3004})),
    replace(WRONG, silent=frozenset({3001})),
    replace(WELL, silent=frozenset({3002})),
    replace(NOWHERE, silent=frozenset({3003})),
    replace(WELL, dialect=True),
    replace(WELL, lying=frozenset({3004})),
)


def test_every_maker_is_of_an_action_that_exists() -> None:
    assert {*MAKERS} <= {*kinds()}
    assert is_judged("sends")
    assert not is_judged("set-row")


def test_what_is_promised_of_a_thousand_stories_are_steps_and_requirements_that_exist() -> None:
    known = catalogue()
    for story in itertools.islice(stories(_NUMBERS, 1), 0, 3000, 3):
        earlier, action = story.actions[:-1], story.actions[-1]
        for before in _SITUATIONS:
            one = replace(
                moment("sends message=hello", before=before, other=OTHER), action=action, earlier=earlier
            )
            for promise in promises(one):
                assert promise.requirement in known, promise
                check_of(promise.then)


@pytest.mark.parametrize("name", sorted(MAKERS))
def test_who_does_not_know_the_log_promises_nothing_of_it(name: str) -> None:
    action = next(one for story in stories(_NUMBERS, 1) for one in story.actions if one.kind.name == name)
    for before in _SITUATIONS:
        one = replace(moment("sends message=hello", before=before, log=False), action=action)
        assert not [promise for promise in promises(one) if "the log" in promise.then]


def test_nothing_is_promised_of_who_was_killed_until_it_is_started_again() -> None:
    killed, started = "killed-after-answer number=3002", "started-again"

    assert not [*promises(moment("sends message=x", killed))]
    assert [*promises(moment("sends message=x", killed, started))]
    assert [*promises(moment(started, killed))]


def test_what_is_not_judged_brings_no_promise() -> None:
    assert not [*promises(replace(moment("sends message=x"), action=of_words("set-row number=3001")))]

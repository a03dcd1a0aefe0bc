"""Moments of stories, made by hand."""

from __future__ import annotations

from dataclasses import replace

from harness.explore.promises.base import Moment
from harness.explore.promises.sends import NEVER_LATE, NEVER_TWICE
from harness.explore.promises.table import promises
from harness.explore.situation import Situation
from harness.scenario.actions import of_words

WELL = Situation(
    holders=frozenset({3002}),
    copies={},
    row="http://localhost:3002",
    slash=False,
    named=3002,
    silent=frozenset(),
    odd_posts={},
    lying=frozenset(),
    dialect=False,
    pending=False,
)
"""Instance 3002 holds the session, the row says so, and everyone answers truly."""
WRONG = replace(WELL, named=3001, row="http://localhost:3001")
"""The row names instance 3001."""
NOWHERE = replace(WELL, holders=frozenset())
"""No instance holds the session."""
OTHER = replace(WELL, holders=frozenset({3003}), named=3003, row="http://localhost:3003")
"""A second account, whose row is right."""
GIVEN = ("account-on number=3002", "account-of-same-workspace number=3003")


def moment(
    action: str,
    *earlier: str,
    before: Situation = WELL,
    now: Situation | None = None,
    other: Situation | None = OTHER,
    log: bool = True,
) -> Moment:
    """Return the moment after an action, given in the words of a command line, as the ones before it are."""
    begun = tuple(map(of_words, (*GIVEN, *earlier)))
    return Moment(of_words(action), begun, before, now or before, other, log, asynchronous=False)


def promised(action: str, *earlier: str, **known: object) -> set[tuple[str, str]]:
    """Return what is promised at such a moment: requirements, and the texts of Then steps.

    What is promised of earlier messages, whatever follows, is left out.
    """
    made = promises(moment(action, *earlier, **known))  # type: ignore[arg-type]
    return {(one.requirement, one.then) for one in made if one.then not in {NEVER_TWICE, NEVER_LATE}}


def texts(action: str, *earlier: str, **known: object) -> set[str]:
    """Return the texts of the Then steps that are promised at such a moment."""
    return {then for _, then in promised(action, *earlier, **known)}

"""Looks into a violation: replays it, shrinks it, and tries what of it is needed."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from harness.explore.conduct import Conduct
from harness.explore.found.finding import Finding, Needed, Steadiness
from harness.explore.found.shrinking import shrink, without_each
from harness.redaction import redact_values
from harness.report.events import bounded, events_of
from harness.run.recorder import shown, told_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from harness.attach.setup import Setup
    from harness.explore.conduct import Violation
    from harness.explore.story import Story
    from harness.history import History

WARM_REPLAYS = 3
CLEAN_REPLAYS = 10
ENOUGH = 9
"""Of ten clean rooms, in how many a stable violation comes again."""
_TRIES = 3
"""How often a shorter story is tried before it counts as one that does not fail."""
_ABLATIONS = 10
_MOST_EARLIER = 32
"""How many stories before a violation are replayed with it, where it needs history."""


class LookingInto:
    """Looks into violations on one setup, whose implementation is relaunched with a new database for a clean room.

    `told` is called with what is under way.
    """

    def __init__(self, setup: Setup, seed: int, told: Callable[[str], None] = lambda _: None) -> None:
        self._setup = setup
        self._seed = seed
        self._told = told

    def look_into(self, violation: Violation, earlier: Sequence[Story] = ()) -> Finding:
        """Return what is to be known of a violation. `earlier` are the stories that were told before it."""
        load = os.getloadavg()[0]
        self._told("replaying it")
        warm = sum(self._fails_here(violation, violation.story) is not None for _ in range(WARM_REPLAYS))
        if warm:
            self._told("shrinking it")
            least = shrink(violation.story, lambda one: self._fails(violation, one))
            rate = self._in_clean_rooms(violation, least)
            if is_steady(rate):
                found = self._finding(violation, least, Steadiness.STABLE, rate, load)
                return replace(found, needed=self._needed(violation, least))
        came = self._in_clean_rooms(violation, violation.story)
        if is_steady(came):
            return self._finding(violation, violation.story, Steadiness.STABLE, came, load)
        if not came[0] and earlier:
            self._told("looking for the stories that it needs before it")
            if needed := self._history(violation, list(earlier[-_MOST_EARLIER:])):
                return self._finding(
                    violation, violation.story, Steadiness.NEEDS_HISTORY, (1, 1), load, needed
                )
        rate = (warm + came[0], WARM_REPLAYS + came[1])
        return self._finding(violation, violation.story, Steadiness.UNSTABLE, rate, load)

    def _finding(  # noqa: PLR0913, PLR0917 - what a finding consists of
        self,
        violation: Violation,
        story: Story,
        steadiness: Steadiness,
        rate: tuple[int, int],
        load: float,
        earlier: tuple[Story, ...] = (),
    ) -> Finding:
        last = violation
        for _ in range(_TRIES):
            if (again := self._fails_here(violation, story)) is not None:
                last = again
                break
        secrets = self._setup.secrets
        finding = Finding(
            requirement=last.promise.requirement,
            then=last.promise.then,
            expected=last.expected,
            observed=last.observed,
            story=last.story,
            found_in=violation.story,
            steadiness=steadiness,
            rate=rate,
            earlier=earlier,
            load=load,
        )
        history: History = redact_values(told_of(last.history), secrets)
        events, _ = bounded(shown(events_of(history), secrets))
        return replace(finding, observed=shown(last.observed, secrets), events=events)

    # Replaying

    def _fails_here(self, violation: Violation, story: Story) -> Violation | None:
        """Tell a story on the implementation as it runs; return the violation if it is the same one."""
        carried = Conduct(self._setup, self._seed).carry_out(story)
        self._setup.fleet.journal.forget()
        found = carried.violation
        return found if found is not None and is_same(found, violation) else None

    def _fails(self, violation: Violation, story: Story) -> bool:
        return any(self._fails_here(violation, story) is not None for _ in range(_TRIES))

    def _in_clean_rooms(self, violation: Violation, story: Story) -> tuple[int, int]:
        """Count in how many clean rooms, of how many, it comes again; end when it cannot be steady any more."""
        came = 0
        for turn in range(CLEAN_REPLAYS):
            with self._setup.another(self._setup.target, self._setup.settings):
                came += self._fails_here(violation, story) is not None
            missed = turn + 1 - came
            if missed > CLEAN_REPLAYS - ENOUGH:
                return came, turn + 1
        return came, CLEAN_REPLAYS

    def _history(self, violation: Violation, earlier: list[Story]) -> tuple[Story, ...]:
        """Return the least stories that must go before it, in a clean room each; nothing if they do not help."""

        def comes(before: Sequence[Story]) -> bool:
            with self._setup.another(self._setup.target, self._setup.settings):
                for story in before:
                    Conduct(self._setup, self._seed).carry_out(story)
                return self._fails_here(violation, violation.story) is not None

        if not comes(earlier):
            return ()
        size = max(len(earlier) // 2, 1)
        while size:
            for start in range(0, len(earlier), size):
                rest = earlier[:start] + earlier[start + size :]
                if rest and comes(rest):
                    earlier = rest
                    break
            else:
                size //= 2
        return tuple(earlier)

    # What is needed

    def _needed(self, violation: Violation, story: Story) -> tuple[Needed, ...]:
        """Leave out each action in turn, in a clean room of its own, and count how often it fails all the same."""
        found: list[Needed] = []
        for action, without in without_each(story):
            self._told(f"trying it without: {action.step}")
            with self._setup.another(self._setup.target, self._setup.settings):
                failed = sum(self._fails_here(violation, without) is not None for _ in range(_ABLATIONS))
            found.append(Needed(action.step, failed, _ABLATIONS))
        return tuple(found)


def is_steady(rate: tuple[int, int]) -> bool:
    """Say whether a violation that came again so often, of so many clean rooms, is stable."""
    return rate[1] == CLEAN_REPLAYS and rate[0] >= ENOUGH


def is_same(one: Violation, other: Violation) -> bool:
    """Say whether two violations are of one promise: the same check fails, whatever id its scene is told by."""
    return one.key[1] == other.key[1]

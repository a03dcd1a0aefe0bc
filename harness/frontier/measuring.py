"""Measures axes of one implementation after another, each value in worlds of its own."""

from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import count
from random import Random
from typing import TYPE_CHECKING

from fake_instances import FleetError
from harness.errors import ConformanceFailure, NotJudgedError
from harness.frontier.bisection import Frontier, Outcome, Try, find
from harness.frontier.telling import shown
from harness.redaction import redact_cut
from harness.scenario.world import World
from harness.wording import cut

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from harness.attach.setup import Setup
    from harness.frontier.axes import Axis

_MOST_CHARACTERS = 1000
"""Of why something did not hold, as it is kept."""


@dataclass(frozen=True, slots=True)
class Subject:
    """An implementation that is measured, by the name under which it is told."""

    name: str
    setup: Setup


@dataclass(frozen=True, slots=True)
class Measured:
    """The frontier of one implementation on one axis, and the seconds that finding it took."""

    axis: Axis
    subject: str
    frontier: Frontier
    seconds: float


class Measuring:
    """Measures implementations side by side: axis by axis, so that they meet the machine in the same state.

    What is left of the `seconds` is shared evenly by what is still to be measured. `tell` is called with a line on
    how far it has come.
    """

    def __init__(
        self,
        subjects: Sequence[Subject],
        axes: Sequence[Axis],
        *,
        repeats: int,
        seconds: float,
        tell: Callable[[str], None],
    ) -> None:
        self._due = [(axis, subject) for axis in axes for subject in subjects]
        self._repeats = repeats
        self._seconds = seconds
        self._tell = tell
        self._until = 0.0

    def results(self) -> Iterator[Measured]:
        """Return each result as soon as it is there.

        Raises:
            LaunchError: an implementation that had ended did not come up again.
        """
        self._until = time.monotonic() + self._seconds
        for place, (axis, subject) in enumerate(self._due):
            yield self._measured(axis, subject, len(self._due) - place)

    def _measured(self, axis: Axis, subject: Subject, still_due: int) -> Measured:
        began = time.monotonic()
        end = began + max(self._until - began, 0.0) / still_due
        trial = _Trial(axis, subject.setup)

        def attempt(value: float) -> Try:
            left = max(self._until - time.monotonic(), 0.0)
            self._tell(
                f"{axis.name} of {subject.name}: {shown(value)} {axis.unit}, at most {left:.0f} s left"
            )
            return trial.attempt(value)

        frontier = find(axis.scale, self._repeats, attempt, lambda: time.monotonic() >= end)
        return Measured(axis, subject.name, frontier, time.monotonic() - began)


class _Trial:
    """The trials of one implementation on one axis."""

    def __init__(self, axis: Axis, setup: Setup) -> None:
        self.axis = axis
        self._setup = setup
        self._numbers = count(1)

    def attempt(self, value: float) -> Try:
        """Try a value once, in a world of its own."""
        # Each waits as long for an answer, whatever became of those before.
        self._setup.implementation.silent = 0
        seed = f"{self.axis.name}/{value:g}/{next(self._numbers)}"
        world = World(self._setup, Random(seed))  # noqa: S311 - names, not secrets
        try:
            came = self._tried(world, value)
        finally:
            crash = self._closed(world)
            self._setup.fleet.journal.forget()
        return crash or came

    def _tried(self, world: World, value: float) -> Try:
        try:
            self.axis.holds(world, value)
            world.check_implementation_runs()
        except ConformanceFailure as failure:
            return Try(Outcome.BROKE, self._words(failure))
        except (NotJudgedError, FleetError) as problem:
            return Try(Outcome.NOT_JUDGED, self._words(problem))
        return Try(Outcome.HELD)

    def _closed(self, world: World) -> Try | None:
        """End the world; an implementation that had ended by itself did not bear the value."""
        try:
            world.close()
        except ConformanceFailure as failure:
            return Try(Outcome.BROKE, self._words(failure))
        return None

    def _words(self, problem: Exception) -> str:
        # What an implementation answered is in it: of any length, and with whatever it knows.
        return cut(redact_cut(str(problem), self._setup.secrets), _MOST_CHARACTERS)

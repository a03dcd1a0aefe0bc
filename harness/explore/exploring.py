"""One exploration: spreads stories over workers, gathers what they find, and has it looked into."""

from __future__ import annotations

import os
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from multiprocessing.connection import wait
from typing import TYPE_CHECKING

from harness.errors import HarnessError, LaunchError
from harness.explore.workers import Explore, Failed, Looked, LookInto, Told, Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from harness.catalogue.requirements import Requirement
    from harness.explore.conduct import Violation
    from harness.explore.found.finding import Finding
    from harness.explore.story import Story
    from harness.explore.workers import Post

_PATIENCE_SECONDS = 180.0
"""How long a worker may say nothing: no story and no replay takes so long."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How far an exploration goes: seconds of telling stories, stories in all, and violations to look into."""

    seconds: float
    stories: int
    findings: int
    shard: tuple[int, int] = (0, 1)
    """Which of how many shards of the stories this is."""


@dataclass(slots=True)
class Explored:
    """What came of an exploration."""

    told: Told = field(default_factory=Told)
    seconds: float = 0.0
    findings: list[Finding] = field(default_factory=list)
    not_looked_into: list[Violation] = field(default_factory=list)
    load: float = 0.0


class Exploration:
    """Explores one implementation with several workers. `tell` is called with a line on how far it has come."""

    def __init__(
        self,
        posts: Sequence[Post],
        bounds: Bounds,
        known: Mapping[str, Requirement],
        tell: Callable[[str], None],
    ) -> None:
        self._posts = posts
        self._bounds = bounds
        self._known = known
        self._tell = tell
        self._violations: dict[tuple[str, str], tuple[Violation, tuple[Story, ...]]] = {}

    def run(self, first: Sequence[Story] = ()) -> Explored:
        """Explore, and look into what was found.

        Raises:
            LaunchError: the implementation did not come up.
            HarnessError: a worker was lost, or fell silent.
        """
        explored = Explored()
        with ExitStack() as started:
            workers = []
            for post in self._posts:
                workers.append(worker := Worker(post))
                started.callback(worker.end)
            self._explore(workers, explored, tuple(first))
            explored.load = os.getloadavg()[0]
            self._look_into(workers, explored)
        return explored

    def look_into(
        self, told: Told, found: Sequence[tuple[Violation, tuple[Story, ...]]], seconds: float, load: float
    ) -> Explored:
        """Look into what was found elsewhere: violations, each with the stories before it.

        Raises:
            LaunchError: the implementation did not come up.
            HarnessError: a worker was lost, or fell silent.
        """
        explored = Explored(told, seconds, load=load)
        self._violations = {one.key: (one, earlier) for one, earlier in found}
        many = min(len(self._posts), len(self._violations), self._bounds.findings)
        with ExitStack() as started:
            workers = []
            for post in self._posts[:many]:
                workers.append(worker := Worker(post))
                started.callback(worker.end)
            self._look_into(workers, explored)
        return explored

    def _explore(self, workers: Sequence[Worker], explored: Explored, first: tuple[Story, ...]) -> None:
        number, shards = self._bounds.shard
        began = time.monotonic()
        for place, worker in enumerate(workers):
            share = number * len(workers) + place
            worker.give(
                Explore(share, shards * len(workers), self._bounds.seconds, self._bounds.stories, first)
            )
        started = 0.0
        for said in _everything(workers):
            if not isinstance(said, Told):
                continue
            started = started or time.monotonic()
            explored.told.add_all(said)
            for violation, earlier, _ in said.violations:
                self._violations.setdefault(violation.key, (violation, earlier))
            self._tell(self._line(explored.told, time.monotonic() - (started or began)))
        explored.seconds = time.monotonic() - began

    def _line(self, told: Told, seconds: float) -> str:
        rate = told.stories / seconds if seconds > 1 else 0.0
        left = max(self._bounds.seconds - seconds, 0)
        found = f", {len(self._violations)} found" if self._violations else ""
        return f"{told.stories} stories, {rate:.0f} a second{found}, about {left:.0f} s left"

    def _look_into(self, workers: Sequence[Worker], explored: Explored) -> None:
        found = sorted(self._violations.values(), key=lambda one: self._rank(one[0]))
        due = list(enumerate(found[: self._bounds.findings]))
        explored.not_looked_into = [one for one, _ in found[self._bounds.findings :]]
        total = len(due)
        looked: dict[int, Finding] = {}
        idle = list(workers)
        while due or len(looked) < total:
            while due and idle:
                number, (violation, earlier) = due.pop(0)
                idle.pop().give(LookInto(number, violation, earlier))
            for worker, said in _next(workers):
                if isinstance(said, Looked):
                    looked[said.number] = said.finding
                    idle.append(worker)
                words = f", {said}" if isinstance(said, str) else ""
                self._tell(f"looking into what was found: {len(looked)} of {total} done{words}")
        explored.findings = [looked[number] for number in sorted(looked)]

    def _rank(self, violation: Violation) -> tuple[bool, int]:
        level = self._known[violation.promise.requirement].level
        return str(level) != "MUST", len(violation.story.when)


def _everything(workers: Sequence[Worker]) -> Iterator[Told | Looked | str]:
    """Return all that busy workers say, as it comes."""
    while any(one.busy for one in workers):
        yield from (said for _, said in _next(workers))


def _next(workers: Sequence[Worker]) -> list[tuple[Worker, Told | Looked | str]]:
    """Wait for whatever busy workers say next."""
    by_pipe = {one.pipe: one for one in workers if one.busy}
    ready = wait(list(by_pipe), timeout=_PATIENCE_SECONDS)
    if not ready:
        raise HarnessError(f"no worker said anything for {_PATIENCE_SECONDS:g} s")
    found: list[tuple[Worker, Told | Looked | str]] = []
    for pipe in ready:
        worker = by_pipe[pipe]  # type: ignore[index]
        said = worker.take()
        if isinstance(said, Failed):
            raise (LaunchError if said.launch else HarnessError)(said.why)
        found.append((worker, said))
    return found

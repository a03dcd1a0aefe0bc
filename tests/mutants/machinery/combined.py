"""`python -m tests.mutants.machinery.combined [NAME ...]`: what the explorer finds of combinations, untold.

Each is explored, by one worker, until it breaks a promise; what was found is looked into, as `explore` does. With
`--scenarios` each is judged by every scenario instead, and none may fail. A line for each; exits with 0 if all is
well.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

from harness.attach.setup import Setup, fleet_addresses
from harness.catalogue.features import catalogue
from harness.contract import Settings
from harness.explore.conduct import warm_up
from harness.explore.found import kept, telling
from harness.explore.found.looking_into import LookingInto
from harness.explore.making import random_stories, stories
from harness.explore.workers import tell
from harness.targets.reader import load_target
from tests.mutants.machinery import zygote
from tests.mutants.machinery.combinations import Combination, combinations
from tests.mutants.machinery.registry import CONTROL_PLANE
from tests.mutants.machinery.rulings import rule
from tests.mutants.machinery.runner import Runner
from tests.mutants.machinery.trials import Kind, Trial, launched

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from harness.explore.conduct import Violation
    from harness.explore.found.finding import Finding
    from harness.explore.story import Story

SECONDS = 120.0
STORIES = 3600
"""How many stories two workers tell in that time, on two cores of their own."""
SPARE_ACTIONS = 2
"""How many actions more than the mistake needs a shrunk story may have."""
_PATIENCE = 1800.0
"""Seconds for the whole suite, on a machine that does other things too."""
_SETTINGS = Settings(verify_timeout=0.4, send_timeout=1.0)


@dataclass(frozen=True)
class Explored:
    """What came of exploring a combination. Without a `finding`, no promise was broken."""

    combination: str
    needs: int
    stories: int
    seconds: float
    finding: Finding | None

    @property
    def actions(self) -> int:
        """How many actions the shrunk story has, besides the account with which it begins."""
        return len(self.finding.story.actions) - 1 if self.finding else 0

    @property
    def good(self) -> bool:
        """Whether it was surely found, and by a story that is hardly longer than it must be."""
        return (
            self.finding is not None and self.finding.convicts and self.actions <= self.needs + SPARE_ACTIONS
        )


def explore(
    name: str,
    bounds: tuple[float, int] = (SECONDS, STORIES),
    seed: int = 1,
    address: str = "127.0.0.1",
    make: Callable[[tuple[int, ...], int], Iterator[Story]] = stories,
) -> Explored:
    """Explore a combination until a promise is broken, or the seconds or stories that bound it are used up.

    What was found is looked into, as `explore` does.
    """
    with attached(name, address) as setup:
        began = time.monotonic()
        made = make(setup.fleet.numbers, seed)
        told, violation, earlier = first_violation(setup, made, bounds=bounds, seed=seed)
        took = time.monotonic() - began
        finding = LookingInto(setup, seed).look_into(violation, earlier) if violation else None
    return Explored(name, combinations()[name].needs, told, took, finding)


@contextlib.contextmanager
def attached(name: str, address: str = "127.0.0.1") -> Iterator[Setup]:
    """Attach a combination, and let it send its first message."""
    with tempfile.TemporaryDirectory(prefix="combined-") as folder:
        target = load_target(str(_trial(combinations()[name]).prepare(Path(folder))))
        with Setup(target, fleet_addresses(address, "free"), _SETTINGS) as setup:
            warm_up(setup)
            yield setup


def first_violation(
    setup: Setup, made: Iterator[Story], *, bounds: tuple[float, int], seed: int = 1
) -> tuple[int, Violation | None, Sequence[Story]]:
    """Tell stories until one breaks a promise: how many were told, what was broken, and the stories before it."""
    until, (_, most) = time.monotonic() + bounds[0], bounds
    told = 0
    for told, (carried, before) in enumerate(islice(tell(setup, seed, made), most), 1):
        if carried.violation is not None:
            return told, carried.violation, before
        if time.monotonic() >= until:
            break
    return told, None, ()


def complaints(
    names: Sequence[str], jobs: int, words: Sequence[str] = ()
) -> Iterator[tuple[str, Sequence[str]]]:
    """Judge combinations by every scenario; return of each what is not as if it were sound."""
    known, runner = catalogue(), Runner(jobs, _PATIENCE)
    trials = [_trial(combinations()[one]) for one in names]
    for trial, ended in runner.each(trials, lambda one: runner.run(one.prepare, words)):
        yield trial.name, rule(trial, ended, known).complaints


def _trial(one: Combination) -> Trial:
    return Trial(one.name, Kind.DESIGN, CONTROL_PLANE, launched([one], CONTROL_PLANE))


def table(found: Sequence[Explored]) -> Iterator[str]:
    """Return the table of the documentation, in Markdown."""
    known = combinations()
    yield "| mistake | needs | has | stories | breaks |"
    yield "|---|---|---|---|---|"
    for one in sorted(found, key=lambda each: (each.finding is None, each.stories, each.combination)):
        mistake = " ".join(known[one.combination].mistake.split())
        if one.finding is None:
            yield f"| {mistake} | {one.needs} | | not within {one.stories} | |"
        else:
            yield f"| {mistake} | {one.needs} | {one.actions} | {one.stories} | {one.finding.requirement} |"


def main(arguments: list[str] | None = None) -> int:
    """Explore or judge what is chosen, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("names", nargs="*")
    add("--scenarios", action="store_true", help="judge each by every scenario")
    add("--seconds", type=float, default=SECONDS, help=f"for each at most ({SECONDS:g})")
    add("--stories", type=int, default=STORIES, help=f"for each at most ({STORIES})")
    add(
        "--random",
        action="store_true",
        help="tell the random stories alone, which on a slow machine saves time",
    )
    add("--seed", type=int, default=1)
    add("--jobs", type=int, default=2)
    add("--fleet-address", default="127.0.0.1")
    add("--table", action="store_true", help="print the table of the documentation at the end")
    add("--texts", type=Path, metavar="DIR", help="save what is told of each finding")
    options = parser.parse_args(arguments)
    names = options.names or list(combinations())
    with zygote.opened():
        good = _judged(names, options) if options.scenarios else _explored(names, options)
    sys.stdout.write(f"{good} of {len(names)} as they must be\n")
    return 0 if good == len(names) else 1


def _judged(names: Sequence[str], options: argparse.Namespace) -> int:
    good = 0
    words = ["--fleet-address", options.fleet_address]
    for name, complained in complaints(names, options.jobs, words):
        good += not complained
        _say(f"{'✗' if complained else '✓'} {name}", *(f"    {one}" for one in complained))
    return good


def _explored(names: Sequence[str], options: argparse.Namespace) -> int:
    found: list[Explored] = []
    with ProcessPoolExecutor(options.jobs, mp_context=get_context("spawn")) as pool:
        bounds = (options.seconds, options.stories)
        make = random_stories if options.random else stories
        due = [pool.submit(explore, one, bounds, options.seed, options.fleet_address, make) for one in names]
        for done in as_completed(due):
            found.append(one := done.result())
            _say(f"{'✓' if one.good else '✗'} {one.combination}: {_outcome(one)}")
            if options.texts and one.finding:
                options.texts.mkdir(parents=True, exist_ok=True)
                (options.texts / f"{one.combination}.txt").write_text(
                    _text(one.finding, options.seed), "utf-8"
                )
    if options.table:
        _say("", *table(found), "")
    return sum(one.good for one in found)


def _outcome(one: Explored) -> str:
    if one.finding is None:
        return f"nothing in {one.stories} stories, {one.seconds:.0f} s"
    told = one.finding
    return (
        f"{told.requirement} after {one.stories} stories, {one.seconds:.1f} s, {told.steadiness}; "
        f"needs {one.needs}, has {one.actions}: {told.story}; then: {told.then}; observed: {told.observed[:200]}"
    )


def _text(finding: Finding, seed: int) -> str:
    """Return what the terminal tells of a finding, and its scenario."""
    requirement = catalogue()[finding.requirement]
    lines = [*telling.finding_lines(finding, requirement, ""), ""]
    return "\n".join(lines) + kept.gherkin(finding, requirement, seed)


def _say(*lines: str) -> None:
    sys.stdout.writelines(f"{line}\n" for line in lines)
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

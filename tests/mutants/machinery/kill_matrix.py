"""`make kill-matrix`: judge every mutant by the requirement that it breaks.

A mutant is caught when a scenario of that requirement fails by its own assertion. A crash, a run that did not end,
or another requirement's failure does not count. Baselines and sound designs go through the same machinery and must
be acquitted. Exits with 0 when all is as it must be, else with 1.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from harness.catalogue.features import catalogue, features_root
from harness.report.sensitivity import DEFECTS_JSON
from harness.run.interruption import Interruption
from tests.mutants.machinery import rulings as ruled
from tests.mutants.machinery import zygote
from tests.mutants.machinery.runner import Ended, Runner
from tests.mutants.machinery.table import conclusion, table
from tests.mutants.machinery.trials import baselines, design_trials, mutant_trials

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.mutants.machinery.rulings import Ruling
    from tests.mutants.machinery.trials import Trial

_EXAMPLES = """\
examples:
  make kill-matrix
  make kill-matrix ARGS="--requirement SCAN-04 --requirement SCAN-05"
  make kill-matrix ARGS="--only stops-at-the-first-error --texts failures"
  make kill-matrix ARGS=--without-designs      mutants and baselines only
  make kill-matrix ARGS="--apart --designs"    each sound design by itself, and nothing else
  make kill-matrix ARGS="--designs --requirement SCAN-04"    the sound designs by this requirement only
  make kill-matrix ARGS=--write                after a change of mutants or scenarios: write known-defects.json
"""
_PROGRESS_SECONDS = 20.0
"""Seconds between two lines of progress where standard error is no terminal."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Judge what is chosen, print the matrix, and return the exit code."""
    options = _parser().parse_args(arguments)
    began = time.monotonic()
    if not (trials := _chosen(options)):
        sys.exit("kill-matrix: these options together choose nothing; see --help")
    whole = not (options.only or options.requirement or options.designs or options.part)
    runner, found, known = Runner(options.jobs), [], catalogue()
    with zygote.opened(), contextlib.closing(_Progress(len(trials))) as progress:
        for trial, ended in runner.each(trials, lambda one: runner.run(one.prepare, one.words)):
            ruling = ruled.rule(trial, ended, known)
            found.append(ruling)
            progress.add(ruling)
            if options.texts:
                _keep_text(Path(options.texts), trial, ended)
    found.sort(key=lambda one: trials.index(one.trial))
    complaints = _about_the_suite(found) if whole else []
    complaints += _about_the_file(found, whole=whole, write=options.write)
    for line in (
        *table(found, known),
        *conclusion(found, complaints, time.monotonic() - began, whole=whole),
    ):
        sys.stdout.write(line + "\n")
    return 1 if complaints or not all(one.good for one in found) else 0


def _chosen(options: argparse.Namespace) -> list[Trial]:
    # A design that is named is judged alone: in a blend, nobody could say whom a complaint is about.
    designs = design_trials(apart=options.apart or bool(options.only))
    others = [*baselines(), *mutant_trials()]
    every = [*designs, *others]
    for given, allowed in (
        (options.only, {one.name for one in every}),
        (options.requirement, {one.id for one in catalogue().values()}),
    ):
        if unknown := set(given) - allowed:
            sys.exit(f"kill-matrix: unknown: {', '.join(sorted(unknown))}; the whole matrix shows every name")
    if options.designs and options.requirement:
        named = [one for one in designs if not options.only or one.name in options.only]
        return [judged for one in named if (judged := one.judged_by(options.requirement))]
    if options.only or options.requirement:
        return [
            one
            for one in every
            if one.name in options.only or (one.defect and one.defect.requirement in options.requirement)
        ]
    # Those that take long go first: at the end, the others would wait for them.
    chosen = designs if options.designs else others if options.without_designs else every
    return chosen if options.part is None else _part(chosen, options.part)


def _part(trials: Sequence[Trial], part: str) -> list[Trial]:
    """Return every Nth mutant from the Kth on, by name, and all that must be acquitted."""
    number, _, of = part.partition("/")
    if not (number.isdecimal() and of.isdecimal() and 1 <= int(number) <= int(of)):
        sys.exit(f"kill-matrix: --part {part}: write which of how many, as 1/2")
    names = sorted(one.name for one in trials if one.defect)[int(number) - 1 :: int(of)]
    return [one for one in trials if one.defect is None or one.name in names]


def _about_the_suite(found: Sequence[Ruling]) -> list[str]:
    idle, _ = ruled.idle_scenarios(found)
    complaints = [f"no mutant was caught by {one}" for one in idle]
    without = ruled.requirements_without_mutant(found, catalogue())
    return complaints + [f"no mutant that breaks {one} was caught" for one in without]


def _about_the_file(found: Sequence[Ruling], *, whole: bool, write: bool) -> list[str]:
    """Compare what was found with the file from which every run knows how much it could have caught."""
    file = features_root() / DEFECTS_JSON
    known = ruled.known_defects(found)
    if whole and write:
        lines = ",\n".join(f" {json.dumps(one, ensure_ascii=False)}" for one in known)
        file.write_text(f"[\n{lines}\n]\n", "utf-8")
        return []
    written = json.loads(file.read_text("utf-8")) if file.is_file() else []
    if not whole:
        names = {one["name"] for one in known}
        written = [one for one in written if one["name"] in names]
    if known == written:
        return []
    return [f"{file.name} differs from what was found; if the matrix is right: make kill-matrix ARGS=--write"]


def _keep_text(folder: Path, trial: Trial, ended: Ended) -> None:
    """Save the report of a run's failures, for readers who do not know the mistake."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{trial.title}.txt").write_text(ended.output, "utf-8")


class _Progress:
    """Prints progress on standard error: in one line on a terminal, else a line now and then."""

    def __init__(self, count: int) -> None:
        self._count, self._done, self._bad = count, 0, 0
        self._printed_at = time.monotonic()
        self._live = sys.stderr.isatty()

    def add(self, ruling: Ruling) -> None:
        self._done += 1
        self._bad += not ruling.good
        if self._live or time.monotonic() - self._printed_at > _PROGRESS_SECONDS:
            self._printed_at = time.monotonic()
            words = f"{self._done} of {self._count}, {self._bad} wrong"
            sys.stderr.write(f"\r\033[K{words}" if self._live else f"{words}\n")
            sys.stderr.flush()

    def close(self) -> None:
        if self._live:
            sys.stderr.write("\r\033[K")
            sys.stderr.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="make kill-matrix ARGS=…",
        description=__doc__,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--only", metavar="NAME", action="append", default=[], help="a mutant, sound design or baseline")
    add(
        "--requirement",
        metavar="ID",
        action="append",
        default=[],
        help="the mutants that break it; with --designs, the sound designs by it only",
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--without-designs", action="store_true", help="judge mutants and baselines only")
    which.add_argument("--designs", action="store_true", help="judge sound designs only")
    add(
        "--apart",
        action="store_true",
        help="judge each sound design alone, not several in one implementation",
    )
    add(
        "--part", metavar="K/N", help="only the Kth of N parts of the mutants, and all that must be acquitted"
    )
    add("--texts", metavar="DIR", help="save the report of each run's failures")
    add("--write", action="store_true", help=f"write {DEFECTS_JSON} anew")
    jobs = 5 * (os.cpu_count() or 1)
    add("--jobs", type=int, default=jobs, help=f"runs at once (here {jobs}): much of each is waiting")
    return parser


if __name__ == "__main__":
    try:
        with Interruption().obeyed():
            STATUS = main()
        sys.exit(STATUS)
    except KeyboardInterrupt:
        sys.stderr.write("\nkill-matrix: interrupted; everything that it started is stopped\n")
        sys.exit(130)

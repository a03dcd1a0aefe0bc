"""`python -m tests.mutants.machinery.explored [NAME ...]`: what the explorer finds, without being told.

With `--designs` every sound design is explored, and none may break a promise again and again: what does not come
again is told as unstable, as `explore` does, and convicts nobody. Otherwise every mutant of a control plane is, until
it breaks the requirement that it was made to break. A line for each; exits with 0 if all is well.
`--table FILE` writes a page of what was saved, and explores nothing.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

from harness.attach.setup import Setup, fleet_addresses
from harness.catalogue.features import catalogue
from harness.catalogue.requirements import Profile
from harness.contract import Settings
from harness.explore.conduct import Conduct, warm_up
from harness.explore.making import stories
from harness.explore.workers import tell
from harness.targets.reader import load_target
from tests.mutants.machinery import explored_table, zygote
from tests.mutants.machinery.trials import Kind, baselines, design_trials, mutant_trials

if TYPE_CHECKING:
    from harness.explore.conduct import Violation

_JUDGED = (Profile.CORE, Profile.SECURITY, Profile.RESILIENCE, Profile.HEALTH_CHECK)
_REPLAYS = 4
_SETTINGS = Settings(verify_timeout=0.4, send_timeout=1.0)


def explore(title: str, seconds: float, most: int, seed: int) -> dict[str, object]:
    """Explore one of them until its own requirement is broken, or time or stories are used up."""
    trial = next(one for one in _trials() if one.title == title)
    wanted = trial.defect.requirement if trial.defect else None
    found: dict[str, str] = {}
    unstable: dict[str, str] = {}
    after: dict[str, tuple[int, float]] = {}
    told = 0
    with tempfile.TemporaryDirectory(prefix="explored-") as folder:
        target = load_target(str(trial.prepare(Path(folder))))
        with Setup(target, fleet_addresses("127.0.0.1", "free"), _SETTINGS) as setup:
            warm_up(setup)
            began = time.monotonic()
            made = stories(setup.fleet.numbers, seed)
            for told, (carried, _) in enumerate(islice(tell(setup, seed, made), most), 1):
                if (violation := carried.violation) is not None:
                    words = f"{violation.story}; then: {violation.promise.then}; observed: {violation.observed[:300]}"
                    requirement = violation.promise.requirement
                    if wanted is None and not _comes_again(setup, seed, violation):
                        unstable.setdefault(requirement, f"story {told}: {words}")
                        continue
                    found.setdefault(requirement, f"story {told}: {words}")
                    after.setdefault(requirement, (told, round(time.monotonic() - began, 1)))
                if time.monotonic() - began > seconds or wanted in found:
                    break
            took = time.monotonic() - began
    return {
        "name": title,
        "wanted": wanted,
        "stories": told,
        "seconds": round(took, 1),
        "found": found,
        "unstable": unstable,
        "after": after,
    }


def _comes_again(setup: Setup, seed: int, violation: Violation) -> bool:
    """Say whether a violation comes again each time when its story is told once more."""
    conduct = Conduct(setup, seed)
    for _ in range(_REPLAYS):
        again = conduct.carry_out(violation.story).violation
        setup.fleet.journal.forget()
        if again is None or again.key != violation.key:
            return False
    return True


def _trials() -> list[object]:
    return [*baselines(), *mutant_trials(), *design_trials()]  # type: ignore[list-item]


def main(arguments: list[str] | None = None) -> int:
    """Explore what is chosen, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--designs", action="store_true")
    parser.add_argument("--seconds", type=float, default=60.0, help="for each at most (60)")
    parser.add_argument("--stories", type=int, default=100_000, help="for each at most")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=4)
    parser.add_argument("--save", type=Path, help="a JSON line for each")
    parser.add_argument(
        "--table", type=Path, help="write the page of what this file has, and explore nothing"
    )
    options = parser.parse_args(arguments)
    if options.table:
        sys.stdout.write(explored_table.page(explored_table.results(options.table)))
        return 0
    known = catalogue()
    chosen = [
        one
        for one in (baselines() + design_trials() if options.designs else mutant_trials())
        if (one.kind is not Kind.MUTANT or (one.defect and known[one.defect.requirement].profile in _JUDGED))
        and Profile.INSTANCE not in one.profiles
        and (not options.names or one.name in options.names)
    ]
    good = 0
    with zygote.opened(), ProcessPoolExecutor(options.jobs, mp_context=get_context("spawn")) as pool:
        due = {
            pool.submit(explore, one.title, options.seconds, options.stories, options.seed): one
            for one in chosen
        }
        for done in as_completed(due):
            trial = due[done]
            try:
                result = done.result()
            except Exception as problem:  # noqa: BLE001 - told, and the others go on
                result = {"name": trial.title, "wanted": None, "error": repr(problem)[:500], "found": {}}
            fine = (
                (not result["found"] and "error" not in result)
                if options.designs
                else result["wanted"] in result["found"]
            )  # type: ignore[operator]
            good += fine
            sys.stdout.write(f"{'✓' if fine else '✗'} {json.dumps(result, ensure_ascii=False)}\n")
            sys.stdout.flush()
            if options.save:
                with options.save.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(result, ensure_ascii=False) + "\n")
    sys.stdout.write(f"{good} of {len(chosen)} as they must be\n")
    return 0 if good == len(chosen) else 1


if __name__ == "__main__":
    sys.exit(main())

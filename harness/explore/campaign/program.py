"""Tells one unit in a process of its own: `python -m harness.explore.campaign.program JOB OUTCOME`, two files.

Its instances have a loopback address that no other process of the machine has: 127.64.0.0 plus its process id.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from dataclasses import replace
from ipaddress import IPv4Address
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from harness.attach.databases import kind_of
from harness.attach.drivers.program import can_bind
from harness.attach.setup import fleet_addresses
from harness.catalogue.features import catalogue
from harness.errors import HarnessError, LaunchError, TargetError
from harness.explore.campaign.digests import campaign_of
from harness.explore.campaign.results import Broken, Result
from harness.explore.campaign.units import unit_of_json
from harness.explore.making import stories
from harness.explore.workers import Post, Told, judged_of, set_up, tell
from harness.history import History
from harness.json_text import json_of
from harness.report.folder import replace as write_whole
from harness.run.recorder import shown
from harness.targets.reader import load_target
from harness.wording import cut

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from fake_instances.addresses import InstanceAddress
    from harness.explore.campaign.units import Unit
    from harness.explore.story import Story

PROGRESS = "progress"
"""The file beside the job that is touched while stories are told."""
KINDS: dict[str, type[HarnessError]] = {"target": TargetError, "launch": LaunchError, "harness": HarnessError}
"""Why a unit could not be told, in an outcome."""
_FIRST_ADDRESS = IPv4Address("127.64.0.0")
_TOUCH_SECONDS = 1.0
_MOST_REASONS = 50
_LONGEST_REASON = 300


def main(arguments: list[str]) -> int:
    """Tell the unit, and save its result or why there is none."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    given, saved = map(Path, arguments)
    job = json_of(given.read_bytes())
    try:
        unit = unit_of_json(job["unit"])
        check(unit, job["target"], job["database"])
        result = tell_unit(
            unit, job["target"], job["database"], job["worker"], _touching(given.with_name(PROGRESS))
        )
        outcome: dict[str, object] = {"result": result.to_json()}
    except HarnessError as problem:
        kind = next(name for name, one in KINDS.items() if isinstance(problem, one))
        outcome = {"failed": str(problem), "kind": kind}
    write_whole(saved, json.dumps(outcome, ensure_ascii=False))
    return 0


def check(unit: Unit, target: str, database: str) -> None:
    """Check that this harness and this target are what the unit was made for; TargetError if they are not."""
    here, wanted = campaign_of(target, kind_of(database), unit.campaign.seed), unit.campaign
    if here.harness != wanted.harness:
        raise TargetError(
            f"this machine has another harness ({here.harness}) than the one that made the units "
            f"({wanted.harness}); install the same version on both"
        )
    if here.target != wanted.target:
        raise TargetError(
            f"the target {target} is another one on this machine ({here.target}) than where the units were made "
            f"({wanted.target}); copy the file, and its adapter, to the same path"
        )


def tell_unit(unit: Unit, target: str, database: str, worker: str, told_one: Callable[[], None]) -> Result:
    """Tell the stories of a unit, and return what came of them. `told_one` is called after each.

    Raises:
        LaunchError: the implementation did not come up.
    """
    judged = judged_of(load_target(target), catalogue())
    post = Post(target, _own_addresses(), database, unit.campaign.seed, judged)
    told, found, drawn = Told(), dict[tuple[str, str], Broken](), unit.first - 1
    with set_up(post) as setup:
        began = time.monotonic()

        def made() -> Iterator[Story]:
            nonlocal drawn
            for story in islice(stories(setup.fleet.numbers, unit.campaign.seed), unit.first, unit.end):
                drawn += 1
                yield story

        for carried, before in tell(setup, unit.campaign.seed, made(), judged):
            told.add(carried)
            if (violation := carried.violation) is not None:
                bare = replace(
                    violation,
                    expected=shown(violation.expected, setup.secrets),
                    observed=shown(violation.observed, setup.secrets),
                    history=History(()),
                )
                found.setdefault(violation.key, Broken(drawn, bare, before))
            told_one()
        seconds = time.monotonic() - began
        told.unjudged = _bounded(told.unjudged, setup.secrets)
    return Result(unit, told, tuple(found.values()), seconds, os.getloadavg()[0], worker)


def _bounded(reasons: dict[str, int], secrets: Collection[str]) -> dict[str, int]:
    """Return the most frequent reasons, without secrets; the others are counted together."""
    bounded: dict[str, int] = {}
    for place, (why, times) in enumerate(sorted(reasons.items(), key=lambda one: -one[1])):
        name = cut(shown(why, secrets), _LONGEST_REASON) if place < _MOST_REASONS else "other reasons"
        bounded[name] = bounded.get(name, 0) + times
    return bounded


def _own_addresses() -> tuple[InstanceAddress, ...]:
    host = str(_FIRST_ADDRESS + os.getpid())
    if can_bind(host):
        return fleet_addresses(host, "document")
    return fleet_addresses("127.0.0.1", "free")


def _touching(file: Path) -> Callable[[], None]:
    touched = 0.0

    def touch() -> None:
        nonlocal touched
        if (now := time.monotonic()) - touched > _TOUCH_SECONDS:
            file.touch()
            touched = now

    return touch


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

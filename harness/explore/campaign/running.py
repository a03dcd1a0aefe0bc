"""Runs one unit in a program under a guard, so that whatever becomes of this process nothing is left of it."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.attach.drivers.guarded import Guarded
from harness.errors import HarnessError
from harness.explore.campaign import program
from harness.explore.campaign.results import result_of_json
from harness.explore.workers import in_memory
from harness.json_text import json_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.explore.campaign.results import Result
    from harness.explore.campaign.units import Unit

_LOOK_SECONDS = 0.1
_GRACE_SECONDS = 30.0
_PATIENCE_SECONDS = 300.0
"""How long a unit may tell no story: its implementation is started meanwhile, and no story takes so long."""


@dataclass(frozen=True, slots=True)
class Job:
    """A unit, and what is needed to tell it: the target by its name or path, and the database as for verify."""

    unit: Unit
    target: str
    database: str

    def to_json(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return {**asdict(self), "unit": self.unit.to_json()}


class StoppedError(HarnessError):
    """A unit was stopped before it was told."""


def run(job: dict[str, Any], worker: str, is_stopped: Callable[[], bool]) -> Result:
    """Tell the unit of a job, given as JSON, in a program of its own, and return its result.

    Raises:
        TargetError: the target or the harness is another one here.
        LaunchError: the implementation did not come up.
        StoppedError: `is_stopped` said so.
        HarnessError: the program broke, or fell silent.
    """
    with tempfile.TemporaryDirectory(
        prefix="instance-sync-", dir=in_memory(), ignore_cleanup_errors=True
    ) as made:
        scratch = Path(made)
        given, saved = scratch / "job.json", scratch / "outcome.json"
        given.write_text(json.dumps({**job, "worker": worker}), "utf-8")
        guarded = Guarded(
            [sys.executable, "-m", program.__name__, str(given), str(saved)],
            scratch,
            _GRACE_SECONDS,
            environment={**os.environ, "TMPDIR": made},
        )
        try:
            _wait(guarded, scratch / program.PROGRESS, is_stopped)
            if not saved.exists():
                raise HarnessError(f"a unit ended without a result; {guarded.last_output()}")
            outcome = json_of(saved.read_bytes())
        finally:
            guarded.end()
    if "failed" in outcome:
        raise program.KINDS[outcome["kind"]](outcome["failed"])
    return result_of_json(outcome["result"])


def _wait(guarded: Guarded, progress: Path, is_stopped: Callable[[], bool]) -> None:
    """Wait for the end of the program."""
    last, since = 0.0, time.monotonic()
    while guarded.wait(_LOOK_SECONDS) is None:
        if is_stopped():
            raise StoppedError("the campaign was ended")
        touched = progress.stat().st_mtime if progress.exists() else 0.0
        if touched != last:
            last, since = touched, time.monotonic()
        if time.monotonic() - since > _PATIENCE_SECONDS:
            raise HarnessError(f"a unit told no story for {_PATIENCE_SECONDS:g} s; {guarded.last_output()}")

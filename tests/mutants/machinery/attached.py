"""`python -m tests.mutants.machinery.attached [NAME ...]`: check that the attachment check refuses nobody.

Every mutant, baseline and sound design is attached rightly, so that each must be judged. Exits with 0 if none is
refused, else with 1. The kill matrix judges without the check, which this takes the place of there.
"""

from __future__ import annotations

import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

from harness.attach.databases import SQLITE
from harness.attach.setup import fleet_addresses
from harness.run.attachment import Attachment
from harness.targets.reader import load_target
from tests.mutants.machinery import zygote
from tests.mutants.machinery.trials import baselines, design_trials, mutant_trials

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.mutants.machinery.trials import Trial

_AT_ONCE = 4
_OPTIONS = SimpleNamespace(fleet_host="threads", fleet_image="", database=SQLITE, fleet_address=None)


def refusal(trial: Trial) -> str:
    """Return why the check refuses what is attached; empty if it does not."""
    with tempfile.TemporaryDirectory(prefix="attached-") as folder:
        target = load_target(str(trial.prepare(Path(folder))))
        attachment = Attachment(target, lambda: fleet_addresses("127.0.0.1", "free"), _OPTIONS)
        try:
            attachment.check({*trial.profiles} & {*target.claims})
        finally:
            attachment.close()
        return attachment.why


def main(names: Sequence[str]) -> int:
    """Check everything, or what is named, and return the exit code."""
    trials = [
        one for one in (*baselines(), *mutant_trials(), *design_trials()) if not names or one.name in names
    ]
    began, refused = time.monotonic(), 0
    with zygote.opened(), ThreadPoolExecutor(_AT_ONCE) as pool:
        for trial, why in zip(trials, pool.map(refusal, trials), strict=True):
            if why:
                refused += 1
                sys.stdout.write(f"✗ {trial.title}: {why}\n")
    sys.stdout.write(f"{refused} of {len(trials)} refused, in {time.monotonic() - began:.0f} s\n")
    return 1 if refused or not trials else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""`python -m tests.durations`: writes how long each scenario takes with the reference, by a plugin of that run."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from typing import TYPE_CHECKING

from harness.catalogue.durations import DURATIONS_JSON, SHORTEST_LISTED
from harness.catalogue.features import features_root

if TYPE_CHECKING:
    import pytest

_seconds: Counter[str] = Counter()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Add up what a run's preparation, judgement and clean-up took."""
    # Preparation is most of the first run of all, and is no property of it.
    if report.when != "setup":
        _seconds[report.nodeid.split("::", 1)[1]] += report.duration  # type: ignore[assignment]


def pytest_sessionfinish(exitstatus: int) -> None:
    """Write the file, if all went well."""
    if exitstatus == 0:
        listed = {
            name: round(taken, 1) for name, taken in sorted(_seconds.items()) if taken >= SHORTEST_LISTED
        }
        (features_root() / DURATIONS_JSON).write_text(json.dumps(listed, indent=0) + "\n", "utf-8")


def main() -> int:
    """Judge the reference without workers, and write what each scenario took."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        str(features_root()),
        "-q",
        "-p",
        "no:randomly",
        "-p",
        __spec__.name,
    ]
    return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())

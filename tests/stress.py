"""`python -m tests.stress`: run the features many times in random order, on a quiet and on a busy machine.

The first run that convicts ends it: a suite that fails once in thirty runs convicts somebody innocent every day.
With four busy processes for each core a scenario may end unjudged because of them. None may fail.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import secrets
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

FEATURES = Path(__file__).parent.parent / "features"
_BURN = "while True: pass"
_INCOMPLETE = 2


@dataclass
class Load:
    """How busy the machine is made, and how the runs under it ended."""

    name: str
    words: str
    processes: int
    """Busy processes for each core."""
    allowed: frozenset[int]
    """Exit codes of a run that convicts nobody."""
    seconds: list[float] = field(default_factory=list)
    incomplete: int = 0

    @contextlib.contextmanager
    def on(self) -> Iterator[None]:
        """Keep every core busy with so many other processes."""
        burning = [
            subprocess.Popen([sys.executable, "-c", _BURN])
            for _ in range(self.processes * (os.cpu_count() or 1))
        ]
        try:
            yield
        finally:
            for one in burning:
                one.kill()
                one.wait()

    def summary(self) -> str:
        """Return what came of all runs."""
        unjudged = f", {self.incomplete} incomplete" if self.incomplete else ""
        median = statistics.median(self.seconds)
        return f"{len(self.seconds)} runs {self.words}: nobody convicted{unjudged}, median {median:.1f} s"


LOADS = (
    Load("quiet", "quiet", 0, frozenset({0})),
    Load("busy", "with every core busy", 1, frozenset({0})),
    Load("crowded", "with four busy processes for each core", 4, frozenset({0, _INCOMPLETE})),
)


def once(more: list[str], load: Load) -> tuple[subprocess.CompletedProcess[str], float, int]:
    """Run the features once; return how the run ended, its seconds and the seed of its order."""
    seed = secrets.randbelow(2**32)
    command = [sys.executable, "-m", "pytest", str(FEATURES), "-q", "-p", "no:cacheprovider"]
    with load.on():
        began = time.monotonic()
        ended = subprocess.run(
            [*command, f"--order-seed={seed}", *more], capture_output=True, text=True, check=False
        )
        return ended, time.monotonic() - began, seed


def main() -> int:
    """Print a line for each run, and return 1 after the first that convicts."""
    parser = argparse.ArgumentParser(prog="python -m tests.stress", description=__doc__)
    for load, runs in zip(LOADS, (15, 15, 5), strict=True):
        parser.add_argument(
            f"--{load.name}", type=int, default=runs, help=f"how many runs {load.words} (default {runs})"
        )
    options, more = parser.parse_known_args()
    for load in LOADS:
        wanted = getattr(options, load.name)
        for number in range(1, wanted + 1):
            ended, seconds, seed = once(more, load)
            load.seconds.append(seconds)
            load.incomplete += ended.returncode == _INCOMPLETE
            say(
                f"{load.name:7}  run {number:2} of {wanted}  {seconds:6.1f} s  exit {ended.returncode}  seed {seed}"
            )
            if ended.returncode not in load.allowed:
                say(ended.stdout + ended.stderr)
                return 1
    for load in LOADS:
        if load.seconds:
            say(load.summary())
    return 0


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

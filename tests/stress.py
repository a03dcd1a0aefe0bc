"""`python -m tests.stress`: run the features many times in random order, half of the runs with every core busy.

The first failure ends it: a suite that fails once in thirty runs convicts somebody innocent every day.
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
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

FEATURES = Path(__file__).parent.parent / "features"
_BURN = "while True: pass"


@contextlib.contextmanager
def busy_cores() -> Iterator[None]:
    """Keep every core busy with another process."""
    cores = range(os.cpu_count() or 1)
    burning = [subprocess.Popen([sys.executable, "-c", _BURN]) for _ in cores]
    try:
        yield
    finally:
        for one in burning:
            one.kill()
            one.wait()


def once(more: list[str], *, loaded: bool) -> tuple[subprocess.CompletedProcess[str], float, int]:
    """Run the features once; return how the run ended, its seconds and the seed of its order."""
    seed = secrets.randbelow(2**32)
    command = [sys.executable, "-m", "pytest", str(FEATURES), "-q", "-p", "no:cacheprovider"]
    with busy_cores() if loaded else contextlib.nullcontext():
        began = time.monotonic()
        ended = subprocess.run(
            [*command, f"--randomly-seed={seed}", *more], capture_output=True, text=True, check=False
        )
        return ended, time.monotonic() - began, seed


def main() -> int:
    """Print a line for each run, and return 1 after the first that fails."""
    parser = argparse.ArgumentParser(prog="python -m tests.stress", description=__doc__)
    parser.add_argument("--runs", type=int, default=30, help="how many (default 30)")
    options, more = parser.parse_known_args()
    took: dict[bool, list[float]] = {False: [], True: []}
    for number in range(1, options.runs + 1):
        loaded = number > (options.runs + 1) // 2
        ended, seconds, seed = once(more, loaded=loaded)
        took[loaded].append(seconds)
        state = "cores busy" if loaded else "quiet"
        say(
            f"run {number:2} of {options.runs}  {state:10}  {seconds:5.1f} s  exit {ended.returncode}  seed {seed}"
        )
        if ended.returncode:
            say(ended.stdout + ended.stderr)
            return 1
    for loaded, seconds_each in took.items():
        if seconds_each:
            state = "with every core busy" if loaded else "quiet"
            say(
                f"{len(seconds_each)} runs {state}: no failures, median {statistics.median(seconds_each):.1f} s"
            )
    return 0


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

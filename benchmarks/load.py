"""Puts load on a server with wrk, and reads what wrk says."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass

_MILLISECONDS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}
_RATE = re.compile(r"^Requests/sec:\s+([0-9.]+)$", re.MULTILINE)
_P99 = re.compile(r"^\s+99%\s+([0-9.]+)(us|ms|s|m)$", re.MULTILINE)
_WRONG = re.compile(r"^\s+(Socket errors: .*|Non-2xx or 3xx responses: .*)$", re.MULTILINE)


class BenchmarkError(Exception):
    """No number can be given, and why."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What one run of wrk told: requests per second, and the 99th percentile of latency in milliseconds."""

    rate: float
    p99: float


def read(output: str) -> Measured:
    """Read what wrk printed.

    Raises:
        BenchmarkError: a request failed, or a number is missing.
    """
    if wrong := _WRONG.search(output):
        raise BenchmarkError(f"requests failed, so nothing was measured: {wrong[1]}")
    rate, p99 = _RATE.search(output), _P99.search(output)
    if rate is None or p99 is None or float(rate[1]) == 0:
        raise BenchmarkError(f"wrk told no rate or no 99th percentile:\n{output}")
    return Measured(float(rate[1]), float(p99[1]) * _MILLISECONDS[p99[2]])


def measure(url: str, *, connections: int, seconds: int) -> Measured:
    """Ask for a URL over and over, on this many connections at once.

    Raises:
        BenchmarkError: wrk, or a request of it, failed.
    """
    command = [wrk(), "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "--timeout", "10s", url]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=seconds + 30)
    if done.returncode:
        raise BenchmarkError(f"wrk failed: {(done.stderr or done.stdout).strip()}")
    return read(done.stdout)


def wrk() -> str:
    """Give the load generator's place.

    Raises:
        BenchmarkError: it is not installed.
    """
    found = shutil.which("wrk")
    if found is None:
        raise BenchmarkError("wrk is needed and not installed: install the package wrk (Debian, Homebrew)")
    return found

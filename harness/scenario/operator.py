"""The implementation's operator: runs health checks, and reads what it counted (contract, section 3)."""

from __future__ import annotations

import json
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import requests

from harness.attach.http import request
from harness.checks.health_check import CheckReport
from harness.checks.monitoring import Counted, Metrics
from harness.contract import MARGIN
from harness.errors import ConformanceFailure, OverlongOutputError
from harness.history import OperatorAsked

if TYPE_CHECKING:
    from harness.scenario.world import World

_PATIENCE_SECONDS = 10.0
_PATIENCE_ANEW = 0.25
"""What share of its time an operator waits who waited in vain before, until there is an answer again."""
_START_SECONDS = 20.0
"""What a command may take to start, on top of the check itself."""


def check(world: World, *, dry_run: bool = False) -> CheckReport:
    """Have the implementation check every account, and return its report."""
    operations = world.implementation.target.operations
    # Two calls to each instance at most, one after another in the slowest design.
    most = 2 * len(world.fleet.numbers) * world.settings.verify_timeout_in_force
    if operations.command:
        words = (*operations.command, *(operations.dry_run if dry_run else ()))
        asked, body = " ".join(words), _run(world, words, most)
    else:
        asked = f"POST {operations.path}"
        body = _call(world, "POST", operations.path, most + _PATIENCE_SECONDS, {"dry_run": dry_run})
    world.fleet.settle(world.settings.verify_timeout_in_force + MARGIN)
    return CheckReport.read(body, asked)


def counted(world: World) -> Counted:
    """Return what the implementation reports that it counted."""
    path = world.implementation.target.operations.monitoring
    return Counted.read(_call(world, "GET", path, _PATIENCE_SECONDS), f"GET {path}")


def metrics(world: World) -> Metrics:
    """Return the metrics that the implementation serves to Prometheus."""
    return Metrics.read(
        _call(world, "GET", world.implementation.target.operations.metrics, _PATIENCE_SECONDS)
    )


def looks(world: World, count: int) -> tuple[list[Counted], list[Metrics]]:
    """Read the report and the metrics so often, half of them at the same moment, each on a connection of its own.

    Where several processes serve one port, those that are busy with some of the calls leave the others to the rest.
    """
    ready = threading.Barrier(count // 2)

    def look(*, at_once: bool) -> tuple[Counted, Metrics]:
        if at_once:
            ready.wait()
        return counted(world), metrics(world)

    with ThreadPoolExecutor(count // 2) as lookers:
        found = list(lookers.map(lambda _: look(at_once=True), range(count // 2)))
    found += [look(at_once=False) for _ in range(count - count // 2)]
    return [report for report, _ in found], [one for _, one in found]


def _patience(world: World, seconds: float) -> float:
    return seconds * (_PATIENCE_ANEW if world.implementation.unheard else 1)


def _call(world: World, method: str, path: str, timeout: float, value: object = None) -> str:
    asked = f"{method} {path}" + ("" if value is None else f" {json.dumps(value)}")
    implementation = world.implementation
    try:
        url, headers = implementation.base_url + path, implementation.target.headers
        answer = request(method, url, patience=_patience(world, timeout), body=value, headers=headers)
    except requests.RequestException as problem:
        implementation.unheard |= isinstance(problem, requests.Timeout)
        told = implementation.problem or type(problem).__name__
        world.journal.record(OperatorAsked(asked=asked, status=None, body=told))
        raise ConformanceFailure(f"{asked} is answered", told) from None
    implementation.unheard = False
    world.journal.record(OperatorAsked(asked=asked, status=answer.status_code, body=answer.text))
    if answer.status_code != 200:
        raise ConformanceFailure(f"{asked} is answered 200", f"it was answered {answer.status_code}")
    return answer.text


def _run(world: World, words: tuple[str, ...], timeout: float) -> str:
    asked, implementation = " ".join(words), world.implementation
    try:
        ended = implementation.run_command(words, timeout=_patience(world, timeout + _START_SECONDS))
    except (OSError, OverlongOutputError, subprocess.TimeoutExpired) as problem:
        implementation.unheard |= isinstance(problem, subprocess.TimeoutExpired)
        raise ConformanceFailure(
            f"the command {asked} runs", f"{type(problem).__name__}: {problem}"
        ) from None
    implementation.unheard = False
    world.journal.record(OperatorAsked(asked=asked, status=ended.returncode, body=ended.stdout))
    if ended.returncode:
        last = (ended.stderr or ended.stdout).strip()[-500:]
        raise ConformanceFailure(f"the command {asked} ends with status 0", f"{ended.returncode}: {last}")
    return ended.stdout

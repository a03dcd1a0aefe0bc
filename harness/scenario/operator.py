"""The implementation's operator: runs health checks, and reads what it counted (contract, section 3)."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import requests

from harness.attach.http import request
from harness.checks.health_check import CheckReport
from harness.checks.monitoring import Counted, Metrics
from harness.contract import MARGIN
from harness.errors import ConformanceFailure
from harness.history import OperatorAsked

if TYPE_CHECKING:
    from harness.scenario.world import World

_PATIENCE_SECONDS = 10.0
_START_SECONDS = 20.0
"""What a command may take to start, on top of the check itself."""


def check(world: World, *, dry_run: bool = False) -> CheckReport:
    """Have the implementation check every account, and return its report."""
    operations = world.implementation.target.operations
    # Two calls to each instance at most, one after another in the slowest design.
    most = 2 * len(world.fleet.numbers) * world.settings.verify_timeout_in_force + _PATIENCE_SECONDS
    if operations.command:
        body = _run(world, (*operations.command, *(operations.dry_run if dry_run else ())), most)
    else:
        body = _call(world, "POST", operations.path, most, {"dry_run": dry_run})
    world.fleet.settle(world.settings.verify_timeout_in_force + MARGIN)
    return CheckReport.read(body)


def counted(world: World) -> Counted:
    """Return what the implementation reports that it counted."""
    path = world.implementation.target.operations.monitoring
    return Counted.read(_call(world, "GET", path, _PATIENCE_SECONDS))


def metrics(world: World) -> Metrics:
    """Return the metrics that the implementation serves to Prometheus."""
    return Metrics.read(
        _call(world, "GET", world.implementation.target.operations.metrics, _PATIENCE_SECONDS)
    )


def _call(world: World, method: str, path: str, timeout: float, value: object = None) -> str:
    asked = f"{method} {path}" + ("" if value is None else f" {json.dumps(value)}")
    implementation = world.implementation
    try:
        url, headers = implementation.base_url + path, implementation.target.headers
        answer = request(method, url, patience=timeout, body=value, headers=headers)
    except requests.RequestException as problem:
        told = implementation.problem or type(problem).__name__
        world.journal.record(OperatorAsked(asked=asked, status=None, body=told))
        raise ConformanceFailure(f"{asked} is answered", told) from None
    world.journal.record(OperatorAsked(asked=asked, status=answer.status_code, body=answer.text))
    if answer.status_code != 200:
        raise ConformanceFailure(f"{asked} is answered 200", f"it was answered {answer.status_code}")
    return answer.text


def _run(world: World, words: tuple[str, ...], timeout: float) -> str:
    asked = " ".join(words)
    try:
        ended = world.implementation.run_command(words, timeout=timeout + _START_SECONDS)
    except (OSError, subprocess.TimeoutExpired) as problem:
        raise ConformanceFailure(
            f"the command {asked} runs", f"{type(problem).__name__}: {problem}"
        ) from None
    world.journal.record(OperatorAsked(asked=asked, status=ended.returncode, body=ended.stdout))
    if ended.returncode:
        last = (ended.stderr or ended.stdout).strip()[-500:]
        raise ConformanceFailure(f"the command {asked} ends with status 0", f"{ended.returncode}: {last}")
    return ended.stdout

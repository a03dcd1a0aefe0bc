"""Tries whether health checks, counts and metrics are where the target says, and can be read."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from fake_instances.journal import RequestCompleted
from harness.attach import remedies
from harness.checks.health_check import COUNTS
from harness.checks.monitoring import METRICS
from harness.errors import ConformanceFailure
from harness.history import History, OperatorAsked, json_object
from harness.run.doctor.finding import Finding
from harness.run.doctor.probing import is_nowhere, shape
from harness.scenario import operator
from harness.wording import counted_as, few

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from harness.checks.monitoring import Counted, Metrics
    from harness.scenario.world import World

Read = TypeVar("Read")

_REPORT = (
    "counting_since",
    "sync_events_last_hour",
    "sync_events_by_source",
    "consecutive_verification_failures",
    "sync_attempts",
    "sync_successes",
    "sync_success_rate",
    "alerts",
)
_NAMES = tuple(dict.fromkeys(name for name, _ in METRICS))
_AS_SAID = "it answered as the contract says"


@dataclass(frozen=True, slots=True)
class _Look:
    """One thing that is read: what it is called, how it is asked for, which key says where, and what is in it."""

    profile: str
    name: str
    tried: str
    method: str
    path: str
    key: str
    known: Collection[str]
    """What a right answer has: the keys of its report, or the names in its text."""


def findings(world: World, profiles: Collection[str], *, has_key: bool) -> Iterator[Finding]:
    """Look at what these profiles need; `has_key` is whether a message's calls to instances had the key."""
    if "health-check" in profiles:
        yield from _health_check(world, has_key=has_key)
    if "monitoring" in profiles:
        yield from _monitoring(world)


def _health_check(world: World, *, has_key: bool) -> Iterator[Finding]:
    operations, before = world.implementation.target.operations, world.journal.last
    command = " ".join(operations.command)
    tried = f"{command or f'POST {operations.path}'}, as a dry run"
    key = "health_check.command" if command else "health_check.path"
    look = _Look("health-check", "the health check", tried, "POST", operations.path, key, COUNTS)
    finding, _ = _looked(world, look, lambda: operator.check(world, dry_run=True))
    yield finding
    entries = History(world.journal.entries(after=before))
    calls = {(one.instance, one.request) for one in entries.calls()}
    refused = [
        one
        for one in entries.of(RequestCompleted)
        if one.status == 401 and (one.instance, one.request) in calls
    ]
    if refused:
        mend = remedies.of_refused_key(world.implementation.target)
        if has_key:
            mend = f"nothing: a message's calls have the key; the health check must send it too. {mend}"
        name, tried = "the health check's questions", "watch how the instances answer them"
        yield Finding(name, tried, f"{counted_as(len(refused), 'call')} answered 401", mend)


def _monitoring(world: World) -> Iterator[Finding]:
    operations = world.implementation.target.operations
    counted = _have_a_scan_counted(world)
    look = _Look(
        "monitoring", "monitoring", f"GET {operations.monitoring}", "GET", operations.monitoring,
        "monitoring.path", _REPORT,
    )  # fmt: skip
    finding, report = _looked(world, look, lambda: operator.counted(world))
    yield finding if report is None else _with_its_unit(finding, report)
    look = _Look(
        "monitoring", "metrics", f"GET {operations.metrics}", "GET", operations.metrics,
        "monitoring.metrics", _NAMES,
    )  # fmt: skip
    finding, metrics = _looked(world, look, lambda: operator.metrics(world))
    yield finding if metrics is None else _with_its_names(world, finding, metrics, counted=counted)


def _have_a_scan_counted(world: World) -> bool:
    """Have a session that moved be found; return whether it was: there is something to count then."""
    others = [number for number in world.fleet.numbers if number != world.holder]
    world.assign(world.fleet.url(others[0]))
    return world.send("is this counted?").told_sent and world.existing_row().assigned_instance_url is not None


def _looked(world: World, look: _Look, read: Callable[[], Read]) -> tuple[Finding, Read | None]:
    before = world.journal.last
    try:
        found = read()
    except ConformanceFailure as problem:
        asked = next(History(world.journal.entries(after=before)).of(OperatorAsked), None)
        return _wrong(world, look, asked, problem), None
    return Finding(look.name, look.tried, _AS_SAID), found


def _wrong(world: World, look: _Look, asked: OperatorAsked | None, problem: ConformanceFailure) -> Finding:
    """Return the finding about what could not be read: what came back, and whether it is the place that is wrong."""
    target, claim = world.implementation.target, f"or do not claim {look.profile}"
    name, tried, came = look.name, look.tried, problem.observed
    if look.key.endswith("command") and (asked is None or asked.status):
        mend = f"{look.key} must run, and end with status 0; {claim}"
        return Finding(name, tried, came, mend, unattached=True)
    if asked is None or asked.status is None:
        return Finding(name, tried, came, f"{look.key} must be where it answers; {claim}")
    url, status = world.implementation.base_url + look.path, asked.status
    if not look.key.endswith("command") and status != 200:
        came = f"it was answered {status}{shape(asked.body)}"
        if (mend := remedies.of_locked(status, look.key)) or status == 405:
            mend = mend or f"{look.key} must be where it answers a {look.method}; {claim}"
            return Finding(name, tried, came, mend, unattached=True)
        if status != 404:
            mend = (
                f"nothing: {look.key} is right. It must answer 200; its own log or what it answers says why"
            )
            return Finding(name, tried, came, mend)
        mend = f"{look.key} must be where it answers: {problem.expected}; {claim}"
        return Finding(name, tried, came, mend, unattached=is_nowhere(look.method, url, target.headers))
    there = json_object(asked.body) or {}
    known = [one for one in look.known if (one in there if there else one in asked.body)]
    came = f"{problem.observed}; it was answered 200{shape(asked.body)}"
    if not known:
        mend = f"{look.key} must be where it answers: {problem.expected}; {claim}"
        return Finding(name, tried, came, mend, unattached=True)
    mend = f"nothing: {look.key} is right. What it answers is not what the contract has: {problem.expected}"
    return Finding(name, tried, came, mend)


def _with_its_unit(finding: Finding, report: Counted) -> Finding:
    """Look at the rate: in percent it is 100 where each attempt succeeded, or none was made."""
    fraction = report.successes / report.attempts if report.attempts else 1.0
    if math.isclose(report.rate, 100 * fraction, abs_tol=0.01) or not math.isclose(report.rate, fraction):
        return finding
    came = f"sync_success_rate is {report.rate:g} with {report.successes} of {report.attempts} attempts"
    mend = (
        "nothing: monitoring.path is right. sync_success_rate must be in percent, and here it is a fraction"
    )
    return Finding(finding.name, finding.tried, came, mend)


def _with_its_names(world: World, finding: Finding, metrics: Metrics, *, counted: bool) -> Finding:
    """Look for the names of the contract; one that was never incremented may be missing."""

    def missing(found: Metrics) -> list[str]:
        there = {name for name, _ in found.samples}
        return [name for name in _NAMES if name not in there]

    def all_there() -> Metrics:
        found = operator.metrics(world)
        if missing(found):
            raise ConformanceFailure("every metric is there", "one is not")
        return found

    lacking, names = missing(metrics), [name for name, _ in metrics.samples]
    if not lacking:
        return Finding(finding.name, finding.tried, f"all {len(_NAMES)} names of the contract are there")
    if not counted:
        came = f"{len(_NAMES) - len(lacking)} of {len(_NAMES)} names are there; nothing was counted yet"
        return Finding(finding.name, finding.tried, came)
    try:
        world.soon(all_there)
    except ConformanceFailure:
        pass
    else:
        return Finding(finding.name, finding.tried, f"all {len(_NAMES)} names of the contract are there")
    came = f"after a session that moved was found, it lacks {', '.join(lacking)}"
    none = len(lacking) == len(_NAMES)
    key = "monitoring.metrics"
    shown = few(list(dict.fromkeys(names)), 5) or "none"
    if none:
        mend = f"{key} must be the page that has {_NAMES[0]} and the others (contract, section 3); there are {shown}"
    else:
        mend = f"nothing: {key} is right. It must have these names too (contract, section 3)"
    return Finding(finding.name, finding.tried, came, mend, unattached=none)

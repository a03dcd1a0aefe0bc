"""What an implementation reports that it counted, and checks of it. Pure (contract, section 3)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from prometheus_client.parser import text_string_to_metric_families

from harness.errors import ConformanceFailure
from harness.json_text import json_of
from harness.wording import counted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.contract import LogLine

SOURCES = ("webhook", "send", "health_check")
SEVERITIES = {"InstanceSyncEvents": "warning", "VerificationFailures": "critical", "SyncSuccessRate": "info"}
GREPS = {
    "scan syncs": "Instance sync successful",
    "verification failures": "Session not found in assigned instance",
    "webhook syncs": "Auto-syncing assigned_instance_url",
}
"""What the document greps the log for, by what it counts (Monitoring)."""
_NUMBERS = ("sync_events_last_hour", "consecutive_verification_failures", "sync_attempts", "sync_successes")
_MOST_LINES = 5
_CLOCK_SECONDS = 1.5
"""How far apart two readings of one clock may be, one of them in whole seconds."""


@dataclass(frozen=True, slots=True)
class Counted:
    """The report of `GET /api/monitoring`."""

    since: str
    last_hour: int
    by_source: Mapping[str, int]
    consecutive: int
    attempts: int
    successes: int
    rate: float
    alerts: Mapping[str, str]
    """The severity of each raised alert, by its name."""

    @classmethod
    def read(cls, body: str) -> Counted:
        """Read a report."""
        try:
            value = json_of(body)
            last_hour, consecutive, attempts, successes = (_whole(value[name]) for name in _NUMBERS)
            return cls(
                since=str(value["counting_since"]),
                last_hour=last_hour,
                by_source={name: _whole(value["sync_events_by_source"][name]) for name in SOURCES},
                consecutive=consecutive,
                attempts=attempts,
                successes=successes,
                rate=float(value["sync_success_rate"]),
                alerts={str(one["name"]): str(one["severity"]) for one in value["alerts"]},
            )
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
            raise ConformanceFailure(
                "the report of the contract's section 3: counting_since, sync_events_last_hour, "
                "sync_events_by_source, consecutive_verification_failures, sync_attempts, sync_successes, "
                "sync_success_rate, alerts",
                f"{body[:500]!r}",
            ) from None


@dataclass(frozen=True, slots=True)
class Metrics:
    """The samples of `GET /metrics`, by name and, for sync events, by source."""

    samples: Mapping[tuple[str, str], float]

    @classmethod
    def read(cls, body: str) -> Metrics:
        """Read Prometheus text."""
        try:
            families = list(text_string_to_metric_families(body))
        except ValueError as problem:
            raise ConformanceFailure("Prometheus text", f"{problem}: {body[:500]!r}") from None
        return cls(
            {
                (one.name, one.labels.get("source", "")): one.value
                for family in families
                for one in family.samples
            }
        )


def moved_since(before: Counted, after: Counted, wanted: Mapping[str, int]) -> None:
    """Check which sync events were counted between two reports, by source."""
    found = {name: after.by_source[name] - before.by_source[name] for name in SOURCES}
    total = after.last_hour - before.last_hour
    if found != dict(wanted) or total != sum(wanted.values()):
        raise ConformanceFailure(
            f"{counted(wanted)} more are counted, {sum(wanted.values())} in all",
            f"{counted(found)}, {total} in all",
        )


def events_are(report: Counted, count: int) -> None:
    """Check how many sync events of the last hour are counted."""
    if report.last_hour != count:
        raise ConformanceFailure(f"{count} sync events are counted", f"{report.last_hour} are counted")


def alert_is(report: Counted, name: str, *, raised: bool) -> None:
    """Check whether an alert is raised, with its severity."""
    severity = SEVERITIES[name]
    values = {
        "InstanceSyncEvents": f"{report.last_hour} sync events in the last hour",
        "VerificationFailures": f"{report.consecutive} consecutive verification failures",
        "SyncSuccessRate": f"a rate of {report.rate:g}, {report.successes} of {report.attempts}",
    }
    at, found = f"at {values[name]}", report.alerts.get(name)
    if raised and found != severity:
        told = "it is silent" if found is None else f"it is raised as {found}"
        raise ConformanceFailure(f"the alert {name} is raised as {severity}", f"{told} {at}")
    if not raised and found is not None:
        raise ConformanceFailure(f"the alert {name} is silent", f"it is raised as {found} {at}")


def consecutive_is(report: Counted, count: int) -> None:
    """Check how many verification failures are counted in a row."""
    if report.consecutive != count:
        raise ConformanceFailure(
            f"{count} consecutive verification failures are counted", f"{report.consecutive} are counted"
        )


def rate_is(report: Counted, successes: int, attempts: int) -> None:
    """Check the attempts, the successes and their rate in percent."""
    percent = 100 * successes / attempts if attempts else 100.0
    if (report.successes, report.attempts) != (successes, attempts) or not math.isclose(
        report.rate, percent, abs_tol=0.01
    ):
        raise ConformanceFailure(
            f"{successes} of {attempts} attempts succeeded, a rate of {percent:g}",
            f"{report.successes} of {report.attempts}, a rate of {report.rate:g}",
        )


def metrics_agree(metrics: Metrics, report: Counted) -> None:
    """Check that the metrics for Prometheus agree with the report."""
    wanted: dict[tuple[str, str], float] = {
        ("instance_sync_attempts_total", ""): report.attempts,
        ("instance_sync_successes_total", ""): report.successes,
        ("session_verification_failures_consecutive", ""): report.consecutive,
        **{("instance_sync_events_total", name): count for name, count in report.by_source.items()},
    }
    for key, value in wanted.items():
        # A counter that was never incremented may be missing.
        if metrics.samples.get(key, 0.0) != value:
            name = key[0] + (f'{{source="{key[1]}"}}' if key[1] else "")
            raise ConformanceFailure(
                f"the metric {name} is {value:g}", f"it is {metrics.samples.get(key, 'not there')}"
            )


def failures_grew(before: Metrics, after: Metrics, count: int) -> None:
    """Check by how many verification failures the metric went up."""
    key = ("session_verification_failures_total", "")
    grown = after.samples.get(key, 0.0) - before.samples.get(key, 0.0)
    if grown != count:
        raise ConformanceFailure(f"the metric {key[0]} went up by {count}", f"it went up by {grown:g}")


def greps_count(lines: Sequence[LogLine], wanted: Mapping[str, int]) -> None:
    """Check that the document's greps count exactly what happened."""
    found = {what: sum(pattern in line.text for line in lines) for what, pattern in GREPS.items()}
    if found != dict(wanted):
        off = "; ".join(
            f'grep "{pattern}" counts {found[what]} ({_matched(lines, pattern)})'
            for what, pattern in GREPS.items()
            if found[what] != wanted.get(what)
        )
        raise ConformanceFailure(f"the greps count {counted(wanted)}", f"they count {counted(found)}: {off}")


def _matched(lines: Sequence[LogLine], pattern: str) -> str:
    """Show the lines that a grep finds, or else the first lines of the log."""
    matched = [line.text for line in lines if pattern in line.text]
    if matched:
        return "; ".join(matched[:_MOST_LINES])
    return "the log has " + ("; ".join(line.text for line in lines[:_MOST_LINES]) or "no line")


def outlived_restart(before: Counted, after: Counted, restarted_at: float) -> None:
    """Check that after a restart the counts are still there, or counting begins with it."""
    if after.last_hour == before.last_hour and after.by_source == before.by_source:
        return
    since = _unix(after.since)
    if since is None or since < restarted_at - _CLOCK_SECONDS:
        raise ConformanceFailure(
            f"counting_since is the restart, or the {before.last_hour} sync events of the last hour are still there",
            f"counting_since is {after.since}, with {after.last_hour} sync events",
        )


def _whole(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
        raise ValueError(value)
    return int(value)


def _unix(text: str) -> float | None:
    """Read a time in ISO 8601 (UTC if it names no zone) or in Unix seconds."""
    try:
        return float(text)
    except ValueError:
        pass
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()

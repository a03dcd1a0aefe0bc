"""What an implementation reports that it counted, and checks of it. Pure (contract, section 3)."""

from __future__ import annotations

import contextlib
import math
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from prometheus_client.parser import text_string_to_metric_families

from harness import log_events
from harness.checks.reported import Reported
from harness.errors import ConformanceFailure
from harness.wording import counted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.contract import LogLine

SOURCES = ("webhook", "send", "health_check")
SEVERITIES = {"InstanceSyncEvents": "warning", "VerificationFailures": "critical", "SyncSuccessRate": "info"}
THRESHOLDS = {"InstanceSyncEvents": 5, "VerificationFailures": 10, "SyncSuccessRate": 99}
GREPS = {
    "scan syncs": "Instance sync successful",
    "verification failures": "Session not found in assigned instance",
    "webhook syncs": "Auto-syncing assigned_instance_url",
}
"""What the document greps the log for, by what it counts (Monitoring)."""
METRICS = (
    *(("instance_sync_events_total", source) for source in SOURCES),
    ("session_verification_failures_total", ""),
    ("session_verification_failures_consecutive", ""),
    ("instance_sync_attempts_total", ""),
    ("instance_sync_successes_total", ""),
)
"""The samples of the contract: name, and source."""
MOVES = (log_events.AUTO_SYNC, log_events.SYNCED, log_events.CORRECTED)
_MOST_LINES = 5
_CLOCK_SECONDS = 1.5
"""How far apart two readings of one clock may be, one of them in whole seconds."""


@dataclass(frozen=True, slots=True)
class RaisedAlert:
    """An alert as it is reported; `since` is a time in ISO 8601 or in Unix seconds."""

    severity: str
    since: str
    value: float
    threshold: float


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
    alerts: Mapping[str, RaisedAlert]
    """Each raised alert, by its name."""

    @classmethod
    def read(cls, body: str, asked: str = "GET /api/monitoring") -> Counted:
        """Read a report; a ConformanceFailure names the key that is missing or wrong."""
        report = Reported.of(asked, body)
        return cls(
            since=report["counting_since"].text(),
            last_hour=report["sync_events_last_hour"].whole(),
            by_source={name: report["sync_events_by_source"][name].whole() for name in SOURCES},
            consecutive=report["consecutive_verification_failures"].whole(),
            attempts=report["sync_attempts"].whole(),
            successes=report["sync_successes"].whole(),
            rate=report["sync_success_rate"].number(),
            alerts={
                one["name"].text(): RaisedAlert(
                    severity=one["severity"].text(),
                    since=one["since"].text(),
                    value=one["value"].number(),
                    threshold=one["threshold"].number(),
                )
                for one in report["alerts"].each()
            },
        )

    @property
    def told(self) -> str:
        """What was counted and which alerts are raised, in words; the same words, the same counts."""
        events = ", ".join(f"{count} by {name}" for name, count in self.by_source.items())
        return (
            f"{self.last_hour} sync events ({events}), {self.consecutive} consecutive failures, "
            f"{self.successes} of {self.attempts} attempts (a rate of {self.rate:g}), "
            f"alerts: {', '.join(sorted(self.alerts)) or 'none'}"
        )


@dataclass(frozen=True, slots=True)
class Metrics:
    """The samples of `GET /metrics`, by name and, for sync events, by source."""

    samples: Mapping[tuple[str, str], float]

    @classmethod
    def read(cls, body: str) -> Metrics:
        """Read Prometheus text."""
        try:
            families = list(text_string_to_metric_families(body))
        except (ValueError, KeyError, IndexError, TypeError) as problem:
            raise ConformanceFailure("Prometheus text", f"{problem}: {body[:500]!r}") from None
        return cls(
            {
                (one.name, one.labels.get("source", "")): one.value
                for family in families
                for one in family.samples
            }
        )

    @property
    def told(self) -> str:
        """The metrics of the contract in words; one that is missing counts as 0, as before its first increment."""
        values = {
            name + (f'{{source="{source}"}}' if source else ""): self.samples.get((name, source), 0.0)
            for name, source in METRICS
        }
        return ", ".join(f"{name} {value:g}" for name, value in values.items())


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
    """Check whether an alert is raised, with its severity, its threshold and the value that raised it."""
    severity = SEVERITIES[name]
    words, value = {
        "InstanceSyncEvents": (f"{report.last_hour} sync events in the last hour", report.last_hour),
        "VerificationFailures": (
            f"{report.consecutive} consecutive verification failures",
            report.consecutive,
        ),
        "SyncSuccessRate": (
            f"a rate of {report.rate:g}, {report.successes} of {report.attempts}",
            report.rate,
        ),
    }[name]
    at, found = f"at {words}", report.alerts.get(name)
    if not raised:
        if found is not None:
            raise ConformanceFailure(f"the alert {name} is silent", f"it is raised as {found.severity} {at}")
        return
    if found is None or found.severity != severity:
        told = f"it is raised as {found.severity} {at}" if found else f"it is silent {at}; {_others(report)}"
        raise ConformanceFailure(f"the alert {name} is raised as {severity}", told)
    if not math.isclose(found.value, value, abs_tol=0.01) or found.threshold != THRESHOLDS[name]:
        raise ConformanceFailure(
            f"the alert {name} has the value {value:g} and the threshold {THRESHOLDS[name]}",
            f"it has the value {found.value:g} and the threshold {found.threshold:g}",
        )


def _others(report: Counted) -> str:
    """Say which alerts are raised under names that are not the contract's, and which of the contract's."""
    if not report.alerts:
        return "no alert is raised"
    shown = (
        f"{name} ({one.severity}{'' if name in SEVERITIES else ', no name of the contract'})"
        for name, one in report.alerts.items()
    )
    return f"raised are {', '.join(shown)}"


def is_raised(report: Counted, name: str) -> None:
    """Check that an alert is raised, at whatever value."""
    if name not in report.alerts:
        raise ConformanceFailure(f"the alert {name} is raised", f"it is silent; {_others(report)}")


def raised_since_the_same(first: Counted, later: Counted, name: str) -> None:
    """Check that an alert that stays raised keeps the time at which it was raised."""
    was, now = first.alerts[name].since, later.alerts[name].since
    if was != now:
        raise ConformanceFailure(
            f"the alert {name}, raised all the while, keeps the time when it was raised, {was}",
            f"its since is now {now}",
        )


def raised_anew(first: Counted, later: Counted, name: str) -> None:
    """Check that an alert that had cleared, and was raised again, has the time of the second raising."""
    was, now = first.alerts[name].since, later.alerts[name].since
    times = unix(was), unix(now)
    is_later = was != now if None in times else (times[1] or 0.0) > (times[0] or 0.0)
    if not is_later:
        raise ConformanceFailure(
            f"the alert {name}, which cleared and was raised again, has the time of the second raising",
            f"its since was {was} before, and is {now} now",
        )


def one_truth(reports: Sequence[Counted], metrics: Sequence[Metrics]) -> None:
    """Check that every report and all metrics, whoever answered, say the same."""
    for what, told in (
        ("reports", [one.told for one in reports]),
        ("answers with metrics", [one.told for one in metrics]),
    ):
        versions = Counter(told)
        if len(versions) > 1:
            shown = "; ".join(f"{count} times {words}" for words, count in versions.most_common(3))
            raise ConformanceFailure(
                f"{len(told)} {what}, each on a connection of its own, say the same, whichever process answers",
                f"{len(versions)} differ: {shown}",
            )


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


def fill_logged(lines: Sequence[LogLine], new_url: str) -> None:
    """Check that a move is logged whose old URL is null."""
    found = [
        line
        for line in lines
        if any(text in line.text for text in MOVES)
        and line.fields.get("old_url", "") is None
        and str(line.fields.get("new_url")).removesuffix("/") == new_url.removesuffix("/")
    ]
    if len(found) != 1:
        moves = [line.text for line in lines if any(text in line.text for text in MOVES)]
        raise ConformanceFailure(
            f"the log has one line of a move with old_url null and new_url {new_url}",
            f"it has {len(found)}; its moves: {'; '.join(moves[:_MOST_LINES]) or 'none'}",
        )


def _matched(lines: Sequence[LogLine], pattern: str) -> str:
    """Show the lines that a grep finds, or else the first lines of the log."""
    matched = [line.text for line in lines if pattern in line.text]
    if matched:
        return "; ".join(matched[:_MOST_LINES])
    return "the log has " + ("; ".join(line.text for line in lines[:_MOST_LINES]) or "no line")


def outlived_restart(before: Counted, after: Counted, restarted_at: float) -> None:
    """Check that after a restart the counts are still there, or counting begins with it, and so later than before."""
    if after.last_hour == before.last_hour and after.by_source == before.by_source:
        return
    since, earlier = unix(after.since), unix(before.since)
    kept = since is not None and earlier is not None and since <= earlier
    if since is None or kept or since < restarted_at - _CLOCK_SECONDS:
        raise ConformanceFailure(
            f"counting_since is the restart, or the {before.last_hour} sync events of the last hour are still there",
            f"counting_since is {after.since}, with {after.last_hour} sync events; before it, {before.since}",
        )


def unix(text: str) -> float | None:
    """Read a time in ISO 8601 (UTC if it names no zone) or in Unix seconds."""
    with contextlib.suppress(ValueError):
        # "nan" and "inf" are numbers to Python, and no time.
        return seconds if math.isfinite(seconds := float(text)) else None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()

"""The report of a health check, and checks of it and of what it did. Pure (contract, section 3)."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.checks.reported import Reported
from harness.contract import account_number
from harness.errors import ConformanceFailure
from harness.wording import counted

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from harness.contract import LogLine
    from harness.history import History

COUNTS = ("checked", "verified", "updated", "failed", "unreachable")
MOST_CALLS = 2
"""Calls to each instance, however many accounts there are (HEALTH-08)."""
_MOST_PROCESSES = 4
"""Behind one port, each of which may keep a schedule of its own."""


@dataclass(frozen=True, slots=True)
class Change:
    """A row that was moved, or would be. URLs have no trailing slash."""

    account_id: int
    old_url: str | None
    new_url: str | None

    def __str__(self) -> str:
        return f"account {self.account_id} from {self.old_url} to {self.new_url}"


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What a health check reports."""

    counts: Mapping[str, int]
    changes: frozenset[Change]

    @classmethod
    def read(cls, body: str, asked: str = "the health check") -> CheckReport:
        """Read a report; a ConformanceFailure names the key that is missing or wrong."""
        report = Reported.of(asked, body)
        counts = {name: report[name].whole() for name in COUNTS}
        changes = frozenset(
            Change(
                account_number(one["account_id"].value),
                _bare(one["old_url"].value),
                _bare(one["new_url"].value),
            )
            for one in report["changes"].each()
        )
        if counts["checked"] != sum(counts[name] for name in COUNTS[1:]):
            raise ConformanceFailure(
                "verified, updated, failed and unreachable add up to checked", counted(counts)
            )
        return cls(counts, changes)


def counts_are(report: CheckReport, wanted: Mapping[str, int]) -> None:
    """Check the counts of a report."""
    if any(report.counts[name] != count for name, count in wanted.items()):
        raise ConformanceFailure(f"the check reports {counted(wanted)}", counted(report.counts))


def changes_are(report: CheckReport, wanted: Collection[Change]) -> None:
    """Check the changes of a report."""
    if report.changes != frozenset(wanted):
        raise ConformanceFailure(f"the check reports {_listed(wanted)}", _listed(report.changes))


def same_report(dry: CheckReport, real: CheckReport) -> None:
    """Check that a dry run reported what the real one then did."""
    if dry != real:
        raise ConformanceFailure(
            f"the dry run reports what a real one does: {counted(real.counts)}; {_listed(real.changes)}",
            f"{counted(dry.counts)}; {_listed(dry.changes)}",
        )


def corrections_logged(lines: Sequence[LogLine], text: str, changes: Collection[Change]) -> None:
    """Check that each correction, and nothing else, is logged as one."""
    corrected = [line for line in lines if text in line.text]
    if Counter(_change(line.fields) for line in corrected) != Counter(changes):
        shown = "; ".join(line.text for line in corrected) or "no such line"
        raise ConformanceFailure(f'the log has a line "{text}" for {_listed(changes)}, and no other', shown)


def asked_a_few_times(history: History, accounts: int) -> None:
    """Check that the calls to instances do not grow with the accounts."""
    calls = Counter(entry.instance for entry in history.calls())
    if any(count > MOST_CALLS for count in calls.values()):
        shown = ", ".join(f"instance {number} {count} times" for number, count in sorted(calls.items()))
        raise ConformanceFailure(
            f"a check of {accounts} accounts asks each instance at most {MOST_CALLS} times",
            f"it asked {shown}",
        )


def most_calls(seconds: float, interval: float) -> int:
    """Return how often an instance may be asked within some seconds by checks that come at an interval."""
    return math.ceil(seconds / interval + 2) * MOST_CALLS * _MOST_PROCESSES


def asked_at_most(calls: Mapping[int, int], most: int, when: str) -> None:
    """Check how often each instance was asked."""
    for number, count in calls.items():
        if count > most:
            raise ConformanceFailure(
                f"{when}, each instance is asked at most {most} times",
                f"instance {number} was asked {count} times or more",
            )


def _change(fields: Mapping[str, object]) -> Change:
    old_url, new_url = _bare(fields.get("old_url")), _bare(fields.get("new_url"))
    return Change(account_number(fields.get("account_id")), old_url, new_url)


def _listed(changes: Collection[Change]) -> str:
    return "; ".join(sorted(str(one) for one in changes)) or "no change"


def _bare(url: object) -> str | None:
    return None if url is None else str(url).removesuffix("/")

"""Mistakes in the periodic check: what it moves, writes, counts, asks and overwrites."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import update

from reference_impl.edges.accounts import ACCOUNTS, Accounts
from reference_impl.edges.log import EventLog
from reference_impl.fix.health_check import Change, HealthCheck, Report
from reference_impl.fix.syncs import Source, Syncs, View
from tests.mutants.machinery.registry import mutant, rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from reference_impl.edges.answers import Roster

EVERY_ROW = "One check moves every mismatched row"
FILLED = "A row that names no instance is filled"
SEEN_ELSEWHERE = (
    "A row is moved away from an instance that cannot be reached when the session is seen elsewhere"
)
LOGGED = "The log has each correction with its account, its old and its new URL"
SAME = "Rows that name the holder stay byte for byte the same"
LOST = "A lost session is counted as failed and its row keeps its URL"
UNREACHED = "A row assigned to an instance that cannot be reached keeps its URL and is counted as unreachable"
OTHER_UNREACHED = (
    "A row whose instance says no keeps its URL while another cannot be reached, and is counted as failed"
)
DRY = "A dry run reports what a real check then does"
BY_ITSELF = "A mismatched row is repaired although nobody does anything"
FORTY = "Forty accounts cost each instance two calls at most"
LAST_WORD = "A webhook is not overwritten with what the check saw before"
DEPLOYED = "Every row is repaired after every instance was restarted and every webhook was lost"


@dataclass(frozen=True)
class Row:
    """One row as a check looks at it."""

    check: HealthCheck
    view: View
    rosters: dict[str, Roster | None]
    report: Report

    @property
    def is_unreachable(self) -> bool:
        """Whether its own instance was silent."""
        assigned = self.check.parts.settings.configured(self.view.account.assigned_instance_url)
        return assigned is not None and self.rosters[assigned] is None


def around_check(act: Callable[..., None]) -> None:
    """Have `act` called for each row, with the reference's own way of checking it."""
    check = HealthCheck._check

    def checked(
        self: HealthCheck, view: View, rosters: dict[str, Roster | None], report: Report, *, at: float | None
    ) -> None:
        row = Row(self, view, rosters, report)
        act(row, lambda asked=rosters: check(self, view, asked, report, at=at))

    HealthCheck._check = checked


def write_anyway(self: HealthCheck, view: View, changes: dict[str, object]) -> None:
    """Write a row whatever it says by now."""
    now = datetime.now(UTC).replace(tzinfo=None)
    accounts: Accounts = self.parts.syncs._accounts
    with accounts._engine.connect() as connection:
        statement = update(ACCOUNTS).where(ACCOUNTS.c.id == view.account.id)
        connection.execute(statement.values(**changes, updated_at=now))


@mutant("HEALTH-01", EVERY_ROW)
def check_ends_with_the_first_correction() -> None:
    """A check ends as soon as it has corrected a row; the others are taken for verified."""

    def act(row: Row, go_on: Callable[..., None]) -> None:
        if row.report.updated:
            row.report.verified += 1
        else:
            go_on()

    around_check(act)


@mutant("HEALTH-01", FILLED)
def rows_without_an_instance_are_passed_over() -> None:
    """A row that names no instance is not looked at."""
    views = Syncs.views
    Syncs.views = lambda self: [one for one in views(self) if one.account.assigned_instance_url is not None]


@mutant("HEALTH-01", SEEN_ELSEWHERE)
def an_unreachable_instance_keeps_its_rows() -> None:
    """A row whose instance cannot be reached is left alone, wherever the session was seen."""

    def act(row: Row, go_on: Callable[..., None]) -> None:
        if row.is_unreachable:
            row.report.unreachable += 1
        else:
            go_on()

    around_check(act)


@mutant("HEALTH-02", LOGGED)
def corrections_logged_behind_the_write() -> None:
    """The old URL is read when it was already overwritten."""
    info = EventLog.info

    def told(self: EventLog, text: str, **fields: object) -> None:
        if text == Source.HEALTH_CHECK.value:
            fields["old_url"] = fields["new_url"]
        info(self, text, **fields)

    EventLog.info = told


@mutant("HEALTH-02", LOGGED)
def corrections_logged_without_their_account() -> None:
    """A correction's line names the session and not the account."""
    info = EventLog.info

    def told(self: EventLog, text: str, **fields: object) -> None:
        if text == Source.HEALTH_CHECK.value:
            del fields["account_id"]
        info(self, text, **fields)

    EventLog.info = told


@mutant("HEALTH-03", SAME)
def every_row_is_written_as_checked() -> None:
    """Each row gets the time of the check."""

    def act(row: Row, go_on: Callable[..., None]) -> None:
        write_anyway(row.check, row.view, {})
        go_on()

    around_check(act)


@mutant("HEALTH-04", LOST)
def lost_sessions_lose_their_url() -> None:
    """A row whose session is found nowhere is cleared."""

    def act(row: Row, go_on: Callable[..., None]) -> None:
        before = row.report.failed
        go_on()
        if row.report.failed > before:
            write_anyway(row.check, row.view, {"assigned_instance_url": None})

    around_check(act)


@mutant("HEALTH-04", LOST)
def lost_sessions_count_as_verified() -> None:
    """A session that is found nowhere is nobody's failure."""

    def act(row: Row, go_on: Callable[..., None]) -> None:
        before = row.report.failed
        go_on()
        if row.report.failed > before:
            row.report.failed, row.report.verified = before, row.report.verified + 1

    around_check(act)


@mutant("HEALTH-05", UNREACHED)
def silence_counts_as_a_no() -> None:
    """An instance that cannot be reached is taken for one that holds nothing, and its rows for failed."""

    def act(row: Row, go_on: Callable[..., None]) -> None:
        before = row.report.unreachable
        go_on()
        if row.report.unreachable > before:
            row.report.unreachable, row.report.failed = before, row.report.failed + 1

    around_check(act)


@mutant("HEALTH-05", OTHER_UNREACHED)
def any_silence_counts_as_unreachable() -> None:
    """A row is counted as unreachable when any instance is silent, its own or not."""

    def act(row: Row, go_on: Callable[..., None]) -> None:
        before = row.report.failed
        go_on()
        if row.report.failed > before and None in row.rosters.values():
            row.report.failed, row.report.unreachable = before, row.report.unreachable + 1

    around_check(act)


@mutant("HEALTH-06", DRY)
def dry_run_writes() -> None:
    """The dry run is asked for and not heeded."""
    run = HealthCheck.run
    HealthCheck.run = lambda self, *, dry_run=False: run(self, dry_run=dry_run and False)


@mutant("HEALTH-06", DRY)
def dry_run_logs_corrections() -> None:
    """A dry run writes the log lines of corrections."""
    correct = HealthCheck._correct

    def corrected(self: HealthCheck, view: View, holder: str, report: Report, *, at: float | None) -> None:
        correct(self, view, holder, report, at=at)
        if at is None:
            account = view.account
            fields = {"account_id": account.id, "old_url": account.assigned_instance_url, "new_url": holder}
            self.parts.log.info(Source.HEALTH_CHECK.value, **fields)

    HealthCheck._correct = corrected


@mutant("HEALTH-06", DRY)
def dry_run_counts_sync_events() -> None:
    """A dry run counts what it would have moved."""
    correct = HealthCheck._correct

    def corrected(self: HealthCheck, view: View, holder: str, report: Report, *, at: float | None) -> None:
        correct(self, view, holder, report, at=at)
        if at is None:
            self.parts.syncs._monitoring.synced("health_check")

    HealthCheck._correct = corrected


@mutant("HEALTH-06", DRY)
def dry_run_reports_no_moves() -> None:
    """A dry run counts every row that is not where it should be as verified."""
    correct = HealthCheck._correct

    def corrected(self: HealthCheck, view: View, holder: str, report: Report, *, at: float | None) -> None:
        if at is None:
            report.verified += 1
        else:
            correct(self, view, holder, report, at=at)

    HealthCheck._correct = corrected


@mutant("HEALTH-07", BY_ITSELF)
def never_by_itself() -> None:
    """The interval is read and nothing is scheduled."""
    HealthCheck.run_every = lambda _self, _seconds: None


@mutant("HEALTH-08", FORTY)
def every_account_asks_every_instance() -> None:
    """The instances are asked anew for each account."""

    def act(row: Row, go_on: Callable[..., None]) -> None:
        go_on(row.check.parts.loop.run(row.check._ask_all()))

    around_check(act)


@mutant("HEALTH-09", LAST_WORD)
def corrections_written_blindly() -> None:
    """A correction is written whatever the row says by now."""

    def corrected(self: HealthCheck, view: View, holder: str, report: Report, *, at: float | None) -> None:
        if at is not None:
            write_anyway(self, view, {"assigned_instance_url": holder})
        report.updated += 1
        report.changes.append(Change(view.account.id, view.account.assigned_instance_url, holder))

    HealthCheck._correct = corrected


@mutant("HEALTH-09", *rows(LAST_WORD, "3001"))
def confirmations_are_no_news() -> None:
    """A correction is given up when the row's URL has changed, and not when a webhook has confirmed it."""
    write = Syncs.write

    def written(self: Syncs, view: View, new_url: str, *, source: Source, at: float, **more: Any) -> bool:
        if source is Source.HEALTH_CHECK:
            view = replace(view, version=self._versions.get(view.account.id, 0))
        return write(self, view, new_url, source=source, at=at, **more)

    Syncs.write = written


@mutant("HEALTH-10", DEPLOYED)
def a_page_of_rows_a_check() -> None:
    """A check reads the first page of rows, of which there are five on each."""
    views = Syncs.views
    Syncs.views = lambda self: views(self)[:5]

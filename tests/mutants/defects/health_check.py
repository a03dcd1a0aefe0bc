"""Mistakes in the health check: what it moves, writes, counts, asks and overwrites."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from sqlalchemy import update

from reference_impl.edges.accounts import ACCOUNTS, Accounts
from reference_impl.fix.health_check import HealthCheck, Report
from reference_impl.fix.syncs import Source, Syncs, View
from tests.mutants.machinery.patching import around, around_log
from tests.mutants.machinery.registry import mutant, rows

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
DIED = "Every row is repaired after an instance died under the messages that hung there"
STALE_DRAWS = "A copy that is not connected does not draw a row whose holder cannot be asked"
SLASH = "A slash at the end of a row's URL is nothing to correct"
SLASH_SILENT = "A slash at the end of a row's URL does not hide that its instance is silent"
STRANGE = "Session ids of strange characters are found, confirmed and missed like any other"
LATER = "What goes wrong after one check is repaired by a later one"
LAST_WORD = "A webhook is not overwritten with what the check saw before"
PAGES = "A hundred and twenty rows are repaired by one check"
STATUS = "A row is moved to its holder whatever its status says"
MANY = "A row is moved to an instance that holds many sessions"
MANY_STATISTICS = "A row is moved to an instance that holds many sessions and answers with statistics"
DEPLOYED = "Every row is repaired after every instance was restarted and every webhook was lost"


@dataclass(frozen=True)
class Row:
    """One row in a check."""

    check: HealthCheck
    view: View
    rosters: dict
    report: Report

    @property
    def is_unreachable(self):
        """Whether its own instance was silent."""
        assigned = self.check.parts.settings.configured(self.view.account.assigned_instance_url)
        return assigned is not None and self.rosters[assigned] is None


def around_check(act) -> None:
    """Call `act` for each row, with the reference's own way of checking it."""

    @around(HealthCheck, "_check")
    def checked(check, self, view, rosters, report, *, at):
        row = Row(self, view, rosters, report)
        act(row, lambda asked=rosters: check(self, view, asked, report, at=at))


def when_counted(count, act) -> None:
    """Call `act` for each row that a check counts so."""

    def acts(row, go_on):
        before = getattr(row.report, count)
        go_on()
        if getattr(row.report, count) > before:
            act(row)

    around_check(acts)


def recount(row, wrong, right) -> None:
    """Move a row from one count to another."""
    setattr(row.report, wrong, getattr(row.report, wrong) - 1)
    setattr(row.report, right, getattr(row.report, right) + 1)


def write_anyway(self, view, changes) -> None:
    """Write a row, whatever it says by now."""
    now = datetime.now(UTC).replace(tzinfo=None)
    accounts: Accounts = self.parts.syncs._accounts
    with accounts._engine.connect() as connection:
        statement = update(ACCOUNTS).where(ACCOUNTS.c.id == view.account.id)
        connection.execute(statement.values(**changes, updated_at=now))


@mutant("HEALTH-01", EVERY_ROW, STRANGE, PAGES)
def check_ends_with_the_first_correction() -> None:
    """A check stops after its first correction; the other rows count as verified."""

    def act(row, go_on):
        if row.report.updated:
            row.report.verified += 1
        else:
            go_on()

    around_check(act)


@mutant("HEALTH-01", FILLED)
def rows_without_an_instance_are_passed_over() -> None:
    """A row without an instance is skipped."""
    views = Syncs.views
    Syncs.views = lambda self: [one for one in views(self) if one.account.assigned_instance_url is not None]


@mutant("HEALTH-01", SEEN_ELSEWHERE)
def an_unreachable_instance_keeps_its_rows() -> None:
    """A row whose instance cannot be reached is left alone, even if another instance holds the session."""

    def act(row, go_on):
        if row.is_unreachable:
            row.report.unreachable += 1
        else:
            go_on()

    around_check(act)


@mutant("HEALTH-02", LOGGED)
def corrections_logged_behind_the_write() -> None:
    """The old URL is read after it was overwritten."""
    around_log(
        lambda text, fields: (
            text,
            {**fields, "old_url": fields["new_url"]} if text == Source.HEALTH_CHECK.value else fields,
        )
    )


@mutant("HEALTH-02", LOGGED)
def corrections_logged_without_their_account() -> None:
    """The log line of a correction names the session but not the account."""
    around_log(
        lambda text, fields: (
            text,
            {
                name: one
                for name, one in fields.items()
                if name != "account_id" or text != Source.HEALTH_CHECK.value
            },
        )
    )


@mutant("HEALTH-03", SAME, SLASH, STRANGE)
def every_row_is_written_as_checked() -> None:
    """Every row is written with the time of the check."""

    def act(row, go_on):
        write_anyway(row.check, row.view, {})
        go_on()

    around_check(act)


@mutant("HEALTH-04", LOST)
def lost_sessions_lose_their_url() -> None:
    """The URL of a row whose session is found nowhere is cleared."""
    when_counted("failed", lambda row: write_anyway(row.check, row.view, {"assigned_instance_url": None}))


@mutant("HEALTH-04", LOST)
def lost_sessions_count_as_verified() -> None:
    """A session that is found nowhere counts as verified."""
    when_counted("failed", lambda row: recount(row, "failed", "verified"))


@mutant("HEALTH-05", UNREACHED, SLASH_SILENT)
def silence_counts_as_a_no() -> None:
    """An instance that cannot be reached counts as one that holds nothing, and its rows as failed."""
    when_counted("unreachable", lambda row: recount(row, "unreachable", "failed"))


@mutant("HEALTH-05", OTHER_UNREACHED)
def any_silence_counts_as_unreachable() -> None:
    """A row is counted as unreachable when any instance is silent, its own or not."""
    when_counted("failed", lambda row: None in row.rosters.values() and recount(row, "failed", "unreachable"))


@mutant("HEALTH-06", DRY)
def dry_run_writes() -> None:
    """The option of a dry run is ignored."""
    run = HealthCheck.run
    HealthCheck.run = lambda self, *, dry_run=False: run(self, dry_run=dry_run and False)


@mutant("HEALTH-06", DRY)
def dry_run_logs_corrections() -> None:
    """A dry run writes the log lines of corrections."""

    @around(HealthCheck, "_correct")
    def corrected(correct, self, view, holder, report, *, at):
        correct(self, view, holder, report, at=at)
        if at is None:
            account = view.account
            fields = {"account_id": account.id, "old_url": account.assigned_instance_url, "new_url": holder}
            self.parts.log.info(Source.HEALTH_CHECK.value, **fields)


@mutant("HEALTH-06", DRY)
def dry_run_counts_sync_events() -> None:
    """A dry run counts sync events for what it would have moved."""

    @around(HealthCheck, "_correct")
    def corrected(correct, self, view, holder, report, *, at):
        correct(self, view, holder, report, at=at)
        if at is None:
            self.parts.syncs._monitoring.synced("health_check")


@mutant("HEALTH-06", DRY)
def dry_run_reports_no_moves() -> None:
    """A dry run counts every mismatched row as verified."""

    @around(HealthCheck, "_correct")
    def corrected(correct, self, view, holder, report, *, at):
        if at is None:
            report.verified += 1
        else:
            correct(self, view, holder, report, at=at)


@mutant("HEALTH-07", BY_ITSELF, LATER)
def never_by_itself() -> None:
    """The interval is read, but nothing is scheduled."""
    HealthCheck.run_every = lambda _self, _seconds: None


@mutant("HEALTH-08", FORTY)
def every_account_asks_every_instance() -> None:
    """The instances are asked again for each account."""

    def act(row, go_on):
        go_on(row.check.parts.loop.run(row.check._ask_all()))

    around_check(act)


@mutant("HEALTH-09", LAST_WORD)
def corrections_written_blindly() -> None:
    """A correction is written, whatever the row says by now."""

    def corrected(self, view, holder, report, *, at):
        if at is not None:
            write_anyway(self, view, {"assigned_instance_url": holder})
        report.updated += 1
        urls = {"old_url": view.account.assigned_instance_url, "new_url": holder}
        report.changes.append({"account_id": view.account.id, **urls})

    HealthCheck._correct = corrected


@mutant("HEALTH-09", *rows(LAST_WORD, "3001"))
def confirmations_are_no_news() -> None:
    """A correction is given up if the row's URL has changed, but not if a webhook has confirmed it."""

    @around(Syncs, "write")
    def written(write, self, view, new_url, *, source, at, **more):
        if source is Source.HEALTH_CHECK:
            view = replace(view, version=self._versions.get(view.account.id, 0))
        return write(self, view, new_url, source=source, at=at, **more)


@mutant("HEALTH-10", DEPLOYED, DIED)
def a_page_of_rows_a_check() -> None:
    """A check reads only the first page of rows, which has five."""
    views = Syncs.views
    Syncs.views = lambda self: views(self)[:5]

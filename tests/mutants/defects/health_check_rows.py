"""Mistakes in the health check with rows that name no instance, with slashes, and with its schedule."""

from __future__ import annotations

from reference_impl.edges.accounts import ACCOUNTS, Account, Accounts
from reference_impl.edges.messages import SendError
from reference_impl.fix.health_check import HealthCheck
from reference_impl.settings import Settings
from tests.mutants.defects.health_check import DIED, LATER, PAGES, SLASH, SLASH_SILENT, STATUS, around_check
from tests.mutants.machinery.patching import around, around_sends
from tests.mutants.machinery.registry import mutant, rows

ODD_URL = "The rows before and after one that names no instance are repaired"
WRITTEN = "A row that somebody writes while the check asks stops no other row's repair"
ODD_SESSION = "The rows before and after one without a session are repaired"


def urls_compared_to_the_letter() -> None:
    """Have a check take a URL with a slash at its end for none that is configured."""
    is_at = Account.is_at

    @around(HealthCheck, "run")
    def ran(run, self, *, dry_run=False):
        configured = Settings.configured
        Settings.configured = lambda settings, url: url if url in settings.node_instances else None
        Account.is_at = lambda account, base: account.assigned_instance_url == base
        try:
            return run(self, dry_run=dry_run)
        finally:
            Settings.configured, Account.is_at = configured, is_at


@mutant(
    "HEALTH-12",
    *rows(ODD_URL, "3001-an empty text", "3001-a text that is no URL", "3001-an instance of last year"),
    *rows(ODD_URL, "none-an empty text", "none-a text that is no URL", "none-an instance of last year"),
    crashes=True,
)
def check_stumbles_over_instances_of_the_past() -> None:
    """A row whose URL is no instance ends the check with an error."""

    def act(row, go_on):
        url = row.view.account.assigned_instance_url
        if url is not None and url.removesuffix("/") not in row.rosters:
            raise LookupError(url)
        go_on()

    around_check(act)


@mutant("HEALTH-12", ODD_URL)
def check_gives_up_at_a_row_without_an_instance() -> None:
    """From the first row on that names no instance, nothing is repaired, though the check says that all is well."""

    def act(row, go_on):
        given_up = getattr(row.report, "given_up", False)
        if given_up or row.check.parts.settings.configured(row.view.account.assigned_instance_url) is None:
            row.report.given_up = True
            row.report.verified += 1
        else:
            go_on()

    around_check(act)


@mutant("HEALTH-12", ODD_URL)
def check_skips_rows_without_an_instance() -> None:
    """A row that names no instance is neither repaired nor counted."""

    @around(HealthCheck, "run")
    def ran(run, self, *, dry_run=False):
        views, parts = self.parts.syncs.views, self.parts
        parts.syncs.views = lambda: [
            one for one in views() if parts.settings.configured(one.account.assigned_instance_url)
        ]
        try:
            return run(self, dry_run=dry_run)
        finally:
            parts.syncs.views = views


@mutant("HEALTH-12", ODD_SESSION, crashes=True)
def check_stumbles_over_rows_without_a_session() -> None:
    """A row whose session id is null or empty ends the check with an error."""
    Accounts.with_session = lambda self: self._read(ACCOUNTS.c.id == ACCOUNTS.c.id)

    def act(row, go_on):
        if not row.view.account.session_id:
            raise ValueError(row.view.account.id)
        go_on()

    around_check(act)


@mutant("HEALTH-12", *rows(ODD_SESSION, "an empty text"), crashes=True)
def check_stumbles_over_empty_ids() -> None:
    """A row whose session id is empty ends the check with an error; one that is null does not."""
    Accounts.with_session = lambda self: self._read(ACCOUNTS.c.session_id.is_not(None))

    def act(row, go_on):
        if row.view.account.session_id[0]:
            go_on()

    around_check(act)


@mutant("HEALTH-03", SLASH)
def check_corrects_slashes() -> None:
    """The check takes a URL with a slash at its end for another instance, and writes the row without it."""
    urls_compared_to_the_letter()


@mutant("HEALTH-05", SLASH_SILENT)
def a_slash_hides_the_silent() -> None:
    """A row whose URL ends in a slash counts as failed where its instance is silent."""
    urls_compared_to_the_letter()


@mutant("HEALTH-07", LATER)
def one_check_after_the_start() -> None:
    """The check runs once, an interval after the start, and never again."""

    @around(HealthCheck, "run_every")
    def ran_once(run_every, self, seconds):
        run = self.run

        def once():
            report = run()
            self.parts.ending.wait(3600)
            return report

        self.run = once
        run_every(self, seconds)


@mutant("HEALTH-07", LATER)
def interval_taken_for_milliseconds() -> None:
    """The seconds of the interval are read as milliseconds: instances are asked without a pause."""
    run_every = HealthCheck.run_every
    HealthCheck.run_every = lambda self, seconds: run_every(self, seconds / 1000)


@mutant("HEALTH-10", DIED)
def rows_of_lost_messages_are_left_alone() -> None:
    """The check passes over an account whose last message got no answer: its send may still be under way."""
    lost = set()

    def act(_parts, account_id, _message, send):
        lost.add(account_id)
        try:
            sent = send()
        except SendError as error:
            if error.code != "delivery_unknown":
                lost.discard(account_id)
            raise
        lost.discard(account_id)
        return sent

    def checked(row, go_on):
        if row.view.account.id in lost:
            row.report.verified += 1
        else:
            go_on()

    around_sends(act)
    around_check(checked)


@mutant("HEALTH-12", WRITTEN, crashes=True)
def check_stumbles_over_rows_that_others_wrote() -> None:
    """A row that was written since it was read ends the check with an error, as of an optimistic lock."""

    @around(HealthCheck, "_correct")
    def corrected(correct, self, view, holder, report, *, at):
        moved = report.updated
        correct(self, view, holder, report, at=at)
        if report.updated == moved:
            raise RuntimeError(view.account.id)


@mutant("HEALTH-12", WRITTEN)
def check_gives_up_where_others_write() -> None:
    """A check that finds a row written since it was read leaves the rest to the next one."""
    correct = HealthCheck._correct
    stopped = set()

    def corrected(self, view, holder, report, *, at):
        if id(report) in stopped:
            report.verified += 1
            return
        moved = report.updated
        correct(self, view, holder, report, at=at)
        if report.updated == moved:
            stopped.add(id(report))

    HealthCheck._correct = corrected


@mutant("HEALTH-01", STATUS)
def only_connected_rows_are_checked() -> None:
    """The check reads only the rows whose status is connected."""
    Accounts.with_session = lambda self: self._read(ACCOUNTS.c.status == "connected")


@mutant("HEALTH-01", *rows(STATUS, "failed"))
def failed_rows_are_given_up() -> None:
    """A row whose status is failed counts as failed, and nobody looks where its session is."""

    def act(row, go_on):
        if row.view.account.status == "failed":
            row.report.failed += 1
        else:
            go_on()

    around_check(act)


@mutant("HEALTH-01", PAGES)
def only_the_first_page_is_checked() -> None:
    """The check reads a page of a hundred rows, and never the next one."""
    with_session = Accounts.with_session
    Accounts.with_session = lambda self: with_session(self)[:100]

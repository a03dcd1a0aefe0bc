"""Mistakes about webhooks that say nothing new, or speak of what is not known."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import select

from reference_impl.edges.accounts import ACCOUNTS, READ_COLUMNS, Account, Accounts
from reference_impl.fix.locations import LocationSync
from reference_impl.fix.syncs import Source, Syncs
from reference_impl.fix.webhooks import Event, WebhookError, WebhookReceiver
from tests.mutants.defects.monitoring import FILLED
from tests.mutants.defects.webhooks import URL, stores_url, tell_move
from tests.mutants.machinery.patching import around, around_webhooks
from tests.mutants.machinery.registry import mutant, rows

UNKNOWN = "A webhook for an unknown session changes no row"
TWICE = "The same webhook twice leaves the same row"
TWICE_NO_MOVE = "The same webhook twice is no second move"
TOLD_UNKNOWN = "Whoever announces an unknown session is told"
TOLD_OTHER = "Whoever announces a session of another workspace is told"
STORED_ALREADY = "A URL that is stored already is no move"
SLASH = "A trailing slash makes no difference"


def _apply_repeated(act) -> None:
    """Call `act` in place of the reference's own way, for each webhook that was applied before."""
    seen = set()

    def applied(parts, account, delivery, apply):
        repeated = delivery.signature in seen
        seen.add(delivery.signature)
        return act(parts, account, delivery) if repeated else apply()

    around_webhooks(applied)


@mutant("WEBHOOK-09", TWICE)
def repeated_webhook_writes_its_empty_fields() -> None:
    """A repeated webhook writes every column anew, those too that it has not read."""

    def act(parts, account, delivery):
        parts.accounts.write(account, {"status": "connected", "phone_number": None, URL: delivery.location})
        return True

    _apply_repeated(act)


@mutant("WEBHOOK-09", TWICE)
def repeated_webhook_undoes_the_move() -> None:
    """A repeated webhook is taken for a forgery, and the row goes back to what it said before."""
    before, apply = {}, LocationSync.apply

    def applied(self, account, delivery):
        before.setdefault(account.id, account.assigned_instance_url)
        return apply(self, account, delivery)

    def act(parts, account, _delivery):
        parts.accounts.write(account, {URL: before[account.id]})
        return True

    LocationSync.apply = applied
    _apply_repeated(act)


@mutant("WEBHOOK-09", TWICE)
def repeated_webhook_sets_another_status() -> None:
    """A repeated webhook leaves the row marked as failed."""

    def act(parts, account, _delivery):
        parts.accounts.write(account, {"status": "failed"})
        return True

    _apply_repeated(act)


@mutant("WEBHOOK-11", TWICE_NO_MOVE)
def repeated_webhook_logged_as_a_move() -> None:
    """A repeated webhook is compared with the row as it was first read, and logged as a move."""
    first_url = {}

    def act(parts, account, delivery, apply):
        old_url = first_url.setdefault(account.id, account.assigned_instance_url)
        if stores_url(account, delivery.location) and not stores_url(account, old_url):
            tell_move(parts, account, old_url, delivery.location)
        return apply()

    around_webhooks(act)


@mutant("WEBHOOK-16", TOLD_UNKNOWN, TOLD_OTHER)
def unknown_session_answered_processed() -> None:
    """A webhook for an unknown session is answered 200."""

    @around(WebhookReceiver, "receive")
    def polite(receive, self, headers, body):
        try:
            return receive(self, headers, body)
        except WebhookError as error:
            if error.status == 404:
                return True
            raise


@mutant("WEBHOOK-10", UNKNOWN, crashes=True)
def unknown_session_crashes() -> None:
    """A webhook for an unknown session crashes."""

    @around(Accounts, "by_session")
    def found(seek, self, session_id):
        return replace(seek(self, session_id))


@mutant("WEBHOOK-10", UNKNOWN)
def unknown_session_taken_for_the_workspaces_own() -> None:
    """A webhook for an unknown session writes the workspace's first account."""

    @around(WebhookReceiver, "receive")
    def guess(receive, self, headers, body):
        try:
            return receive(self, headers, body)
        except WebhookError:
            event = Event.parse(body)
            own = ACCOUNTS.c.workspace_id == event.workspace_id
            with self.parts.accounts._engine.connect() as connection:
                row = connection.execute(select(*READ_COLUMNS).where(own)).mappings().first()
            if row is not None:
                self.parts.accounts.write(Account(**row), {URL: headers.get("X-Instance-Url")})
            raise


@mutant("WEBHOOK-16", TOLD_OTHER)
def other_workspace_answered_processed() -> None:
    """A webhook whose workspace is not the account's changes nothing and is answered 200."""

    @around(WebhookReceiver, "receive")
    def polite(receive, self, headers, body):
        try:
            return receive(self, headers, body)
        except WebhookError as error:
            if error.status == 404 and self.parts.accounts.by_session(Event.parse(body).session_id):
                return False
            raise


@mutant("WEBHOOK-10", UNKNOWN)
def unknown_session_may_be_known_later() -> None:
    """A webhook for an unknown session is answered 503, as if it were better to come again."""

    @around(WebhookReceiver, "receive")
    def later(receive, self, headers, body):
        try:
            return receive(self, headers, body)
        except WebhookError as error:
            if error.status == 404:
                raise WebhookError(503, "The session is not known yet") from error
            raise


@mutant("WEBHOOK-11", STORED_ALREADY, SLASH, TWICE_NO_MOVE)
def stored_url_logged_as_a_move() -> None:
    """Every session_ready with a header is logged as a move."""

    def act(parts, account, delivery, apply):
        if stores_url(account, delivery.location):
            tell_move(parts, account, account.assigned_instance_url, delivery.location)
        return apply()

    around_webhooks(act)


@mutant("WEBHOOK-11", SLASH)
def trailing_slash_counts_as_a_move() -> None:
    """URLs that differ in a trailing slash count as different."""

    def act(parts, account, delivery, apply):
        if delivery.location != account.assigned_instance_url and stores_url(account, delivery.location):
            parts.accounts.write(account, {URL: delivery.location})
            tell_move(parts, account, account.assigned_instance_url, delivery.location)
        return apply()

    around_webhooks(act)


@mutant("MONITOR-02", *rows(FILLED, "a webhook confirms what the row says-0-1"))
def fillings_are_not_counted() -> None:
    """A webhook that fills a null URL moves nothing, as the counting has it."""

    @around(Syncs, "write")
    def written(write, self, view, new_url, *, source, **more):
        counted = self._monitoring.synced
        if view.account.assigned_instance_url is None and source is Source.WEBHOOK:
            self._monitoring.synced = lambda _source: None
        try:
            return write(self, view, new_url, source=source, **more)
        finally:
            self._monitoring.synced = counted

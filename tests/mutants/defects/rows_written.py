"""Mistakes in what a write of a row leaves in its updated_at."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from sqlalchemy import update

from reference_impl.edges.accounts import ACCOUNTS, Accounts
from reference_impl.fix.syncs import Source, Syncs
from tests.mutants.machinery.patching import around
from tests.mutants.machinery.registry import mutant

MOVED = "A webhook that moves the URL sets the time"
STATUS = "A webhook that changes only the status sets the time"
REPAIRED = "A send that repairs the row sets the time"
CORRECTED = "A health check that corrects the row sets the time"
ELSEWHERE = "An implementation in another time zone writes UTC all the same"

URL = "assigned_instance_url"


def _timed(moment) -> None:
    """Have `moment` say what time a write of these changes leaves, or None to leave the time as it was."""

    @around(Accounts, "_update")
    def updated(write, self, account, changes, only):
        before = _time_of(self, account)
        done = write(self, account, changes, only)
        if done and any(getattr(account, name) != value for name, value in changes.items()):
            wanted = moment(changes)
            _set_time(self, account, before if wanted is None else wanted)
        return done


def _time_of(self, account):
    with self._engine.connect() as connection:
        return connection.execute(
            ACCOUNTS.select().with_only_columns(ACCOUNTS.c.updated_at).where(ACCOUNTS.c.id == account.id)
        ).scalar()


def _set_time(self, account, moment) -> None:
    with self._engine.connect() as connection:
        connection.execute(update(ACCOUNTS).where(ACCOUNTS.c.id == account.id).values(updated_at=moment))


def _untimed(source) -> None:
    """Leave the time as it was when a location is written by this source."""

    @around(Syncs, "write")
    def written(write, self, view, new_url, **how):
        before = _time_of(self._accounts, view.account)
        done = write(self, view, new_url, **how)
        if done and how["source"] is source:
            _set_time(self._accounts, view.account, before)
        return done


@mutant("STATE-01", MOVED, STATUS, REPAIRED, ELSEWHERE)
def time_left_to_the_database() -> None:
    """No write sets updated_at: the table was thought to do that by itself."""
    _timed(lambda _changes: None)


@mutant("STATE-01", MOVED, ELSEWHERE)
def time_not_set_by_webhooks_that_move() -> None:
    """The statement that moves a row for a webhook does not set updated_at."""
    _untimed(Source.WEBHOOK)


@mutant("STATE-01", STATUS)
def time_set_for_moves_only() -> None:
    """updated_at is set only where the URL changes."""
    _timed(lambda changes: datetime.now(UTC).replace(tzinfo=None) if URL in changes else None)


@mutant("STATE-01", REPAIRED)
def time_not_set_by_repairs() -> None:
    """The statement that repairs a row for a send does not set updated_at."""
    _untimed(Source.SEND)


@mutant("HEALTH-13", CORRECTED)
def time_not_set_by_corrections() -> None:
    """The statement by which the health check corrects a row does not set updated_at."""
    _untimed(Source.HEALTH_CHECK)


@mutant("STATE-01", ELSEWHERE)
def time_of_the_wall_clock() -> None:
    """updated_at is the local time of wherever the implementation runs."""
    _timed(lambda _changes: datetime.now().replace(microsecond=0))  # noqa: DTZ005 - that is the mistake


@mutant("STATE-01", MOVED, STATUS, REPAIRED, ELSEWHERE)
def time_of_the_office() -> None:
    """updated_at is the time in Jakarta, where the office is."""
    _timed(lambda _changes: datetime.now(UTC).replace(tzinfo=None) + timedelta(hours=7))


@mutant("STATE-01", MOVED, STATUS, REPAIRED, ELSEWHERE)
def time_of_the_start() -> None:
    """updated_at is the time at which the program was started, computed once as a default value is."""
    began = datetime.fromtimestamp(time.time() - 3600, UTC).replace(tzinfo=None)
    _timed(lambda _changes: began)

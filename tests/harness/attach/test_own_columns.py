"""Rows of a table that an implementation made in its own shape: other ids, and columns that must have a value."""

from __future__ import annotations

import contextlib
import sqlite3
import uuid
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sql

from harness.attach.databases import connect, fresh_database
from harness.attach.rows_by_sql import SqlAccounts
from harness.errors import NotJudgedError
from harness.incident import LONG_PAST
from tests.database_servers import mariadb, postgresql
from tests.harness.support import row, target

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROW = dict(row(updated_at=LONG_PAST).columns)
THE_ID = "00000000-0000-4000-8000-000000000142"
CONTRACT = (
    "workspace_id integer not null, session_id varchar(255), phone_number varchar(64), status varchar(32) not null, "
    "assigned_instance_url varchar(2048), updated_at timestamp"
)
DEFAULTS = {
    "name": "Account {account_id} of {workspace_id}",
    "slug": "{uuid}",
    "most": 1000,
    "share": 0.5,
    "active": True,
    "made_at": "{now}",
    "told": "made {now}",
    "settings": '{"of": "{session_id}"}',
}
OWN = (
    "name varchar(99) not null, slug {uuid} not null, most integer not null, share float not null, "
    "active boolean not null, made_at {moment} not null, told varchar(99) not null, settings {json} not null"
)


@contextlib.contextmanager
def opened(url: str, **values: Any) -> Iterator[SqlAccounts]:
    """Open the table of an implementation that made it."""
    made = target("true", table="accounts", migrated=True, **values)
    with contextlib.closing(SqlAccounts(url, made)) as accounts:
        yield accounts


def make(url: str, columns: str) -> None:
    """Make the table, as a migration does."""
    engine = connect(url)
    with engine.begin() as connection:
        connection.execute(sql.text(f"create table accounts ({columns})"))
    engine.dispose()


def check_row(url: str, moment: type) -> None:
    """Check that a row is written whole, read, moved, written as it was read, held and removed, by its number."""
    with opened(url, ids="uuid", defaults=DEFAULTS) as accounts:
        accounts.put(ROW)
        found = accounts.get(142)
        assert found is not None
        assert str(found.columns["id"]) == THE_ID
        own = {name: found.columns[name] for name in DEFAULTS}
        assert own["name"] == f"Account {THE_ID} of 1"
        assert uuid.UUID(str(own["slug"])).version == 4
        assert (own["most"], own["share"], bool(own["active"])) == (1000, 0.5, True)
        assert isinstance(own["made_at"], moment)
        assert str(own["told"]).startswith("made 20")
        assert str(ROW["session_id"]) in str(own["settings"])
        assert (found.columns["status"], found.columns["updated_at"]) == ("connected", LONG_PAST)
        accounts.assign(142, "http://two")
        moved = accounts.get(142)
        assert moved is not None
        assert found.difference(moved) == 'assigned_instance_url was "http://one" and is now "http://two"'
        accounts.put({**moved.columns, "status": "failed"})
        again = accounts.get(142)
        assert again is not None
        assert moved.difference(again) == 'status was "connected" and is now "failed"'
        with accounts.held(142):
            pass
        accounts.remove([142, 143])
        assert accounts.get(142) is None


def test_a_table_of_sqlite_may_call_its_types_as_it_likes(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'a.db'}"
    make(url, f"id uuid primary key, {CONTRACT}, {OWN.format(uuid='uuid', moment='datetime', json='json')}")
    check_row(url, str)


def test_a_table_of_postgresql_has_its_own_types(tmp_path: Path) -> None:
    with postgresql() as server, fresh_database(server, tmp_path) as url:
        make(
            url,
            f"id uuid primary key, {CONTRACT}, {OWN.format(uuid='uuid', moment='timestamptz', json='jsonb')}",
        )
        check_row(url, datetime)


def test_a_table_of_mariadb_has_its_own_types(tmp_path: Path) -> None:
    with mariadb() as server, fresh_database(server, tmp_path) as url:
        own = OWN.format(uuid="char(36)", moment="datetime", json="json")
        make(url, f"id char(36) primary key, {CONTRACT}, {own}")
        check_row(url, datetime)


@pytest.mark.parametrize(("kind", "stored"), [("text", "142"), ("uuid", THE_ID), ("number", 142)])
def test_a_table_that_the_harness_makes_has_ids_of_the_kind_that_was_asked_for(
    tmp_path: Path, kind: str, stored: object
) -> None:
    path = tmp_path / "a.db"
    made = target("true", ids=kind)
    with contextlib.closing(SqlAccounts(f"sqlite:///{path}", made)) as accounts:
        accounts.put(ROW)
        assert accounts.get(142) is not None
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("select id from whatsapp_accounts").fetchall() == [(stored,)]


def test_moments_are_written_as_the_column_has_them(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'a.db'}"
    make(url, f"id integer primary key, {CONTRACT}, as_number integer not null, as_text text not null")
    with opened(url, defaults={"as_number": "{now}", "as_text": "{now}"}) as accounts:
        accounts.put(ROW)
        found = accounts.get(142)
    assert found is not None
    written = datetime.fromisoformat(f"{found.columns['as_text']}+00:00")
    assert found.columns["as_number"] == int(written.timestamp())


WRONG = {
    "no table": (
        "",
        {},
        "there is no table accounts; with state.migrated, the implementation makes it before",
    ),
    "a column of another name": (
        f"uuid text primary key, {CONTRACT}",
        {},
        "table accounts has no column id; state.columns says what it calls them",
    ),
    "a default for no column": (
        f"id integer primary key, {CONTRACT}",
        {"defaults": {"slug": "{uuid}"}},
        "table accounts has no column slug, which state.defaults names; the implementation must add it",
    ),
    "a column without a value": (
        f"id integer primary key, {CONTRACT}, slug text not null",
        {},
        r"does not take the row of an account: NOT NULL constraint failed: accounts.slug; state.defaults gives",
    ),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_table_that_does_not_fit_is_told_with_the_key_to_change(tmp_path: Path, wrong: str) -> None:
    columns, values, said = WRONG[wrong]
    url = f"sqlite:///{tmp_path / 'a.db'}"
    if columns:
        make(url, columns)
    with opened(url, **values) as accounts, pytest.raises(NotJudgedError, match=said):
        accounts.put(ROW)

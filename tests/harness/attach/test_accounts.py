"""Rows through SQL, in a SQLite file that an implementation shares."""

from __future__ import annotations

import contextlib
import sqlite3
from datetime import datetime
from typing import TYPE_CHECKING

import psutil
import pytest

from harness.attach.rows_by_sql import SqlAccounts
from harness.incident import LONG_PAST
from tests.harness.support import target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

ROW = {
    "id": 142,
    "workspace_id": 1,
    "session_id": "webjs_1",
    "phone_number": "628",
    "status": "connected",
    "assigned_instance_url": "http://one",
    "updated_at": LONG_PAST,
}
RENAMED = {"id": "account_id", "assigned_instance_url": "node_url", "updated_at": "changed_at"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "accounts.db"


@pytest.fixture
def attach(path: Path) -> Iterator[Callable[..., SqlAccounts]]:
    """Open the table as a target says it is named."""
    with contextlib.ExitStack() as opened:

        def make(**values: object) -> SqlAccounts:
            accounts = SqlAccounts(f"sqlite:///{path}", target("true", **values))
            opened.callback(accounts.close)
            return accounts

        yield make


def execute(path: Path, statement: str) -> list[tuple[object, ...]]:
    """Do as an implementation does: over a connection of its own."""
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        return connection.execute(statement).fetchall()


def test_a_row_is_read_as_it_was_put(attach: Callable[..., SqlAccounts]) -> None:
    accounts = attach()
    accounts.put(ROW)

    row = accounts.get(142)

    assert row is not None
    assert row.columns == ROW
    assert row.assigned_instance_url == "http://one"
    assert accounts.get(143) is None


def test_putting_again_replaces_the_row(attach: Callable[..., SqlAccounts], path: Path) -> None:
    accounts = attach()
    accounts.put(ROW)
    accounts.put({**ROW, "session_id": "webjs_2", "phone_number": None})

    assert execute(path, "SELECT id, session_id, phone_number FROM whatsapp_accounts") == [
        (142, "webjs_2", None)
    ]


@pytest.mark.parametrize("url", ["http://two", None])
def test_assigning_changes_the_url_of_one_row_and_nothing_else(
    attach: Callable[..., SqlAccounts], url: str | None
) -> None:
    accounts = attach()
    accounts.put(ROW)
    accounts.put({**ROW, "id": 7, "session_id": "other"})
    accounts.assign(142, url)

    changed, other = accounts.get(142), accounts.get(7)

    assert changed is not None
    assert changed.columns == {**ROW, "assigned_instance_url": url}
    assert other is not None
    assert other.assigned_instance_url == "http://one"


def test_removing_takes_those_rows_and_no_other(attach: Callable[..., SqlAccounts], path: Path) -> None:
    accounts = attach()
    for number in (1, 2, 3):
        accounts.put({**ROW, "id": number, "session_id": str(number)})
    accounts.remove([1, 3, 99])
    accounts.remove([])

    assert execute(path, "SELECT id FROM whatsapp_accounts") == [(2,)]


def test_a_renamed_table_with_renamed_columns_is_used_under_its_own_names(
    attach: Callable[..., SqlAccounts], path: Path
) -> None:
    accounts = attach(table="wa", columns=RENAMED)
    accounts.put(ROW)
    accounts.assign(142, "http://two")

    row = accounts.get(142)

    assert row is not None
    assert row.columns == {**ROW, "assigned_instance_url": "http://two"}
    assert execute(path, "SELECT account_id, node_url FROM wa") == [(142, "http://two")]
    accounts.remove([142])
    assert accounts.get(142) is None


def test_an_existing_table_is_kept_with_its_rows_and_own_columns(
    attach: Callable[..., SqlAccounts], path: Path
) -> None:
    attach().put(ROW)
    execute(path, "ALTER TABLE whatsapp_accounts ADD COLUMN plan TEXT NOT NULL DEFAULT 'free'")

    accounts = attach()
    accounts.put({**ROW, "id": 7, "session_id": "other"})

    first, second = accounts.get(142), accounts.get(7)
    assert first is not None
    assert first.columns == {**ROW, "plan": "free"}
    assert second is not None
    assert second.columns["plan"] == "free"


def test_a_write_of_another_process_is_seen_and_reading_writes_nothing(
    attach: Callable[..., SqlAccounts], path: Path
) -> None:
    accounts = attach()
    accounts.put(ROW)
    before = path.read_bytes()
    assert accounts.get(142) == accounts.get(142)
    assert path.read_bytes() == before

    execute(path, "UPDATE whatsapp_accounts SET updated_at = '2026-07-01 10:00:00' WHERE id = 142")

    row = accounts.get(142)
    assert row is not None
    assert row.columns["updated_at"] == datetime(2026, 7, 1, 10)  # noqa: DTZ001 - the column has no zone
    assert row.difference(row) == ""


def test_a_difference_is_told_by_column(attach: Callable[..., SqlAccounts]) -> None:
    accounts = attach()
    accounts.put(ROW)
    before = accounts.get(142)
    accounts.assign(142, None)
    after = accounts.get(142)

    assert before is not None
    assert after is not None
    assert before.difference(after) == 'assigned_instance_url was "http://one" and is now null'


def test_no_connection_outlives_its_use(attach: Callable[..., SqlAccounts], path: Path) -> None:
    accounts = attach()
    accounts.put(ROW)
    accounts.get(142)

    assert str(path) not in [file.path for file in psutil.Process().open_files()]

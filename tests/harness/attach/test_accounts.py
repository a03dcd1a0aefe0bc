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
from tests.harness.support import row, target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

ROW = dict(row(updated_at=LONG_PAST).columns)
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
    """Do as an implementation does: over its own connection."""
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        return connection.execute(statement).fetchall()


def test_a_renamed_table_is_used_under_its_own_names_with_columns_of_its_own(
    attach: Callable[..., SqlAccounts], path: Path
) -> None:
    accounts = attach(table="wa", columns=RENAMED)
    execute(path, "ALTER TABLE wa ADD COLUMN plan TEXT NOT NULL DEFAULT 'free'")
    for number in (142, 7, 8):
        accounts.put({**ROW, "id": number, "session_id": str(number)})
    assert (142, "http://one") in execute(path, "SELECT account_id, node_url FROM wa")
    accounts.put({**ROW, "session_id": "webjs_2", "phone_number": None})
    accounts.assign(142, None)
    accounts.remove([8, 99])
    accounts.remove([])

    found = [one and one.columns for one in map(attach(table="wa", columns=RENAMED).get, (142, 7, 8))]

    changed = {"session_id": "webjs_2", "phone_number": None, "assigned_instance_url": None, "plan": "free"}
    assert found == [ROW | changed, ROW | {"id": 7, "session_id": "7", "plan": "free"}, None]


def test_a_write_of_another_process_is_seen_and_reading_changes_nothing(
    attach: Callable[..., SqlAccounts], path: Path
) -> None:
    accounts = attach()
    accounts.put(ROW)
    before = path.read_bytes()
    assert accounts.get(142) == accounts.get(142)
    assert path.read_bytes() == before
    assert str(path) not in [file.path for file in psutil.Process().open_files()]

    execute(path, "UPDATE whatsapp_accounts SET updated_at = '2026-07-01 10:00:00' WHERE id = 142")

    found = accounts.get(142)
    assert found is not None
    assert found.columns["updated_at"] == datetime(2026, 7, 1, 10)  # noqa: DTZ001 - the column has no zone
    assert found.difference(found) == ""


@pytest.mark.parametrize("written", ["2026-07-01T10:00:00Z", "yesterday", "2026-07-01T10:00:00+07:00"])
def test_a_time_that_is_written_in_another_way_is_shown_as_it_is(
    attach: Callable[..., SqlAccounts], path: Path, written: str
) -> None:
    accounts = attach()
    accounts.put(ROW)
    execute(path, f"UPDATE whatsapp_accounts SET updated_at = '{written}' WHERE id = 142")

    found = accounts.get(142)
    assert found is not None
    assert found.columns["updated_at"] == written


def test_nobody_writes_or_reads_while_the_database_is_held(
    attach: Callable[..., SqlAccounts], path: Path
) -> None:
    accounts = attach()
    accounts.put(ROW)
    with (
        accounts.held(142),
        contextlib.closing(sqlite3.connect(path, timeout=0)) as other,
        pytest.raises(sqlite3.OperationalError, match="locked"),
    ):
        other.execute("SELECT * FROM whatsapp_accounts")
    accounts.assign(142, "http://two")
    assert execute(path, "SELECT assigned_instance_url FROM whatsapp_accounts") == [("http://two",)]

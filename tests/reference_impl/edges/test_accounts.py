"""Rows: compare and set, writes that change nothing, and a database that goes away."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reference_impl.edges.accounts import Accounts, connect
from tests.reference_impl.support import CREATE, SESSION, Database

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.reference_impl.support import System


@pytest.fixture
def accounts(database: Database) -> Iterator[Accounts]:
    made = Accounts(connect(f"sqlite:///{database.path}"))
    yield made
    made.close()


@pytest.mark.parametrize("stored", [None, "", "http://a"])
def test_a_location_is_written_only_where_it_was_read(
    accounts: Accounts, database: Database, stored: str | None
) -> None:
    database.add(142, SESSION, stored)
    account = accounts.by_id(142)
    assert account is not None
    assert accounts.write_if_unmoved(account, {"assigned_instance_url": "http://b"})
    assert database.url() == "http://b"
    assert not accounts.write_if_unmoved(account, {"assigned_instance_url": "http://c"})
    assert database.url() == "http://b"


def test_only_exactly_the_session_is_found_in_a_database_that_ignores_case(tmp_path: Path) -> None:
    database = Database(tmp_path / "caseless.db")
    with database.connect() as connection:
        connection.execute(CREATE.replace("session_id TEXT", "session_id TEXT COLLATE NOCASE"))
    database.add(142, SESSION, None)
    accounts = Accounts(connect(f"sqlite:///{database.path}"))
    assert accounts.by_session(SESSION.upper()) is None
    assert accounts.by_session(SESSION) is not None
    accounts.close()


def test_a_timestamp_of_another_writer_need_not_be_readable(accounts: Accounts, database: Database) -> None:
    database.add(142, SESSION, "http://a")
    with database.connect() as connection:
        connection.execute("UPDATE whatsapp_accounts SET updated_at='yesterday'")
    assert accounts.by_id(142) is not None


def test_a_database_without_the_table_is_reported_as_json(system: System, database: Database) -> None:
    with database.connect() as connection:
        connection.execute("DROP TABLE whatsapp_accounts")
    answer = system.send()
    assert (answer.status, answer.json["code"]) == (503, "database_unavailable")
    (line,) = system.logged("Unexpected error")
    assert line["error"] == "OperationalError"


def test_an_unexpected_error_does_not_quote_itself(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("with something private in it")

    monkeypatch.setattr(system.parts.accounts, "by_id", fail)
    answer = system.send()
    assert (answer.status, answer.json["code"]) == (500, "unexpected_error")
    assert "private" not in str(answer.json) + str(system.log_lines())

"""Databases of a run on real servers: there while they are used, and nothing left afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sql

from harness.attach.databases import connect, fresh_database, kind_of
from harness.attach.setup import check_database
from harness.errors import LaunchError, TargetError
from tests.database_servers import mariadb, postgresql
from tests.harness.support import target

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SERVERS = {"postgresql": postgresql, "mariadb": mariadb}


@pytest.fixture(params=["postgresql", pytest.param("mariadb", marks=pytest.mark.thorough)])
def server(request: pytest.FixtureRequest) -> Iterator[str]:
    """Return the URL of a running server."""
    with SERVERS[request.param]() as url:
        yield url


def databases(server: str) -> set[str]:
    """Return the names of the harness's databases on a server."""
    url = f"{server}/postgres" if server.startswith("postgresql") else server
    with connect(url).connect() as connection:
        question = (
            "SELECT datname FROM pg_database"
            if server.startswith("postgresql")
            else "SELECT schema_name FROM information_schema.schemata"
        )
        return {
            name for (name,) in connection.execute(sql.text(question)) if name.startswith("instance_sync")
        }


def test_a_database_is_there_while_it_is_used_and_no_other_is_touched(server: str, tmp_path: Path) -> None:
    with fresh_database(server, tmp_path) as one, fresh_database(server, tmp_path) as other:
        names = {str(sql.make_url(url).database) for url in (one, other)}
        assert databases(server) == names
        assert len(names) == 2
        with connect(one).begin() as connection:
            connection.execute(sql.text("CREATE TABLE kept (id INTEGER)"))
    assert databases(server) == set()


def test_a_server_that_does_not_answer_is_named_without_its_password(tmp_path: Path) -> None:
    nowhere = "postgresql://harness:very-secret@127.0.0.1:1"
    with pytest.raises(LaunchError) as raised, fresh_database(nowhere, tmp_path):
        pass
    said = str(raised.value)
    assert said.startswith("the server at postgresql://harness:***@127.0.0.1:1")
    assert "very-secret" not in said


@pytest.mark.parametrize("named", ["oracle://x", "postgres", "postgresql://", "", "sqlite:///file.db"])
def test_a_database_that_cannot_be_is_reported_with_what_can(named: str) -> None:
    with pytest.raises(TargetError, match="write sqlite, or the URL of a server"):
        kind_of(named)


def test_a_target_is_not_given_a_database_that_it_does_not_understand() -> None:
    with pytest.raises(TargetError) as raised:
        check_database(target("true"), "mariadb://user@127.0.0.1")
    assert str(raised.value) == (
        'made-up understands sqlite, and --database gives mysql; choose another, or add "mysql" to launch.databases'
    )

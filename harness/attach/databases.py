"""A database for one implementation: made before it is launched, dropped afterwards (contract, section 2).

SQLite is a file of the run. On a PostgreSQL, MySQL or MariaDB server, whose URL the harness is given, every launched
implementation gets its own database; no other database is touched.
"""

from __future__ import annotations

import contextlib
import secrets
import sqlite3
from typing import TYPE_CHECKING, Any

import sqlalchemy as sql
from sqlalchemy.pool import NullPool, QueuePool

from harness.errors import LaunchError, TargetError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

SQLITE = "sqlite"
_KINDS = {"postgresql": "postgresql", "mysql": "mysql", "mariadb": "mysql"}
"""The contract's name for a database server, by the scheme of its URL."""
_DRIVERS = {"postgresql": "postgresql+psycopg", "mysql": "mysql+pymysql"}
_CREATE = {
    "postgresql": "CREATE DATABASE {name}",
    # Session ids that differ in case alone are two sessions.
    "mysql": "CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
}
_DROP = {
    "postgresql": "DROP DATABASE IF EXISTS {name} WITH (FORCE)",
    "mysql": "DROP DATABASE IF EXISTS {name}",
}
_DATABASE = (
    "--database must have the address, user and password of what runs there, and the user the rights to it"
)
_CONNECT_SECONDS = 10
_BUSY_SECONDS = 0.2
"""How long a SQLite writer waits inside the library for another to finish. A signal is heard only afterwards."""
_STATEMENT_SECONDS = 10
"""How long a server may take for one statement, with its waits for locks."""
LARGEST_VALUE = 4 * 1024 * 1024
"""Bytes of a value in a row, or of all values of a row on a server, that are read."""

_BOUNDS: Mapping[str, dict[str, Any]] = {
    SQLITE: {"timeout": _BUSY_SECONDS},
    "postgresql": {
        "connect_timeout": _CONNECT_SECONDS,
        "options": f"-c statement_timeout={_STATEMENT_SECONDS}s -c lock_timeout={_STATEMENT_SECONDS}s",
    },
    "mysql": {
        "connect_timeout": _CONNECT_SECONDS,
        "read_timeout": 2 * _STATEMENT_SECONDS,
        "write_timeout": 2 * _STATEMENT_SECONDS,
        "init_command": f"SET lock_wait_timeout={_STATEMENT_SECONDS}, innodb_lock_wait_timeout={_STATEMENT_SECONDS}",
    },
}


def kind_of(database: str) -> str:
    """Return the contract's name for the kind of database that `--database` names.

    Raises:
        TargetError: it is neither "sqlite" nor the URL of a server that the harness knows.
    """
    if database == SQLITE:
        return SQLITE
    url = _parsed(database)
    if url is None or url.drivername not in _KINDS or not url.host:
        raise TargetError(
            f"--database {without_password(database)!r}: write sqlite, or the URL of a server on which databases "
            "may be made, such as postgresql://user:password@127.0.0.1:5432 or mysql://user:password@127.0.0.1:3306"
        )
    return _KINDS[url.drivername]


def check_own_database(database: str) -> None:
    """Check that `--database` names one database, not a server on which others are made; TargetError otherwise."""
    url = _parsed(database)
    if url is None or url.drivername not in {SQLITE, *_KINDS} or not url.database:
        raise TargetError(
            f"--database {without_password(database)!r}: a target with launch.url has a database already; "
            "give its URL, such as sqlite:////absolute/path.db or postgresql://user:password@127.0.0.1/name, or "
            'write via = "http" under [state]'
        )


@contextlib.contextmanager
def fresh_database(database: str, scratch: Path) -> Iterator[str]:
    """Make an empty database, yield its DATABASE_URL, and drop it in the end.

    Raises:
        LaunchError: the server does not answer, or refuses to make databases; has the server's words.
    """
    if database == SQLITE:
        yield f"sqlite:///{scratch / 'accounts.db'}"
        return
    kind, name = kind_of(database), f"instance_sync_{secrets.token_hex(6)}"
    _on_server(database, _CREATE[kind].format(name=name))
    try:
        yield sql.make_url(database).set(database=name).render_as_string(hide_password=False)
    finally:
        _on_server(database, _DROP[kind].format(name=name))


def connect(database_url: str, *, kept: bool = False) -> sql.Engine:
    """Make an engine for a DATABASE_URL.

    No connection outlives its use, unless they are `kept` until the engine is disposed of: making one anew for each
    row takes longer than the row. A SQLite file is never kept open: an implementation may want it for itself.
    """
    url = sql.make_url(database_url)
    sqlite = url.drivername == SQLITE
    kind = _KINDS.get(url.drivername, SQLITE)
    if not sqlite and kind in _DRIVERS:
        url = url.set(drivername=_DRIVERS[kind])
    pool = QueuePool if kept and not sqlite else NullPool
    engine = sql.create_engine(url, connect_args=_BOUNDS[kind], poolclass=pool)
    if sqlite:
        sql.event.listen(engine, "connect", _bound_values)
    return engine


def _bound_values(connection: sqlite3.Connection, _: object) -> None:
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LARGEST_VALUE)


def own_database(database: str) -> contextlib.AbstractContextManager[None]:
    """Turn what goes wrong with an implementation's own database, while the context lasts, into a LaunchError."""
    return _reached(
        f"the database {without_password(database)} cannot be used", sql.make_url(database).drivername
    )


def _on_server(database: str, statement: str) -> None:
    url = sql.make_url(database)
    if url.drivername == "postgresql" and not url.database:
        database = url.set(database="postgres").render_as_string(hide_password=False)
    with _reached(
        f"the server at {without_password(database)} did not make or drop a database", url.drivername
    ):
        server = connect(database).execution_options(isolation_level="AUTOCOMMIT")
        with server.connect() as connection:
            connection.execute(sql.text(statement))


@contextlib.contextmanager
def _reached(what: str, kind: str) -> Iterator[None]:
    try:
        yield
    except ImportError as problem:
        install = "pip install 'instance-sync[databases]'"
        raise LaunchError(f"no driver for {kind} is installed ({problem}): {install}", install) from None
    except sql.exc.SQLAlchemyError as problem:
        said = str(getattr(problem, "orig", None) or problem).strip().replace("\n", " ")
        raise LaunchError(f"{what}: {said}", _DATABASE) from None


def _parsed(database: str) -> sql.URL | None:
    try:
        return sql.make_url(database)
    except sql.exc.ArgumentError:
        return None


def without_password(database: str) -> str:
    """Return the URL of a database as it can be shown."""
    url = _parsed(database)
    return database if url is None else url.render_as_string(hide_password=True)

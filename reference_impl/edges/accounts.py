"""Rows of ``whatsapp_accounts`` (contract, section 2), on SQLite, PostgreSQL or MySQL.

The table belongs to others: this module never creates, alters or drops it. Every statement is a transaction of its
own, durable when the call returns.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Column, DateTime, Integer, MetaData, Table, Text, create_engine, select, true, update
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DataError
from sqlalchemy.pool import QueuePool

from reference_impl.settings import without_trailing_slash

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import ColumnElement, Engine

ACCOUNTS = Table(
    "whatsapp_accounts",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("workspace_id", Integer),
    Column("session_id", Text),
    Column("phone_number", Text),
    Column("status", Text),
    Column("assigned_instance_url", Text),
    Column("updated_at", DateTime),
)
# updated_at is never read: other writers may format it in a way that a driver cannot parse.
READ_COLUMNS = [column for column in ACCOUNTS.c if column.name != "updated_at"]

DRIVERS = {"postgresql": "postgresql+psycopg", "mysql": "mysql+pymysql", "mariadb": "mariadb+pymysql"}
# SQLite: seconds to wait for another writer. The others: updated_at is in UTC, whatever the server's zone.
CONNECT_ARGUMENTS: dict[str, dict[str, Any]] = {
    "sqlite": {"timeout": 30},
    "postgresql": {"options": "-c timezone=UTC"},
    "mysql": {"init_command": "SET time_zone = '+00:00'"},
    "mariadb": {"init_command": "SET time_zone = '+00:00'"},
}


@dataclass(frozen=True)
class Account:
    """One row as it was read."""

    id: int
    workspace_id: int | None
    session_id: str | None
    phone_number: str | None
    status: str | None
    assigned_instance_url: str | None

    def is_at(self, base: str) -> bool:
        """Return whether this instance is stored as the session's location."""
        return without_trailing_slash(self.assigned_instance_url or "") == base


class NotStorableError(Exception):
    """The database cannot hold a value that was to be written."""


def connect(database_url: str) -> Engine:
    """Make an engine in which every statement commits by itself; raises ArgumentError or ImportError."""
    url = make_url(database_url)
    url = url.set(drivername=DRIVERS.get(url.drivername, url.drivername))
    return create_engine(
        url,
        isolation_level="AUTOCOMMIT",
        connect_args=CONNECT_ARGUMENTS.get(url.get_backend_name(), {}),
        hide_parameters=True,
        poolclass=QueuePool,
        pool_pre_ping=True,
        pool_size=16,
        max_overflow=64,
    )


class Accounts:
    """Reads and writes rows; safe to use from any thread."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def check(self) -> None:
        """Raise DBAPIError unless the table is there with every column of the contract."""
        with self._engine.connect() as connection:
            connection.execute(select(ACCOUNTS).limit(0))

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    def by_id(self, account_id: int) -> Account | None:
        """Return the row of an account, or None."""
        return next(iter(self._read(ACCOUNTS.c.id == account_id)), None)

    def by_session(self, session_id: str) -> Account | None:
        """Return the row of exactly this session, or None: some databases ignore case."""
        rows = self._read(ACCOUNTS.c.session_id == session_id)
        return next((row for row in rows if row.session_id == session_id), None)

    def with_session(self) -> list[Account]:
        """Return every row that names a session."""
        return self._read(ACCOUNTS.c.session_id.is_not(None) & (ACCOUNTS.c.session_id != ""))

    def write(self, account: Account, changes: Mapping[str, object]) -> None:
        """Write the columns that differ from the row as it was read; raises NotStorableError."""
        self._update(account, changes, true())

    def write_if_unmoved(self, account: Account, changes: Mapping[str, object]) -> bool:
        """Write the columns that differ, unless the location is no longer the one that was read.

        Return whether the row now has the changes. Raises NotStorableError.
        """
        unmoved = ACCOUNTS.c.assigned_instance_url.is_not_distinct_from(account.assigned_instance_url)
        return self._update(account, changes, unmoved)

    def _read(self, condition: ColumnElement[bool]) -> list[Account]:
        statement = select(*READ_COLUMNS).where(condition).order_by(ACCOUNTS.c.id)
        with self._engine.connect() as connection:
            return [Account(**row) for row in connection.execute(statement).mappings()]

    def _update(self, account: Account, changes: Mapping[str, object], only: ColumnElement[bool]) -> bool:
        different = {name: value for name, value in changes.items() if getattr(account, name) != value}
        if not different:
            return True
        now = datetime.now(UTC).replace(tzinfo=None)
        statement = update(ACCOUNTS).where(ACCOUNTS.c.id == account.id, only)
        try:
            with self._engine.connect() as connection:
                return connection.execute(statement.values(**different, updated_at=now)).rowcount == 1
        except DataError as error:
            raise NotStorableError from error

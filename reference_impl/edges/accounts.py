"""Rows of ``whatsapp_accounts`` (contract, section 2), on SQLite, PostgreSQL or MySQL.

The table belongs to others: this module never creates, alters or drops it. Every statement is a transaction of its
own, durable when the call returns.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Column, DateTime, Integer, MetaData, Table, Text, create_engine, select, update
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DataError
from sqlalchemy.pool import QueuePool

from reference_impl.settings import without_trailing_slash

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import ColumnElement, Engine, Row

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
        return self._one(ACCOUNTS.c.id == account_id)

    def by_session(self, session_id: str) -> Account | None:
        """Return the row of exactly this session, or None: some databases ignore case."""
        account = self._one(ACCOUNTS.c.session_id == session_id)
        return account if account is not None and account.session_id == session_id else None

    def with_session(self) -> list[Account]:
        """Return every row that names a session."""
        named = ACCOUNTS.c.session_id.is_not(None) & (ACCOUNTS.c.session_id != "")
        with self._engine.connect() as connection:
            rows = connection.execute(select(*READ_COLUMNS).where(named).order_by(ACCOUNTS.c.id))
            return [Account(**row._mapping) for row in rows]  # noqa: SLF001  # public in spite of its name

    def write(self, account: Account, changes: Mapping[str, object]) -> None:
        """Write the columns that differ from the row as it was read; raises NotStorableError."""
        self._update(account, changes, ACCOUNTS.c.id == account.id)

    def write_if_unmoved(self, account: Account, changes: Mapping[str, object]) -> bool:
        """Write the columns that differ, unless the location is no longer the one that was read.

        Return whether the row now has the changes. Raises NotStorableError.
        """
        unmoved = ACCOUNTS.c.assigned_instance_url.is_not_distinct_from(account.assigned_instance_url)
        return self._update(account, changes, (ACCOUNTS.c.id == account.id) & unmoved)

    def _one(self, condition: ColumnElement[bool]) -> Account | None:
        with self._engine.connect() as connection:
            row: Row[Any] | None = connection.execute(select(*READ_COLUMNS).where(condition)).first()
        return None if row is None else Account(**row._mapping)  # noqa: SLF001  # public in spite of its name

    def _update(
        self, account: Account, changes: Mapping[str, object], condition: ColumnElement[bool]
    ) -> bool:
        different = {name: value for name, value in changes.items() if getattr(account, name) != value}
        if not different:
            return True
        now = datetime.now(UTC).replace(tzinfo=None)
        statement = update(ACCOUNTS).where(condition).values(**different, updated_at=now)
        try:
            with self._engine.connect() as connection:
                return connection.execute(statement).rowcount == 1
        except DataError as error:
            raise NotStorableError from error

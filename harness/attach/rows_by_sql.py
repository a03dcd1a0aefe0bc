"""Rows of `whatsapp_accounts` through SQL, from outside the implementation (contract, section 2)."""

from __future__ import annotations

import contextlib
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

import sqlalchemy as sql

from harness.attach.databases import SQLITE, connect
from harness.contract import Row

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from harness.contract import Target


class SqlAccounts:
    """The table, created when it is not there and never dropped. `close` closes its connections."""

    def __init__(self, database_url: str, target: Target) -> None:
        self._engine = connect(database_url, kept=True)
        self._names = dict(target.columns)
        self._contract_names = {have: name for name, have in self._names.items()}
        self._table_name = target.table
        metadata = sql.MetaData()
        sql.Table(
            target.table,
            metadata,
            sql.Column(self._name("id"), sql.Integer, primary_key=True, autoincrement=False),
            sql.Column(self._name("workspace_id"), sql.Integer, nullable=False),
            # An account whose login was never begun has none.
            sql.Column(self._name("session_id"), sql.String(255), unique=True),
            sql.Column(self._name("phone_number"), sql.String(64)),
            sql.Column(self._name("status"), sql.String(32), nullable=False),
            sql.Column(self._name("assigned_instance_url"), sql.String(2048)),
            sql.Column(self._name("updated_at"), sql.DateTime),
        )
        metadata.create_all(self._engine)

    @cached_property
    def _table(self) -> sql.Table:
        # Read back when a row is first touched: an implementation may have added its own columns by then.
        return sql.Table(self._table_name, sql.MetaData(), autoload_with=self._engine)

    @cached_property
    def _read_columns(self) -> list[sql.ColumnElement[Any]]:
        # SQLite holds any text as a time, and a driver would refuse one that is written in another way.
        as_text = self._engine.dialect.name == SQLITE
        return [
            sql.type_coerce(one, sql.String).label(one.name)
            if as_text and isinstance(one.type, sql.DateTime)
            else one
            for one in self._table.c
        ]

    @property
    def _id(self) -> sql.Column[int]:
        return self._table.c[self._name("id")]

    def put(self, row: Mapping[str, object]) -> None:
        """Create or replace the row with this `id`."""
        values = {self._name(name): value for name, value in row.items()}
        with self._engine.begin() as connection:
            connection.execute(self._table.delete().where(self._id == row["id"]))
            connection.execute(self._table.insert().values(values))

    def get(self, account_id: int) -> Row | None:
        """Return a row as it stands now, or None."""
        with self._engine.connect() as connection:
            statement = sql.select(*self._read_columns).where(self._id == account_id)
            found = connection.execute(statement).mappings().first()
        if found is None:
            return None
        read = {self._contract_names.get(name, name): value for name, value in found.items()}
        return Row({**read, "updated_at": _moment(read["updated_at"])})

    def assign(self, account_id: int, url: str | None) -> None:
        """Set a row's assigned instance by hand, as the document does with tinker."""
        values = {self._name("assigned_instance_url"): url}
        with self._engine.begin() as connection:
            connection.execute(self._table.update().where(self._id == account_id).values(values))

    def remove(self, account_ids: Sequence[int]) -> None:
        """Remove rows."""
        with self._engine.begin() as connection:
            connection.execute(self._table.delete().where(self._id.in_(account_ids)))

    @contextlib.contextmanager
    def held(self, account_id: int) -> Iterator[None]:
        """Hold the database, or on a server a row, as another part of the application does that is about to write."""
        with self._engine.connect() as connection:
            if self._engine.dialect.name == SQLITE:
                connection.exec_driver_sql("BEGIN EXCLUSIVE")
            else:
                connection.execute(self._table.select().where(self._id == account_id).with_for_update())
            try:
                yield
            finally:
                connection.rollback()

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    def _name(self, column: str) -> str:
        return self._names.get(column, column)


def _moment(value: object) -> object:
    """Return the moment that a text of SQLite means, or the text itself where it means none without more ado."""
    with contextlib.suppress(TypeError, ValueError):
        moment = datetime.fromisoformat(value)  # type: ignore[arg-type]  # a TypeError says that it is no text
        return value if moment.tzinfo else moment
    return value

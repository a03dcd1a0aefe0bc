"""Rows of `whatsapp_accounts` through SQL, from outside the implementation (contract, section 2).

The implementation may do anything with its database meanwhile. A row that cannot be read as one is a finding; a
database that does not do what the harness needs raises NotJudgedError, within a time.
"""

from __future__ import annotations

import contextlib
import threading
import time
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import sqlalchemy as sql

from harness.attach.databases import LARGEST_VALUE, SQLITE, connect
from harness.attach.own_columns import ID_TYPES, own_values, typed
from harness.contract import Row, account_number
from harness.errors import ConformanceFailure, NotJudgedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from harness.contract import Target

Result = TypeVar("Result")

_COLUMNS: tuple[tuple[str, Any, dict[str, Any]], ...] = (
    ("id", None, {"primary_key": True, "autoincrement": False}),
    ("workspace_id", sql.Integer, {"nullable": False}),
    # An account whose login was never begun has none.
    ("session_id", sql.String(255), {"unique": True}),
    ("phone_number", sql.String(64), {}),
    ("status", sql.String(32), {"nullable": False}),
    ("assigned_instance_url", sql.String(2048), {}),
    ("updated_at", sql.DateTime, {}),
)
_LOCKED_SECONDS = 10.0
"""How long something else may keep a SQLite file locked."""
_RETRY_SECONDS = 0.02
_LONGEST_PROBLEM = 300
_MINE = "mine"
"""The parameter of a statement that is the id of the row which it is about."""


class SqlAccounts:
    """The table, created when it is not there and never dropped. `close` closes its connections.

    Where a target makes it itself, it is looked for when a row is first touched. Accounts are known by their numbers,
    whatever the ids in the table are.
    """

    def __init__(self, database_url: str, target: Target) -> None:
        self._engine = connect(database_url, kept=True)
        self._names = dict(target.columns)
        self._contract_names = {have: name for name, have in self._names.items()}
        self._table_name = target.table
        self._target = target
        if target.migrated:
            return
        metadata, id_type = sql.MetaData(), ID_TYPES[target.ids]
        columns = [sql.Column(self._name(name), kind or id_type, **more) for name, kind, more in _COLUMNS]
        sql.Table(target.table, metadata, *columns)
        metadata.create_all(self._engine)

    @cached_property
    def _table(self) -> sql.Table:
        # Read back when a row is first touched: an implementation may have added its own columns by then.
        try:
            table = sql.Table(self._table_name, sql.MetaData(), autoload_with=self._engine)
        except sql.exc.NoSuchTableError:
            raise NotJudgedError(
                f"there is no table {self._table_name}; with state.migrated, the implementation makes it before it "
                "answers its ready check with 200"
            ) from None
        wanted = {self._name(name) for name, *_ in _COLUMNS}
        if gone := sorted(wanted - {*table.c.keys()}):
            more = "; state.columns says what it calls them" if self._target.migrated else " any more"
            raise NotJudgedError(f"table {self._table_name} has no column {', '.join(gone)}{more}")
        if unknown := sorted({*self._target.defaults} - {*table.c.keys()}):
            raise NotJudgedError(
                f"table {self._table_name} has no column {', '.join(unknown)}, which state.defaults names; the "
                "implementation must add it before it is ready, or make the table itself (state.migrated = true)"
            )
        return table

    @cached_property
    def _read_columns(self) -> list[sql.ColumnElement[Any]]:
        # SQLite holds any text as a time or a number, and a driver would refuse one that is written in another way. A
        # type that it does not know, such as uuid, counts as a number.
        as_text = self._engine.dialect.name == SQLITE
        return [
            sql.type_coerce(one, sql.String).label(one.name)
            if as_text and isinstance(one.type, (sql.DateTime, sql.Numeric, sql.JSON))
            else one
            for one in self._table.c
        ]

    @cached_property
    def _reading(self) -> sql.Select[Any]:
        # Made once: to put a statement together takes longer than to carry it out.
        return sql.select(*self._read_columns).where(self._is_mine)

    @cached_property
    def _measuring(self) -> sql.Select[Any]:
        sizes = [
            sql.func.coalesce(sql.func.octet_length(sql.cast(one, sql.Text)), 0) for one in self._table.c
        ]
        return sql.select(sum(sizes[1:], sizes[0])).where(self._is_mine)

    @property
    def _is_mine(self) -> sql.ColumnElement[bool]:
        # In SQLite an id that is a text goes as one, whatever its column's type is called.
        stored = self._stored(1)
        kind = stored.type if isinstance(stored, sql.BindParameter) else self._id.type
        return self._id == sql.bindparam(_MINE, type_=kind)

    @property
    def _id(self) -> sql.Column[Any]:
        return self._table.c[self._name("id")]

    def _stored(self, account_id: int) -> Any:
        """Return the id of an account as the table has it, by the account's number."""
        return typed(self._target.account_id(account_id), self._id, self._engine.dialect.name)

    def put(self, row: Mapping[str, object]) -> None:
        """Create or replace the row with this `id`, an account's number or as it was read."""
        row = {**row, "id": self._target.account_id(account_number(row["id"]))}

        def replace(connection: sql.Connection) -> None:
            values = self._values(row)
            connection.execute(self._table.delete().where(self._id == values[self._id.name]))
            connection.execute(self._table.insert().values(values))

        self._done(replace)

    def _values(self, row: Mapping[str, object]) -> dict[str, object]:
        """Return the values of a row by the table's own names, as its columns take them."""
        dialect, columns = self._engine.dialect.name, self._table.c
        given = {self._name(name): value for name, value in row.items()}
        try:
            own = own_values(self._target.defaults, row, self._table, dialect)
            return own | {name: typed(value, columns[name], dialect) for name, value in given.items()}
        except ValueError as problem:
            raise NotJudgedError(f"table {self._table_name} does not take a value: {problem}") from None

    def get(self, account_id: int) -> Row | None:
        """Return a row as it stands now, or None; ConformanceFailure if its values are not of its columns' types."""

        def read(connection: sql.Connection) -> Mapping[str, object] | None:
            stored = self._stored(account_id)
            mine = {_MINE: stored.value if isinstance(stored, sql.BindParameter) else stored}
            if connection.dialect.name != SQLITE:
                self._check_size(connection, mine)
            found = connection.execute(self._reading, mine).mappings().first()
            return None if found is None else dict(found)

        try:
            found = self._done(read)
        except (ValueError, TypeError, OverflowError) as problem:
            raise self._unreadable(account_id, f"{type(problem).__name__}: {problem}") from None
        except sql.exc.DataError as problem:
            raise self._unreadable(account_id, str(problem.orig)) from None
        if found is None:
            return None
        values = {self._contract_names.get(name, name): value for name, value in found.items()}
        return Row({**values, "updated_at": _moment(values["updated_at"])})

    def assign(self, account_id: int, url: str | None) -> None:
        """Set a row's assigned instance by hand, as the document does with tinker."""
        values = {self._name("assigned_instance_url"): url}
        self._done(
            lambda it: it.execute(
                self._table.update().where(self._id == self._stored(account_id)).values(values)
            )
        )

    def remove(self, account_ids: Sequence[int]) -> None:
        """Remove rows."""
        if account_ids:
            ids = [self._stored(one) for one in account_ids]
            self._done(lambda it: it.execute(self._table.delete().where(self._id.in_(ids))))

    @contextlib.contextmanager
    def held(self, account_id: int) -> Iterator[None]:
        """Hold the database, or on a server a row, as another part of the application does that is about to write."""
        with self._engine.connect() as connection:
            self._retried(lambda: self._hold(connection, account_id))
            try:
                yield
            finally:
                connection.rollback()

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    def _hold(self, connection: sql.Connection, account_id: int) -> None:
        if self._engine.dialect.name == SQLITE:
            connection.exec_driver_sql("BEGIN EXCLUSIVE")
        else:
            # Its id alone: what else is in a row may be of any size.
            connection.execute(
                sql.select(self._id).where(self._id == self._stored(account_id)).with_for_update()
            )

    def _done(self, work: Callable[[sql.Connection], Result]) -> Result:
        def once() -> Result:
            with self._engine.begin() as connection:
                return work(connection)

        return self._retried(once)

    def _retried(self, work: Callable[[], Result]) -> Result:
        deadline = time.monotonic() + _LOCKED_SECONDS
        while True:
            try:
                return work()
            except sql.exc.DataError:
                raise
            except sql.exc.SQLAlchemyError as problem:
                said = str(getattr(problem, "orig", None) or problem)
                locked = isinstance(problem, sql.exc.OperationalError) and "is locked" in said
                if not locked or time.monotonic() >= deadline:
                    told = " ".join(said.split())[:_LONGEST_PROBLEM]
                    if isinstance(problem, sql.exc.IntegrityError):
                        raise NotJudgedError(
                            f"table {self._table_name} does not take the row of an account: {told}; state.defaults "
                            "gives values to columns beside the contract's"
                        ) from None
                    raise NotJudgedError(
                        f"table {self._table_name} cannot be used any more: {told}"
                    ) from None
            # Nothing announces that a lock is gone.
            threading.Event().wait(_RETRY_SECONDS)

    def _check_size(self, connection: sql.Connection, mine: Mapping[str, object]) -> None:
        size = connection.execute(self._measuring, mine).scalar() or 0
        if size > LARGEST_VALUE:
            raise ValueError(f"it has {size} bytes, and at most {LARGEST_VALUE} are read")

    def _unreadable(self, account_id: int, why: str) -> ConformanceFailure:
        told = " ".join(why.split())[:_LONGEST_PROBLEM]
        return ConformanceFailure(f"row {account_id} of table {self._table_name} can be read", told)

    def _name(self, column: str) -> str:
        return self._names.get(column, column)


def _moment(value: object) -> object:
    """Return the moment that a text of SQLite means, or the text itself where it means none without more ado."""
    with contextlib.suppress(TypeError, ValueError):
        moment = datetime.fromisoformat(value)  # type: ignore[arg-type]  # a TypeError says that it is no text
        return value if moment.tzinfo else moment
    return value

"""Its table and its queue, which its own migration makes."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sql

from reference_impl.edges.accounts import Account, connect

if TYPE_CHECKING:
    from collections.abc import Mapping

_METADATA = sql.MetaData()
SESSIONS = sql.Table(
    "whatsapp_sessions",
    _METADATA,
    sql.Column("uuid", sql.String(36), primary_key=True),
    sql.Column("tenant_id", sql.Integer, nullable=False),
    sql.Column("session", sql.String(255), unique=True),
    sql.Column("phone", sql.String(64)),
    sql.Column("state", sql.String(32), nullable=False),
    sql.Column("instance_url", sql.String(2048)),
    # Its own, without defaults.
    sql.Column("name", sql.String(255), nullable=False),
    sql.Column("slug", sql.String(255), nullable=False, unique=True),
    sql.Column("daily_limit", sql.Integer, nullable=False),
    sql.Column("is_active", sql.Boolean, nullable=False),
    sql.Column("created_at", sql.DateTime, nullable=False),
    sql.Column("updated_at", sql.DateTime),
)
JOBS = sql.Table(
    "jobs",
    _METADATA,
    sql.Column("id", sql.Integer, primary_key=True, autoincrement=True),
    sql.Column("payload", sql.Text, nullable=False),
)
_NAMES = {
    "id": "uuid",
    "workspace_id": "tenant_id",
    "session_id": "session",
    "phone_number": "phone",
    "status": "state",
    "assigned_instance_url": "instance_url",
}
_READ = [SESSIONS.c[own].label(name) for name, own in _NAMES.items()]


class Sessions:
    """The rows, as the reference's logic asks for them, and the jobs that wait."""

    def __init__(self, database_url: str) -> None:
        self._engine = connect(database_url)

    def migrate(self) -> None:
        """Make what is not there."""
        _METADATA.create_all(self._engine)

    @property
    def migrated(self) -> bool:
        """Whether everything is there."""
        return sql.inspect(self._engine).has_table("jobs")

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    def by_id(self, uuid: Any) -> Account | None:
        """Return the row with this key, or None."""
        return next(iter(self._read(SESSIONS.c.uuid == uuid)), None)

    def by_session(self, session: str) -> Account | None:
        """Return the row of a session, or None."""
        return next(iter(self._read(SESSIONS.c.session == session)), None)

    def with_session(self) -> list[Account]:
        """Return every row that names a session."""
        return self._read(SESSIONS.c.session.is_not(None) & SESSIONS.c.is_active)

    def write(self, account: Account, changes: Mapping[str, object]) -> None:
        """Write the columns that differ."""
        self._update(account, changes, sql.true())

    def write_if_unmoved(self, account: Account, changes: Mapping[str, object]) -> bool:
        """Write the columns that differ, unless the location is no longer the one that was read."""
        unmoved = SESSIONS.c.instance_url.is_not_distinct_from(account.assigned_instance_url)
        return self._update(account, changes, unmoved)

    def enqueue(self, job: Mapping[str, object]) -> None:
        """Have a job wait."""
        with self._engine.connect() as connection:
            connection.execute(JOBS.insert().values(payload=json.dumps(job)))

    def waiting(self) -> list[tuple[int, dict[str, Any]]]:
        """Return the jobs that wait, the oldest first."""
        with self._engine.connect() as connection:
            found = connection.execute(sql.select(JOBS).order_by(JOBS.c.id).limit(50)).all()
        return [(row.id, json.loads(row.payload)) for row in found]

    def done(self, number: int) -> None:
        """Remove a job."""
        with self._engine.connect() as connection:
            connection.execute(JOBS.delete().where(JOBS.c.id == number))

    def _read(self, condition: sql.ColumnElement[bool]) -> list[Account]:
        with self._engine.connect() as connection:
            found = connection.execute(sql.select(*_READ).where(condition).order_by(SESSIONS.c.created_at))
            return [Account(**row) for row in found.mappings()]

    def _update(self, account: Account, changes: Mapping[str, object], only: sql.ColumnElement[bool]) -> bool:
        different = {
            _NAMES[name]: value for name, value in changes.items() if getattr(account, name) != value
        }
        if not different:
            return True
        statement = sql.update(SESSIONS).where(SESSIONS.c.uuid == account.id, only)
        with self._engine.connect() as connection:
            now = datetime.now(UTC).replace(tzinfo=None)
            return connection.execute(statement.values(**different, updated_at=now)).rowcount == 1

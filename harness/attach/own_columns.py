"""Values for columns that a table has beside the contract's, and ids of other kinds, as each database takes them."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sql

from harness.attach.databases import SQLITE
from harness.placeholders import filled

if TYPE_CHECKING:
    from collections.abc import Mapping

ID_TYPES: Mapping[str, Any] = {
    "number": sql.Integer(),
    "text": sql.String(64),
    "uuid": sql.Uuid(as_uuid=False).with_variant(sql.String(36), SQLITE, "mysql", "mariadb"),
}
"""The type of the column `id`, by what a target says of ids, where the harness makes the table."""


def own_values(
    defaults: Mapping[str, object], row: Mapping[str, object], table: sql.Table, dialect: str
) -> dict[str, object]:
    """Return what a row has in columns of the implementation's own; `row` has the contract's columns.

    Raises:
        ValueError: a column is of a type that a default does not fit.
    """
    moment, own_id = datetime.now(UTC).replace(microsecond=0), uuid.uuid4()
    values = {
        "account_id": row["id"],
        "session_id": row["session_id"],
        "workspace_id": row["workspace_id"],
        "phone_number": row["phone_number"],
        "uuid": str(own_id),
        "now": moment.strftime("%Y-%m-%d %H:%M:%S"),
    }
    made: dict[str, object] = {}
    for name, template in defaults.items():
        column = table.c[name]
        if template == "{now}":
            made[name] = _moment(moment, column, dialect)
        else:
            made[name] = typed(filled(template, values), column, dialect)
    return made


def typed(value: object, column: sql.Column[Any], dialect: str) -> object:
    """Return a value as a column takes it: a text as an id, as bytes or as JSON where the column is of that type."""
    if not isinstance(value, str):
        return value
    if dialect == SQLITE and not isinstance(column.type, sql.LargeBinary):
        return sql.literal(value, sql.String)  # it holds a text in any column, whatever its type is called
    match column.type:
        case sql.Uuid(as_uuid=True):
            return uuid.UUID(value)
        case sql.LargeBinary():
            return uuid.UUID(value).bytes if _is_uuid(value) else value.encode()
        case sql.JSON():
            return json.loads(value)
        case _:
            return value


def _moment(moment: datetime, column: sql.Column[Any], dialect: str) -> object:
    match column.type:
        case sql.DateTime(timezone=True):
            return moment
        case sql.DateTime():
            return moment.replace(tzinfo=None)
        case sql.Integer():
            return int(moment.timestamp())
        case _:
            return typed(moment.strftime("%Y-%m-%d %H:%M:%S"), column, dialect)


def _is_uuid(value: str) -> bool:
    try:
        return str(uuid.UUID(value)) == value.lower()
    except ValueError:
        return False

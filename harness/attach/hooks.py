"""Rows and log lines over HTTP, of an implementation whose database and log cannot be reached (contract, section 2).

The rows: `PUT {path}/{id}` creates or replaces one, sent as JSON; `GET {path}/{id}` returns it; `DELETE {path}`
empties the table. The log: `GET {path}` with the cursor in it returns `{"lines": ["..."], "cursor": 17}`, the lines
after the cursor, oldest first, and the cursor to ask with next. The first cursor is 0.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import requests

from harness.attach.http import request
from harness.contract import Row, account_number
from harness.errors import NotJudgedError
from harness.json_text import json_of
from harness.log_events import parse_line
from harness.placeholders import filled_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager

    from harness.contract import LogLine, Target

_PATIENCE_SECONDS = 10.0
_PATIENCE_ANEW_SECONDS = 2.0
"""What a hook has that was waited for in vain, until it answers again."""


class _Hooks:
    """The hooks of one implementation, wherever it listens at the moment."""

    def __init__(self, target: Target, base_url: Callable[[], str]) -> None:
        self._target = target
        self._base_url = base_url
        self._patience = _PATIENCE_SECONDS

    def _call(self, method: str, path: str, value: object = None, *, missing: bool = False) -> Any:
        """Return the JSON that a hook answers, None for an empty answer or, if it may be `missing`, for 404.

        NotJudgedError if it answers otherwise than the contract says.
        """
        hook, url, headers = f"the hook {method} {path}", self._base_url() + path, self._target.headers
        try:
            answer = request(method, url, patience=self._patience, body=value, headers=headers)
            self._patience = _PATIENCE_SECONDS
            if missing and answer.status_code == 404:
                return None
            if answer.status_code // 100 != 2:
                raise NotJudgedError(f"{hook} answered {answer.status_code}; it must answer 2xx")
            return json_of(answer.content) if answer.content else None
        except requests.RequestException as problem:
            if isinstance(problem, requests.Timeout):
                self._patience = _PATIENCE_ANEW_SECONDS
            raise NotJudgedError(f"{hook} did not answer: {type(problem).__name__}") from None
        except ValueError:
            raise NotJudgedError(f"{hook} answered what is not JSON") from None


class HttpAccounts(_Hooks):
    """The rows, through the hooks that a target names as `[state] path`."""

    @property
    def _path(self) -> str:
        return self._target.state_path.rstrip("/")

    def put(self, row: Mapping[str, object]) -> None:
        """Create or replace the row with this `id`; times are UTC, as `2024-11-22T10:00:00Z`."""
        id_ = self._target.account_id(account_number(row["id"]))
        values = {name: _plain(value) for name, value in row.items()} | {"id": id_}
        self._call("PUT", f"{self._path}/{id_}", values)

    def get(self, account_id: int) -> Row | None:
        """Return a row as it stands now, or None."""
        path = f"{self._path}/{self._target.account_id(account_id)}"
        found = self._call("GET", path, missing=True)
        if found is None:
            return None
        if not isinstance(found, dict):
            raise NotJudgedError(f"the hook GET {path} answered no JSON object")
        if absent := {"status", "assigned_instance_url", "updated_at"} - found.keys():
            raise NotJudgedError(f"the hook GET {path} answered a row without {', '.join(sorted(absent))}")
        return Row(found)

    def assign(self, account_id: int, url: str | None) -> None:
        """Set a row's assigned instance by hand, as the document does with tinker."""
        row = self.get(account_id)
        if row is None:
            raise NotJudgedError(f"account {account_id} has no row to assign an instance in")
        self.put({**row.columns, "id": account_id, "assigned_instance_url": url})

    def remove(self, account_ids: Sequence[int]) -> None:  # noqa: ARG002 - these are all that there are
        """Empty the table: the hooks know no smaller removal, and one scenario at a time has rows."""
        self._call("DELETE", self._path)

    def held(self, account_id: int) -> AbstractContextManager[None]:  # noqa: ARG002 - it cannot be held
        """Raise NotJudgedError: over hooks, nobody can hold the database."""
        raise NotJudgedError("its rows are reached over hooks, by which nobody can hold its database")

    def close(self) -> None:
        """Do nothing: no connection is kept."""


class HttpLog(_Hooks):
    """The log, through the address that a target names as `[log] path`. Positions are its cursors."""

    _end = 0

    def position(self) -> int:
        """Return where the log ends now."""
        self._read(self._end)
        return self._end

    def lines(self, after: int) -> Sequence[LogLine]:
        """Return the lines written since a position."""
        return tuple(parse_line(line) for line in self._read(after))

    def exists(self) -> bool:
        """Return whether the hook answers, else NotJudgedError."""
        self.position()
        return True

    def place_of(self, text: str) -> str:  # noqa: ARG002 - lines that come over HTTP have no file
        """Return nothing: nobody told which file a line is in."""
        return ""

    def _read(self, after: int) -> list[str]:
        path = filled_text(self._target.log_path, {"cursor": after})
        match self._call("GET", path):
            case {"lines": list(lines), "cursor": int(cursor)}:
                self._end = cursor
                return [str(line) for line in lines]
        raise NotJudgedError(f'the hook GET {path} must answer {{"lines": ["…"], "cursor": 17}}')


def _plain(value: object) -> object:
    return value.strftime("%Y-%m-%dT%H:%M:%SZ") if isinstance(value, datetime) else value

"""The log of an implementation: the texts of its events, and how a line is read (contract, section 4). Pure."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING

from harness.contract import LogLine
from harness.json_text import object_at

if TYPE_CHECKING:
    from collections.abc import Mapping

AUTO_SYNC = "Auto-syncing assigned_instance_url from webhook header"
VERIFIED = "Session verified in assigned instance"
NOT_IN_ASSIGNED = "Session not found in assigned instance, attempting sync..."
SYNCED = "Instance sync successful! Database updated"
NOT_ANYWHERE = "Session not found in any Node.js instance"
UNVERIFIABLE = "Session could not be verified"
CORRECTED = "Health check corrected instance URL"
REFUSED_LOCATION = "Rejected X-Instance-Url"


_BEGINNING = re.compile(r'\{[ \t]*"')
"""How a JSON object that is not empty begins."""
_MOST_LOOKED_AT = 500_000
"""Characters of one line that are tried as JSON, in all: a line can have as many beginnings as characters."""


def parse_line(text: str) -> LogLine:
    """Split a line into its text and the JSON object in it: the first that can be read and is not empty.

    A line that is JSON as a whole may have its fields one level down, as structured loggers write them.
    """
    left = _MOST_LOOKED_AT
    for found in _BEGINNING.finditer(text):
        with contextlib.suppress(ValueError):
            fields = object_at(text, found.start())
            return LogLine(text, fields if text[: found.start()].strip() else _with_inner(fields))
        left -= len(text) - found.start()
        if left <= 0:
            break
    return LogLine(text, {})


def _with_inner(fields: Mapping[str, object]) -> Mapping[str, object]:
    inner = [value for value in fields.values() if isinstance(value, dict)]
    return {name: value for one in (*inner, fields) for name, value in one.items()}

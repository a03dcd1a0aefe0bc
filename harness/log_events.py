"""The log of an implementation: the texts of its events, and how a line is read (contract, section 4). Pure."""

from __future__ import annotations

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
"""Characters of a line that are tried as JSON in vain, in all: a line can have as many beginnings as characters."""
_TIMES_LOOKED_AT = 4
"""How often, by its length, a shorter line is tried in vain: a log can have many lines."""
_COST_OF_A_TRY = 100
"""Characters that are read in the time which a try takes that ends at once."""


def parse_line(text: str) -> LogLine:
    """Split a line into its text and the JSON object in it: the first that can be read and is not empty.

    A line that is JSON as a whole may have its fields one level down, as structured loggers write them.
    """
    left = min(_MOST_LOOKED_AT, _TIMES_LOOKED_AT * (len(text) + _COST_OF_A_TRY))
    for found in _BEGINNING.finditer(text):
        start = found.start()
        try:
            fields = object_at(text, start)
        except ValueError as problem:
            left -= _COST_OF_A_TRY + getattr(problem, "pos", len(text)) - start
            if left <= 0:
                break
        else:
            return LogLine(text, fields if text[:start].strip() else _with_inner(fields))
    return LogLine(text, {})


def _with_inner(fields: Mapping[str, object]) -> Mapping[str, object]:
    inner = [value for value in fields.values() if isinstance(value, dict)]
    return {name: value for one in (*inner, fields) for name, value in one.items()}

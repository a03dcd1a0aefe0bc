"""The implementation's log, read from outside it (contract, section 4)."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING

from harness.contract import LogLine

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

AUTO_SYNC = "Auto-syncing assigned_instance_url from webhook header"
VERIFIED = "Session verified in assigned instance"
NOT_IN_ASSIGNED = "Session not found in assigned instance, attempting sync..."
SYNCED = "Instance sync successful! Database updated"
NOT_ANYWHERE = "Session not found in any Node.js instance"
UNVERIFIABLE = "Session could not be verified"
CORRECTED = "Health check corrected instance URL"
REJECTED_CLAIM = "Rejected X-Instance-Url"


class FileLog:
    """A log that the implementation appends to a file. Positions are byte offsets."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def position(self) -> int:
        """Give where the log ends now; 0 while there is none."""
        try:
            return self._path.stat().st_size
        except FileNotFoundError:
            return 0

    def lines(self, after: int) -> Sequence[LogLine]:
        """Give the whole lines written since a position; a line still being written is left for later."""
        try:
            with self._path.open("rb") as file:
                file.seek(after)
                written = file.read()
        except FileNotFoundError:
            return ()
        whole, newline, _ = written.rpartition(b"\n")
        if not newline:
            return ()
        return tuple(parse_line(line) for line in whole.decode("utf-8", "replace").split("\n"))


class NoLog:
    """The log of a target that has none."""

    def position(self) -> int:
        """Give 0: nothing was ever logged."""
        return 0

    def lines(self, after: int) -> Sequence[LogLine]:  # noqa: ARG002 - the protocol's signature
        """Give nothing."""
        return ()


def parse_line(text: str) -> LogLine:
    """Split a line into its text and the JSON object in it: the first that can be read and is not empty."""
    decoder = json.JSONDecoder()
    start = text.find("{")
    while start >= 0:
        with contextlib.suppress(ValueError):
            fields, _ = decoder.raw_decode(text, start)
            if fields:
                return LogLine(text, fields)
        start = text.find("{", start + 1)
    return LogLine(text, {})

"""The implementation's log, read from outside it (contract, section 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.log_events import parse_line

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from harness.contract import LogLine


class FileLog:
    """A log that the implementation appends to a file. Positions are byte offsets."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def position(self) -> int:
        """Return where the log ends now; 0 without a file."""
        return self._path.stat().st_size if self._path.exists() else 0

    def lines(self, after: int) -> Sequence[LogLine]:
        """Return the whole lines written since a position; a line still being written is left for later."""
        if not self._path.exists():
            return ()
        with self._path.open("rb") as file:
            file.seek(after)
            whole, newline, _ = file.read().rpartition(b"\n")
        return (
            tuple(parse_line(line) for line in whole.decode("utf-8", "replace").split("\n"))
            if newline
            else ()
        )

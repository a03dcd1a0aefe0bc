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

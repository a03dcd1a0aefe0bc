"""The implementation's log, read from outside it (contract, section 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.log_events import parse_line

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from harness.contract import LogLine


_LONGEST_PIECE = 1024 * 1024


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

    def place_of(self, text: str) -> str:
        """Return where a line is, as file and line number; empty if it is nowhere."""
        if not self._path.exists():
            return ""
        number = 1
        with self._path.open("rb") as file:
            # In pieces: a line may have any length.
            while piece := file.readline(_LONGEST_PIECE):
                if piece.rstrip(b"\n").decode("utf-8", "replace") == text:
                    return f"{self._path.name}, line {number}"
                number += piece.endswith(b"\n")
        return ""


class SeveralLogs:
    """Several files that the implementation appends to. Positions are numbers of moments: when each was asked for."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._logs = [FileLog(path) for path in paths]
        self._moments: list[tuple[int, ...]] = [(0,) * len(paths)]

    def position(self) -> int:
        """Return a position by which each file is read from its end as it is now."""
        self._moments.append(tuple(log.position() for log in self._logs))
        return len(self._moments) - 1

    def lines(self, after: int) -> Sequence[LogLine]:
        """Return the whole lines written since a position, file by file."""
        ends = self._moments[after]
        return tuple(line for log, end in zip(self._logs, ends, strict=True) for line in log.lines(end))

    def place_of(self, text: str) -> str:
        """Return where a line is, as file and line number; empty if it is nowhere."""
        return next(filter(None, (log.place_of(text) for log in self._logs)), "")

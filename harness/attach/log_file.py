"""The implementation's log, read from outside it (contract, section 4)."""

from __future__ import annotations

import contextlib
import os
import re
import stat
from typing import TYPE_CHECKING, BinaryIO

from harness.errors import NotJudgedError
from harness.log_events import parse_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from harness.contract import LogLine

MOST_BYTES = 16 * 1024 * 1024
"""What a log may grow by while one scenario runs, to be read. What is sound grows by a few thousand bytes."""
MOST_FILES = 100
"""How many files a log may be in."""
_LONGEST_PIECE = 1024 * 1024


class FileLog:
    """A log that the implementation appends to a file. Positions are byte offsets.

    Each line is read once. A log that is no regular file, or grows beyond all measure, raises NotJudgedError. One
    that is shorter than a position was cut off there, and is read from its beginning.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._after = self._read_to = 0
        self._lines: list[LogLine] = []

    def position(self) -> int:
        """Return where the log ends now; 0 without a file."""
        file = opened_file(self.path)
        if file is None:
            return 0
        with file:
            return os.fstat(file.fileno()).st_size

    def lines(self, after: int) -> Sequence[LogLine]:
        """Return the whole lines written since a position; a line still being written is left for later."""
        file = opened_file(self.path)
        if file is None:
            return ()
        with file:
            size = os.fstat(file.fileno()).st_size
            after = after if after <= size else 0
            if size - after > MOST_BYTES:
                raise NotJudgedError(
                    f"the log {self.path} grew by {size - after} bytes here, and only {MOST_BYTES} are read"
                )
            if after != self._after or size < self._read_to:
                self._after = self._read_to = after
                self._lines = []
            file.seek(self._read_to)
            whole, newline, _ = file.read(MOST_BYTES).rpartition(b"\n")
        if newline:
            self._read_to += len(whole) + 1
            self._lines += [parse_line(line) for line in whole.decode("utf-8", "replace").split("\n")]
        return tuple(self._lines)

    def exists(self) -> bool:
        """Return whether there is such a file."""
        return self.path.exists()

    def place_of(self, text: str) -> str:
        """Return where a line is, as file and line number; empty if it is nowhere."""
        file = opened_file(self.path)
        if file is None:
            return ""
        number = 1
        with file:
            # In pieces: a line may have any length.
            while piece := file.readline(_LONGEST_PIECE):
                if piece.rstrip(b"\n").decode("utf-8", "replace") == text:
                    return f"{self.path.name}, line {number}"
                number += piece.endswith(b"\n")
        return ""


class SeveralLogs:
    """Several files that the implementation appends to. Positions are numbers of moments: when each was asked for.

    A name may have a `*`: what fits it is read, whenever it appears. A file keeps its place when it is renamed, as
    long as its new name fits too; so lines are neither lost nor read twice when logs are rotated.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = paths
        self._logs: dict[tuple[int, int], FileLog] = {}
        self._moments: list[Mapping[tuple[int, int], int]] = [{}]

    def position(self) -> int:
        """Return a position by which each file is read from its end as it is now."""
        self._moments.append({key: log.position() for key, log in self._found().items()})
        return len(self._moments) - 1

    def lines(self, after: int) -> Sequence[LogLine]:
        """Return the whole lines written since a position, file by file, those first that were seen first."""
        ends = self._moments[after]
        return tuple(line for key, log in self._found().items() for line in log.lines(ends.get(key, 0)))

    def exists(self) -> bool:
        """Return whether there is any of them."""
        return bool(self._found())

    def place_of(self, text: str) -> str:
        """Return where a line is, as file and line number; empty if it is nowhere."""
        return next(filter(None, (log.place_of(text) for log in self._found().values())), "")

    def _found(self) -> Mapping[tuple[int, int], FileLog]:
        paths = [path for one in self._paths for path in _fitting(one)]
        if len(paths) > MOST_FILES:
            raise NotJudgedError(
                f"{len(paths)} files fit the names of the log, such as {paths[0]}; {MOST_FILES} are read"
            )
        there: dict[tuple[int, int], Path] = {}
        for path in paths:
            with contextlib.suppress(OSError):
                status = path.stat()
                there.setdefault((status.st_dev, status.st_ino), path)
        for key, path in there.items():
            self._logs.setdefault(key, FileLog(path)).path = path
        return {key: log for key, log in self._logs.items() if key in there}


def _fitting(path: Path) -> Sequence[Path]:
    """Return the files whose name fits a path, of which the last part may have a `*`."""
    if "*" not in path.name:
        return [path]
    pattern = re.escape(path.name).replace(r"\*", ".*")
    try:
        return sorted(one for one in path.parent.iterdir() if re.fullmatch(pattern, one.name))
    except OSError:
        return []


def opened_file(path: Path) -> BinaryIO | None:
    """Open a file that somebody else made, without waiting; None if there is none, or it is /dev/null.

    Raises:
        NotJudgedError: it is a folder, a pipe or a device, or cannot be opened.
    """
    if str(path) == os.devnull:
        return None
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as problem:
        raise NotJudgedError(f"{path} cannot be read: {problem.strerror}") from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise NotJudgedError(
            f"{path} cannot be read: it is a folder, a pipe or a device, and no regular file"
        )
    return os.fdopen(descriptor, "rb")

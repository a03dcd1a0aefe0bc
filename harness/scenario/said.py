"""What an implementation wrote while a scenario ran, to its output and its log, as it goes along."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from harness.attach.log_file import opened_file
from harness.errors import NotJudgedError
from harness.history import ImplementationWrote
from harness.redaction import redact
from harness.wording import cut

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from harness.scenario.scene import Scene

MOST_BYTES = 16 * 1024
"""What is read of one file at a time; of more, only the beginning."""
MOST_LINES = 120
"""Lines of a whole scenario that are taken in."""
LONGEST_LINE = 600
_BEHIND = 512
"""Bytes at the end of a piece without a line's end that are left out: a secret may be cut through there."""


class Said:
    """Reads a scenario's files from where they end when it begins; a file that comes later, from its beginning."""

    def __init__(self, scene: Scene, secrets: Collection[str]) -> None:
        self._scene = scene
        self._secrets = secrets
        self._read_to = {path: _size(path) for path in scene.written}
        self._lines = 0

    def hear(self) -> None:
        """Record what was written since the last time, without secrets; what cannot be read is left out."""
        for path, where in self._scene.written.items():
            for line in self._new_lines(path):
                if self._lines == MOST_LINES:
                    self._record(where, f"… and more; only {MOST_LINES} lines of a scenario are shown")
                elif self._lines < MOST_LINES:
                    self._record(where, cut(line, LONGEST_LINE))
                self._lines += 1

    def _record(self, where: str, text: str) -> None:
        self._scene.journal.record(ImplementationWrote(where=where, text=text))

    def _new_lines(self, path: Path) -> Iterator[str]:
        read_to = self._read_to.get(path, 0)
        try:
            file = opened_file(path)
        except NotJudgedError:
            return
        if file is None:
            return
        with file:
            size = os.fstat(file.fileno()).st_size
            # It was written anew: what was read is gone.
            start = read_to if size >= read_to else 0
            file.seek(start)
            piece = file.read(MOST_BYTES)
        whole, newline, _ = piece.rpartition(b"\n")
        if not newline and len(piece) < MOST_BYTES:
            self._read_to[path] = start
            return
        if not newline:
            whole = piece[:-_BEHIND]
        more = size - start - len(piece)
        self._read_to[path] = size if more else start + len(whole) + 1
        told = redact(whole.decode("utf-8", "replace"), self._secrets)
        yield from filter(None, (line.strip() for line in told.split("\n")))
        if more:
            yield f"… and {more} bytes more"


def _size(path: Path) -> int:
    try:
        file = opened_file(path)
    except NotJudgedError:
        return 0
    if file is None:
        return 0
    with file:
        return os.fstat(file.fileno()).st_size

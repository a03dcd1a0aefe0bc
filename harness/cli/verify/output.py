"""Lets a run go on when nobody reads what it prints any more: its verdict is its exit code, and its reports."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO


class _Forgiving:
    """A stream that takes everything, also after its reader has left."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.left = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        if not self.left:
            try:
                return self._stream.write(text)
            except BrokenPipeError:
                self.left = True
        return len(text)

    def flush(self) -> None:
        if not self.left:
            try:
                self._stream.flush()
            except BrokenPipeError:
                self.left = True


@contextlib.contextmanager
def whoever_reads() -> Iterator[None]:
    """Have no command break because the reader of its output or of its errors has left, while this lasts."""
    streams = {name: _Forgiving(getattr(sys, name)) for name in ("stdout", "stderr")}
    for name, stream in streams.items():
        setattr(sys, name, stream)
    try:
        yield
    finally:
        for name, stream in streams.items():
            stream.flush()
            original: TextIO = stream._stream  # noqa: SLF001
            setattr(sys, name, original)
            if stream.left:
                # Python writes what is left when it ends, and would fail in the same way once more.
                os.dup2(os.open(os.devnull, os.O_WRONLY), original.fileno())

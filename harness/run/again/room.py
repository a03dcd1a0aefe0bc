"""The room in which scenarios run: several workers share it, and one that must be alone has it to itself.

Workers are processes that know nothing of each other. They lock files that are there anyway, and a lock ends with its
process, however that ends: nothing is left behind. Where files cannot be locked, nobody waits for anybody.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_ROOM = Path(__file__)
_DOOR = Path(__file__).with_name("__init__.py")
_POLL_SECONDS = 0.02
PATIENCE_SECONDS = 60.0
"""How long somebody waits at most: another worker may have been stopped in the room."""


@contextlib.contextmanager
def shared() -> Iterator[None]:
    """Be in the room together with others."""
    # Who waits for the room to be empty has the door, so that nobody else comes in.
    with _locked(_DOOR, fcntl.LOCK_EX), contextlib.ExitStack() as inside:
        inside.enter_context(_locked(_ROOM, fcntl.LOCK_SH))
        leave = inside.pop_all()
    with leave:
        yield


@contextlib.contextmanager
def alone() -> Iterator[bool]:
    """Be in the room alone, and say whether that is so."""
    with _locked(_DOOR, fcntl.LOCK_EX) as held, _locked(_ROOM, fcntl.LOCK_EX) as empty:
        yield held and empty


@contextlib.contextmanager
def _locked(file: Path, how: int) -> Iterator[bool]:
    try:
        opened = os.open(file, os.O_RDONLY)
    except OSError:
        yield False
        return
    try:
        yield _lock(opened, how)
    finally:
        os.close(opened)


def _lock(opened: int, how: int) -> bool:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            fcntl.flock(opened, how | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
        except OSError:
            return False
        else:
            return True
        threading.Event().wait(_POLL_SECONDS)

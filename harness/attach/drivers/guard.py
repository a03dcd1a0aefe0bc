"""Runs a program in its own process group and ends that group on request, or when its keeper dies.

Started as `python -I -S guard.py OUTPUT SCRATCH GRACE PROGRAM ARGUMENT ...` by the command driver. It writes the
program's process id and a newline to standard output. When standard input closes, whatever the reason, it
sends the group SIGTERM and, after GRACE seconds, SIGKILL. If it closed without a word before, the keeper was
killed, and SCRATCH (a folder, or "-") is removed on its behalf. The exit status is the program's.

Only the standard library, so that it starts in milliseconds.
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

_LOOK_SECONDS = 0.05
"""Nothing announces that a whole group has ended."""
_REMOVAL_SECONDS = 8.0
"""How long a program may still write in a folder that is to be removed: its grace, and more."""


def main(arguments: list[str]) -> int:
    """Run the program until it ends or must end, and return its exit status."""
    output, scratch, grace, *program = arguments
    with Path(output).open("ab") as written:
        try:
            child = subprocess.Popen(  # noqa: S603 - running a given program is the purpose
                program, stdin=subprocess.DEVNULL, stdout=written, stderr=written, start_new_session=True
            )
        except OSError as problem:
            written.write(f"{program[0]}: {problem.strerror}\n".encode())
            return 127
    ending = threading.Event()
    keeper = threading.Thread(
        target=_end_with_keeper, args=(child, scratch, float(grace), ending), daemon=True
    )
    keeper.start()
    # The keeper may be gone by now: that shows on standard input, and must not end the guard here.
    with contextlib.suppress(BrokenPipeError):
        os.write(1, f"{child.pid}\n".encode())
    status = child.wait()
    # If it left others of its group behind, they go on until they end or the keeper says so.
    while not ending.is_set() and not _group_is_gone(child.pid):
        ending.wait(_LOOK_SECONDS)
    if ending.is_set() or _keeper_has_spoken():
        # The folder may have to go too: a program can end because its keeper did, before that is seen here.
        keeper.join()
    return status if status >= 0 else 128 - status


def _keeper_has_spoken() -> bool:
    """Say whether a word, or the end, waits on standard input."""
    waiting = select.poll()
    waiting.register(0, select.POLLIN)
    return bool(waiting.poll(0))


def _end_with_keeper(
    child: subprocess.Popen[bytes], scratch: str, grace: float, ending: threading.Event
) -> None:
    word = _read_to_end()
    ending.set()
    _signal(child.pid, signal.SIGTERM)
    deadline = time.monotonic() + grace
    while not _group_is_gone(child.pid) and time.monotonic() < deadline:
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(0.02)
        if child.returncode is not None:
            # Nothing announces the end of a grandchild: look again shortly.
            threading.Event().wait(0.02)
    _signal(child.pid, signal.SIGKILL)
    child.wait()
    if not word and scratch != "-":
        _remove(scratch)


def _remove(folder: str) -> None:
    # Another guard's program may still be writing in it while it ends.
    deadline = time.monotonic() + _REMOVAL_SECONDS
    while Path(folder).exists() and time.monotonic() < deadline:
        shutil.rmtree(folder, ignore_errors=True)
        threading.Event().wait(0.02)


def _read_to_end() -> bytes:
    # Not sys.stdin: a thread that waits inside its buffer cannot be left behind when the program ends first.
    word = b""
    while part := os.read(0, 1024):
        word += part
    return word


def _signal(group: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _group_is_gone(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.exit(main(sys.argv[1:]))

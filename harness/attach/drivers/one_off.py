"""Runs a command once, bounded in time and in what it may print."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
import threading
import time
from typing import IO, TYPE_CHECKING

from harness.errors import OverlongOutputError

if TYPE_CHECKING:
    from pathlib import Path

    from harness.attach.drivers.program import Program

LARGEST_OUTPUT = 4 * 1024 * 1024
"""Bytes that a command may print. What is sound has a few thousand."""
_LOOK_SECONDS = 0.02


def run_once(
    program: Program, directory: Path, timeout: float, opened: contextlib.ExitStack
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end; what it leaves running goes on until `opened` is closed.

    Its output goes to files: a process that it leaves behind would keep a pipe open.

    Raises:
        OSError: it cannot be run.
        OverlongOutputError: it printed too much, and was ended.
        subprocess.TimeoutExpired: it took longer than `timeout` seconds, and was ended.
    """
    with (
        tempfile.TemporaryFile() as out,
        tempfile.TemporaryFile() as err,
        contextlib.ExitStack() as cut_short,
    ):
        process = subprocess.Popen(  # noqa: S603 - the user's own command
            program.words,
            env=dict(program.environment),
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,
        )
        cut_short.callback(_end, process)
        deadline = time.monotonic() + timeout
        # It is not reaped yet: until then nobody else gets the id of its group.
        while (ended := _end_of(process)) is None:
            if max(_size(out), _size(err)) > LARGEST_OUTPUT:
                break
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(program.words, timeout)
            # Nothing announces that a file has grown.
            threading.Event().wait(_LOOK_SECONDS)
        if ended is None or max(_size(out), _size(err)) > LARGEST_OUTPUT:
            raise OverlongOutputError(f"it printed more than {LARGEST_OUTPUT} bytes")
        opened.push(cut_short.pop_all())
        return subprocess.CompletedProcess(program.words, ended, _text(out), _text(err))


def _end_of(process: subprocess.Popen[bytes]) -> int | None:
    """Return the exit status, or minus the signal; None while it runs."""
    found = os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    if found is None:
        return None
    return found.si_status if found.si_code == os.CLD_EXITED else -found.si_status


def _end(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _size(file: IO[bytes]) -> int:
    return os.fstat(file.fileno()).st_size


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read(LARGEST_OUTPUT).decode("utf-8", "replace").replace("\r\n", "\n")

"""Starts implementations in Python by forking one that is loaded already: most of a mutant's run is its start.

`nursery SOCKET`: what the harness starts as a guard (`nursling.py`) asks here for the
real one: a process with the same streams, environment and folder, which runs the guard and forks its
program, in a session of its own, where that is one of `PROGRAMS`; any other it starts as ever. So who is killed, and
what is left, is as it is for anyone's implementation. It ends when its standard input closes.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import json
import os
import select
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import traceback
from pathlib import Path
from types import SimpleNamespace
from typing import IO, TYPE_CHECKING, NoReturn, TypedDict

from harness.attach.drivers import guard
from tests.mutants.machinery import run, run_gateway

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


def _available() -> bool:
    try:
        os.close(os.pidfd_open(os.getpid()))
    except (AttributeError, OSError):
        return False
    return True


AVAILABLE = _available()
"""Whether this system can do it; elsewhere implementations start as ever, which takes longer."""
VARIABLE = "NURSERY"
"""The variable that tells a nursling where to ask."""
_LONGEST_FOLDER = 70
NURSLING = Path(__file__).with_name("nursling.py")
LOADED = ("reference_impl.__main__", "fake_instances.__main__")
PROGRAMS: dict[str, Callable[[list[str]], object]] = {
    str(Path(module.__file__).resolve()): module.main for module in (run, run_gateway)
}


def _resolved(path: str) -> str:
    return str(Path(path).resolve())


class Order(TypedDict):
    """What a nursling hands on: its arguments, variables and folder."""

    arguments: list[str]
    environment: dict[str, str]
    directory: str


class Forked:
    """A program that was forked, in place of one that `subprocess.Popen` starts: what a guard needs of it."""

    def __init__(self, words: Sequence[str], *, stdout: IO[bytes], **_same: object) -> None:
        self.returncode: int | None = None
        self._lock = threading.Lock()
        self.pid = os.fork()
        if self.pid == 0:
            _live(PROGRAMS[_resolved(words[1])], list(words[2:]), stdout.fileno())
        self._ended = os.pidfd_open(self.pid)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end; raise `subprocess.TimeoutExpired` if it takes longer. Two threads may."""
        poll = select.poll()
        poll.register(self._ended, select.POLLIN)
        if not poll.poll(None if timeout is None else timeout * 1000):
            raise subprocess.TimeoutExpired("a forked program", timeout or 0)
        with self._lock:
            if self.returncode is None:
                self.returncode = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
            return self.returncode


def _live(program: Callable[[list[str]], object], words: list[str], output: int) -> NoReturn:
    """Be that program, from its first line to its exit status."""
    os.setsid()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.closerange(3, 4096)
    status: object = 0
    try:
        status = program(words)
    except SystemExit as end:
        status = end.code
    except BaseException:  # noqa: BLE001 - as the interpreter does
        traceback.print_exc()
        status = 1
    if isinstance(status, str):
        sys.stderr.write(f"{status}\n")
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status if isinstance(status, int) else int(status is not None))


def _guard(order: Order, streams: Sequence[int]) -> NoReturn:
    """Be the guard that a nursling stands for."""
    status = 1
    try:
        os.setsid()
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
        os.closerange(3, 4096)
        os.chdir(order["directory"])
        os.environ.clear()
        os.environ.update(order["environment"])
        arguments = order["arguments"]
        if arguments[3] == sys.executable and _resolved(arguments[4]) in PROGRAMS:
            guard.subprocess = SimpleNamespace(  # type: ignore[attr-defined]
                Popen=Forked, DEVNULL=subprocess.DEVNULL, TimeoutExpired=subprocess.TimeoutExpired
            )
        status = guard.main(arguments)
    except BaseException:  # noqa: BLE001 - a fork must never come back from here, nor without a word
        traceback.print_exc()
    finally:
        os._exit(status)


@contextlib.contextmanager
def opened() -> Iterator[str]:
    """Run a nursery, and give the path of its socket."""
    # A socket's path has room for a hundred characters.
    short = "/tmp" if len(tempfile.gettempdir()) > _LONGEST_FOLDER else None
    with tempfile.TemporaryDirectory(prefix="nursery-", dir=short) as folder:
        path = str(Path(folder) / "socket")
        with subprocess.Popen(
            [sys.executable, "-m", "tests.mutants.machinery.nursery", path],
            cwd=Path(__file__).parents[3],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            try:
                if not process.stdout.readline():
                    raise RuntimeError("the nursery did not open; what went wrong is above")
                yield path
            finally:
                process.stdin.close()


def serve(path: str) -> None:
    """Fork whoever is asked for until standard input closes."""
    for name in LOADED:
        importlib.import_module(name)
    # What it imports is loaded; itself it must be run.
    del sys.modules["reference_impl.__main__"]
    gc.freeze()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    waiting: dict[int, tuple[int, socket.socket]] = {}
    with socket.socket(socket.AF_UNIX) as listener, selectors.DefaultSelector() as selector:
        listener.bind(path)
        listener.listen(64)
        selector.register(listener, selectors.EVENT_READ)
        selector.register(0, selectors.EVENT_READ)
        os.write(1, b"ready\n")
        while True:
            for key, _ in selector.select():
                if key.fd == 0:
                    return
                if key.fileobj is listener:
                    asked, _ = listener.accept()
                    order, streams = _order(asked)
                    pid = os.fork() if order else None
                    if order and pid == 0:
                        _guard(order, streams)
                    for one in streams:
                        os.close(one)
                    if pid is None:
                        asked.close()
                        continue
                    ended = os.pidfd_open(pid)
                    waiting[ended] = pid, asked
                    selector.register(ended, selectors.EVENT_READ)
                else:
                    pid, asked = waiting.pop(key.fd)
                    selector.unregister(key.fd)
                    os.close(key.fd)
                    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
                    with contextlib.suppress(BrokenPipeError), asked:
                        asked.sendall(str(status).encode())


def _order(asked: socket.socket) -> tuple[Order | None, list[int]]:
    """Give what a nursling asks for, None if it was gone before it had said so, and its streams."""
    part, streams, _, _ = socket.recv_fds(asked, 65536, 3)
    told = bytearray(part)
    while part and not told.endswith(b"\n"):
        part = asked.recv(65536)
        told += part
    return (json.loads(told) if part else None), list(streams)


if __name__ == "__main__":
    serve(sys.argv[1])

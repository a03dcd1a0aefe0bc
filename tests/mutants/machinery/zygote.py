"""Starts patched implementations by forking a process that has loaded them: half of a mutant's run was its imports.

`python -m tests.mutants.machinery.zygote SOCKET`: whoever connects (`start.py`) gets a fork of its own, with its
streams, variables and folder, in a process group of its own. The fork ends when whoever asked for it does. The zygote
ends, and all with it, when its standard input closes.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import random
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.mutants.machinery import combinations, registry, run

if TYPE_CHECKING:
    from collections.abc import Iterator

VARIABLE = "KILL_MATRIX_ZYGOTE"
"""The environment variable that tells `start.py` where to ask."""
_PROGRAMS = ("reference_impl.__main__", "fake_instances.__main__")
_LONGEST_FOLDER = 70
"""A socket's path has room for a hundred characters."""
_MOST = 1 << 20


class _Children:
    """The forks that run, each with the connection that asked for it."""

    def __init__(self, listener: socket.socket) -> None:
        self._selector = selectors.DefaultSelector()
        self._selector.register(listener, selectors.EVENT_READ)
        self._selector.register(0, selectors.EVENT_READ)
        self._listener = listener
        self._of: dict[int, tuple[int, socket.socket]] = {}

    def serve(self) -> list[str] | None:
        """Fork for whoever asks; return the words of the program in a fork, and None in the zygote at its end."""
        while True:
            ready = {key.fd for key, _ in self._selector.select()}
            # Who has gone comes first: the next one may be its successor, and needs its port.
            for one in ready & self._of.keys():
                self._ended(one)
            if 0 in ready:
                for one in list(self._of):
                    self._ended(one)
                return None
            if self._listener.fileno() in ready and (words := self._fork()) is not None:
                return words

    def _fork(self) -> list[str] | None:
        asked, _ = self._listener.accept()
        part, streams, _, _ = socket.recv_fds(asked, _MOST, 3)
        while part and not part.endswith(b"\n"):
            part += (more := asked.recv(_MOST))
            if not more:
                part = b""
        pid = os.fork() if part else -1
        if pid == 0:
            self._selector.close()
            for mine in (self._listener, asked, *(one for _, one in self._of.values())):
                mine.detach()  # closed with all that is not the program's
            return _become(json.loads(part), streams)
        for one in streams:
            os.close(one)
        if pid < 0:
            asked.close()
            return None
        with contextlib.suppress(OSError):  # who has gone already is seen to have
            asked.sendall(b"%d\n" % pid)
        for one in (asked.fileno(), os.pidfd_open(pid)):
            self._of[one] = pid, asked
            self._selector.register(one, selectors.EVENT_READ)
        return None

    def _ended(self, file: int) -> None:
        """End a fork, where who asked for it has gone, and tell its status."""
        if file not in self._of:
            return
        pid, asked = self._of[file]
        if file == asked.fileno():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
            # It may not have come to have a group yet; until it is waited for, it cannot be anybody else.
            os.kill(pid, signal.SIGKILL)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        for one in [one for one, (of, _) in self._of.items() if of == pid]:
            self._selector.unregister(one)
            del self._of[one]
            if one != asked.fileno():
                os.close(one)
        with contextlib.suppress(OSError), asked:
            asked.sendall(b"%d\n" % status)


def _become(order: dict[str, object], streams: list[int]) -> list[str]:
    """Take over the streams, variables and folder of whoever asked; return the words of its program."""
    os.setsid()
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    os.closerange(3, 4096)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(str(order["folder"]))
    os.environ.clear()
    os.environ.update(order["variables"])  # type: ignore[arg-type]
    time.tzset()
    random.seed()
    return list(order["words"])  # type: ignore[call-overload]


@contextlib.contextmanager
def opened() -> Iterator[None]:
    """Run a zygote, and tell all programs that are started meanwhile where it is."""
    short = "/tmp" if len(tempfile.gettempdir()) > _LONGEST_FOLDER else None
    with tempfile.TemporaryDirectory(prefix="zygote-", dir=short) as folder:
        path = str(Path(folder) / "socket")
        with subprocess.Popen(
            [sys.executable, "-m", __spec__.name, path],
            cwd=Path(__file__).parents[3],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            os.environ[VARIABLE] = path
            try:
                if not process.stdout.readline():
                    raise RuntimeError("the zygote did not start; what went wrong is above")
                yield
            finally:
                del os.environ[VARIABLE]
                process.stdin.close()


def _main(path: str) -> list[str] | None:
    for load in (
        registry.mutants,
        registry.gateway_mutants,
        registry.sound_designs,
        registry.gateway_designs,
        combinations.combinations,
    ):
        load()
    for name in _PROGRAMS:
        importlib.import_module(name)
        del sys.modules[name]  # what it imports stays loaded; itself it must be run
    gc.freeze()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(64)
        os.write(1, b"ready\n")
        return _Children(listener).serve()


if __name__ == "__main__":
    if (words := _main(sys.argv[1])) is not None:
        sys.exit(run.main(*words))

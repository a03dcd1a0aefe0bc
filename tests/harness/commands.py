"""Runs the commands as a user does, and looks at what they leave."""

from __future__ import annotations

import contextlib
import os
import pty
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from tests.harness.support import FEATURES, PATIENCE, until

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMAND = Path(sys.executable).with_name("instance-sync")
PORTS = (3001, 3002, 3003, 3004)


def features(host: str, *arguments: str) -> list[str]:
    """Return the command that judges by the features, in their own order: what shuffles takes a second to load."""
    own = ["-q", "-p", "no:cacheprovider", "-p", "no:randomly", "--fleet-address", host]
    return [sys.executable, "-m", "pytest", str(FEATURES), *own, *arguments]


def run(
    command: list[str], folder: Path, cwd: Path | None = None, *, patience: float = 3 * PATIENCE
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, which must come within so many seconds."""
    environment = {**os.environ, "TMPDIR": str(folder)}
    return subprocess.run(
        command, capture_output=True, text=True, timeout=patience, env=environment, cwd=cwd, check=False
    )


@contextlib.contextmanager
def started(
    command: list[str], folder: Path, *, terminal: int | None = None
) -> Iterator[subprocess.Popen[str]]:
    """Start a command in its own process group, as a shell does; it writes to the terminal, if there is one."""
    # A shell has what it runs in the background ignore Ctrl-C, and that is inherited: these tests' own command too.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE if terminal is None else terminal,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        env={**os.environ, "TMPDIR": str(folder)},
    ) as process:
        signal.signal(signal.SIGINT, before)
        try:
            yield process
        finally:
            process.kill()


def on_a_terminal(command: list[str], folder: Path) -> tuple[int, str]:
    """Run a command to its end at a terminal, and return its exit code and all that it showed."""
    here, there = pty.openpty()
    with started(command, folder, terminal=there) as process:
        os.close(there)
        shown = b""
        # On Linux the end of a terminal is an error.
        with os.fdopen(here, "rb", buffering=0) as terminal, contextlib.suppress(OSError):
            while part := terminal.read(4096):
                shown += part
        return process.wait(), shown.decode()


def listening(host: str) -> list[int]:
    """Return the instances' ports on which something listens."""
    found = []
    for port in PORTS:
        with socket.socket() as probe:
            if probe.connect_ex((host, port)) == 0:
                found.append(port)
    return found


def running_of(folder: Path) -> list[str]:
    """Return the processes that were started with a folder of the run under test."""
    found = []
    for process in psutil.process_iter(["cmdline", "environ", "status"]):
        command, environment = process.info["cmdline"] or [], process.info["environ"] or {}
        if environment.get("TMPDIR") == str(folder) and process.info["status"] != psutil.STATUS_ZOMBIE:
            found.append(" ".join(command))
    return found


def assert_nothing_is_left(host: str, folder: Path) -> None:
    """Check that no process, no listening port and no temporary folder of a run is left."""
    until(lambda: not running_of(folder), "every process of the run is gone")
    assert listening(host) == []
    left = [*folder.glob("instance-sync-*")]
    assert left == [], [*left, *(one for each in left for one in each.rglob("*"))]

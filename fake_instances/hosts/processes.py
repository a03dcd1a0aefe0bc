"""Runs each instance as its own process, so that signals are real: kill, stop, continue."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

from fake_instances.hosts.remote import END_SECONDS, RemoteServer

if TYPE_CHECKING:
    from fake_instances.hosts.threads import Server
    from fake_instances.instance import Instance


class ProcessHost:
    """Runs each instance as a child process, which always ends with this one."""

    def serve(self, instance: Instance, host: str, port: int) -> Server:
        """Make the server of one instance, not yet running."""
        return RemoteServer(instance, host, port, ProcessRunner())


class ProcessRunner:
    """Runs an instance's server as a child process. `process` is None when none runs."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[bytes] | None = None

    def run(self, host: str, port: int, first: int) -> Connection:
        """Start it for this address and return the connection to it."""
        here, there = socket.socketpair()
        with there:
            arguments = [str(there.fileno()), host, str(port), str(first)]
            # Its own group: Ctrl-C at a terminal is for the parent, which then ends its instances in order.
            self.process = subprocess.Popen(  # noqa: S603 - this program itself
                [sys.executable, "-m", "fake_instances.hosts.child", *arguments],
                pass_fds=[there.fileno()],
                stdin=subprocess.DEVNULL,
                process_group=0,
            )
        return Connection(here.detach())

    def end(self) -> None:
        """End it by SIGTERM, or at last by SIGKILL."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it by SIGKILL."""
        self._end(signal.SIGKILL)

    def pause(self) -> None:
        """Stop it by SIGSTOP, and wait until it stands still."""
        if self.process is not None:
            self.process.send_signal(signal.SIGSTOP)
            os.waitid(os.P_PID, self.process.pid, os.WSTOPPED | os.WNOWAIT)

    def resume(self) -> None:
        """Continue it by SIGCONT."""
        if self.process is not None:
            self.process.send_signal(signal.SIGCONT)

    def _end(self, by: signal.Signals) -> None:
        process, self.process = self.process, None
        if process is None:
            return
        process.send_signal(by)
        try:
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

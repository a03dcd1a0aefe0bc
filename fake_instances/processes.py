"""Runs each instance as a process of its own, so that signals are real: kill, stop, continue.

Only the serving side lives there, the routes and the sockets. Sessions, faults and the journal stay here, so that
the ground truth is one, in one order, and outlives whatever happens to the process.
"""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import socket
import subprocess
import sys
import threading
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any, cast

from fake_instances.app import create_app
from fake_instances.peer import Peer, PeerGoneError
from fake_instances.server import InstanceServer

if TYPE_CHECKING:
    from collections.abc import Callable

    from fake_instances.faults import Met
    from fake_instances.gateway import Arrival, Gateway
    from fake_instances.hosting import Server

_END_SECONDS = 5.0


class ProcessHost:
    """Runs instances as processes of their own, children of this one, which end with it whatever happens."""

    def serve(self, gateway: Gateway, host: str, port: int) -> Server:
        """Make the server of one instance, not yet running."""
        return ProcessServer(gateway, host, port)


class ProcessServer:
    """An instance's server in a process of its own, started when it is to listen."""

    def __init__(self, gateway: Gateway, host: str, port: int) -> None:
        self.host = host
        self.port = port
        self._gateway = gateway
        self._process: subprocess.Popen[bytes] | None = None
        self._peer: Peer | None = None
        self._highest = 0

    def listen(self) -> None:
        """Run, and accept connections. With port 0 the system chooses one, which then stays.

        Raises:
            PortInUseError: another process has the port.
        """
        if self._peer is None:
            self._spawn()
        assert self._peer is not None  # noqa: S101 - just made
        try:
            self.port = self._peer.call("listen")
        except BaseException:
            if self._process is not None and self._process.poll() is None:
                self.stop()
            raise

    def refuse(self) -> None:
        """Close the listener and drop every connection; go on running."""
        if self._peer is not None:
            self._peer.call("refuse")

    def stop(self) -> None:
        """End in order and give the port back."""
        if self._peer is not None:
            with contextlib.suppress(PeerGoneError, TimeoutError):
                self._peer.call("stop", timeout=_END_SECONDS)
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End the process by SIGKILL."""
        self._end(signal.SIGKILL)

    def pause(self) -> None:
        """Stop the process by SIGSTOP, and wait until it stands still."""
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)
            os.waitid(os.P_PID, self._process.pid, os.WSTOPPED | os.WNOWAIT)

    def resume(self) -> None:
        """Continue the process by SIGCONT."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)

    def release(self, fault: int) -> None:
        """Drop the connections that this armed fault holds up, as soon as the process runs."""
        if self._peer is not None:
            self._peer.tell("release", fault)

    @property
    def pid(self) -> int | None:
        """The process, or None where none runs."""
        return None if self._process is None else self._process.pid

    def _spawn(self) -> None:
        here, there = socket.socketpair()
        with there:
            arguments = [str(there.fileno()), self.host, str(self.port), str(self._highest + 1)]
            # A group of its own: Ctrl-C at a terminal is for the parent, who then ends its instances in order.
            self._process = subprocess.Popen(  # noqa: S603 - this program itself
                [sys.executable, "-m", "fake_instances.processes", *arguments],
                pass_fds=[there.fileno()],
                stdin=subprocess.DEVNULL,
                process_group=0,
            )
        self._peer = Peer(Connection(here.detach()), _Counting(self._gateway, self))

    def saw(self, request: int) -> None:
        """Take note of a request's number, so that a later process counts on from there."""
        self._highest = max(self._highest, request)

    def _end(self, by: signal.Signals) -> None:
        process, peer = self._process, self._peer
        self._process = self._peer = None
        if process is None:
            return
        process.send_signal(by)
        try:
            process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if peer is not None:
            peer.join()
            peer.close()


class _Counting:
    """The Gateway as the process calls it; the server takes note of the numbers."""

    def __init__(self, gateway: Gateway, server: ProcessServer) -> None:
        self._gateway = gateway
        self._server = server

    def identity(self) -> tuple[int, str, float]:
        """Give what the routes must know of the instance."""
        return self._gateway.number, self._gateway.api_key, self._gateway.started_at

    def arrived(self, arrival: Arrival) -> tuple[Met, ...]:
        self._server.saw(arrival.request)
        return self._gateway.arrived(arrival)

    def __getattr__(self, name: str) -> object:
        return getattr(self._gateway, name)


class _Remote:
    """The Gateway, asked from the instance's own process: every method of it is called over there."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self.number, self.api_key, self.started_at = peer.call("identity")

    def calm(self) -> bool:
        """Never, since every call of the Gateway is a wait from here."""
        return False

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return functools.partial(self._peer.call, name)


class _Served:
    """What the parent may ask of the process. The server is made when it is first needed, behind the first call."""

    def __init__(self, host: str, port: int, first: int) -> None:
        self._address = host, port, first
        self._server: InstanceServer | None = None
        self._making = threading.Lock()
        self._peer: Peer | None = None

    def connect(self, connection: Connection, on_gone: Callable[[], object]) -> None:
        with self._making:  # no call is carried out before the peer is known
            self._peer = Peer(connection, self, on_gone)

    def listen(self) -> int:
        with self._making:
            if self._server is None and self._peer is not None:
                host, port, first = self._address
                gateway = cast("Gateway", _Remote(self._peer))
                self._server = InstanceServer(create_app(gateway), gateway, host, port, first=first)
        assert self._server is not None  # noqa: S101 - connected before anything was asked
        self._server.listen()
        return self._server.port

    def refuse(self) -> None:
        if self._server is not None:
            self._server.refuse()

    def stop(self) -> None:
        if self._server is not None:
            self._server.stop()

    def release(self, fault: int) -> None:
        if self._server is not None:
            self._server.release(fault)


def _serve(descriptor: int, host: str, port: int, first: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    ready = threading.Event()
    _Served(host, port, first).connect(Connection(descriptor), ready.set)
    ready.wait()  # until the parent closes its end, or is gone
    os._exit(0)


if __name__ == "__main__":
    _serve(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))

"""An instance's server that runs in another process or a container, and is reached through a peer.

Only the routes and the sockets are there. Sessions, faults and the journal stay here, so that there is one ground
truth, in one order, which survives the server.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Protocol

from fake_instances.errors import PortInUseError
from fake_instances.hosts.rpc import Peer, PeerGoneError
from fake_instances.http.server import process_on

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from fake_instances.instance import Instance

END_SECONDS = 5.0
"""How long a server may take to end."""


class Runner(Protocol):
    """What runs `fake_instances.hosts.child` for one instance: a process, or a container."""

    def run(self, host: str, port: int, first: int) -> Connection:
        """Start it for this address and return the connection to it. `first` is the number of the first request."""

    def end(self) -> None:
        """End what runs in order, and wait until it is gone; one that does not end is killed."""

    def kill(self) -> None:
        """End it by SIGKILL, even while it stands still, and wait until it is gone."""

    def pause(self) -> None:
        """Make it stand still, and wait until it does."""

    def resume(self) -> None:
        """Let it go on."""


class RemoteServer:
    """An instance's server, run by a runner as soon as it is to listen."""

    def __init__(self, instance: Instance, host: str, port: int, runner: Runner) -> None:
        self.host = host
        self.port = port
        self.runner = runner
        self._instance = instance
        self._peer: Peer | None = None

    def listen(self) -> int:
        """Run, accept connections, and return the port. With port 0 the system chooses one, which then stays.

        Raises:
            PortInUseError: another process has the port.
        """
        if self._peer is None:
            connection = self.runner.run(self.host, self.port, self._instance.last_request + 1)
            self._peer = Peer(connection)
            self._peer.serve(self._instance)
        try:
            self.port = self._peer.call("listen")
        except PortInUseError as problem:
            self.stop()
            # Processes outside cannot be seen from within a container.
            holder = problem.holder or process_on(problem.host, problem.port)
            raise PortInUseError(problem.host, problem.port, holder) from None
        except BaseException:
            self.stop()
            raise
        return self.port

    def refuse(self) -> None:
        """Close the listener and drop every connection; go on running."""
        if self._peer is not None:
            self._peer.call("refuse")

    def retire(self) -> None:
        """Close the listener, and drop the connections on which no request is being carried out; go on running."""
        if self._peer is not None:
            self._peer.call("retire")

    def stop(self) -> None:
        """End in order and free the port."""
        if self._peer is not None:
            with contextlib.suppress(PeerGoneError, TimeoutError):
                self._peer.call("stop", timeout=END_SECONDS)
        self.runner.end()
        self._part()

    def kill(self) -> None:
        """End it by SIGKILL."""
        self.runner.kill()
        self._part()

    def pause(self) -> None:
        """Make it stand still, by a signal."""
        if self._peer is not None:
            self.runner.pause()

    def resume(self) -> None:
        """Let it go on."""
        if self._peer is not None:
            self.runner.resume()

    def release(self, fault: int) -> None:
        """Drop the connections that this armed fault holds up, as soon as it runs."""
        if self._peer is not None:
            self._peer.tell("release", fault)

    def _part(self) -> None:
        peer, self._peer = self._peer, None
        if peer is not None:
            peer.join()
            peer.close()

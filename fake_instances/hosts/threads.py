"""What a host must do, and the host that runs instances as threads of this process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from fake_instances.http.server import InstanceServer
from fake_instances.routes.app import create_app

if TYPE_CHECKING:
    from fake_instances.instance import Instance


class Server(Protocol):
    """The running side of one instance. The Instance keeps sessions and faults, and survives it."""

    host: str
    port: int

    def listen(self) -> int:
        """Run, accept connections, and return the port. With port 0 the system chooses one, which then stays.

        Raises:
            PortInUseError: another process has the port.
        """

    def refuse(self) -> None:
        """Close the listener and drop every connection; go on running."""

    def stop(self) -> None:
        """End in order and free the port."""

    def kill(self) -> None:
        """End at once, in the middle of everything, as by SIGKILL."""

    def pause(self) -> None:
        """Stand still, as by SIGSTOP: the system takes connections and bytes in, nobody reads them or answers."""

    def resume(self) -> None:
        """Go on where `pause` left off, as by SIGCONT."""

    def release(self, fault: int) -> None:
        """Drop the connections that this armed fault holds up."""


class Host(Protocol):
    """A way of running instances."""

    def serve(self, gateway: Instance, host: str, port: int) -> Server:
        """Make the server of one instance, not yet running."""


class ThreadHost:
    """Runs instances as threads of this process: light, and the quickest to start. Signals are imitated."""

    def serve(self, gateway: Instance, host: str, port: int) -> Server:
        """Make the server of one instance, not yet running."""
        return InstanceServer(create_app(gateway), gateway, host, port)

"""What a host must do, and the host that runs instances as threads of this process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeAlias

from fake_instances.http.server import InstanceServer
from fake_instances.routes.app import create_app

if TYPE_CHECKING:
    from fake_instances.hosts.remote import RemoteServer
    from fake_instances.instance import Instance
    from fake_instances.routes.dialect import Dialect


Server: TypeAlias = "InstanceServer | RemoteServer"
"""The running side of one instance. The Instance keeps sessions and faults, and survives it."""


class Host(Protocol):
    """A way of running instances."""

    def serve(self, instance: Instance, host: str, port: int) -> Server:
        """Make the server of one instance, not yet running."""


class ThreadHost:
    """Runs instances as threads of this process: light, and the quickest to start. Signals are imitated.

    They may speak the `dialect` of another gateway.
    """

    def __init__(self, dialect: Dialect | None = None) -> None:
        self._dialect = dialect

    def serve(self, instance: Instance, host: str, port: int) -> Server:
        """Make the server of one instance, not yet running."""
        return InstanceServer(create_app(instance, self._dialect), instance, host, port)

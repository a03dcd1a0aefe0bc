"""What can go wrong in using a fleet, as opposed to what a fleet does wrong on request.

FleetError
 ├── PortInUseError        an instance's port is taken by another process
 ├── UnknownInstanceError  no instance has that number
 ├── UnknownSessionError   the session is not where the caller says it is
 ├── FaultError            a fault cannot be armed as asked
 └── JournalOverflowError  the journal's bound was reached, so it no longer holds everything
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class FleetError(Exception):
    """Base of every error that a fleet raises at its user."""


class PortInUseError(FleetError):
    """An instance cannot listen because another process has its port."""

    def __init__(self, host: str, port: int, holder: str | None) -> None:
        self.host = host
        self.port = port
        self.holder = holder
        by = f" by {holder}" if holder else " (by which process could not be read)"
        super().__init__(f"port {port} on {host} is in use{by}")

    def __reduce__(self) -> tuple[type[PortInUseError], tuple[str, int, str | None]]:
        return type(self), (self.host, self.port, self.holder)


class UnknownInstanceError(FleetError):
    """No instance of the fleet has the number that was asked for."""

    def __init__(self, number: object, known: Iterable[int]) -> None:
        allowed = ", ".join(str(one) for one in known)
        super().__init__(f"there is no instance {number}; this fleet has {allowed}")


class UnknownSessionError(FleetError):
    """A session was named that the instance, or the whole fleet, does not hold."""


class FaultError(FleetError):
    """A fault was ordered that cannot happen as ordered."""


class JournalOverflowError(FleetError):
    """The journal dropped entries, so nothing may be concluded from what it does not show."""

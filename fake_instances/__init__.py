"""Four fake gateway instances, on real ports, that hold sessions and misbehave on request.

The package stands alone: it imports neither the harness nor the reference. What it serves is the gateway's
side of the sync contract (section 6); what it does wrong is said by the values in `fake_instances.faults`.
"""

from fake_instances.addresses import InstanceAddress
from fake_instances.errors import FleetError, PortInUseError, UnknownInstanceError, UnknownSessionError
from fake_instances.fleet import Fleet
from fake_instances.journal import Journal
from fake_instances.sessions import Session, SessionStatus

__all__ = [
    "Fleet",
    "FleetError",
    "InstanceAddress",
    "Journal",
    "PortInUseError",
    "Session",
    "SessionStatus",
    "UnknownInstanceError",
    "UnknownSessionError",
]

"""What the routes and the server of an instance need to know of it.

Everything here is plain values and calls that return, so that the two may run in different processes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from fake_instances.faults import Endpoint, WireFault
    from fake_instances.faults.book import Met
    from fake_instances.sessions import Session

EXCHANGE = "fake_instances.exchange"
"""The key of the WSGI environment under which the application finds its Exchange."""


@dataclass(slots=True)
class Exchange:
    """One request and what becomes of it: the application notes what the server is to carry out.

    `met` are the faults that the request met; `wire` is the wire fault to carry out, with the armed fault that it
    belongs to; `delay` is an armed Delay.
    """

    number: int
    met: tuple[Met, ...] = ()
    wire: tuple[Met, WireFault] | None = None
    delay: Met | None = None


@dataclass(frozen=True, slots=True)
class Arrival:
    """A whole request, as it was sent. `session_id` is the one it names, if any."""

    request: int
    endpoint: Endpoint
    method: str
    target: str
    session_id: str | None
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    body: bytes = field(repr=False)


class Gateway(Protocol):
    """One instance. May be called from many threads; requests are named by their number."""

    number: int
    api_key: str
    started_at: float

    def calm(self) -> bool:
        """Say that a request now meets no fault and sets nothing off, so that its answer never waits."""

    def accepted(self) -> Met | None:
        """Return the fault that a new connection meets before anything is read."""

    def arrived(self, arrival: Arrival) -> tuple[Met, ...]:
        """Record that a request arrived, and return the faults it meets."""

    def executed(self, request: int | None, met: Met, wire: WireFault | None = None) -> None:
        """Record that a fault is being carried out, as this wire fault if it is one."""

    def answering(self, request: int, status: int) -> None:
        """Record that an answer is ready and about to go out."""

    def completed(self, request: int, status: int | None, ending: str, sent: int) -> None:
        """Record how a request ended (see `fake_instances.journal.RequestCompleted`)."""

    def counts(self, request: int, lies: tuple[Met, ...]) -> dict[str, int]:
        """Count the copies held, by the health routes' terms, as told under these lies."""

    def details(self, request: int, lies: tuple[Met, ...]) -> tuple[dict[str, int], bytes]:
        """Return the counts, and the JSON of `details`, as told under these lies."""

    def listing(self, request: int, lies: tuple[Met, ...]) -> tuple[int, bytes]:
        """Return the total, and the JSON of the sessions' list, as told under these lies."""

    def shown(self, request: int, lies: tuple[Met, ...], session_id: str) -> Session | None:
        """Return the copy held under exactly this id, as told under these lies."""

    def session(self, session_id: str) -> Session | None:
        """Return the copy that is really held under exactly this id."""

    def deliver(self, request: int, session_id: str, recipient: str, text: str) -> str:
        """Send a message over a connected session and return its message id."""

    def create(self, session_id: str, workspace_id: int) -> None:
        """Start a login that waits for its QR code to be scanned."""

    def reconnect(self, session_id: str) -> None:
        """Connect a known session again and announce it."""

    def disconnect(self, session_id: str) -> bool:
        """End a session permanently; return False when it was not held."""

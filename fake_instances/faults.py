"""What an instance can be told to do wrong, as small typed values, and the book of those that are armed.

A fault is armed on an instance for some endpoints, for the next `times` requests or until it is cleared, and
optionally for requests that name one session. Matching is by order of arming and never by chance. Pure: the
book decides which fault a request meets; `fake_instances.server` and the webhook sender carry it out.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from enum import StrEnum

from fake_instances.errors import FaultError


class Endpoint(StrEnum):
    """What a fault can be armed on: the gateway's routes, its listener, and the webhooks it sends."""

    HEALTH = "health"
    HEALTH_DETAILED = "health_detailed"
    HEALTH_READY = "health_ready"
    SESSION_LIST = "session_list"
    SESSION_STATUS = "session_status"
    SEND = "send"
    OTHER = "other"
    LISTENER = "listener"
    WEBHOOK = "webhook"


VERIFICATION = frozenset({Endpoint.HEALTH_DETAILED, Endpoint.SESSION_LIST, Endpoint.SESSION_STATUS})
"""The routes that can tell who holds a session. A fault about holding is armed on all three alike, so that no
implementation's choice of route is favoured (contract, section 6)."""

ROUTES = frozenset(Endpoint) - {Endpoint.LISTENER, Endpoint.WEBHOOK}
"""Every route that answers requests."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Base of every fault. `str(fault)` says in a few words what it does."""

    def __str__(self) -> str:
        return "misbehaves"


@dataclass(frozen=True, slots=True)
class Refuse(Fault):
    """The listener is closed and live connections are dropped: a new connection is refused by the system."""

    def __str__(self) -> str:
        return "refuses connections"


@dataclass(frozen=True, slots=True)
class Hang(Fault):
    """The request is read and never answered; the connection stays open until the caller gives up.

    The request is not carried out. Clearing the fault closes the connections it holds.
    """

    def __str__(self) -> str:
        return "accepts the request and never answers"


@dataclass(frozen=True, slots=True)
class Delay(Fault):
    """The request is carried out at once and its true answer goes out `seconds` later."""

    seconds: float

    def __str__(self) -> str:
        return f"answers {self.seconds:g} s late"


@dataclass(frozen=True, slots=True)
class Answer(Fault):
    """The request is not carried out; this answer is given instead of the true one."""

    status: int = 500
    body: bytes = b'{"error":"Internal server error"}'
    content_type: str = "application/json; charset=utf-8"

    def __str__(self) -> str:
        shown = self.body.decode("utf-8", "replace")
        words = f"{shown[:40]}…" if len(shown) > 40 else shown
        return f"answers {self.status} with {words or 'an empty body'}"


@dataclass(frozen=True, slots=True)
class LoseWebhook(Fault):
    """A webhook that should be sent is not: the control plane never hears of what happened."""

    def __str__(self) -> str:
        return "loses the webhook"


@dataclass(slots=True)
class ArmedFault:
    """A fault in force on one instance, until it is `cleared`. `remaining` is None where nothing is counted."""

    number: int
    fault: Fault
    endpoints: frozenset[Endpoint]
    remaining: int | None
    session_id: str | None
    cleared: bool = False

    def meets(self, endpoint: Endpoint, session_id: str | None) -> bool:
        """Say whether a request to this endpoint, naming this session, is one the fault was armed for."""
        if self.remaining == 0 or endpoint not in self.endpoints:
            return False
        return self.session_id is None or self.session_id == session_id


class FaultBook:
    """The faults armed on one instance, oldest first. Safe to use from several threads."""

    def __init__(self) -> None:
        self._armed: dict[int, ArmedFault] = {}
        self._lock = threading.Lock()

    def arm(self, armed: ArmedFault) -> None:
        """Put a fault in force.

        Raises:
            FaultError: the fault cannot happen on an endpoint it was armed on, or not as often, or not for a
                session.
        """
        if isinstance(armed.fault, Refuse) and (armed.remaining, armed.session_id) != (None, None):
            raise FaultError(
                "an instance refuses every connection until cleared: give no times and no session"
            )
        if armed.remaining is not None and armed.remaining < 1:
            raise FaultError(f"a fault is armed for 1 or more requests, not {armed.remaining}")
        if not armed.endpoints:
            raise FaultError(f"name at least one endpoint where the instance {armed.fault}")
        allowed = _allowed_endpoints(armed.fault)
        if strange := armed.endpoints - allowed:
            names, possible = ", ".join(sorted(strange)), ", ".join(sorted(allowed))
            raise FaultError(f"an instance that {armed.fault} cannot do so on {names}; possible: {possible}")
        with self._lock:
            self._armed[armed.number] = armed

    def take(self, endpoint: Endpoint, session_id: str | None) -> ArmedFault | None:
        """Give the oldest armed fault that this request meets, counting it as used once, or None."""
        if not self._armed:
            return None
        with self._lock:
            for armed in self._armed.values():
                if armed.meets(endpoint, session_id):
                    if armed.remaining is not None:
                        armed.remaining -= 1
                    return armed
        return None

    def clear(self, number: int | None = None) -> tuple[ArmedFault, ...]:
        """Take one fault, or every fault, out of force and give what was taken."""
        with self._lock:
            numbers = tuple(self._armed) if number is None else (number,)
            cleared = tuple(self._armed.pop(one) for one in numbers if one in self._armed)
            for armed in cleared:
                armed.cleared = True
            return cleared

    @property
    def refusing(self) -> bool:
        """Whether a fault in force keeps the listener closed."""
        with self._lock:
            return any(isinstance(armed.fault, Refuse) for armed in self._armed.values())


def _allowed_endpoints(fault: Fault) -> frozenset[Endpoint]:
    match fault:
        case Refuse():
            return frozenset({Endpoint.LISTENER})
        case LoseWebhook():
            return frozenset({Endpoint.WEBHOOK})
        case _:
            return ROUTES

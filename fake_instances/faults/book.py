"""Which request meets which fault: the book of the faults armed on one instance. Pure.

A fault is armed for some endpoints, for the next `times` requests or until it is cleared, optionally for those
that name one session, and optionally with a chance, drawn from a seed. A request meets every lie that is armed
for it, and of each family that excludes its like only the oldest: one wire fault, one delay, one other answer,
one lie about a message, one webhook fault of each class. A wire fault that swallows the request is met alone.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

from fake_instances.errors import FaultError
from fake_instances.faults.answers import AnswerFault
from fake_instances.faults.lies import SendLie
from fake_instances.faults.webhooks import WebhookFault
from fake_instances.faults.wire import Delay, Refuse, ResetOnAccept, WireFault

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fake_instances.faults.base import Endpoint, Fault

_EXCLUSIVE = (WireFault, Delay, AnswerFault, SendLie, ResetOnAccept)


@dataclass(slots=True)
class ArmedFault:
    """A fault in force on one instance, until cleared. `remaining` is None where nothing is counted.

    With a `chance` a request that matches meets the fault or not as the seed and the instance say: the same requests
    in the same order meet the same again.
    """

    number: int
    fault: Fault
    endpoints: frozenset[Endpoint]
    remaining: int | None = None
    session_id: str | None = None
    chance: float | None = None
    seed: int | None = None
    instance: int | None = None
    _random: Random = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self._random = Random(f"{self.seed}/{self.instance}")  # noqa: S311 - must replay, and guards nothing

    def to_json(self) -> dict[str, object]:
        """Return it as plain JSON values."""
        return {
            "number": self.number,
            "words": str(self.fault),
            "endpoints": sorted(self.endpoints),
            "remaining": self.remaining,
            "session_id": self.session_id,
            "chance": self.chance,
            "seed": self.seed,
        }

    def meets(self, endpoint: Endpoint, session_id: str | None) -> bool:
        """Say whether a request to this endpoint, naming this session, is one the fault was armed for."""
        if self.remaining == 0 or endpoint not in self.endpoints:
            return False
        return self.session_id is None or self.session_id == session_id

    def strikes(self) -> bool:
        """Draw whether a request that the fault was armed for really meets it."""
        return self.chance is None or self._random.random() < self.chance


@dataclass(frozen=True, slots=True)
class Met:
    """A fault that a request met, and the number under which it was armed."""

    number: int
    fault: Fault


class FaultBook:
    """The faults armed on one instance, oldest first. Safe to use from several threads."""

    def __init__(self) -> None:
        self._armed: dict[int, ArmedFault] = {}
        self._lock = threading.Lock()

    def arm(self, armed: ArmedFault) -> None:
        """Put a fault in force.

        Raises:
            FaultError: the fault cannot happen on an endpoint it was armed on, or not as often, or not for a
                session, or not by chance.
        """
        _check(armed)
        with self._lock:
            self._armed[armed.number] = armed

    def take(self, endpoint: Endpoint, session_id: str | None) -> tuple[Met, ...]:
        """Return the faults that this request meets, in order of arming, counting each as used once."""
        if not self._armed:
            return ()
        with self._lock:
            met = tuple(self._choose(endpoint, session_id))
            for armed in met:
                if armed.remaining is not None:
                    armed.remaining -= 1
            return tuple(Met(armed.number, armed.fault) for armed in met)

    def _choose(self, endpoint: Endpoint, session_id: str | None) -> Iterator[ArmedFault]:
        struck = [
            one
            for one in self._armed.values()
            if not isinstance(one.fault, Refuse) and one.meets(endpoint, session_id) and one.strikes()
        ]
        for one in struck:
            if isinstance(one.fault, WireFault):
                if one.fault.swallows:
                    yield one
                    return
                break
        taken: set[type[Fault]] = set()
        for one in struck:
            kind = _family(one.fault)
            if kind not in taken:
                yield one
            if kind is not None:
                taken.add(kind)

    def clear(self, number: int | None = None) -> tuple[ArmedFault, ...]:
        """Take one fault, or every fault, out of force and return what was taken."""
        with self._lock:
            numbers = tuple(self._armed) if number is None else (number,)
            return tuple(self._armed.pop(one) for one in numbers if one in self._armed)

    def armed(self) -> tuple[ArmedFault, ...]:
        """Return what is in force, oldest first, used up or not."""
        with self._lock:
            return tuple(self._armed.values())

    @property
    def any_armed(self) -> bool:
        """Whether anything may still be met."""
        if not self._armed:
            return False
        with self._lock:
            return any(armed.remaining != 0 for armed in self._armed.values())

    @property
    def refusing(self) -> bool:
        """Whether a fault in force keeps the listener closed."""
        with self._lock:
            return any(isinstance(armed.fault, Refuse) for armed in self._armed.values())


def _family(fault: Fault) -> type[Fault] | None:
    if isinstance(fault, WebhookFault):
        return type(fault)
    return next((kind for kind in _EXCLUSIVE if isinstance(fault, kind)), None)


def _check(armed: ArmedFault) -> None:
    fault = armed.fault
    if isinstance(fault, Refuse) and (armed.remaining, armed.session_id, armed.chance) != (None, None, None):
        raise FaultError(
            "an instance refuses every connection until cleared: give no times, no session and no chance"
        )
    if isinstance(fault, ResetOnAccept) and armed.session_id is not None:
        raise FaultError(f"an instance that {fault} has not read which session is asked for: give none")
    if armed.remaining is not None and armed.remaining < 1:
        raise FaultError(f"a fault is armed for 1 or more requests, not {armed.remaining}")
    if armed.chance is not None and not 0 < armed.chance <= 1:
        raise FaultError(f"a chance is more than 0 and at most 1, not {armed.chance:g}")
    if (armed.chance is None) != (armed.seed is None):
        raise FaultError("a chance needs a seed, so that it can be replayed, and a seed a chance: give both")
    if not armed.endpoints:
        raise FaultError(f"name at least one endpoint where the instance {fault}")
    if strange := armed.endpoints - type(fault).endpoints:
        names, possible = ", ".join(sorted(strange)), ", ".join(sorted(type(fault).endpoints))
        raise FaultError(f"an instance that {fault} cannot do so on {names}; possible: {possible}")

"""Which instance holds which session, and how a session goes from one instance to another."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from fake_instances.errors import FleetError, UnknownSessionError
from fake_instances.sessions import Session, SessionStatus

if TYPE_CHECKING:
    from fake_instances.instance import Instances


class Handover(StrEnum):
    """How a session goes from one instance to another. The middle two last until they are finished."""

    AT_ONCE = "at-once"
    """In one step: the old copy is gone when the new one is there."""
    SPLIT_BRAIN = "split-brain"
    """Both hold it connected for a while."""
    GAP = "gap"
    """Neither holds it for a while."""
    STALE_COPY = "stale-copy"
    """The old instance keeps a disconnected copy."""


@dataclass(frozen=True, slots=True)
class _Unfinished:
    session: Session
    to: int
    old: tuple[int, ...]
    held: bool


class Placement:
    """The copies of sessions on several instances. It changes them silently: no webhook is sent.

    A method that names an instance raises UnknownInstanceError when there is none of that number.
    """

    def __init__(self, instances: Instances) -> None:
        self._instances = instances
        self._moving = threading.RLock()
        self._unfinished: dict[str, _Unfinished] = {}

    def holders(self, session_id: str) -> tuple[int, ...]:
        """Return the instances that really hold the session connected now: the ground truth."""
        with self._moving:
            held = ((number, one.session(session_id)) for number, one in self._instances.items())
            return tuple(number for number, session in held if session is not None and session.connected)

    def hold(self, session: Session, on: int) -> None:
        """Put a copy of a session on an instance."""
        with self._moving:
            self._instances[on].hold(session)

    def release(self, session_id: str, on: int) -> Session:
        """Take a copy of a session from an instance.

        Raises:
            UnknownSessionError: it does not hold the session.
        """
        with self._moving:
            return _known(self._instances[on].release(session_id), session_id, on)

    def set_status(self, session_id: str, status: SessionStatus, on: int) -> Session:
        """Change the state of a copy.

        Raises:
            UnknownSessionError: the instance does not hold the session.
        """
        with self._moving:
            return _known(self._instances[on].set_status(session_id, status), session_id, on)

    def move(self, session_id: str, to: int, handover: Handover = Handover.AT_ONCE) -> Session:
        """Move a session to an instance; the handover says what becomes of the copies elsewhere.

        Raises:
            UnknownSessionError: no instance holds the session connected.
            FleetError: an earlier move of the session is not finished.
        """
        target = self._instances[to]
        with self._moving:
            if session_id in self._unfinished:
                raise FleetError(f"session {session_id} is between two instances: finish that move first")
            holders = self.holders(session_id)
            session = self._instances[holders[0]].session(session_id) if holders else None
            if session is None:
                raise UnknownSessionError(f"no instance holds session {session_id} connected")
            old = tuple(holder for holder in holders if holder != to)
            match handover:
                case Handover.AT_ONCE | Handover.GAP:
                    for holder in holders:
                        self._instances[holder].release(session_id)
                case Handover.STALE_COPY:
                    for holder in old:
                        self._instances[holder].set_status(session_id, SessionStatus.DISCONNECTED)
            held = handover is not Handover.GAP
            if handover in {Handover.GAP, Handover.SPLIT_BRAIN}:
                self._unfinished[session_id] = _Unfinished(session, to, old, held)
            if held:
                target.hold(session)
            return session

    def finish(self, session_id: str) -> Session:
        """End the split brain or the gap of a session: its new instance holds it, and nobody else.

        Raises:
            UnknownSessionError: no move of the session is unfinished.
        """
        with self._moving:
            unfinished = self._unfinished.pop(session_id, None)
            if unfinished is None:
                raise UnknownSessionError(f"no move of session {session_id} is unfinished")
            for holder in unfinished.old:
                self._instances[holder].release(session_id)
            if not unfinished.held:
                self._instances[unfinished.to].hold(unfinished.session)
            return unfinished.session

    def unfinished(self) -> dict[str, int]:
        """Return the sessions whose move is not finished, and where they go."""
        with self._moving:
            return {session_id: one.to for session_id, one in self._unfinished.items()}

    def clear(self) -> None:
        """Let every session go."""
        with self._moving:
            self._unfinished.clear()
            for instance in self._instances.values():
                instance.release_all()


def _known(session: Session | None, session_id: str, on: int) -> Session:
    if session is None:
        raise UnknownSessionError(f"instance {on} does not hold session {session_id}")
    return session

"""Who holds which session: decided, and known for certain, here."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from fake_instances.errors import FleetError, UnknownInstanceError, UnknownSessionError
from fake_instances.sessions import Session, SessionStatus

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fake_instances.instance import Instance


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


class Holdings:
    """The copies of sessions on several instances, and the ways in which they change hands."""

    def __init__(self, instances: Mapping[int, Instance]) -> None:
        self._instances = instances
        self._moving = threading.RLock()
        self._unfinished: dict[str, _Unfinished] = {}

    def holders(self, session_id: str) -> tuple[int, ...]:
        """Give the instances that really hold the session connected now: the ground truth."""
        with self._moving:
            held = ((number, one.session(session_id)) for number, one in self._instances.items())
            return tuple(number for number, session in held if session is not None and session.connected)

    def sessions(self, number: int) -> tuple[Session, ...]:
        """Give every copy that an instance holds.

        Raises:
            UnknownInstanceError: there is no such instance.
        """
        return tuple(self._instance(number).sessions())

    def session(self, session_id: str, on: int) -> Session | None:
        """Give the copy that an instance holds under this id, or None.

        Raises:
            UnknownInstanceError: there is no such instance.
        """
        return self._instance(on).session(session_id)

    def report(self, number: int) -> dict[str, object]:
        """Tell how an instance is, with the faults in force, as plain JSON values.

        Raises:
            UnknownInstanceError: there is no such instance.
        """
        return self._instance(number).report()

    def hold(self, session: Session, on: int) -> None:
        """Put a copy of a session on an instance, silently: no webhook is sent.

        Raises:
            UnknownInstanceError: there is no such instance.
        """
        with self._moving:
            self._instance(on).hold(session)

    def release(self, session_id: str, on: int) -> Session:
        """Take a copy of a session from an instance, silently.

        Raises:
            UnknownInstanceError: there is no such instance.
            UnknownSessionError: it does not hold the session.
        """
        with self._moving:
            released = self._instance(on).release(session_id)
        if released is None:
            raise UnknownSessionError(f"instance {on} does not hold session {session_id}")
        return released

    def set_status(self, session_id: str, status: SessionStatus, on: int) -> Session:
        """Change the state of a copy, silently.

        Raises:
            UnknownInstanceError: there is no such instance.
            UnknownSessionError: it does not hold the session.
        """
        with self._moving:
            changed = self._instance(on).set_status(session_id, status)
        if changed is None:
            raise UnknownSessionError(f"instance {on} does not hold session {session_id}")
        return changed

    def move(self, session_id: str, to: int, handover: Handover = Handover.AT_ONCE) -> Session:
        """Move a session to an instance, silently; what becomes of the copies elsewhere, the handover says.

        Raises:
            UnknownInstanceError: there is no such instance.
            UnknownSessionError: no instance holds the session connected.
            FleetError: an earlier move of the session is not finished.
        """
        target = self._instance(to)
        with self._moving:
            if session_id in self._unfinished:
                raise FleetError(f"session {session_id} is between two instances: finish that move first")
            session, holders = self._held(session_id)
            old = tuple(holder for holder in holders if holder != to)
            match handover:
                case Handover.AT_ONCE:
                    for holder in holders:
                        self._instances[holder].release(session_id)
                case Handover.GAP:
                    for holder in holders:
                        self._instances[holder].release(session_id)
                    self._unfinished[session_id] = _Unfinished(session, to, old, held=False)
                    return session
                case Handover.SPLIT_BRAIN:
                    self._unfinished[session_id] = _Unfinished(session, to, old, held=True)
                case Handover.STALE_COPY:
                    for holder in old:
                        self._instances[holder].set_status(session_id, SessionStatus.DISCONNECTED)
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
        """Give the sessions whose move is not finished, and where they go."""
        with self._moving:
            return {session_id: one.to for session_id, one in self._unfinished.items()}

    def _held(self, session_id: str) -> tuple[Session, tuple[int, ...]]:
        holders = self.holders(session_id)
        copies = [self._instances[holder].session(session_id) for holder in holders]
        for session in copies:
            if session is not None:
                return session, holders
        raise UnknownSessionError(f"no instance holds session {session_id} connected")

    def _release_everything(self) -> None:
        with self._moving:
            self._unfinished.clear()
            for instance in self._instances.values():
                instance.release_all()

    def _instance(self, number: int) -> Instance:
        try:
            return self._instances[number]
        except KeyError:
            raise UnknownInstanceError(number, self._instances) from None

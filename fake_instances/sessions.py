"""The sessions that one instance holds. Pure: no clock, no network, no lock.

States and field names are the deployed gateway's own; see the sync contract, section 6.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class SessionStatus(StrEnum):
    """The states a gateway reports for a session."""

    QR_SCANNING = "qr_scanning"
    AUTHENTICATED = "authenticated"
    CONNECTED = "connected"
    DISCONNECTED = "disconnected"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Session:
    """One copy of a WhatsApp login, as one instance sees it.

    `connected_at` and `last_activity` are ISO 8601 in UTC, or None before the session was ever connected.
    """

    session_id: str
    workspace_id: int
    phone_number: str | None = None
    status: SessionStatus = SessionStatus.CONNECTED
    connected_at: str | None = None
    last_activity: str | None = None

    @property
    def connected(self) -> bool:
        """Whether a message can be sent through this copy."""
        return self.status is SessionStatus.CONNECTED

    def listing(self) -> dict[str, object]:
        """Give the session as the list routes show it: no `connected_at` before the first connection."""
        shown: dict[str, object] = {
            "session_id": self.session_id,
            "workspace_id": self.workspace_id,
            "status": self.status.value,
            "phone_number": self.phone_number,
        }
        if self.connected_at is not None:
            shown["connected_at"] = self.connected_at
        return shown

    def detail(self) -> dict[str, object]:
        """Give the session as its own status route shows it."""
        return {
            "session_id": self.session_id,
            "status": self.status.value,
            "phone_number": self.phone_number,
            "workspace_id": self.workspace_id,
            "connected_at": self.connected_at,
            "last_activity": self.last_activity,
        }


class SessionTable:
    """The copies that one instance holds, by session id. Looking one up costs the same however many there are."""

    def __init__(self) -> None:
        self._held: dict[str, Session] = {}

    def hold(self, session: Session) -> None:
        """Take in a copy, or replace the one of the same session id."""
        self._held[session.session_id] = session

    def release(self, session_id: str) -> Session | None:
        """Let a copy go and give it, or None when it was not held."""
        return self._held.pop(session_id, None)

    def get(self, session_id: str) -> Session | None:
        """Give the copy held under exactly this id, or None."""
        return self._held.get(session_id)

    def set_status(self, session_id: str, status: SessionStatus) -> Session | None:
        """Change a held copy's state and give the new copy, or None when it is not held."""
        session = self._held.get(session_id)
        if session is None:
            return None
        changed = replace(session, status=status)
        self._held[session_id] = changed
        return changed

    def clear(self) -> tuple[Session, ...]:
        """Let every copy go and give them all."""
        released, self._held = tuple(self._held.values()), {}
        return released

    def counts(self) -> dict[str, int]:
        """Count copies as the health routes do: in all, connected, and everything else as disconnected."""
        states = Counter(session.status for session in self)
        connected = states[SessionStatus.CONNECTED]
        total = states.total()
        return {"total": total, "connected": connected, "disconnected": total - connected}

    def __iter__(self) -> Iterator[Session]:
        # A copy of the values: requests read while a migration writes.
        return iter(list(self._held.values()))

    def __len__(self) -> int:
        return len(self._held)

"""The sessions that one instance holds. Pure: no clock, no network.

States and field names are the deployed gateway's own; see the sync contract, section 6.
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


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
        """Return the session as the list routes show it: no `connected_at` before the first connection."""
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
        """Return the session as its own status route shows it."""
        return {
            "session_id": self.session_id,
            "status": self.status.value,
            "phone_number": self.phone_number,
            "workspace_id": self.workspace_id,
            "connected_at": self.connected_at,
            "last_activity": self.last_activity,
        }


def counts_of(sessions: Iterable[Session]) -> dict[str, int]:
    """Count copies as the health routes do: in all, connected, and everything else as disconnected."""
    connected = [session.connected for session in sessions]
    total = len(connected)
    return {"total": total, "connected": sum(connected), "disconnected": total - sum(connected)}


def to_json(sessions: Iterable[Session]) -> bytes:
    """Return the list of sessions as the list routes show it."""
    shown = [session.listing() for session in sessions]
    return json.dumps(shown, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")


class SessionTable:
    """The copies that one instance holds, by session id. Safe to use from several threads.

    Their counts and the list's JSON are made once, and again after a copy changed.
    """

    def __init__(self) -> None:
        self._held: dict[str, Session] = {}
        self._listing: tuple[dict[str, int], bytes] | None = None
        self._lock = threading.Lock()

    def hold(self, session: Session) -> None:
        """Take in a copy, or replace the one of the same session id in its place in the list."""
        with self._lock:
            self._held[session.session_id] = session
            self._listing = None

    def release(self, session_id: str) -> Session | None:
        """Let a copy go and return it, or None when it was not held."""
        with self._lock:
            self._listing = None
            return self._held.pop(session_id, None)

    def set_status(self, session_id: str, status: SessionStatus) -> Session | None:
        """Change a held copy's state and return the new copy, or None when it is not held."""
        with self._lock:
            if (session := self._held.get(session_id)) is None:
                return None
            self._listing = None
            changed = self._held[session_id] = replace(session, status=status)
            return changed

    def get(self, session_id: str) -> Session | None:
        """Return the copy held under exactly this id, or None."""
        return self._held.get(session_id)

    def listing(self) -> tuple[dict[str, int], bytes]:
        """Return the counts and the list's JSON, of the same moment."""
        with self._lock:
            if self._listing is None:
                held = self._held.values()
                self._listing = counts_of(held), to_json(held)
            return self._listing

    def __iter__(self) -> Iterator[Session]:
        # A copy of the values: requests read while a migration writes.
        with self._lock:
            return iter(list(self._held.values()))

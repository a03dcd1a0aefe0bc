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


def counts_of(sessions: Iterable[Session]) -> dict[str, int]:
    """Count copies as the health routes do: in all, connected, and everything else as disconnected."""
    total = connected = 0
    for session in sessions:
        total += 1
        connected += session.connected
    return _counts(total, connected)


def to_json(sessions: Iterable[Session]) -> bytes:
    """Give the list of sessions as the list routes show it."""
    shown = [session.listing() for session in sessions]
    return json.dumps(shown, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")


class SessionTable:
    """The copies that one instance holds, by session id. Safe to use from several threads.

    Looking one up, or counting them, costs the same however many there are; the list's JSON is kept until a copy
    changes.
    """

    def __init__(self) -> None:
        self._held: dict[str, Session] = {}
        self._connected = 0
        self._listing: bytes | None = None
        self._lock = threading.Lock()

    def hold(self, session: Session) -> None:
        """Take in a copy, or replace the one of the same session id."""
        with self._lock:
            if (before := self._held.get(session.session_id)) is not None:
                self._connected -= before.connected
            self._keep(session)

    def release(self, session_id: str) -> Session | None:
        """Let a copy go and give it, or None when it was not held."""
        with self._lock:
            return self._forget(session_id)

    def get(self, session_id: str) -> Session | None:
        """Give the copy held under exactly this id, or None."""
        return self._held.get(session_id)

    def set_status(self, session_id: str, status: SessionStatus) -> Session | None:
        """Change a held copy's state and give the new copy, or None when it is not held."""
        with self._lock:
            session = self._held.get(session_id)
            if session is None:
                return None
            self._connected -= session.connected
            changed = replace(session, status=status)
            self._keep(changed)  # where it stood in the list
            return changed

    def counts(self) -> dict[str, int]:
        """Count the copies, as `counts_of` does."""
        with self._lock:
            return _counts(len(self._held), self._connected)

    def listing(self) -> tuple[dict[str, int], bytes]:
        """Give the counts and the list's JSON, of the same moment."""
        with self._lock:
            if self._listing is None:
                self._listing = to_json(self._held.values())
            return _counts(len(self._held), self._connected), self._listing

    def __iter__(self) -> Iterator[Session]:
        # A copy of the values: requests read while a migration writes.
        with self._lock:
            return iter(list(self._held.values()))

    def __len__(self) -> int:
        return len(self._held)

    def _keep(self, session: Session) -> None:
        self._held[session.session_id] = session
        self._connected += session.connected
        self._listing = None

    def _forget(self, session_id: str) -> Session | None:
        gone = self._held.pop(session_id, None)
        if gone is not None:
            self._connected -= gone.connected
            self._listing = None
        return gone


def _counts(total: int, connected: int) -> dict[str, int]:
    return {"total": total, "connected": connected, "disconnected": total - connected}

"""What an instance says of the sessions it holds when it lies. Pure."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from fake_instances.faults import AnswersAs, Lie, Lists, ListsNothing, Miscounts, Misreports, Omits
from fake_instances.sessions import Session, counts_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Others = Callable[[int], Iterable[Session]]


@dataclass(frozen=True)
class Told:
    """The sessions as they are told, and how they are counted."""

    sessions: tuple[Session, ...]
    counts: dict[str, int]

    @classmethod
    def of(cls, sessions: Iterable[Session]) -> Told:
        """Tell the truth."""
        held = tuple(sessions)
        return cls(held, counts_of(held))

    def session(self, session_id: str) -> Session | None:
        """Return the session with this id, or None."""
        return next((one for one in self.sessions if one.session_id == session_id), None)

    def under(self, lie: Lie, others: Others) -> Told:
        """Tell the same under one more lie; `others` returns what another instance holds."""
        match lie:
            case Miscounts(total=total, connected=connected):
                told = {"total": total, "connected": connected, "disconnected": max(0, total - connected)}
                return Told(self.sessions, told)
            case ListsNothing():
                return Told.of(())
            case AnswersAs(instance=number):
                return Told.of(others(number))
            case Lists(session=session):
                rest = [one for one in self.sessions if one.session_id != session.session_id]
                return Told.of((*rest, session))
            case Omits(session_id=session_id):
                return Told.of(one for one in self.sessions if one.session_id != session_id)
            case Misreports(session_id=session_id, status=status):
                shown = (
                    replace(one, status=status) if one.session_id == session_id else one
                    for one in self.sessions
                )
                return Told.of(shown)
        return self


def statistics(sessions: Iterable[Session], now: datetime) -> bytes:
    """Return `details` in the deployed dialect: an object of statistics that lists no session."""
    held = tuple(sessions)
    connected = sorted((one.connected_at, one.session_id) for one in held if one.connected_at is not None)
    details: dict[str, object] = {
        "by_status": dict(Counter(one.status.value for one in held)),
        "longest_uptime": None,
        "newest_session": None,
    }
    if connected:
        (first, oldest), (last, newest) = connected[0], connected[-1]
        hours = (now - datetime.fromisoformat(first)).total_seconds() / 3600
        details["longest_uptime"] = {
            "session_id": oldest,
            "connected_at": first,
            "uptime_hours": round(hours, 2),
        }
        details["newest_session"] = {"session_id": newest, "connected_at": last}
    return json.dumps(details, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")


def utc_now() -> datetime:
    """Return the present moment, in UTC."""
    return datetime.now(UTC)

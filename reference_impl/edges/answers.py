"""What an instance's answer means; pure (contract, sections 3 and 6)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, TypeGuard

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Holding(Enum):
    """What is known about whether an instance holds a session."""

    HELD = auto()
    NOT_CONNECTED = auto()
    """Listed, but not connected: the instance would refuse a message."""
    ABSENT = auto()
    UNKNOWN = auto()
    """The instance could not be asked: no connection, or no usable answer in time."""


@dataclass(frozen=True)
class Roster:
    """The sessions that an instance says it holds."""

    connected: frozenset[str]
    others: frozenset[str]
    complete: bool
    """False if some entries name no session, so that absence proves nothing."""

    @classmethod
    def of(cls, entries: Iterable[object]) -> Roster:
        """Read a list of sessions; an entry without a status counts as connected."""
        objects = [one if isinstance(one, dict) else {} for one in entries]
        named = [one for one in objects if isinstance(one.get("session_id"), str)]
        connected = {one["session_id"] for one in named if one.get("status", "connected") == "connected"}
        others = {one["session_id"] for one in named} - connected
        return cls(frozenset(connected), frozenset(others), len(named) == len(objects))

    def holding(self, session_id: str) -> Holding:
        """Return whether exactly this session is held."""
        if session_id in self.connected:
            return Holding.HELD
        if session_id in self.others:
            return Holding.NOT_CONNECTED
        return Holding.ABSENT if self.complete else Holding.UNKNOWN


def json_object(body: bytes) -> dict[str, Any] | None:
    """Return the JSON object in ``body``, or None if it is anything else."""
    try:
        value = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def is_text(value: object) -> TypeGuard[str]:
    """Return whether a value is a text that UTF-8 can hold: JSON may name half a surrogate pair."""
    return isinstance(value, str) and value == value.encode("utf-8", "ignore").decode("utf-8")


def detailed_list(answer: Mapping[str, Any]) -> list[object] | None:
    """Return the sessions in the answer of ``/health/detailed``, or None in the dialect that lists none."""
    sessions = answer.get("sessions")
    details = sessions.get("details") if isinstance(sessions, dict) else None
    return details if isinstance(details, list) else None


def sessions_list(answer: Mapping[str, Any]) -> list[object] | None:
    """Return the sessions in the answer of ``/api/sessions``, or None if it has no list."""
    sessions = answer.get("sessions")
    return sessions if isinstance(sessions, list) else None


@dataclass(frozen=True)
class PostAnswer:
    """The answer to one POST of a message."""

    connected: bool = False
    """Without a connection, the instance cannot have the message."""
    status: int | None = None
    body: bytes | None = None
    """None if there was none, or it was lost or too long."""

    @property
    def said(self) -> dict[str, Any]:
        """The JSON object in the body; empty if there is none."""
        return json_object(self.body or b"") or {}

    def text(self, name: str) -> str | None:
        """Return a text in that object, or None if it has no such text."""
        value = self.said.get(name)
        return value if isinstance(value, str) else None


class Outcome(Enum):
    """The result of one POST, which decides whether another one is permitted."""

    SENT = auto()
    NOT_THERE = auto()
    """404: the instance does not hold the session. Another POST is permitted."""
    NOT_CONNECTED = auto()
    """400 `Session not connected`: another instance may hold it connected. A POST to each other one is permitted."""
    NEVER_REACHED = auto()
    """No connection was made. Another POST is permitted."""
    REFUSED = auto()
    """It refused for a reason that every instance would have."""
    UNCERTAIN = auto()
    """It may have sent the message: another POST could send it twice."""


def judge_post(answer: PostAnswer) -> Outcome:
    """Judge the answer to a POST. Whatever leaves a doubt is UNCERTAIN: 5xx, lost and hollow answers."""
    status = answer.status or 0
    if not answer.connected:
        return Outcome.NEVER_REACHED
    if 200 <= status < 300:
        success = answer.said.get("success")
        if isinstance(success, bool):
            return Outcome.SENT if success else Outcome.REFUSED
        return Outcome.UNCERTAIN
    if status == 404:
        return Outcome.NOT_THERE
    if status == 400 and (answer.text("error") or "").lower().startswith("session not connected"):
        return Outcome.NOT_CONNECTED
    return Outcome.REFUSED if 300 <= status < 500 else Outcome.UNCERTAIN

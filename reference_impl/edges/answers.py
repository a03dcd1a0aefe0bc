"""What an instance's answer means; pure (contract, sections 3 and 6)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

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
        connected, others, complete = set(), set(), True
        for entry in entries:
            session_id = entry.get("session_id") if isinstance(entry, dict) else None
            if not isinstance(entry, dict) or not isinstance(session_id, str):
                complete = False
            elif entry.get("status", "connected") == "connected":
                connected.add(session_id)
            else:
                others.add(session_id)
        return cls(frozenset(connected), frozenset(others), complete)

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


def is_encodable(text: str) -> bool:
    """Return whether a text can be written as UTF-8: JSON may name half a surrogate pair, which cannot."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


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


class Outcome(Enum):
    """The result of one POST, which decides whether another one is permitted."""

    SENT = auto()
    NOT_THERE = auto()
    """404: the instance does not hold the session. Another POST is permitted."""
    NOT_CONNECTED = auto()
    """400 `Session not connected`: another instance may hold it connected. One more POST is permitted."""
    NEVER_REACHED = auto()
    """No connection was made. Another POST is permitted."""
    REFUSED = auto()
    """It refused for a reason that every instance would have."""
    UNCERTAIN = auto()
    """It may have sent the message: another POST could send it twice."""


def judge_post(answer: PostAnswer) -> Outcome:
    """Judge the answer to a POST. Whatever leaves a doubt is UNCERTAIN: 3xx, 5xx, lost and hollow answers."""
    if not answer.connected:
        return Outcome.NEVER_REACHED
    if answer.status is not None and 200 <= answer.status < 300:
        success = _body(answer).get("success")
        if not isinstance(success, bool):
            return Outcome.UNCERTAIN
        return Outcome.SENT if success else Outcome.REFUSED
    if answer.status == 404:
        return Outcome.NOT_THERE
    if answer.status == 400 and reason_given(answer).lower().startswith("session not connected"):
        return Outcome.NOT_CONNECTED
    if answer.status is not None and 400 <= answer.status < 500:
        return Outcome.REFUSED
    return Outcome.UNCERTAIN


def _body(answer: PostAnswer) -> dict[str, Any]:
    return json_object(answer.body or b"") or {}


def reason_given(answer: PostAnswer) -> str:
    """Return the instance's own words for its refusal, or an empty text."""
    error = _body(answer).get("error")
    return error if isinstance(error, str) else ""


def message_id_given(answer: PostAnswer) -> str | None:
    """Return the id that the instance gave the message, or None."""
    message_id = _body(answer).get("message_id")
    return message_id if isinstance(message_id, str) else None

"""What an instance's answer means; pure (contract, sections 3 and 6)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Holding(Enum):
    """What is known of whether an instance holds a session."""

    HELD = auto()
    NOT_CONNECTED = auto()
    """Listed with a status other than connected: a message sent there would be refused."""
    ABSENT = auto()
    UNKNOWN = auto()
    """The instance could not be asked: no connection, no answer in time, or none that can be used."""


@dataclass(frozen=True)
class Roster:
    """The sessions that an instance says it holds."""

    connected: frozenset[str]
    others: frozenset[str]
    complete: bool
    """False when the list had entries that name no session, so that absence proves nothing."""

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
        """Say whether exactly this session is held."""
        if session_id in self.connected:
            return Holding.HELD
        if session_id in self.others:
            return Holding.NOT_CONNECTED
        return Holding.ABSENT if self.complete else Holding.UNKNOWN


def json_object(body: bytes) -> dict[str, Any] | None:
    """Return the JSON object that ``body`` is, or None when it is anything else."""
    try:
        value = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def detailed_list(answer: Mapping[str, Any]) -> list[object] | None:
    """Return the sessions that ``/health/detailed`` lists, or None when it lists none.

    In the deployed dialect ``details`` is an object of statistics: that is no empty list.
    """
    sessions = answer.get("sessions")
    details = sessions.get("details") if isinstance(sessions, dict) else None
    return details if isinstance(details, list) else None


def sessions_list(answer: Mapping[str, Any]) -> list[object] | None:
    """Return the sessions that ``/api/sessions`` lists, or None when it lists none."""
    sessions = answer.get("sessions")
    return sessions if isinstance(sessions, list) else None


@dataclass(frozen=True)
class PostAnswer:
    """What came back for one POST of a message."""

    connected: bool = False
    """Whether a connection was made at all; if not, the instance cannot have the message."""
    status: int | None = None
    body: bytes | None = None
    """None: there was none, it was lost on the way, or it was too long."""


class Outcome(Enum):
    """What one POST came to, and with that whether another one is permitted."""

    SENT = auto()
    NOT_THERE = auto()
    """404: the instance does not hold the session; another POST is permitted."""
    NOT_CONNECTED = auto()
    """400 `Session not connected`: another instance may hold it connected."""
    NEVER_REACHED = auto()
    """No connection was made: another POST is permitted."""
    REFUSED = auto()
    """It said no for a reason that holds everywhere."""
    UNCERTAIN = auto()
    """It may have sent the message; another POST could send it twice."""


def judge_post(answer: PostAnswer) -> Outcome:
    """Decide what a POST came to. Whatever is in doubt is UNCERTAIN: 3xx, 5xx, lost and hollow answers."""
    if not answer.connected:
        return Outcome.NEVER_REACHED
    if answer.status is not None and 200 <= answer.status < 300:
        return _judge_success(json_object(answer.body or b""))
    if answer.status is not None and 400 <= answer.status < 500:
        return _judge_refusal(answer.status, reason_given(answer))
    return Outcome.UNCERTAIN


def _judge_success(body: dict[str, Any] | None) -> Outcome:
    success = None if body is None else body.get("success")
    if success is True:
        return Outcome.SENT
    return Outcome.REFUSED if success is False else Outcome.UNCERTAIN


def _judge_refusal(status: int, reason: str) -> Outcome:
    if status == 404:
        return Outcome.NOT_THERE
    if status == 400 and reason.lower().startswith("session not connected"):
        return Outcome.NOT_CONNECTED
    return Outcome.REFUSED


def reason_given(answer: PostAnswer) -> str:
    """Return the instance's own words for its refusal, or an empty text."""
    body = json_object(answer.body or b"") or {}
    error = body.get("error")
    return error if isinstance(error, str) else ""


def message_id_given(answer: PostAnswer) -> str | None:
    """Return the id under which the instance sent the message, or None when it gave none."""
    message_id = (json_object(answer.body or b"") or {}).get("message_id")
    return message_id if isinstance(message_id, str) else None

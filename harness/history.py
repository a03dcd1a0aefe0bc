"""One ordered record of everything that happened in a scenario, and questions to it. Pure.

The fleet's journal is the record: the harness writes what users did and what the table said into the same
journal, so that there is one order. Checks ask a History, which is a finished piece of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from fake_instances.faults import VERIFICATION, Endpoint
from fake_instances.journal import (
    AnswerBegun,
    Entry,
    FaultArmed,
    FaultExecuted,
    MessageDelivered,
    RequestArrived,
    RequestCompleted,
    SessionHeld,
    SessionReleased,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

HARNESS = "instance-sync-harness"
"""The User-Agent of the harness's own requests to instances, which are nobody's verification."""

OneEntry = TypeVar("OneEntry", bound=Entry)


@dataclass(frozen=True, slots=True, kw_only=True)
class StepReached(Entry):
    """The scenario came to a step."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RowSet(Entry):
    """The harness wrote a row by hand."""

    account_id: int
    assigned: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RowRead(Entry):
    """The harness read a row, and found this."""

    account_id: int
    assigned: str | None
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorAsked(Entry):
    """An operator asked the implementation for a health check, or for what it counted, and was answered this."""

    asked: str
    status: int | None
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UserSends(Entry):
    """A user hands a message to the implementation."""

    call: int
    account_id: int
    session_id: str
    assigned: str | None
    recipient: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UserAnswered(Entry):
    """The implementation answered a user. `status` is None, and `problem` says why, when no answer came.

    `told_sent` is whether the answer says that the message was sent, by the target's own terms.
    """

    call: int
    status: int | None
    body: str
    told_sent: bool
    seconds: float
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImplementationKilled(Entry):
    """The harness ended the implementation as `kill -9` would."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImplementationStarted(Entry):
    """The implementation answered its ready check."""

    base_url: str


@dataclass(frozen=True)
class History:
    """Entries in the order in which they happened."""

    entries: Sequence[Entry] = field(repr=False)

    def of(self, kind: type[OneEntry]) -> Iterator[OneEntry]:
        """Give the entries of one kind."""
        return (entry for entry in self.entries if isinstance(entry, kind))

    def since(self, sequence: int) -> History:
        """Give the part after the entry with this sequence."""
        return History(tuple(entry for entry in self.entries if entry.sequence > sequence))

    @cached_property
    def answers(self) -> Mapping[tuple[int, int], AnswerBegun]:
        """The answers that began to go out, by instance and request."""
        return {(entry.instance, entry.request): entry for entry in self.of(AnswerBegun)}

    @cached_property
    def completions(self) -> Mapping[tuple[int, int], RequestCompleted]:
        """How requests ended, by instance and request."""
        return {(entry.instance, entry.request): entry for entry in self.of(RequestCompleted)}

    @cached_property
    def sends(self) -> Mapping[int, UserSends]:
        """What users handed over, by call."""
        return {entry.call: entry for entry in self.of(UserSends)}

    def answers_to(self, session_id: str) -> tuple[UserAnswered, ...]:
        """Give what the users of a session were told."""
        calls = {call for call, send in self.sends.items() if send.session_id == session_id}
        return tuple(entry for entry in self.of(UserAnswered) if entry.call in calls)

    def verifications(self, session_id: str, on: int | None = None) -> tuple[RequestArrived, ...]:
        """Give the requests that could tell whether an instance holds the session (contract, section 6)."""
        return tuple(
            entry
            for entry in self.of(RequestArrived)
            if entry.endpoint in VERIFICATION
            and ("User-Agent", HARNESS) not in entry.headers
            and (on is None or entry.instance == on)
            and (entry.endpoint is not Endpoint.SESSION_STATUS or entry.session_id == session_id)
        )

    def posts(self, session_id: str) -> tuple[RequestArrived, ...]:
        """Give the messages posted to any instance for a session, delivered or not."""
        return tuple(
            entry
            for entry in self.of(RequestArrived)
            if entry.endpoint is Endpoint.SEND and entry.session_id == session_id
        )

    def deliveries(self, session_id: str, text: str | None = None) -> tuple[MessageDelivered, ...]:
        """Give the messages that instances really sent over a session, or those with one text."""
        return tuple(
            entry
            for entry in self.of(MessageDelivered)
            if entry.session_id == session_id and (text is None or entry.text == text)
        )

    def holders(self, session_id: str) -> frozenset[int]:
        """Give the instances that held the session connected at the end of this history, by its own entries."""
        holding: set[int] = set()
        for entry in self.entries:
            if isinstance(entry, SessionHeld) and entry.session_id == session_id:
                change = holding.add if entry.status == "connected" else holding.discard
                change(entry.instance)
            elif isinstance(entry, SessionReleased) and entry.session_id == session_id:
                holding.discard(entry.instance)
        return frozenset(holding)

    def unfired(self) -> tuple[FaultArmed, ...]:
        """Give the faults that were armed and never happened."""
        fired = {entry.fault for entry in self.of(FaultExecuted)}
        return tuple(entry for entry in self.of(FaultArmed) if entry.fault not in fired)

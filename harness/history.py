"""One ordered record of everything that happened in a scenario, and questions to it. Pure.

The fleet's journal is the record: the harness writes what users did and what the table said into the same
journal, so that there is one order. Checks ask a History, which is a finished piece of it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

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
from harness.gateway_contract import Delivered

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


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayEntry(Entry):
    """Base of every entry. `words` tells it to a reader."""

    @property
    def words(self) -> str:
        """The entry in one line."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted(GatewayEntry):
    """Something was done to an instance or, where none is named, in the control plane's place."""

    text: str
    instance: int | None = None

    @property
    def words(self) -> str:
        """The entry in one line."""
        return self.text if self.instance is None else f"instance {self.instance} {self.text}"


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookReceived(GatewayEntry):
    """A webhook arrived, and was answered `answered`. Headers as they came, in order; the body's exact bytes.

    `asked_back` is the status of the session, as an instance told it before the webhook was answered; None when it
    was not asked. `instance` is where the harness had the session connect, None for a session that it does not know.
    """

    path: str
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    body: bytes = field(repr=False)
    answered: int
    asked_back: str | None = None
    instance: int | None = None

    def header(self, name: str) -> tuple[str, ...]:
        """Return every value of a header."""
        return tuple(value for have, value in self.headers if have.lower() == name.lower())

    @property
    def content(self) -> dict[str, Any]:
        """The body's JSON object; empty when it is none."""
        try:
            content = json.loads(self.body)
        except ValueError:
            return {}
        return content if isinstance(content, dict) else {}

    @property
    def data(self) -> dict[str, Any]:
        """What the webhook says of its event; empty when it says nothing."""
        data = self.content.get("data")
        return data if isinstance(data, dict) else {}

    @property
    def event(self) -> str:
        """The event that it announces."""
        return str(self.content.get("event", ""))

    @property
    def words(self) -> str:
        """The entry in one line."""
        claimed = " and ".join(self.header("X-Instance-Url")) or "nothing"
        told = f"webhook {self.event or 'without an event'} of {self.data.get('session_id')}"
        return f"gateway → control plane: {told}, claiming {claimed} → {self.answered}"


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagePosted(GatewayEntry):
    """A message was handed to an instance. `status` is None, and `body` says why, when no answer came."""

    instance: int
    session_id: str
    text: str
    status: int | None
    body: str
    refused: bool = False

    @property
    def message(self) -> Delivered:
        """The message as it appears among those that went out, if it does."""
        return Delivered(self.session_id, self.text)

    @property
    def sent(self) -> bool:
        """Whether the instance says that it sent the message."""
        try:
            told = json.loads(self.body)
        except ValueError:
            return False
        return self.status == 200 and isinstance(told, dict) and told.get("success") is True

    @property
    def declined(self) -> bool:
        """Whether the instance certainly did not take the message: it was never reached, or said so."""
        return self.refused or (self.status is not None and 400 <= self.status < 500)

    @property
    def words(self) -> str:
        """The entry in one line."""
        answer = self.body[:200] if self.status is None else f"{self.status} {self.body[:200]}"
        return f'sender → instance {self.instance}: "{self.text}" over {self.session_id} → {answer}'


@dataclass(frozen=True)
class History:
    """Entries in the order in which they happened."""

    entries: Sequence[Entry] = field(repr=False)

    def of(self, kind: type[OneEntry]) -> Iterator[OneEntry]:
        """Return the entries of one kind."""
        return (entry for entry in self.entries if isinstance(entry, kind))

    def since(self, sequence: int) -> History:
        """Return the part after the entry with this sequence."""
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
        """Return what the users of a session were told."""
        calls = {call for call, send in self.sends.items() if send.session_id == session_id}
        return tuple(entry for entry in self.of(UserAnswered) if entry.call in calls)

    def verifications(self, session_id: str, on: int | None = None) -> tuple[RequestArrived, ...]:
        """Return the requests that could tell whether an instance holds the session (contract, section 6)."""
        return tuple(
            entry
            for entry in self.of(RequestArrived)
            if entry.endpoint in VERIFICATION
            and ("User-Agent", HARNESS) not in entry.headers
            and (on is None or entry.instance == on)
            and (entry.endpoint is not Endpoint.SESSION_STATUS or entry.session_id == session_id)
        )

    def posts(self, session_id: str) -> tuple[RequestArrived, ...]:
        """Return the messages posted to any instance for a session, delivered or not."""
        return tuple(
            entry
            for entry in self.of(RequestArrived)
            if entry.endpoint is Endpoint.SEND and entry.session_id == session_id
        )

    def deliveries(self, session_id: str, text: str | None = None) -> tuple[MessageDelivered, ...]:
        """Return the messages that instances really sent over a session, or those with one text."""
        return tuple(
            entry
            for entry in self.of(MessageDelivered)
            if entry.session_id == session_id and (text is None or entry.text == text)
        )

    def holders(self, session_id: str) -> frozenset[int]:
        """Return the instances that held the session connected at the end of this history, by its own entries."""
        holding: set[int] = set()
        for entry in self.entries:
            if isinstance(entry, SessionHeld) and entry.session_id == session_id:
                change = holding.add if entry.status == "connected" else holding.discard
                change(entry.instance)
            elif isinstance(entry, SessionReleased) and entry.session_id == session_id:
                holding.discard(entry.instance)
        return frozenset(holding)

    def unfired(self) -> tuple[FaultArmed, ...]:
        """Return the faults that were armed and never happened."""
        fired = {entry.fault for entry in self.of(FaultExecuted)}
        return tuple(entry for entry in self.of(FaultArmed) if entry.fault not in fired)

"""The entries that the harness adds to a journal, and the history that checks ask. Pure.

The journal has everything that happened, in one order: what instances record, what users did, what rows said.
A History is a finished piece of it.
"""

from __future__ import annotations

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
from harness.json_text import json_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

HARNESS = "instance-sync-harness"
"""The User-Agent of the harness's own requests to instances. They count as nobody's verification."""

OneEntry = TypeVar("OneEntry", bound=Entry)


def json_object(body: str | bytes) -> dict[str, Any] | None:
    """Return the JSON object that a body is; None if it is none."""
    try:
        value = json_of(body)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def is_own(request: RequestArrived) -> bool:
    """Say whether the harness itself asked an instance."""
    return ("User-Agent", HARNESS) in request.headers


class StepReached(Entry):
    """The scenario came to a step."""

    text: str


class RowSet(Entry):
    """The harness wrote a row by hand."""

    account_id: int
    assigned: str | None


class RowRead(Entry):
    """The harness read a row, and found this."""

    account_id: int
    assigned: str | None
    status: str


class OperatorAsked(Entry):
    """An operator asked the implementation for a health check or its counts, and got this answer."""

    asked: str
    status: int | None
    body: str


class UserSends(Entry):
    """A user hands a message to the implementation."""

    call: int
    account_id: int
    session_id: str
    assigned: str | None
    recipient: str
    text: str


class UserAnswered(Entry):
    """The implementation answered a user. When no answer came, `status` is None and `problem` says why.

    `told_sent`: whether the answer says that the message was sent, by the target's terms.
    """

    call: int
    status: int | None
    body: str
    told_sent: bool
    seconds: float
    problem: str | None = None


class ImplementationWrote(Entry):
    """The implementation wrote a line, `where`: to its output or to its log. It may have done so a little earlier."""

    where: str
    text: str = field(repr=False)


class ImplementationKilled(Entry):
    """The harness ended the implementation as `kill -9` would."""


class ImplementationStarted(Entry):
    """The implementation answered its ready check."""

    base_url: str


class Noted(Entry):
    """Something was done to an instance or, without a number, in the control plane's place."""

    text: str
    instance: int | None = None


class WebhookReceived(Entry):
    """A webhook arrived, with these headers in order and exactly these bytes, and was answered `answered`.

    `asked_back` is the session's status by the instance before the webhook was answered, None if nobody asked.
    `instance` is where the harness had the session connect, None for a session that it does not know. Where an
    adapter says what it means, the raw ones are what came.
    """

    path: str
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    body: bytes = field(repr=False)
    answered: int
    asked_back: str | None = None
    instance: int | None = None
    raw_path: str = ""
    raw_headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    raw_body: bytes = field(default=b"", repr=False)

    def header(self, name: str) -> tuple[str, ...]:
        """Return all values of a header."""
        return tuple(value for have, value in self.headers if have.lower() == name.lower())

    @property
    def content(self) -> dict[str, Any]:
        """The body's JSON object, empty if it is none."""
        return json_object(self.body) or {}

    @property
    def data(self) -> dict[str, Any]:
        """The details of its event, empty if there are none."""
        data = self.content.get("data")
        return data if isinstance(data, dict) else {}

    @property
    def event(self) -> str:
        """The event that it announces, empty if it names none."""
        return str(self.content.get("event", ""))


class MessagePosted(Entry):
    """A message was handed to an instance. When no answer came, `status` is None and `body` says why."""

    instance: int
    session_id: str
    text: str
    status: int | None
    body: str
    refused: bool = False

    @property
    def message(self) -> Delivered:
        """The message as it appears among those that went out."""
        return Delivered(self.session_id, self.text)

    @property
    def sent(self) -> bool:
        """Whether the instance says that it sent the message."""
        return self.status == 200 and (json_object(self.body) or {}).get("success") is True

    @property
    def declined(self) -> bool:
        """Whether the instance certainly did not take the message: it was not reached, or said so."""
        return self.refused or (self.status is not None and 400 <= self.status < 500)


@dataclass(frozen=True)
class History:
    """Entries in the order in which they happened."""

    entries: Sequence[Entry] = field(repr=False)

    def of(self, kind: type[OneEntry]) -> Iterator[OneEntry]:
        """Return the entries of one kind."""
        return (entry for entry in self.entries if isinstance(entry, kind))

    def calls(self) -> Iterator[RequestArrived]:
        """Return the requests to instances that are not the harness's own."""
        return (entry for entry in self.of(RequestArrived) if not is_own(entry))

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
        """What users sent, by call."""
        return {entry.call: entry for entry in self.of(UserSends)}

    def answers_to(self, session_id: str) -> tuple[UserAnswered, ...]:
        """Return what the users of a session were told."""
        calls = {call for call, send in self.sends.items() if send.session_id == session_id}
        return tuple(entry for entry in self.of(UserAnswered) if entry.call in calls)

    def verifications(self, session_id: str, on: int | None = None) -> tuple[RequestArrived, ...]:
        """Return the requests that could tell whether an instance holds the session (contract, section 6)."""
        return tuple(
            entry
            for entry in self.calls()
            if entry.endpoint in VERIFICATION
            and (on is None or entry.instance == on)
            and (entry.endpoint is not Endpoint.SESSION_STATUS or entry.session_id == session_id)
        )

    def posts(self, session_id: str) -> tuple[RequestArrived, ...]:
        """Return the messages posted to any instance for a session, delivered or not."""
        arrived = self.of(RequestArrived)
        return tuple(one for one in arrived if (one.endpoint, one.session_id) == (Endpoint.SEND, session_id))

    def deliveries(self, session_id: str, text: str | None = None) -> tuple[MessageDelivered, ...]:
        """Return the messages that instances really sent over a session, all or those with one text."""
        sent = (one for one in self.of(MessageDelivered) if one.session_id == session_id)
        return tuple(one for one in sent if text in {None, one.text})

    def holders(self, session_id: str) -> frozenset[int]:
        """Return the instances that held the session connected at the end of this history."""
        holding: set[int] = set()
        for entry in self.entries:
            if isinstance(entry, SessionHeld) and entry.session_id == session_id:
                change = holding.add if entry.status == "connected" else holding.discard
                change(entry.instance)
            elif isinstance(entry, SessionReleased) and entry.session_id == session_id:
                holding.discard(entry.instance)
        return frozenset(holding)

    def unfired(self) -> tuple[FaultArmed, ...]:
        """Return the faults that were armed and never executed."""
        fired = {entry.fault for entry in self.of(FaultExecuted)}
        return tuple(entry for entry in self.of(FaultArmed) if entry.fault not in fired)

"""What happened between the harness and the gateway instances that it judges, as entries of one history. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from fake_instances.journal import Entry
from harness.gateway.contract import Delivered


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
        """Give every value of a header."""
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

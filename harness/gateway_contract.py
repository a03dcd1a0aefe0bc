"""What the harness asks of a gateway instance that it judges, and how one is attached. No I/O."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from fake_instances.addresses import DOCUMENT_PORTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

NUMBERS = DOCUMENT_PORTS
"""The instances' numbers: their ports in the document, whatever ports they really have."""


@dataclass(frozen=True, slots=True)
class Hook:
    """A call that has something done to an instance, or asks it something, with its placeholders.

    A text of `body` that is nothing but a placeholder becomes the value itself, a number where it is one.
    """

    method: str
    url: str
    body: Mapping[str, object] | None = field(default=None, hash=False)


_CREATE = Hook(
    "POST",
    "{url}/api/sessions",
    {"session_id": "{session_id}", "workspace_id": "{workspace_id}", "api_key": "{api_key}"},
)
_RECONNECT = Hook("POST", "{url}/api/sessions/{session_id}/reconnect", {"api_key": "{api_key}"})
_END = Hook("DELETE", "{url}/api/sessions/{session_id}", {"api_key": "{api_key}"})


@dataclass(frozen=True)
class GatewayTarget:
    """How one gateway instance is launched and handled: the `[instance]` section of a target file.

    Attributes:
        command: launches one instance; the harness launches four.
        directory: absolute.
        variables: other names for variables of the contract.
        connect: has a session connect as if its phone had just scanned the QR code.
        create: begins a login that then waits for its QR code to be scanned.
        reconnect: has a connected session connect anew.
        end: ends a session for good.
        restart: restarts an instance under its port, its sessions reconnected in the end; without it, its process is
            ended in order and launched again.
        delivered: lists the messages that really went out, those before a restart included; without it, what
            depends on that is not judged.
        keeps_sessions: whether an instance that was launched again connects the sessions it had by itself; where
            not, `connect` does it.
        patience: seconds after which a webhook that is awaited counts as not sent.

    """

    command: tuple[str, ...]
    directory: Path
    connect: Hook
    ready: str = "/health"
    ready_timeout: float = 20.0
    environment: Mapping[str, str] = field(default_factory=dict, hash=False)
    variables: Mapping[str, str] = field(default_factory=dict, hash=False)
    create: Hook = _CREATE
    reconnect: Hook = _RECONNECT
    end: Hook = _END
    restart: Hook | None = None
    delivered: Hook | None = None
    keeps_sessions: bool = False
    patience: float = 20.0


@dataclass(frozen=True, slots=True)
class Tenant:
    """Whose session it is: what a gateway is told when it connects one."""

    session_id: str
    workspace_id: int
    phone_number: str


@dataclass(frozen=True, slots=True)
class Delivered:
    """A message that really went out, by the gateway's own record."""

    session_id: str
    text: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What an instance answered a call. `status` is None, and `body` says why, when no answer came."""

    status: int | None
    body: str
    refused: bool = False
    """Whether no connection was ever made."""


class Gateway(Protocol):
    """One gateway instance under test, known by its number."""

    @property
    def url(self) -> str:
        """The base URL that is its own: where it listens now."""

    @property
    def problem(self) -> str | None:
        """Why it does not run any more, with its last output; None while it runs."""

    def connect(self, tenant: Tenant) -> None:
        """Have a session connect as if its phone had just scanned the QR code."""

    def create(self, tenant: Tenant) -> None:
        """Begin a login that then waits for its QR code to be scanned."""

    def reconnect(self, tenant: Tenant, *, called: str = "") -> None:
        """Have a connected session connect anew; `called` is the Host by which it is addressed, if not its own."""

    def end(self, tenant: Tenant) -> None:
        """End a session for good."""

    def get(self, path: str) -> Answer:
        """Ask one of its own routes, with the key."""

    def send(self, session_id: str, recipient: str, text: str) -> Answer:
        """Hand it a message."""

    def delivered(self) -> Sequence[Delivered]:
        """List the messages that really went out, those before a restart included."""

    def restart(self, tenants: Sequence[Tenant]) -> None:
        """Restart it under its port; its sessions, those of `tenants`, are connected again in the end."""

    def move(self, tenants: Sequence[Tenant]) -> None:
        """End it and launch it again on another port; its sessions are connected again in the end."""

"""What the harness asks of a gateway instance that it judges, and how one is attached. No I/O."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fake_instances.addresses import DOCUMENT_PORTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from harness.adapters.base import GatewayAdapter

NUMBERS = DOCUMENT_PORTS
"""The instances' numbers: their ports in the document, not those that they really have."""

LOCATION_EVENTS = frozenset({"session_ready", "session_reconnected"})
"""The events whose webhooks say where a session lives (contract, section 5)."""
LOGIN_EVENTS = frozenset({"qr_code_generated", "session_authenticated"})
"""The events by which a login goes on, until session_ready ends it."""


@dataclass(frozen=True, slots=True)
class Hook:
    """A call that does something to an instance or asks it something, with its placeholders.

    `keeps` maps names to places in the JSON of its answer, such as `data.0.id`; what is there is a placeholder from
    then on. `then` are the calls that follow it.
    """

    method: str
    url: str
    body: Mapping[str, object] | None = field(default=None, hash=False)
    headers: Mapping[str, str] = field(default_factory=dict, hash=False)
    keeps: Mapping[str, str] = field(default_factory=dict, hash=False)
    then: tuple[Hook, ...] = ()


@dataclass(frozen=True, slots=True)
class Canned:
    """What the stand-in for a control plane answers a gateway that asks `path`, in which `{name}` is any segment."""

    method: str
    path: str
    status: int
    body: object = field(hash=False)


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

    docs/target-file.md says what each is. `directory` is absolute. `claims_as` has the URL by which an instance names
    itself, with placeholders: none for its own address, one for all instances, or one for each. `not_applicable` has
    the ids of the requirements that its adapter declares to have no meaning there, each with its reason.
    """

    command: tuple[str, ...]
    directory: Path
    connect: Hook | None = None
    ready: str = "/health"
    ready_timeout: float = 20.0
    environment: Mapping[str, str] = field(default_factory=dict, hash=False)
    variables: Mapping[str, str] = field(default_factory=dict, hash=False)
    create: Hook = _CREATE
    reconnect: Hook = _RECONNECT
    end: Hook = _END
    restart: Hook | None = None
    delivered: Hook | None = None
    control_plane: Sequence[Canned] = ()
    keeps_sessions: bool = False
    claims_as: tuple[str, ...] = ()
    patience: float = 20.0
    adapter: type[GatewayAdapter] | None = field(default=None, hash=False)
    not_applicable: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Tenant:
    """Whose session it is, as a gateway is told when it connects one."""

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

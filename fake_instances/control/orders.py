"""The orders of the control API, each declared once: a model that checks its values, a route, and an answer. Pure.

From a declaration derive the HTTP route, its entry in the OpenAPI document, the subcommand of `instance-sync fleet`
and the table in its documentation. What carries an order out is the method of `Actions` that has its name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, Le
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from fake_instances.control.fault_values import fault_from
from fake_instances.faults import Alteration, Endpoint, Fault
from fake_instances.placement import Handover
from fake_instances.sessions import SessionStatus
from fake_instances.webhooks.retries import POLICIES

Number = Annotated[int, Ge(0), Le(65535)]
Text = Annotated[str, Field(min_length=1, max_length=500)]
AnyFault = Annotated[
    Fault, BeforeValidator(fault_from), WithJsonSchema({"type": "object", "required": ["kind"]})
]
Instance = Annotated[Number, Field(description="its number, such as 3001")]
SessionId = Annotated[Text, Field(description="its session_id")]


@dataclass(frozen=True, slots=True)
class Said:
    """How a field is given on a command line, where its name and default do not say so.

    Attributes:
        argument: by its position, even though it may be left out.
        opposite: by this flag, which makes it false.
        help: what that flag does.

    """

    argument: bool = False
    opposite: str = ""
    help: str = ""


_NAMES = ", ".join(f"{one.name}=…" for one in fields(Alteration))
Altered = Annotated[
    Alteration | None,
    Said(argument=True),
    Field(description=f"how it differs from the genuine one: {_NAMES}"),
]


@dataclass(frozen=True, slots=True)
class Declared:
    """An order, and where it is given.

    Attributes:
        model: what it says. The fields that its path names are in the path; the others in the query of a GET, and in
            the body otherwise.
        method: of HTTP.
        path: with `{field}` for the fields that are in it.
        answer: the JSON Schema of each field of the answer.
        always: whether the answer always has all of them.
        status: of the answer.

    """

    model: type[Order]
    method: str
    path: str
    answer: dict[str, Any]
    always: bool = True
    status: int = 200

    @property
    def name(self) -> str:
        """Its name on the command line: HoldOrder is `hold`."""
        return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", self.model.__name__.removesuffix("Order")).lower()

    @property
    def summary(self) -> str:
        """What it does, in a sentence."""
        return (self.model.__doc__ or "").splitlines()[0]

    @property
    def in_path(self) -> tuple[str, ...]:
        """The fields that are in the path."""
        return tuple(re.findall(r"{(\w+)}", self.path))


ORDERS: dict[str, Declared] = {}
"""Every order, by its name."""


class Order(BaseModel):
    """Base of every order; a field that it does not have is a mistake.

    A `route`, such as "GET /status", declares the order of a class: see `Declared`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    def __init_subclass__(cls, route: str = "", answer: Any = None, **how: Any) -> None:
        if route:
            method, path = route.split()
            one = Declared(cls, method, path, answer, **how)
            ORDERS[one.name] = one


# The answers, as JSON Schemas

_TEXT: dict[str, Any] = {"type": "string"}
_NUMBER: dict[str, Any] = {"type": "integer"}
_NUMBER_OR_NULL: dict[str, Any] = {"type": ["integer", "null"]}
_FLAG: dict[str, Any] = {"type": "boolean"}
_OBJECT: dict[str, Any] = {"type": "object"}
_NUMBERS: dict[str, Any] = {"type": "array", "items": _NUMBER}
_OBJECTS: dict[str, Any] = {"type": "array", "items": _OBJECT}
_HOLDERS = {"holders": _NUMBERS}
_ANSWERED = {"webhook": _NUMBER, "status": _NUMBER_OR_NULL, "reason": {"type": ["string", "null"]}}
_RELEASED = {"released": {"type": "array", "items": {**_OBJECT, "properties": _ANSWERED}}}
_INSTANCE = {
    "number": _NUMBER,
    "url": _TEXT,
    "running": _FLAG,
    "paused": _FLAG,
    "sessions": _OBJECT,
    "hanging": _NUMBER,
    "faults": _OBJECTS,
}
_STATUS = {
    "instances": {"type": "array", "items": {**_OBJECT, "properties": _INSTANCE, "required": [*_INSTANCE]}},
    "control_plane": {"type": ["string", "null"]},
    "retry_policy": {"enum": list(POLICIES)},
    "unfinished_moves": {**_OBJECT, "additionalProperties": _NUMBER},
    "kept_webhooks": _NUMBERS,
    "last": _NUMBER,
}


# The orders


class StatusOrder(Order, route="GET /status", answer=_STATUS):
    """Show the state of every instance, the faults in force, and what is not finished."""


class SessionsOrder(Order, route="GET /instances/{instance}/sessions", answer={"sessions": _OBJECTS}):
    """List the copies of sessions that an instance holds."""

    instance: Instance


class _CopyOrder(Order):
    session_id: SessionId
    instance: Instance


class ConnectOrder(
    _CopyOrder, route="POST /sessions/connect", answer={**_HOLDERS, "webhook": _NUMBER_OR_NULL}
):
    """Connect a session for the first time, and announce it with session_ready."""

    workspace_id: Annotated[int, Field(description="in this workspace")] = 1
    phone_number: Annotated[str | None, Field(description="with this phone number")] = None


class HoldOrder(ConnectOrder, route="PUT /sessions", answer=_HOLDERS):
    """Put a copy of a session on an instance, silently."""

    status: Annotated[SessionStatus, Field(description="in this state")] = SessionStatus.CONNECTED


class SetStatusOrder(_CopyOrder, route="PUT /sessions/status", answer=_HOLDERS):
    """Change the state of a copy, silently."""

    status: Annotated[SessionStatus, Field(description="its new state")]


class ReleaseOrder(_CopyOrder, route="DELETE /sessions", answer=_HOLDERS):
    """Take a copy of a session from an instance, silently."""


class MigrateOrder(
    Order, route="POST /migrations", answer={**_HOLDERS, "trigger": _NUMBER}, always=False, status=202
):
    """Move a session to another instance."""

    session_id: SessionId
    to: Annotated[Number, Field(description="the instance that it moves to")]
    handover: Annotated[Handover, Field(description="what the instances hold meanwhile")] = Handover.AT_ONCE
    announce: Annotated[bool, Said(opposite="silent", help="no webhook announces it")] = True
    after_answer_of: Annotated[
        Number | None, Field(description="move right after the next health answer of this instance")
    ] = None


class FinishOrder(Order, route="POST /migrations/finish", answer=_HOLDERS):
    """End the split brain or the gap of a session."""

    session_id: SessionId


class FaultOrder(Order, route="POST /faults", answer={"number": _NUMBER, "words": _TEXT}, status=201):
    """Make an instance misbehave."""

    instance: Instance
    fault: Annotated[AnyFault, Field(description="its kind and its parameters; `faults` lists them")]
    endpoints: Annotated[
        frozenset[Endpoint] | None, Field(description="on this endpoint; may be repeated")
    ] = None
    times: Annotated[
        Annotated[int, Ge(1), Le(1_000_000)] | None,
        Field(description="for the next N requests (default: until cleared)"),
    ] = None
    session_id: Annotated[Text | None, Field(description="only for requests that name this session")] = None
    chance: Annotated[
        Annotated[float, Gt(0), Le(1)] | None,
        Field(description="each request meets it with this probability; needs a seed"),
    ] = None
    seed: Annotated[int | None, Field(description="which requests those are, the same ones each time")] = None


class ClearOrder(Order, route="DELETE /faults", answer={"cleared": _FLAG}):
    """Clear one fault, every fault of an instance, or every fault."""

    instance: Annotated[Number | None, Said(argument=True), Field(description="of this instance only")] = None
    number: Annotated[int | None, Field(description="this fault only")] = None


class WebhookOrder(Order, route="POST /webhooks", answer=_ANSWERED):
    """Send a webhook of a session from an instance, genuine or altered."""

    session_id: SessionId
    instance: Instance
    event: Annotated[Text, Field(description="its event")] = "session_ready"
    fields: Annotated[dict[str, Any] | None, Field(description="a field of its data; may be repeated")] = None
    alteration: Altered = None


class ReplayOrder(Order, route="POST /webhooks/replay", answer=_ANSWERED):
    """Send a webhook again that went out before, as it was or altered."""

    webhook: Annotated[int, Field(description="its number in the journal")]
    alteration: Altered = None


class ReleaseWebhooksOrder(Order, route="POST /webhooks/release", answer=_RELEASED):
    """Send one webhook that was kept back, or all of them, oldest or newest first."""

    webhook: Annotated[int | None, Said(argument=True), Field(description="this one only")] = None
    newest_first: Annotated[bool, Field(description="the newest first")] = False


class KeptOrder(Order, route="GET /webhooks/kept", answer={"kept": _OBJECTS}):
    """List the webhooks that are kept back, oldest first."""


class RetriesOrder(Order, route="PUT /webhooks/policy", answer={"retry_policy": _TEXT}):
    """Choose when a webhook that did not get through is sent again."""

    policy: Annotated[Literal[tuple(POLICIES)], Field(description="the policy")]  # type: ignore[valid-type]


class ControlPlaneOrder(Order, route="PUT /control-plane", answer={"control_plane": _TEXT}):
    """Set the URL of the control plane, to which webhooks go."""

    url: Annotated[
        str,
        Field(pattern=r"^https?://[^\s/]+.*$", max_length=500, description="such as http://127.0.0.1:8000"),
    ]


class JournalOrder(Order, route="GET /journal", answer={"entries": _OBJECTS, "last": _NUMBER}):
    """Show what happened, in order."""

    after: Annotated[int, Ge(0), Field(description="after this entry")] = 0
    limit: Annotated[int, Ge(0), Field(description="this many entries at most")] = 1000
    wait: Annotated[int, Ge(0), Field(description="seconds to wait for the first entry, at most 30")] = 0
    kind: Annotated[str | None, Field(description="of this kind only, such as RequestArrived")] = None


class SettleOrder(Order, route="POST /settle", answer={"settled": _FLAG}):
    """Wait until every request is answered that will be."""

    timeout: Annotated[float, Ge(0), Le(30), Field(description="seconds to wait at most")] = 5.0


class ResetOrder(Order, route="POST /reset", answer={"reset": _FLAG}):
    """Clear every fault, release every session, and have every instance run."""


class StopOrder(Order, route="POST /instances/{instance}/stop", answer=_INSTANCE):
    """Stop an instance."""

    instance: Instance


class KillOrder(StopOrder, route="POST /instances/{instance}/kill", answer=_INSTANCE):
    """Stop an instance abruptly."""


class StartOrder(StopOrder, route="POST /instances/{instance}/start", answer=_INSTANCE):
    """Start an instance."""

    keep_sessions: Annotated[bool, Said(opposite="without-sessions", help="it comes back with none")] = True


class RestartOrder(StartOrder, route="POST /instances/{instance}/restart", answer=_INSTANCE):
    """Restart an instance."""


class PauseOrder(StopOrder, route="POST /instances/{instance}/pause", answer=_INSTANCE):
    """Pause an instance."""


class ResumeOrder(StopOrder, route="POST /instances/{instance}/resume", answer=_INSTANCE):
    """Resume an instance."""

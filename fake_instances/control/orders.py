"""What can be ordered over the control API, as values that check themselves. Pure.

Faults are given as `{"kind": "drip", "size": 1}`; the kinds are those of `fake_instances.faults.ALL`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, Le
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    WithJsonSchema,
)

from fake_instances.faults import ALL, Alteration, Endpoint, Fault
from fake_instances.placement import Handover
from fake_instances.sessions import SessionStatus
from fake_instances.webhooks.retries import POLICIES


def fault_from(value: object) -> Fault:
    """Make a fault of its kind and parameters.

    Raises:
        ValueError: no fault is of this kind, or it does not take these parameters; says which are allowed.
    """
    if isinstance(value, Fault):
        return value
    if not isinstance(value, dict) or not isinstance(value.get("kind"), str):
        raise ValueError(f'write {{"kind": …}} and its parameters; kinds: {", ".join(ALL)}')  # noqa: TRY004
    kind = value["kind"]
    if kind not in ALL:
        raise ValueError(f"no fault is called {kind!r}; allowed: {', '.join(ALL)}")
    parameters = {name: one for name, one in value.items() if name != "kind"}
    if isinstance(parameters.get("by"), dict):
        parameters["by"] = fault_from(parameters["by"])
    try:
        fault: Fault = TypeAdapter(ALL[kind]).validate_python(parameters)
    except ValidationError as problem:
        raise ValueError(f"{kind}: {sentence(problem)}") from None
    return fault


def fault_schemas() -> dict[str, Any]:
    """Give the JSON Schema of a fault, told apart by its kind, as `Fault`; and of the values that faults have."""
    kinds: list[dict[str, Any]] = []
    values: dict[str, Any] = {}
    for kind, fault in ALL.items():
        schema = TypeAdapter(fault).json_schema(ref_template="#/components/schemas/{model}")
        own = schema.get("properties", {})
        if "by" in own:  # a fault again, told apart by its kind
            own["by"] = {"type": "object", "required": ["kind"]}
            schema.pop("$defs")
        values |= schema.pop("$defs", {})
        for one in own.values():
            if one.get("format") == "binary":
                del one["format"]
        schema["properties"] = {"kind": {"const": kind}, **own}
        schema["required"] = ["kind", *schema.get("required", [])]
        kinds.append(schema)
    return {"Fault": {"oneOf": kinds}, **values}


def sentence(problem: ValidationError) -> str:
    """Say in one line what is wrong with values, and where."""
    told = []
    for error in problem.errors(include_url=False, include_context=False):
        place = ".".join(str(part) for part in error["loc"])
        told.append(f"{place}: {error['msg']}" if place else error["msg"])
    return "; ".join(told)


Number = Annotated[int, Ge(0), Le(65535)]
Text = Annotated[str, Field(min_length=1, max_length=500)]
AnyFault = Annotated[
    Fault, BeforeValidator(fault_from), WithJsonSchema({"type": "object", "required": ["kind"]})
]


class Order(BaseModel):
    """Base of every order; a field that it does not have is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ConnectOrder(Order):
    """Connect a session for the first time and announce it."""

    instance: Number
    session_id: Text
    workspace_id: int = 1
    phone_number: str | None = None


class HoldOrder(ConnectOrder):
    """Put a copy of a session on an instance, silently."""

    status: SessionStatus = SessionStatus.CONNECTED


class StatusOrder(Order):
    """Change the state of a copy, silently."""

    instance: Number
    session_id: Text
    status: SessionStatus


class ReleaseOrder(Order):
    """Take a copy of a session from an instance, silently."""

    instance: Number
    session_id: Text


class MigrationOrder(Order):
    """Move a session; announced unless `announce` is false; behind the next answer of an instance if one is named."""

    session_id: Text
    to: Number
    handover: Handover = Handover.AT_ONCE
    announce: bool = True
    after_answer_of: Number | None = None


class FinishOrder(Order):
    """End the split brain or the gap of a session."""

    session_id: Text


class FaultOrder(Order):
    """Arm a fault on an instance."""

    instance: Number
    fault: AnyFault
    endpoints: frozenset[Endpoint] | None = None
    times: Annotated[int, Ge(1), Le(1_000_000)] | None = None
    session_id: Text | None = None
    chance: Annotated[float, Gt(0), Le(1)] | None = None
    seed: int | None = None


class ClearOrder(Order):
    """Clear one fault, every fault of an instance, or every fault."""

    instance: Number | None = None
    number: int | None = None


class StartOrder(Order):
    """Start an instance again, with the sessions that it kept or without."""

    keep_sessions: bool = True


class WebhookOrder(Order):
    """Send a webhook of a session from an instance, genuine or altered."""

    instance: Number
    session_id: Text
    event: Text = "session_ready"
    fields: dict[str, Any] | None = None
    alteration: Alteration | None = None


class ReplayOrder(Order):
    """Send a webhook that went out before once more, as it was or altered."""

    webhook: int
    alteration: Alteration | None = None


class WebhookReleaseOrder(Order):
    """Send one webhook that was kept back, or all of them, oldest or newest first."""

    webhook: int | None = None
    newest_first: bool = False


class PolicyOrder(Order):
    """Say when an announcement that did not get through is sent again."""

    policy: Literal[tuple(POLICIES)]  # type: ignore[valid-type]


class SettleOrder(Order):
    """Wait until every request that will be answered was, at most `timeout` seconds."""

    timeout: Annotated[float, Ge(0), Le(30)] = 5.0


class ControlPlaneOrder(Order):
    """Say where the control plane is that webhooks go to."""

    url: Annotated[str, Field(pattern=r"^https?://[^\s/]+.*$", max_length=500)]


class EmptyOrder(Order):
    """Nothing more needs to be said."""

"""What every fault has in common: where it can be armed, and how its values are checked. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar, dataclass_transform

from annotated_types import Ge, Le
from pydantic import ConfigDict
from pydantic.dataclasses import dataclass


class Endpoint(StrEnum):
    """What a fault can be armed on: the gateway's routes, its listener, and the webhooks it sends."""

    HEALTH = "health"
    HEALTH_DETAILED = "health_detailed"
    HEALTH_READY = "health_ready"
    SESSION_LIST = "session_list"
    SESSION_STATUS = "session_status"
    SEND = "send"
    OTHER = "other"
    LISTENER = "listener"
    WEBHOOK = "webhook"


VERIFICATION = frozenset({Endpoint.HEALTH_DETAILED, Endpoint.SESSION_LIST, Endpoint.SESSION_STATUS})
"""The routes that say who holds a session. A fault about holding is armed on all three alike, so that no
implementation's choice of route is favoured (contract, section 6)."""

ROUTES = frozenset(Endpoint) - {Endpoint.LISTENER, Endpoint.WEBHOOK}
"""Every route that answers requests."""

ROSTER = VERIFICATION | {Endpoint.HEALTH}
"""The routes that say which sessions are held, in whole or as a count."""

CONFIG = ConfigDict(extra="forbid")

Seconds = Annotated[float, Ge(0), Le(3600)]
Bytes = Annotated[int, Ge(0), Le(1 << 30)]
Status = Annotated[int, Ge(200), Le(599)]


@dataclass_transform(frozen_default=True)
@dataclass(frozen=True, config=CONFIG)
class Fault:
    """Base of every fault; each is a frozen dataclass. `str(fault)` says in a few words what the instance does."""

    words: ClassVar[str]
    """These words, with the fault as {0}."""
    endpoints: ClassVar[frozenset[Endpoint]] = ROUTES
    """Where it can be armed."""
    usual: ClassVar[frozenset[Endpoint]] = ROUTES
    """Where it is armed when nothing else is said."""

    def __init_subclass__(cls) -> None:
        dataclass(frozen=True, config=CONFIG)(cls)

    def __str__(self) -> str:
        return self.words.format(self)

"""An account of a scenario, and its session."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fake_instances import Session
from harness.incident import INCIDENT_SESSION

if TYPE_CHECKING:
    from random import Random

_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


@dataclass(frozen=True, slots=True)
class Account:
    """An account of the control plane, and the session that belongs to it."""

    id: int
    session: Session
    id_of: str = ""
    """What its session id was made of, where that is unusual."""

    @property
    def session_id(self) -> str:
        """The name of its session."""
        return self.session.session_id


def session_by(random: Random, session_id: str | None = None, phone_number: str | None = None) -> Session:
    """Make a session with names of the kind that the gateways give, where none are given."""
    workspace = random.randint(2, 9000)
    suffix = "".join(random.choices(_LETTERS, k=8))
    return Session(
        session_id or f"webjs_{workspace}_{int(time.time())}_{suffix}",
        1 if session_id == INCIDENT_SESSION else workspace,
        phone_number or f"628{random.randint(10**8, 10**9 - 1)}",
        connected_at="2024-11-22T10:00:00.000Z",
        last_activity="2024-11-22T10:05:00.000Z",
    )

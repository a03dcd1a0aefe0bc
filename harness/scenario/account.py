"""An account of a scenario."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fake_instances import Session


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

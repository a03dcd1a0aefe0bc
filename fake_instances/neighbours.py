"""What an instance asks of the fleet that it belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from fake_instances.sessions import Session
    from fake_instances.triggers import Triggers


class Neighbours(Protocol):
    """What an instance asks of the fleet that it belongs to."""

    @property
    def triggers(self) -> Triggers:
        """What waits for an answer, of whichever instance."""

    def sessions(self, number: int) -> tuple[Session, ...]:
        """Give every copy that an instance holds."""

    def session(self, session_id: str, on: int) -> Session | None:
        """Give the copy that an instance holds under this id."""

    def reconnected(self, session: Session, on: int) -> None:
        """Take note that a route has connected a session again."""

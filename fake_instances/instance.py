"""One gateway instance: its sessions, its faults and its server, seen as one thing."""

from __future__ import annotations

import itertools
import secrets
import time
from typing import TYPE_CHECKING

from flask import request

from fake_instances.app import create_app
from fake_instances.faults import ArmedFault, Delay, Endpoint, FaultBook, Hang, Refuse
from fake_instances.journal import (
    AnswerBegun,
    FaultArmed,
    FaultCleared,
    FaultExecuted,
    FaultMatched,
    InstanceStarted,
    InstanceStopped,
    Journal,
    MessageDelivered,
    RequestArrived,
    RequestCompleted,
    SessionHeld,
    SessionReleased,
)
from fake_instances.server import Exchange, InstanceServer
from fake_instances.sessions import Session, SessionStatus, SessionTable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Instance:
    """A gateway instance, known by its number (its port in the document) wherever it really listens.

    `on_reconnect` is given each session that a route connects again, so that the fleet can announce it.
    """

    def __init__(  # noqa: PLR0913 - what one process of the gateway is configured with
        self,
        number: int,
        *,
        host: str,
        port: int,
        url: str | None,
        api_key: str,
        journal: Journal,
        on_reconnect: Callable[[Session, int], object],
    ) -> None:
        self.number = number
        self.api_key = api_key
        self.faults = FaultBook()
        self.open_requests: set[int] = set()
        self.hanging: set[int] = set()
        self.started_at = time.monotonic()
        self._running = False
        self._on_reconnect = on_reconnect
        self._url = url
        self._journal = journal
        self._table = SessionTable()
        self._message_numbers = itertools.count(1)
        self._server = InstanceServer(create_app(self), self, host, port)

    @property
    def url(self) -> str:
        """The base URL by which the instance is known and names itself."""
        host = f"[{self._server.host}]" if ":" in self._server.host else self._server.host
        return self._url or f"http://{host}:{self._server.port}"

    # Running

    def start(self) -> None:
        """Listen, unless a fault in force refuses connections.

        Raises:
            PortInUseError: another process has the port.
        """
        if not self.faults.refusing:
            self._server.listen()
        self._running = True
        self.started_at = time.monotonic()
        self._journal.record(InstanceStarted(instance=self.number, url=self.url))

    def stop(self) -> None:
        """Stop listening and drop every connection; sessions stay as they are."""
        self._running = False
        self._server.stop()
        self._journal.record(InstanceStopped(instance=self.number))

    # Sessions

    def hold(self, session: Session) -> None:
        """Take in a copy of a session."""
        self._table.hold(session)
        self._journal.record(
            SessionHeld(instance=self.number, session_id=session.session_id, status=session.status.value)
        )

    def release(self, session_id: str) -> Session | None:
        """Let a copy go and give it, or None when it was not held."""
        released = self._table.release(session_id)
        if released is not None:
            self._journal.record(SessionReleased(instance=self.number, session_id=session_id))
        return released

    def release_all(self) -> tuple[Session, ...]:
        """Let every copy go and give them."""
        return tuple(filter(None, [self.release(session.session_id) for session in self.sessions()]))

    def set_status(self, session_id: str, status: SessionStatus) -> Session | None:
        """Change the state of a held copy; None when it is not held."""
        changed = self._table.set_status(session_id, status)
        if changed is not None:
            self._journal.record(
                SessionHeld(instance=self.number, session_id=session_id, status=status.value)
            )
        return changed

    def sessions(self) -> Iterator[Session]:
        """Give every copy held."""
        return iter(self._table)

    def session(self, session_id: str) -> Session | None:
        """Give the copy held under exactly this id, or None."""
        return self._table.get(session_id)

    def counts(self) -> dict[str, int]:
        """Count the copies held, by the health routes' terms."""
        return self._table.counts()

    # What the routes ask for

    def create(self, session_id: str, workspace_id: int) -> None:
        """Start a login that waits for its QR code to be scanned."""
        self.hold(Session(session_id, workspace_id, status=SessionStatus.QR_SCANNING))

    def reconnect(self, session_id: str) -> None:
        """Connect a held session again and announce it."""
        if (session := self.set_status(session_id, SessionStatus.CONNECTED)) is not None:
            self._on_reconnect(session, self.number)

    def disconnect(self, session_id: str) -> bool:
        """End a session for good; False when it was not held."""
        return self.release(session_id) is not None

    def deliver(self, exchange: Exchange, session: Session, recipient: str, text: str) -> str:
        """Send a message over a connected session and give its message id."""
        phone = recipient.removeprefix("+").removesuffix("@c.us")
        message_id = f"true_{phone}@c.us_3EB0{next(self._message_numbers):06X}{secrets.token_hex(5).upper()}"
        self._journal.record(
            MessageDelivered(
                instance=self.number,
                request=exchange.number,
                session_id=session.session_id,
                recipient=recipient,
                text=text,
                message_id=message_id,
            )
        )
        return message_id

    # Faults and receipts

    def arm(self, armed: ArmedFault) -> None:
        """Put a fault in force. Refusing happens at once; every other fault waits for a request.

        Raises:
            FaultError: the fault cannot happen as armed.
        """
        self.faults.arm(armed)
        self._journal.record(
            FaultArmed(
                instance=self.number,
                fault=armed.number,
                words=str(armed.fault),
                endpoints=tuple(sorted(armed.endpoints)),
            )
        )
        if isinstance(armed.fault, Refuse):
            self._server.refuse()
            self.executed(None, armed)

    def clear(self, number: int | None = None) -> None:
        """Take one fault, or all of them, out of force; connections that hang on it are closed."""
        for armed in self.faults.clear(number):
            if isinstance(armed.fault, Refuse) and self._running and not self.faults.refusing:
                self._server.listen()
            elif isinstance(armed.fault, Hang):
                self._server.release_hung(armed.number)
            self._journal.record(
                FaultCleared(instance=self.number, fault=armed.number, words=str(armed.fault))
            )

    def meet(
        self, endpoint: Endpoint, session_id: str | None, exchange: Exchange | None
    ) -> tuple[ArmedFault, ...]:
        """Give the faults that a request, or a webhook that is due, meets."""
        met = self.faults.take(endpoint, session_id)
        number = None if exchange is None else exchange.number
        for armed in met:
            self._journal.record(
                FaultMatched(instance=self.number, fault=armed.number, words=str(armed.fault), request=number)
            )
        return met

    def arrived(
        self, exchange: Exchange, endpoint: Endpoint, session_id: str | None
    ) -> tuple[ArmedFault, ...]:
        """Record that the current request arrived, and give the faults it meets."""
        self.open_requests.add(exchange.number)
        self._journal.record(
            RequestArrived(
                instance=self.number,
                request=exchange.number,
                endpoint=endpoint,
                method=request.method,
                target=request.environ["REQUEST_URI"],
                session_id=session_id,
                headers=request.environ["fake_instances.headers"],
                body=request.get_data(),
            )
        )
        return self.meet(endpoint, session_id, exchange)

    def executed(self, exchange: Exchange | None, armed: ArmedFault) -> None:
        """Record that a fault was carried out."""
        number = None if exchange is None else exchange.number
        if exchange is not None:
            if isinstance(armed.fault, Hang | Delay):
                self.open_requests.discard(exchange.number)
            if isinstance(armed.fault, Hang):
                self.hanging.add(exchange.number)
        self._journal.record(
            FaultExecuted(instance=self.number, fault=armed.number, words=str(armed.fault), request=number)
        )

    def answering(self, exchange: Exchange, status: int) -> None:
        """Record that the answer to a request is about to go out."""
        self._journal.record(AnswerBegun(instance=self.number, request=exchange.number, status=status))

    def completed(self, exchange: Exchange, status: int | None, ending: str, sent: int) -> None:
        """Record how a request ended."""
        self.open_requests.discard(exchange.number)
        self.hanging.discard(exchange.number)
        self._journal.record(
            RequestCompleted(
                instance=self.number, request=exchange.number, status=status, ending=ending, sent=sent
            )
        )

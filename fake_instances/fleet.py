"""The instances together: who holds which session is decided, and known for certain, here."""

from __future__ import annotations

import itertools
import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

from fake_instances.announcer import Announcer
from fake_instances.errors import UnknownInstanceError, UnknownSessionError
from fake_instances.faults import ArmedFault, Endpoint, Fault
from fake_instances.instance import Instance
from fake_instances.journal import Journal
from fake_instances.sessions import Session, SessionStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from types import TracebackType

    from fake_instances.notifier import Delivery
    from fake_instances.webhooks import Webhook

DOCUMENT_PORTS = (3001, 3002, 3003, 3004)
"""The four instances of the document, by the ports that name them."""


@dataclass(frozen=True, slots=True)
class InstanceAddress:
    """Where one instance listens. `port` 0 lets the system choose; `url` is derived where it is not given."""

    number: int
    host: str
    port: int
    url: str | None = None


class Fleet:
    """Several gateway instances in this process, each on a port of its own.

    Args:
        addresses: the instances.
        api_key: the key they demand.
        secret: what they sign webhooks with.
        journal: where everything is recorded; a new one by default.

    """

    def __init__(
        self,
        addresses: Sequence[InstanceAddress],
        *,
        api_key: str,
        secret: str,
        journal: Journal | None = None,
    ) -> None:
        self.journal = journal or Journal()
        self.api_key = api_key
        self.secret = secret
        self.announcer = Announcer(self.journal, secret=secret)
        self._moving = threading.RLock()
        self._fault_numbers = itertools.count(1)
        self._instances = {
            address.number: Instance(
                address.number,
                host=address.host,
                port=address.port,
                url=address.url,
                api_key=api_key,
                journal=self.journal,
                on_reconnect=self._announce_if_possible,
            )
            for address in addresses
        }

    # Running

    def start(self) -> Self:
        """Start every instance, or none: when one cannot listen those already started are stopped.

        Raises:
            PortInUseError: another process has one of the ports.
        """
        started: list[Instance] = []
        try:
            for instance in self._instances.values():
                instance.start()
                started.append(instance)
        except BaseException:
            for instance in started:
                instance.stop()
            raise
        return self

    def stop(self) -> None:
        """Stop every instance. No thread, connection or port of theirs is left."""
        for instance in self._instances.values():
            instance.stop()
        self.announcer.stop(1.0)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def numbers(self) -> tuple[int, ...]:
        """The instances' numbers, in order."""
        return tuple(self._instances)

    @property
    def urls(self) -> tuple[str, ...]:
        """The instances' base URLs, in order."""
        return tuple(instance.url for instance in self._instances.values())

    def url(self, number: int) -> str:
        """Give an instance's base URL.

        Raises:
            UnknownInstanceError: there is no such instance.
        """
        return self._instance(number).url

    def number(self, url: str) -> int | None:
        """Give the number of the instance with this base URL, one trailing slash aside, or None."""
        text = url.removesuffix("/")
        known = ((number, one.url.removesuffix("/")) for number, one in self._instances.items())
        return next((number for number, own in known if own == text), None)

    # Sessions

    def holders(self, session_id: str) -> tuple[int, ...]:
        """Give the instances that really hold the session connected now: the ground truth."""
        with self._moving:
            held = ((number, one.session(session_id)) for number, one in self._instances.items())
            return tuple(number for number, session in held if session is not None and session.connected)

    def sessions(self, number: int) -> tuple[Session, ...]:
        """Give every copy that an instance holds.

        Raises:
            UnknownInstanceError: there is no such instance.
        """
        return tuple(self._instance(number).sessions())

    def hold(self, session: Session, on: int) -> None:
        """Put a copy of a session on an instance, silently: no webhook is sent.

        Raises:
            UnknownInstanceError: there is no such instance.
        """
        with self._moving:
            self._instance(on).hold(session)

    def release(self, session_id: str, on: int) -> Session:
        """Take a copy of a session from an instance, silently.

        Raises:
            UnknownInstanceError: there is no such instance.
            UnknownSessionError: it does not hold the session.
        """
        with self._moving:
            released = self._instance(on).release(session_id)
        if released is None:
            raise UnknownSessionError(f"instance {on} does not hold session {session_id}")
        return released

    def set_status(self, session_id: str, status: SessionStatus, on: int) -> Session:
        """Change the state of a copy, silently.

        Raises:
            UnknownInstanceError: there is no such instance.
            UnknownSessionError: it does not hold the session.
        """
        with self._moving:
            changed = self._instance(on).set_status(session_id, status)
        if changed is None:
            raise UnknownSessionError(f"instance {on} does not hold session {session_id}")
        return changed

    def move(self, session_id: str, to: int) -> Session:
        """Move a session to an instance in one step, silently; every other connected copy is gone.

        Raises:
            UnknownInstanceError: there is no such instance.
            UnknownSessionError: no instance holds the session connected.
        """
        target = self._instance(to)
        with self._moving:
            holders = self.holders(session_id)
            if not holders:
                raise UnknownSessionError(f"no instance holds session {session_id} connected")
            released = [self._instances[holder].release(session_id) for holder in holders]
            session = next(one for one in released if one is not None)
            target.hold(session)
            return session

    def connect(self, session: Session, on: int) -> Delivery | None:
        """Connect a session for the first time, and announce it with `session_ready`.

        Gives the webhook on its way, or None when it was lost.
        """
        connected = replace(session, status=SessionStatus.CONNECTED)
        self.hold(connected, on)
        return self.announce(connected, on, "session_ready")

    def migrate(self, session_id: str, to: int) -> Delivery | None:
        """Move a session to an instance in one step, and announce it with `session_reconnected`.

        Gives the webhook on its way, or None when it was lost.

        Raises:
            UnknownInstanceError: there is no such instance.
            UnknownSessionError: no instance holds the session connected.
        """
        session = self.move(session_id, to)
        return self.announce(session, to, "session_reconnected")

    def restart(self, number: int, *, keep_sessions: bool = True) -> tuple[Delivery, ...]:
        """Stop an instance and start it again on the same port.

        The sessions it keeps reconnect, each announced with `session_reconnected`; gives those webhooks.

        Raises:
            UnknownInstanceError: there is no such instance.
            PortInUseError: another process took the port meanwhile.
        """
        instance = self._instance(number)
        instance.stop()
        sessions = instance.release_all()
        instance.start()
        if not keep_sessions:
            return ()
        for session in sessions:
            self.hold(session, number)
        sent = (self.announce(one, number, "session_reconnected") for one in sessions if one.connected)
        return tuple(delivery for delivery in sent if delivery is not None)

    # Webhooks

    def webhook(  # noqa: PLR0913 - a webhook has this many independent parts
        self,
        session: Session,
        on: int,
        event: str,
        *,
        fields: Mapping[str, object] | None = None,
        timestamp: str | None = None,
        secret: str | None = None,
    ) -> Webhook:
        """Build, without sending it, the genuine webhook by which an instance announces an event.

        Raises:
            UnknownInstanceError: there is no such instance.
        """
        return self.announcer.genuine(
            session, on, self.url(on), event, fields=fields, timestamp=timestamp, secret=secret
        )

    def announce(self, session: Session, on: int, event: str) -> Delivery | None:
        """Have an instance announce an event of a session, with the faults that its webhook meets.

        Gives the webhook on its way, or None when it was lost or is kept back.

        Raises:
            UnknownInstanceError: there is no such instance.
            FleetError: the fleet was not told where the control plane is.
        """
        instance = self._instance(on)
        met = instance.meet(Endpoint.WEBHOOK, session.session_id, None)
        return self.announcer.announce(
            session, on, instance.url, event, met, lambda armed: instance.executed(None, armed)
        )

    def send(self, webhook: Webhook) -> Delivery:
        """Send a webhook exactly as it is.

        Raises:
            FleetError: the fleet was not told where the control plane is.
        """
        return self.announcer.send(webhook)

    @property
    def control_plane(self) -> str | None:
        """The base URL or full webhook URL that webhooks go to; None before it is known."""
        return self.announcer.control_plane

    @control_plane.setter
    def control_plane(self, url: str | None) -> None:
        self.announcer.control_plane = url

    # Faults

    def arm(
        self,
        fault: Fault,
        on: int,
        endpoints: Iterable[Endpoint],
        *,
        times: int | None = None,
        session_id: str | None = None,
    ) -> int:
        """Arm a fault on an instance, for the next `times` requests or until it is cleared; give its number.

        Raises:
            UnknownInstanceError: there is no such instance.
            FaultError: the fault cannot happen as ordered.
        """
        instance = self._instance(on)
        number = next(self._fault_numbers)
        instance.arm(ArmedFault(number, fault, frozenset(endpoints), times, session_id))
        return number

    def clear(self, on: int | None = None, fault: int | None = None) -> None:
        """Clear one fault, every fault of an instance, or every fault.

        Raises:
            UnknownInstanceError: there is no such instance.
        """
        for instance in self._instances.values() if on is None else [self._instance(on)]:
            instance.clear(fault)
        self.announcer.clear(on, fault)

    def settle(self, timeout: float) -> bool:
        """Wait until every request that will be answered was; False when one was not within `timeout` seconds.

        Requests that hang, or are answered late, by order are not waited for.
        """
        return self.journal.wait_until(
            lambda: not any(instance.open_requests for instance in self._instances.values()), timeout=timeout
        )

    def hanging(self, number: int) -> int:
        """Count the requests that hang on an instance now.

        Raises:
            UnknownInstanceError: there is no such instance.
        """
        return len(self._instance(number).hanging)

    def reset(self) -> None:
        """Clear every fault and let every session go: as after start."""
        self.clear()
        for instance in self._instances.values():
            instance.release_all()
        self.announcer.reset()

    def _instance(self, number: int) -> Instance:
        try:
            return self._instances[number]
        except KeyError:
            raise UnknownInstanceError(number, self._instances) from None

    def _announce_if_possible(self, session: Session, number: int) -> None:
        if self.control_plane is not None:
            self.announce(session, number, "session_reconnected")

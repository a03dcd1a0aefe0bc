"""The instances together: who holds which session is decided, and known for certain, here."""

from __future__ import annotations

import contextlib
import itertools
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Self

from fake_instances.faults import VERIFICATION, ArmedFault, Endpoint, Fault
from fake_instances.hosts.threads import Host, ThreadHost
from fake_instances.instance import Instance
from fake_instances.journal import Journal
from fake_instances.placement import Handover, Holdings
from fake_instances.sessions import Session, SessionStatus
from fake_instances.triggers import Trigger, Triggers
from fake_instances.webhooks.announcer import Announcer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from types import TracebackType

    from fake_instances.addresses import InstanceAddress
    from fake_instances.webhooks.delivery import Delivery
    from fake_instances.webhooks.message import Webhook


class Fleet(Holdings):
    """Several gateway instances, each on a port of its own.

    Args:
        addresses: the instances.
        api_key: the key they demand.
        secret: what they sign webhooks with.
        journal: where everything is recorded; a new one by default.
        hosting: how the instances run; as threads of this process by default.

    """

    def __init__(
        self,
        addresses: Sequence[InstanceAddress],
        *,
        api_key: str,
        secret: str,
        journal: Journal | None = None,
        hosting: Host | None = None,
    ) -> None:
        self.journal = journal or Journal()
        self.api_key = api_key
        self.secret = secret
        self.announcer = Announcer(self.journal, secret=secret)
        self._fault_numbers = itertools.count(1)
        self.triggers = Triggers(self.journal)
        self._due: set[str] = set()
        self._kept: dict[int, tuple[Session, ...]] = {}
        self._started = False
        hosting = hosting or ThreadHost()
        super().__init__(
            {
                address.number: Instance(
                    address.number,
                    address=(address.host, address.port),
                    url=address.url,
                    api_key=api_key,
                    journal=self.journal,
                    neighbours=self,
                    hosting=hosting,
                )
                for address in addresses
            }
        )

    # Running

    def start(self) -> Self:
        """Start every instance, or none: when one cannot listen those already started are stopped.

        Raises:
            PortInUseError: another process has one of the ports.
        """
        try:
            with ThreadPoolExecutor(len(self._instances)) as starters:
                for starting in [starters.submit(one.start) for one in self._instances.values()]:
                    starting.result()
        except BaseException:
            self._stop_instances()
            raise
        self._started = True
        return self

    def stop(self) -> None:
        """Stop every instance. No thread, process, connection or port of theirs is left."""
        self._started = False
        self._stop_instances()
        self.announcer.stop(1.0)

    def _stop_instances(self) -> None:
        with contextlib.ExitStack() as each:
            for instance in self._instances.values():
                each.callback(instance.stop)

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

    def connect(self, session: Session, on: int) -> Delivery | None:
        """Connect a session for the first time, and announce it with `session_ready`.

        Gives the webhook on its way, or None when it was lost.
        """
        connected = replace(session, status=SessionStatus.CONNECTED)
        self.hold(connected, on)
        return self.announce(connected, on, "session_ready")

    def migrate(self, session_id: str, to: int, handover: Handover = Handover.AT_ONCE) -> Delivery | None:
        """Move a session to an instance, and announce it there with `session_reconnected`.

        Gives the webhook on its way, or None when it was lost, or is not due before a gap is finished.

        Raises:
            UnknownInstanceError: there is no such instance.
            UnknownSessionError: no instance holds the session connected.
            FleetError: an earlier move of the session is not finished.
        """
        session = self.move(session_id, to, handover)
        if handover is Handover.GAP:
            self._due.add(session_id)
            return None
        return self.announce(session, to, "session_reconnected")

    def finish_migration(self, session_id: str) -> Delivery | None:
        """End the split brain or the gap of a session; after a gap announce it, if it was to be announced.

        Raises:
            UnknownSessionError: no move of the session is unfinished.
        """
        to = self.unfinished().get(session_id)
        session = self.finish(session_id)
        if to is None or session_id not in self._due:
            return None
        self._due.discard(session_id)
        return self.announce(session, to, "session_reconnected")

    def after_answer(
        self,
        action: Callable[[], object],
        *,
        on: int,
        endpoints: Iterable[Endpoint] = VERIFICATION,
        session_id: str | None = None,
        words: str = "does what was ordered behind its answer",
    ) -> int:
        """Do something once, when the next such answer of an instance is ready and before it goes out.

        Gives its number; it leaves receipts like a fault, and can be cleared like one.

        Raises:
            UnknownInstanceError: there is no such instance.
        """
        self._instance(on)
        number = next(self._fault_numbers)
        self.triggers.add(Trigger(number, on, frozenset(endpoints), session_id, action, words))
        return number

    # Stopping and starting one instance

    def stop_instance(self, number: int, *, abruptly: bool = False) -> None:
        """End an instance, in order or as `kill -9` would. It holds nothing then, and keeps what it held for later.

        Raises:
            UnknownInstanceError: there is no such instance.
        """
        instance = self._instance(number)
        if instance.running:
            instance.stop(abruptly=abruptly)
            self._kept[number] = instance.release_all()

    def start_instance(self, number: int, *, keep_sessions: bool = True) -> tuple[Delivery, ...]:
        """Start an instance that was ended, on the same port.

        The sessions it keeps reconnect, each announced with `session_reconnected`; gives those webhooks.

        Raises:
            UnknownInstanceError: there is no such instance.
            PortInUseError: another process took the port meanwhile.
        """
        instance = self._instance(number)
        if not instance.running:
            instance.start()
        sessions = self._kept.pop(number, ())
        if not keep_sessions:
            return ()
        for session in sessions:
            self.hold(session, number)
        if self.control_plane is None:
            return ()
        sent = (self.announce(one, number, "session_reconnected") for one in sessions if one.connected)
        return tuple(delivery for delivery in sent if delivery is not None)

    def restart(self, number: int, *, keep_sessions: bool = True) -> tuple[Delivery, ...]:
        """Stop an instance and start it again on the same port, as `stop_instance` and `start_instance` do.

        Raises:
            UnknownInstanceError: there is no such instance.
            PortInUseError: another process took the port meanwhile.
        """
        self.stop_instance(number)
        return self.start_instance(number, keep_sessions=keep_sessions)

    def pause(self, number: int) -> None:
        """Make an instance stand still: the system takes connections and bytes in, and nobody answers.

        Raises:
            UnknownInstanceError: there is no such instance.
            FleetError: it does not run.
        """
        self._instance(number).pause()

    def resume(self, number: int) -> None:
        """Let an instance go on that stands still.

        Raises:
            UnknownInstanceError: there is no such instance.
        """
        self._instance(number).resume()

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

    def arm(  # noqa: PLR0913 - the ways in which a request is selected
        self,
        fault: Fault,
        on: int,
        endpoints: Iterable[Endpoint] | None = None,
        *,
        times: int | None = None,
        session_id: str | None = None,
        chance: float | None = None,
        seed: int | None = None,
    ) -> int:
        """Arm a fault on an instance, for the next `times` requests or until it is cleared; give its number.

        Without `endpoints` it is armed where such a fault usually is. With a `chance` (over 0, at most 1) a
        request that matches meets it or not, as drawn from the `seed` and the instance: the same requests in
        the same order meet the same again.

        Raises:
            UnknownInstanceError: there is no such instance.
            FaultError: the fault cannot happen as ordered.
        """
        instance = self._instance(on)
        number = next(self._fault_numbers)
        chosen = type(fault).usual if endpoints is None else frozenset(endpoints)
        instance.arm(ArmedFault(number, fault, chosen, times, session_id, chance, seed, on))
        return number

    def clear(self, on: int | None = None, fault: int | None = None) -> None:
        """Clear one fault, every fault of an instance, or every fault.

        Raises:
            UnknownInstanceError: there is no such instance.
        """
        chosen = self._instances.values() if on is None else [self._instance(on)]
        with contextlib.ExitStack() as each:  # one that cannot listen again leaves the others to be cleared
            for instance in chosen:
                each.callback(instance.clear, fault)
        if on is None or fault is not None:
            self.triggers.clear(fault)
        self.announcer.clear(on, fault)

    def settle(self, timeout: float) -> bool:
        """Wait until every request that will be answered was; False when one was not within `timeout` seconds.

        Requests that hang, or are answered late, by order are not waited for.
        """
        return self.journal.wait_until(
            lambda: not any(instance.awaited for instance in self._instances.values()), timeout=timeout
        )

    def hanging(self, number: int) -> int:
        """Count the requests that hang on an instance now.

        Raises:
            UnknownInstanceError: there is no such instance.
        """
        return len(self._instance(number).hanging)

    def reset(self) -> None:
        """Clear every fault, let every session go and have every instance run: as after start."""
        for instance in self._instances.values():
            instance.resume()  # first: one that stands still cannot be told to listen again
        with contextlib.ExitStack() as all_of_it:  # each is done, even if another fails
            for instance in self._instances.values():
                all_of_it.callback(self._revive, instance)
            all_of_it.callback(self._release_everything)
            all_of_it.callback(self.clear)
            self._due.clear()
            self._kept.clear()
            all_of_it.callback(self.announcer.reset)

    def _revive(self, instance: Instance) -> None:
        if self._started and not instance.running:
            instance.start()

    # What the instances ask of it

    def reconnected(self, session: Session, on: int) -> None:
        """Announce a session that a route has connected again, where there is a control plane to hear it."""
        if self.control_plane is not None:
            self.announce(session, on, "session_reconnected")

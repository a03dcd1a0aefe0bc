"""The instances together: they start and stop, hold sessions, announce them, and misbehave."""

from __future__ import annotations

import contextlib
import itertools
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Self

from fake_instances.faults import VERIFICATION, ArmedFault, Endpoint, Fault
from fake_instances.hosts.threads import Host, ThreadHost
from fake_instances.instance import Instance, Instances
from fake_instances.journal import Journal
from fake_instances.placement import Handover, Placement
from fake_instances.sessions import Session, SessionStatus
from fake_instances.triggers import Trigger, Triggers
from fake_instances.webhooks.announcer import Announcer
from fake_instances.webhooks.message import build, fields_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from fake_instances.addresses import InstanceAddress
    from fake_instances.webhooks.delivery import Delivery, Translate
    from fake_instances.webhooks.message import Webhook


class Fleet:
    """Several gateway instances, each on a port of its own.

    A method that names an instance raises UnknownInstanceError when there is none of that number. One that sends a
    webhook raises FleetError before `control_plane` is set, and returns the webhook on its way, or None when there
    is none: it was lost, or is kept back.

    The instances demand `api_key` and sign webhooks with `secret`. They run as threads of this process, unless
    `hosting` says otherwise.
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
        self.triggers = Triggers(self.journal)
        self._fault_numbers = itertools.count(1)
        self._due: set[str] = set()
        self._kept: dict[int, tuple[Session, ...]] = {}
        self._started = False
        hosting = hosting or ThreadHost()
        self._instances = Instances({one.number: Instance(one, self, hosting) for one in addresses})
        self.placement = Placement(self._instances)

    # Running

    def start(self) -> Self:
        """Start every instance, or none: when one cannot listen, those already started are stopped.

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

    def __exit__(self, *_: object) -> None:
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
        """Return an instance's base URL."""
        return self._instances[number].url

    def number(self, url: str) -> int | None:
        """Return the number of the instance with this base URL, ignoring one trailing slash, or None."""
        text = url.removesuffix("/")
        known = ((number, one.url.removesuffix("/")) for number, one in self._instances.items())
        return next((number for number, own in known if own == text), None)

    def report(self, number: int) -> dict[str, object]:
        """Return how an instance is, with the faults in force, as plain JSON values."""
        return self._instances[number].report()

    # Sessions: what is silent is the placement's

    def sessions(self, number: int) -> tuple[Session, ...]:
        """Return every copy that an instance holds."""
        return self._instances[number].sessions()

    def session(self, session_id: str, on: int) -> Session | None:
        """Return the copy that an instance holds under this id, or None."""
        return self._instances[on].session(session_id)

    def holders(self, session_id: str) -> tuple[int, ...]:
        """Return the instances that really hold the session connected now."""
        return self.placement.holders(session_id)

    def unfinished(self) -> dict[str, int]:
        """Return the sessions whose move is not finished, and where they go."""
        return self.placement.unfinished()

    def hold(self, session: Session, on: int) -> None:
        """Put a copy of a session on an instance, silently."""
        self.placement.hold(session, on)

    def release(self, session_id: str, on: int) -> Session:
        """Take a copy of a session from an instance, silently."""
        return self.placement.release(session_id, on)

    def set_status(self, session_id: str, status: SessionStatus, on: int) -> Session:
        """Change the state of a copy, silently."""
        return self.placement.set_status(session_id, status, on)

    def move(self, session_id: str, to: int, handover: Handover = Handover.AT_ONCE) -> Session:
        """Move a session to an instance, silently (see `Placement.move`)."""
        return self.placement.move(session_id, to, handover)

    def connect(self, session: Session, on: int) -> Delivery | None:
        """Connect a session for the first time, and announce it with `session_ready`."""
        connected = replace(session, status=SessionStatus.CONNECTED)
        self.hold(connected, on)
        return self.announce(connected, on, "session_ready")

    def migrate(self, session_id: str, to: int, handover: Handover = Handover.AT_ONCE) -> Delivery | None:
        """Move a session to an instance (see `Placement.move`), and announce it there with `session_reconnected`.

        Through a gap, it is announced when the migration is finished.
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
        session = self.placement.finish(session_id)
        if to is None or session_id not in self._due:
            return None
        self._due.discard(session_id)
        return self.announce(session, to, "session_reconnected")

    def reconnected(self, session: Session, on: int) -> None:
        """Announce a session that a route has connected again, if there is a control plane to hear it."""
        if self.control_plane is not None:
            self.announce(session, on, "session_reconnected")

    # Stopping and starting one instance

    def stop_instance(self, number: int, *, abruptly: bool = False) -> None:
        """End an instance, in order or as `kill -9` would. It then holds nothing; what it held is kept for later."""
        instance = self._instances[number]
        if instance.running:
            instance.stop(abruptly=abruptly)
            self._kept[number] = instance.release_all()

    def start_instance(self, number: int, *, keep_sessions: bool = True) -> tuple[Delivery, ...]:
        """Start an instance that was ended, on the same port.

        The sessions it keeps reconnect, each announced with `session_reconnected`; return those webhooks.

        Raises:
            PortInUseError: another process took the port meanwhile.
        """
        instance = self._instances[number]
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
        """Stop an instance and start it again on the same port, as `stop_instance` and `start_instance` do."""
        self.stop_instance(number)
        return self.start_instance(number, keep_sessions=keep_sessions)

    def pause(self, number: int) -> None:
        """Make an instance stand still: the system takes connections and bytes in, and nobody answers.

        Raises:
            FleetError: it does not run.
        """
        self._instances[number].pause()

    def resume(self, number: int) -> None:
        """Let an instance go on that stands still."""
        self._instances[number].resume()

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
        """Build, without sending it, the genuine webhook by which an instance announces an event."""
        moment = self.announcer.clock()
        return build(
            instance=on,
            url=self.url(on),
            secret=self.secret if secret is None else secret,
            event=event,
            session_id=session.session_id,
            workspace_id=session.workspace_id,
            timestamp=str(int(moment)) if timestamp is None else timestamp,
            fields=fields_of(session, event, moment) if fields is None else fields,
        )

    def announce(self, session: Session, on: int, event: str) -> Delivery | None:
        """Have an instance announce an event of a session, with the faults that its webhook meets."""
        instance = self._instances[on]
        met = instance.meet(Endpoint.WEBHOOK, session.session_id, None)
        return self.announcer.announce(
            lambda: self.webhook(session, on, event), met, lambda armed: instance.executed(None, armed)
        )

    def send(self, webhook: Webhook) -> Delivery:
        """Send a webhook exactly as it is."""
        return self.announcer.send(webhook)

    @property
    def control_plane(self) -> str | None:
        """The base URL or full webhook URL that webhooks go to; None before it is known."""
        return self.announcer.control_plane

    @control_plane.setter
    def control_plane(self, url: str | None) -> None:
        self.announcer.control_plane = url

    def translate(self, translation: Translate) -> None:
        """Have each webhook go out as this makes of it; it may raise nothing."""
        self.announcer.translate(translation)

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
        """Arm a fault on an instance, for the next `times` requests or until it is cleared; return its number.

        Without `endpoints` it is armed where such a fault usually is. With a `chance` (over 0, at most 1) a
        request that matches meets it or not, as drawn from the `seed` and the instance: the same requests in
        the same order meet the same again.

        Raises:
            FaultError: the fault cannot happen as ordered.
        """
        instance = self._instances[on]
        number = next(self._fault_numbers)
        chosen = type(fault).usual if endpoints is None else frozenset(endpoints)
        instance.arm(ArmedFault(number, fault, chosen, times, session_id, chance, seed, on))
        return number

    def armed(self, on: int) -> tuple[ArmedFault, ...]:
        """Return the faults in force on an instance, oldest first, used up or not."""
        return self._instances[on].faults.armed()

    def after_answer(
        self,
        action: Callable[[], object],
        *,
        on: int,
        endpoints: Iterable[Endpoint] = VERIFICATION,
        session_id: str | None = None,
        words: str = "does what was ordered when its answer is ready",
    ) -> int:
        """Do something once, when the next such answer of an instance is ready and before it goes out.

        Return its number; it leaves receipts like a fault, and can be cleared like one.
        """
        number = self._instances[on].number
        trigger = Trigger(next(self._fault_numbers), number, frozenset(endpoints), session_id, action, words)
        self.triggers.add(trigger)
        return trigger.number

    def clear(self, on: int | None = None, fault: int | None = None) -> None:
        """Clear one fault, every fault of an instance, or every fault."""
        chosen = self._instances.values() if on is None else [self._instances[on]]
        with contextlib.ExitStack() as each:  # one that cannot listen again leaves the others to be cleared
            for instance in chosen:
                each.callback(instance.clear, fault)
        if on is None or fault is not None:
            self.triggers.clear(fault)
        self.announcer.clear(on, fault)

    def settle(self, timeout: float) -> bool:
        """Wait until every request that will be answered was; False when one was not within `timeout` seconds.

        Requests that were ordered to hang, or to be answered late, are not waited for.
        """
        return self.journal.wait_until(
            lambda: not any(instance.awaited for instance in self._instances.values()), timeout=timeout
        )

    def hanging(self, number: int) -> int:
        """Count the requests that hang on an instance now."""
        return len(self._instances[number].hanging)

    def reset(self) -> None:
        """Clear every fault, let every session go and have every instance run: as after start."""
        for instance in self._instances.values():
            instance.resume()  # first: one that stands still cannot be told to listen again
        with contextlib.ExitStack() as all_of_it:  # each is done, even if another fails
            for instance in self._instances.values():
                if self._started and not instance.running:
                    all_of_it.callback(instance.start)
            all_of_it.callback(self.placement.clear)
            all_of_it.callback(self.clear)
            self._due.clear()
            self._kept.clear()
            all_of_it.callback(self.announcer.reset)

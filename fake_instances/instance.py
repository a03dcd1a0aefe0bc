"""One gateway instance: its sessions, its faults and its server, seen as one thing."""

from __future__ import annotations

import itertools
import secrets
import time
from typing import TYPE_CHECKING

from fake_instances.addresses import url_of
from fake_instances.errors import FaultError, FleetError, UnknownInstanceError
from fake_instances.faults import Delay, DeployedDialect, Endpoint, FaultBook, Hang, Lie, Met, Refuse
from fake_instances.faults.told import Told, statistics, utc_now
from fake_instances.journal import (
    AnswerBegun,
    FaultArmed,
    FaultCleared,
    FaultExecuted,
    FaultMatched,
    InstancePaused,
    InstanceResumed,
    InstanceStarted,
    InstanceStopped,
    MessageDelivered,
    RequestArrived,
    RequestCompleted,
    SessionHeld,
    SessionReleased,
)
from fake_instances.sessions import Session, SessionStatus, SessionTable, to_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from fake_instances.addresses import InstanceAddress
    from fake_instances.faults import ArmedFault, WireFault
    from fake_instances.fleet import Fleet
    from fake_instances.hosts.threads import Host


class Instances(dict[int, "Instance"]):
    """The instances of a fleet, by number."""

    def __missing__(self, number: int) -> Instance:
        raise UnknownInstanceError(number, self)


class Instance:
    """A gateway instance, known by its number (its port in the document) wherever it really listens.

    Its routes and its server call it, from many threads and perhaps from another process: with plain values only.
    `awaited` are the requests that will be answered, `hanging` those that will not.
    """

    def __init__(self, address: InstanceAddress, fleet: Fleet, hosting: Host) -> None:
        self.number = address.number
        self.api_key = fleet.api_key
        self.faults = FaultBook()
        self.awaited: set[int] = set()
        self.hanging: set[int] = set()
        self.started_at = time.monotonic()
        self.running = False
        self.paused = False
        self._killed = False
        self._fleet = fleet
        self._url = address.url
        self._journal = fleet.journal
        self._table = SessionTable()
        self.last_request = 0
        self._message_numbers = itertools.count(1)
        self._open: dict[int, RequestArrived] = {}
        self._server = hosting.serve(self, address.host, address.port)

    @property
    def url(self) -> str:
        """The base URL by which the instance is known and names itself."""
        return self._url or url_of(self._server.host, self._server.port)

    def report(self) -> dict[str, object]:
        """Return how it is, with the faults in force, as plain JSON values."""
        return {
            "number": self.number,
            "url": self.url,
            "running": self.running,
            "paused": self.paused,
            "sessions": self._table.listing()[0],
            "hanging": len(self.hanging),
            "faults": [armed.to_json() for armed in self.faults.armed()],
        }

    # Running

    def start(self) -> None:
        """Listen, unless a fault in force refuses connections.

        Raises:
            PortInUseError: another process has the port.
        """
        self.started_at = time.monotonic()
        self._killed = False
        if not self.faults.refusing:
            self._server.listen()
        self.running = True
        self._journal.record(InstanceStarted(instance=self.number, url=self.url))

    def stop(self, *, abruptly: bool = False) -> None:
        """End it, in order or as `kill -9` would; its copies are for the fleet to keep or to let go."""
        if self.paused and not abruptly:
            self.resume()
        self.paused = False
        was_running, self.running = self.running, False
        self._killed = abruptly
        if abruptly:
            self._server.kill()
        else:
            self._server.stop()
        for request in tuple(self._open):
            self.completed(request, None, "closed", 0)
        if was_running:
            self._journal.record(InstanceStopped(instance=self.number, killed=abruptly))

    def pause(self) -> None:
        """Make it stand still: the system takes connections and bytes in, and nobody answers.

        Raises:
            FleetError: it does not run.
        """
        if not self.running:
            raise FleetError(f"instance {self.number} does not run, so it cannot stand still; start it first")
        if not self.paused:
            self.paused = True
            self._server.pause()
            self._journal.record(InstancePaused(instance=self.number))

    def resume(self) -> None:
        """Let it go on; do nothing when it does not stand still."""
        if self.paused:
            self._journal.record(InstanceResumed(instance=self.number))
            self.paused = False
            self._server.resume()

    # Sessions

    def hold(self, session: Session) -> None:
        """Take in a copy of a session."""
        self._table.hold(session)
        self._journal.record(
            SessionHeld(instance=self.number, session_id=session.session_id, status=session.status.value)
        )

    def release(self, session_id: str) -> Session | None:
        """Let a copy go and return it, or None when it was not held."""
        released = self._table.release(session_id)
        if released is not None:
            self._journal.record(SessionReleased(instance=self.number, session_id=session_id))
        return released

    def release_all(self) -> tuple[Session, ...]:
        """Let every copy go and return them."""
        return tuple(filter(None, [self.release(session.session_id) for session in self.sessions()]))

    def set_status(self, session_id: str, status: SessionStatus) -> Session | None:
        """Change the state of a held copy; return None when it is not held."""
        changed = self._table.set_status(session_id, status)
        if changed is not None:
            self._journal.record(
                SessionHeld(instance=self.number, session_id=session_id, status=status.value)
            )
        return changed

    def sessions(self) -> tuple[Session, ...]:
        """Return every copy held."""
        return tuple(self._table)

    def session(self, session_id: str) -> Session | None:
        """Return the copy held under exactly this id, or None."""
        return self._table.get(session_id)

    # What the routes ask for

    def identity(self) -> tuple[int, str, float]:
        """Return its number, its key and when it started, for a process that cannot read them here."""
        return self.number, self.api_key, self.started_at

    def counts(self, request: int, lies: tuple[Met, ...]) -> dict[str, int]:
        """Count the copies held, by the health routes' terms, as told under these lies."""
        if not lies:
            return self._table.listing()[0]
        return self._told(request, lies, lambda told: told.counts).counts

    def details(self, request: int, lies: tuple[Met, ...]) -> tuple[dict[str, int], bytes]:
        """Return the counts, and the JSON of `details`, as told under these lies."""
        if not lies:
            return self._table.listing()
        told = self._told(request, lies, lambda told: (told.counts, to_json(told.sessions)))
        for met in lies:
            if isinstance(met.fault, DeployedDialect):
                self.executed(request, met)
                return told.counts, statistics(told.sessions, utc_now())
        return told.counts, to_json(told.sessions)

    def listing(self, request: int, lies: tuple[Met, ...]) -> tuple[int, bytes]:
        """Return the total, and the JSON of the sessions' list, as told under these lies."""
        if not lies:
            counts, listed = self._table.listing()
            return counts["total"], listed
        told = self._told(request, lies, lambda told: (told.counts["total"], to_json(told.sessions)))
        return told.counts["total"], to_json(told.sessions)

    def shown(self, request: int, lies: tuple[Met, ...], session_id: str) -> Session | None:
        """Return the copy held under exactly this id, as told under these lies."""
        if not lies:
            return self.session(session_id)
        return self._told(request, lies, lambda told: told.session(session_id)).session(session_id)

    def create(self, session_id: str, workspace_id: int) -> None:
        """Start a login that waits for its QR code to be scanned."""
        self.hold(Session(session_id, workspace_id, status=SessionStatus.QR_SCANNING))

    def reconnect(self, session_id: str) -> None:
        """Connect a held session again and announce it."""
        if (session := self.set_status(session_id, SessionStatus.CONNECTED)) is not None:
            self._fleet.reconnected(session, self.number)

    def disconnect(self, session_id: str) -> bool:
        """End a session permanently; return False when it was not held."""
        return self.release(session_id) is not None

    def deliver(self, request: int, session_id: str, recipient: str, text: str) -> str:
        """Send a message over a connected session and return its message id."""
        phone = recipient.removeprefix("+").removesuffix("@c.us")
        message_id = f"true_{phone}@c.us_3EB0{next(self._message_numbers):06X}{secrets.token_hex(5).upper()}"
        self._journal.record(
            MessageDelivered(
                instance=self.number,
                request=request,
                session_id=session_id,
                recipient=recipient,
                text=text,
                message_id=message_id,
            )
        )
        return message_id

    def _told(self, request: int, lies: tuple[Met, ...], seen: Callable[[Told], object]) -> Told:
        """Tell under these lies; one that does not change what the caller has `seen` leaves no receipt."""
        told = Told.of(self.sessions())
        for met in lies:
            assert isinstance(met.fault, Lie)  # noqa: S101 - what the application hands over as one
            before, told = told, told.under(met.fault, self._fleet.sessions)
            if seen(told) != seen(before):
                self.executed(request, met)
        return told

    # Faults and receipts

    def arm(self, armed: ArmedFault) -> None:
        """Put a fault in force. Refusing happens at once; every other fault waits for a request.

        Raises:
            FaultError: the fault cannot happen as armed.
        """
        if self.paused and isinstance(armed.fault, Refuse):
            raise FaultError(
                f"instance {self.number} stands still, so it cannot close its listener; resume it first"
            )
        self.faults.arm(armed)
        self._journal.record(
            FaultArmed(
                instance=self.number,
                fault=armed.number,
                words=str(armed.fault),
                endpoints=tuple(sorted(armed.endpoints)),
                seed=armed.seed,
            )
        )
        if isinstance(armed.fault, Refuse):
            if armed.fault.finishes:
                self._server.retire()
            else:
                self._server.refuse()
            self.executed(None, Met(armed.number, armed.fault))

    def clear(self, number: int | None = None) -> None:
        """Take one fault, or all of them, out of force; close the connections that it holds up.

        Raises:
            PortInUseError: another process took the port of an instance that refused connections.
        """
        for armed in self.faults.clear(number):
            self._journal.record(
                FaultCleared(instance=self.number, fault=armed.number, words=str(armed.fault))
            )
            if not isinstance(armed.fault, Refuse):
                self._server.release(armed.number)
            elif self.running and not self.faults.refusing:
                self._server.listen()

    def meet(self, endpoint: Endpoint, session_id: str | None, request: int | None) -> tuple[Met, ...]:
        """Return the faults that a request, a connection, or a webhook that is due, meets."""
        met = self.faults.take(endpoint, session_id)
        for one in met:
            self._journal.record(
                FaultMatched(instance=self.number, fault=one.number, words=str(one.fault), request=request)
            )
        return met

    def calm(self) -> bool:
        """Say that no fault is armed here and that no answer sets anything off."""
        return not self.faults.any_armed and not self._fleet.triggers.waiting()

    def accepted(self) -> Met | None:
        """Return the fault that a new connection meets before anything is read."""
        return next(iter(self.meet(Endpoint.LISTENER, None, None)), None)

    def arrived(self, entry: RequestArrived) -> tuple[Met, ...]:
        """Record that a request arrived, and return the faults it meets."""
        self._open[entry.request] = entry
        self.awaited.add(entry.request)
        self.last_request = max(self.last_request, entry.request)
        self._journal.record(entry)
        return self.meet(entry.endpoint, entry.session_id, entry.request)

    def executed(self, request: int | None, met: Met, wire: WireFault | None = None) -> None:
        """Record that a fault is being carried out, as this wire fault if it is one."""
        if request is not None:
            if isinstance(wire, Hang):
                self.hanging.add(request)
            if (wire is not None and wire.lingers) or isinstance(met.fault, Delay):
                self.awaited.discard(request)
        self._journal.record(
            FaultExecuted(instance=self.number, fault=met.number, words=str(met.fault), request=request)
        )

    def answering(self, request: int, status: int) -> None:
        """Record that the answer to a request is about to go out."""
        self._journal.record(AnswerBegun(instance=self.number, request=request, status=status))
        if (asked := self._open.get(request)) is not None:
            self._fleet.triggers.answer_begins(self.number, asked.endpoint, asked.session_id)

    def completed(self, request: int, status: int | None, ending: str, sent: int) -> None:
        """Record how a request ended."""
        if self._open.pop(request, None) is None:
            return
        self.awaited.discard(request)
        self.hanging.discard(request)
        if ending == "closed" and self._killed:
            ending = "killed"
        self._journal.record(
            RequestCompleted(instance=self.number, request=request, status=status, ending=ending, sent=sent)
        )

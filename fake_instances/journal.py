"""Everything that happened on the instances, in one order: the ground truth that verdicts rest on.

Each entry is written when the thing happens, before the instance goes on, so the order of entries is the order
of events over all instances. To wait for an event, wait here, with a deadline, instead of sleeping.
"""

from __future__ import annotations

import gc
import threading
import time
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, TypeVar, dataclass_transform

from fake_instances.errors import JournalOverflowError

if TYPE_CHECKING:
    from collections.abc import Callable

    from fake_instances.faults import Endpoint

_EPOCH = time.time() - time.monotonic()


def now() -> float:
    """Return Unix seconds that never run backwards within a process, so that differences are true durations."""
    return _EPOCH + time.monotonic()


@dataclass_transform(kw_only_default=True, frozen_default=True)
@dataclass(frozen=True, kw_only=True)
class Entry:
    """Base of every entry, all frozen dataclasses: its place in the order, and when it was written (Unix seconds)."""

    sequence: int = 0
    at: float = 0.0

    def __init_subclass__(cls) -> None:
        dataclass(frozen=True, kw_only=True)(cls)

    def to_json(self) -> dict[str, object]:
        """Return the entry as plain JSON values, its kind first; bytes as text."""
        shown: dict[str, object] = {"kind": type(self).__name__}
        for one in fields(self):
            value = getattr(self, one.name)
            shown[one.name] = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
        return shown


class InstanceEntry(Entry):
    """Base of every entry about one instance, by its number."""

    instance: int


class InstanceStarted(InstanceEntry):
    """The instance listens."""

    url: str


class InstanceStopped(InstanceEntry):
    """The instance no longer runs, and its connections are gone. `killed` when it ended as by `kill -9`."""

    killed: bool = False


class InstancePaused(InstanceEntry):
    """The instance stands still from here on."""


class InstanceResumed(InstanceEntry):
    """The instance goes on."""


class SessionHeld(InstanceEntry):
    """The instance took in a copy of a session, or changed the state of one."""

    session_id: str
    status: str


class SessionReleased(InstanceEntry):
    """The instance let its copy of a session go."""

    session_id: str


class RequestArrived(InstanceEntry):
    """A whole request was read. `session_id` is the one it names, if it names one."""

    request: int
    endpoint: Endpoint
    method: str
    target: str
    session_id: str | None
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    body: bytes = field(repr=False)


class AnswerBegun(InstanceEntry):
    """The answer is ready and about to go out: what its reader does next is written after this."""

    request: int
    status: int


class RequestCompleted(InstanceEntry):
    """The instance is done with a request: `status` is what it answered, None when it answered nothing.

    `ending` says how: "answered", "caller left" (before the answer was out), "closed" (by the instance) or
    "killed" (with it).
    """

    request: int
    status: int | None
    ending: str
    sent: int


class MessageDelivered(InstanceEntry):
    """The instance sent a message over a session that it holds connected."""

    request: int
    session_id: str
    recipient: str
    text: str
    message_id: str


class WebhookSent(InstanceEntry):
    """A webhook is about to go out, exactly as given here. `attempt` counts its tries from 1."""

    webhook: int
    attempt: int = 1
    event: str
    session_id: str | None
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    body: bytes = field(repr=False)


class WebhookAnswered(InstanceEntry):
    """The control plane answered a try of a webhook; `status` is None, and `reason` says why, when it did not."""

    webhook: int
    attempt: int = 1
    status: int | None
    reason: str | None = None
    body: bytes = b""
    """What the answer said; of a long one the beginning."""


class WebhookLost(InstanceEntry):
    """A webhook that was due was not sent, and will not be.

    `webhook` is its number where it has one: where it was late, or kept back, before it was lost.
    """

    event: str
    session_id: str | None
    reason: str
    webhook: int | None = None


class WebhookKept(InstanceEntry):
    """A webhook that was due is kept back, signed, until it is released under this number."""

    webhook: int
    event: str
    session_id: str | None


class FaultEntry(InstanceEntry):
    """Base of every entry about an armed fault: its number, and what it does."""

    fault: int
    words: str


class FaultArmed(FaultEntry):
    """A fault is in force from here on."""

    endpoints: tuple[Endpoint, ...]
    seed: int | None = None


class FaultMatched(FaultEntry):
    """A request, or a webhook that was due, met an armed fault."""

    request: int | None


class FaultExecuted(FaultEntry):
    """The fault really happened: the wrong bytes went out, or the right ones did not."""

    request: int | None


class FaultCleared(FaultEntry):
    """The fault is no longer in force."""


class TriggerFailed(FaultEntry):
    """What was to happen at this moment could not."""

    problem: str


class StrangerTouched(Entry):
    """Somebody connected to the stranger, which is none of the instances. `peer` is their address, as host:port."""

    connection: int
    peer: str


class StrangerReceived(Entry):
    """The stranger received these bytes, exactly as they arrived; what it answers is sent after this."""

    connection: int
    data: bytes = field(repr=False)


def collect_seldom() -> None:
    """Make a process that only serves instances look for unreachable cycles seldom.

    A journal keeps hundreds of thousands of entries, none of them in a cycle. Looking through them all makes one
    answer in a hundred 40 ms late.
    """
    gc.freeze()
    gc.set_threshold(2_000, 3, 10_000)


AnyEntry = TypeVar("AnyEntry", bound=Entry)


class Journal:
    """The entries of a whole fleet, bounded. Safe to use from several threads.

    When more than `limit` entries were written the oldest are dropped and every later reading raises
    JournalOverflowError: a journal with gaps is no ground truth.
    """

    def __init__(self, *, limit: int = 1_000_000) -> None:
        self.limit = limit
        self._entries: list[Entry] = []
        self._written = 0
        self._dropped = 0
        self._changed = threading.Condition()

    def record(self, entry: AnyEntry) -> AnyEntry:
        """Write an entry, give it its place in the order and its time, and return it."""
        with self._changed:
            self._written += 1
            # Frozen for everybody else.
            object.__setattr__(entry, "sequence", self._written)
            object.__setattr__(entry, "at", now())
            self._entries.append(entry)
            if len(self._entries) > self.limit:
                self._dropped += self.limit // 10 + 1
                del self._entries[: self.limit // 10 + 1]
            self._changed.notify_all()
        return entry

    def entries(self, *, after: int = 0) -> tuple[Entry, ...]:
        """Return the entries written after the one with sequence `after`.

        Raises:
            JournalOverflowError: some of them were dropped.
        """
        with self._changed:
            return self._after(after)

    def wait_for(self, kind: type[AnyEntry], *, timeout: float, after: int = 0, **fields: object) -> AnyEntry:
        """Wait for an entry of this kind, with these field values, after sequence `after`; return it.

        Raises:
            TimeoutError: none was written within `timeout` seconds.
            JournalOverflowError: entries were dropped.
        """
        deadline = time.monotonic() + timeout
        with self._changed:
            seen, overdue = after, False
            while True:
                for entry in self._after(seen):
                    seen = entry.sequence
                    if isinstance(entry, kind) and all(getattr(entry, k) == v for k, v in fields.items()):
                        return entry
                if overdue:
                    wanted = ", ".join(f"{name}={value!r}" for name, value in fields.items())
                    raise TimeoutError(f"no {kind.__name__}({wanted}) in the journal within {timeout:g} s")
                overdue = not self._changed.wait(deadline - time.monotonic())

    def wait_until(self, condition: Callable[[], bool], *, timeout: float) -> bool:
        """Wait until a condition holds, looking again after every entry; False when `timeout` seconds passed."""
        with self._changed:
            return self._changed.wait_for(condition, timeout)

    def wake(self) -> None:
        """Make everybody who waits for a condition look again, as after an entry."""
        with self._changed:
            self._changed.notify_all()

    def forget(self) -> None:
        """Drop every entry, so that a long run stays small. The order goes on counting."""
        with self._changed:
            self._entries.clear()
            self._dropped = 0

    @property
    def last(self) -> int:
        """The sequence of the newest entry, 0 when none was ever written."""
        with self._changed:
            return self._written

    def _after(self, sequence: int) -> tuple[Entry, ...]:
        if self._dropped:
            raise JournalOverflowError(
                f"the journal holds {self.limit} entries at most and dropped {self._dropped}; give it a larger limit"
            )
        kept_from = self._written - len(self._entries)
        return tuple(self._entries[max(0, sequence - kept_from) :])

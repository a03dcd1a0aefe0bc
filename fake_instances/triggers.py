"""What is to happen at an exact moment: it makes the race between verification and send certain."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fake_instances.journal import FaultArmed, FaultCleared, FaultExecuted, FaultMatched, TriggerFailed

if TYPE_CHECKING:
    from collections.abc import Callable

    from fake_instances.faults import Endpoint
    from fake_instances.journal import Journal


@dataclass(frozen=True, slots=True)
class Trigger:
    """Something to do once: when the next such answer is ready, before its first byte goes out.

    The reader of the answer finds it already done. It leaves receipts like a fault, under its number.
    """

    number: int
    on: int
    endpoints: frozenset[Endpoint]
    session_id: str | None
    action: Callable[[], object]
    words: str


class Triggers:
    """The triggers of a fleet, oldest first. Safe to use from several threads."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._waiting: list[Trigger] = []
        self._lock = threading.Lock()

    def add(self, trigger: Trigger) -> None:
        """Wait for the moment of a trigger."""
        with self._lock:
            self._waiting.append(trigger)
        self._journal.record(
            FaultArmed(
                instance=trigger.on,
                fault=trigger.number,
                words=trigger.words,
                endpoints=tuple(sorted(trigger.endpoints)),
            )
        )

    def waiting(self) -> tuple[Trigger, ...]:
        """Return what still waits for its moment."""
        with self._lock:
            return tuple(self._waiting)

    def answer_begins(self, on: int, endpoint: Endpoint, session_id: str | None) -> None:
        """Do what waits for this answer."""
        if not self._waiting:
            return
        with self._lock:
            due = [
                one
                for one in self._waiting
                if one.on == on and endpoint in one.endpoints and one.session_id in {None, session_id}
            ]
            self._waiting = [one for one in self._waiting if one not in due]
        for one in due:
            number, words = one.number, one.words
            self._journal.record(FaultMatched(instance=on, fault=number, words=words, request=None))
            try:
                one.action()
            except Exception as problem:  # noqa: BLE001 - recorded in the journal; the instance goes on
                self._journal.record(
                    TriggerFailed(
                        instance=on, fault=number, words=words, problem=f"{type(problem).__name__}: {problem}"
                    )
                )
            else:
                self._journal.record(FaultExecuted(instance=on, fault=number, words=words, request=None))

    def clear(self, number: int | None = None) -> None:
        """Forget one trigger, or all."""
        with self._lock:
            gone = [one for one in self._waiting if number in {None, one.number}]
            self._waiting = [one for one in self._waiting if one not in gone]
        for one in gone:
            self._journal.record(FaultCleared(instance=one.on, fault=one.number, words=one.words))

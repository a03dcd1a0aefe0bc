"""Has a scenario judged, and judged again, alone, as long as there is reason to doubt that it failed."""

from __future__ import annotations

import contextlib
import itertools
from dataclasses import replace
from typing import TYPE_CHECKING

from harness.catalogue.verdict import Outcome
from harness.run.again import room
from harness.run.again.doubt import Doubts, Next, what_next
from harness.run.again.machine import Machine
from harness.run.judging import doubts_about, not_judged_for
from harness.run.scope import record_in

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pytest

    from harness.catalogue.record import Record

    Reports = list[pytest.TestReport]
    Records = Mapping[pytest.TestReport, Record]

_QUIET_PATIENCE = 2.0
"""Seconds in which a busy machine may become quiet before a scenario is judged once more."""


class Tries:
    """Judges scenarios. `several`: whether other workers do so at the same time."""

    def __init__(self, *, several: bool) -> None:
        self._several = several
        self._machine = Machine()

    def judge(self, run: Callable[[], Reports], timeout: Callable[[], float]) -> tuple[Reports, Records]:
        """Run a scenario until what came of it counts; return its last reports, and the records that these have.

        `timeout` says afterwards what the shortest time is that it is judged by.
        """
        self._machine.start()
        because, doubts = "", Doubts()
        for tries in itertools.count(1):
            if doubts.excused:
                self._machine.await_quiet(patience=_QUIET_PATIENCE)
            with self._room(alone=tries > 1):
                began = self._machine.moment()
                reports = run()
                strain = self._machine.since(began)
            records = {one: record for one in reports if (record := record_in(one)) is not None}
            doubts = doubts_about(
                [record for one, record in records.items() if one.when != "teardown"],
                [record for one, record in records.items() if one.when == "teardown"],
                strain,
                timeout(),
            )
            step = what_next(tries, doubts)
            if step is not Next.AGAIN:
                break
            because = because or doubts.first
        if because:
            records = {
                one: replace(record, judged_again=True, again_because=because)
                for one, record in records.items()
            }
        if step is Next.GIVE_UP:
            records = {
                one: not_judged_for(record, doubts.excused) if record.outcome is Outcome.FAILED else record
                for one, record in records.items()
            }
        return reports, records

    def stop(self) -> None:
        """Stop measuring the machine."""
        self._machine.stop()

    def _room(self, *, alone: bool) -> contextlib.AbstractContextManager[object]:
        if not self._several:
            return contextlib.nullcontext()
        return room.alone() if alone else room.shared()

"""Watches one run of a scenario, and gives evidence of it: its steps, its times, and what happened."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from harness.catalogue.verdict import Outcome
from harness.errors import ConformanceFailure, NotJudgedError
from harness.evidence import Evidence, Step
from harness.history import History
from harness.redaction import redact
from harness.report.sequence import bounded, json_lines, sequence
from harness.report.timeline import timeline

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from harness.evidence import StepOutcome

AFTERWARDS = "Afterwards the implementation runs, and every fault has happened"


class Recorder:
    """Made when a scenario begins; `steps` are its steps with their keywords."""

    def __init__(self, steps: Sequence[str] = ()) -> None:
        self._began = time.monotonic()
        self._steps = [Step(words) for words in steps]
        self._at = -1
        self._step_began = self._began

    def step_begins(self) -> None:
        """Take note that the next step begins."""
        self._at += 1
        self._step_began = time.monotonic()

    def step_passed(self) -> None:
        """Take note that the step did what it says."""
        self._end_step("passed")

    def testify(  # noqa: PLR0913 - what is known of a scenario comes from this many places
        self,
        recorded: Callable[[], History],
        outcome: Outcome,
        problem: BaseException | None,
        secrets: Collection[str],
        *,
        trace: str = "",
        full: bool,
    ) -> tuple[Evidence, str]:
        """Give what is known now, without secrets, and the history as JSON lines.

        Events and JSON lines are made only when `full`. `trace` is told where the harness itself broke. A journal
        that overflowed leaves no history to tell.
        """
        try:
            history = recorded()
        except NotJudgedError:
            history = History(())
        if outcome is not Outcome.PASSED:
            self._end_step("not judged" if outcome is Outcome.NOT_JUDGED else "failed")
        finding = problem if isinstance(problem, ConformanceFailure) else None
        expected, observed = (finding.expected, finding.observed) if finding else ("", trace)
        events, left_out = bounded(sequence(history, secrets)) if full else ((), 0)
        evidence = Evidence(
            seconds=round(time.monotonic() - self._began, 3),
            steps=tuple(replace(one, words=redact(one.words, secrets)) for one in self._steps),
            expected=redact(expected, secrets),
            observed=redact(observed, secrets),
            timeline=() if outcome is Outcome.PASSED else tuple(timeline(history, secrets)),
            events=events,
            left_out=left_out,
        )
        return evidence, json_lines(history, secrets) if full else ""

    def _end_step(self, outcome: StepOutcome) -> None:
        if not self._steps:
            return
        at = max(self._at, 0)
        if outcome != "passed" and self._steps[-1].outcome == "passed":
            self._steps.append(Step(AFTERWARDS, outcome))
        elif self._steps[at].outcome == "not reached":
            seconds = round(time.monotonic() - self._step_began, 3)
            self._steps[at] = replace(self._steps[at], outcome=outcome, seconds=seconds)

"""Watches one run of a scenario and completes its record: its outcome, its steps, its times, and what happened.

This is the one place where secrets are taken out of what is known of a scenario.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from harness.catalogue.record import history_file
from harness.catalogue.verdict import Outcome
from harness.errors import ConformanceFailure, NotJudgedError, TimeBoundFailure
from harness.evidence import Evidence, Step
from harness.history import History, Noted
from harness.redaction import redact_cut, redact_values
from harness.report.events import bounded, events_of, json_lines
from harness.report.text import timeline
from harness.run.again.doubt import doubt_about
from harness.run.judging import outcome_of
from harness.wording import cut, visible

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from harness.catalogue.record import Record
    from harness.evidence import StepOutcome
    from harness.scenario.scene import Scene

LONGEST_TOLD = 4000
"""Characters of a finding: it may quote an answer, and is in every format of the report."""
_MOST_ENTRIES = 30_000
"""Of a history, in the report: who asks without end makes hundreds of thousands, each of which is redacted."""
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

    def complete(  # noqa: PLR0913 - what is known of a scenario comes from this many places
        self,
        record: Record,
        problem: BaseException | None,
        scene: Scene | None,
        secrets: Collection[str],
        *,
        trace: str = "",
        full: bool,
    ) -> Record:
        """Return the record of a scenario that ended with this problem, if any, without secrets.

        Histories, and the events of what passed, are kept only when `full`.
        `trace` is kept where the harness itself broke.
        """
        outcome, reason = outcome_of(problem)
        reason = cut(reason, LONGEST_TOLD)
        if outcome is not Outcome.PASSED:
            self._end_step("not judged" if outcome is Outcome.NOT_JUDGED else "failed")
        finding = problem if isinstance(problem, ConformanceFailure) else None
        broken = trace if outcome is Outcome.BROKEN else ""
        evidence = Evidence(
            seconds=round(time.monotonic() - self._began, 3),
            steps=tuple(self._steps),
            expected=cut(finding.expected, LONGEST_TOLD) if finding else "",
            observed=cut(finding.observed, LONGEST_TOLD) if finding else broken,
        )
        lines = ""
        # What is cut short later is redacted now: events are made of a history that has no secrets any more.
        evidence = shown(evidence, secrets)
        if full or outcome is not Outcome.PASSED:
            history: History = redact_values(told_of(_history_of(scene)), secrets)
            # A webhook's JSON is read only now, and may spell a secret in another way.
            events = shown(events_of(history), secrets)
            told = () if outcome is Outcome.PASSED else timeline(events)
            kept, left_out = bounded(events)
            evidence = replace(evidence, timeline=told, events=kept, left_out=left_out)
            lines = json_lines(history) if full else ""
        # What a run is called is not redacted: it would be taken for another run.
        return replace(
            record,
            outcome=outcome,
            reason=shown(reason, secrets),
            time_bound=isinstance(problem, TimeBoundFailure),
            doubt=""
            if scene is None or outcome is Outcome.PASSED
            else doubt_about(_history_of(scene), scene.timeout),
            evidence=evidence,
            history=history_file(record.id) if lines else "",
            lines=lines,
        )

    def _end_step(self, outcome: StepOutcome) -> None:
        if not self._steps:
            return
        at = max(self._at, 0)
        if outcome != "passed" and self._steps[-1].outcome == "passed":
            self._steps.append(Step(AFTERWARDS, outcome))
        elif self._steps[at].outcome == "not reached":
            # Before the first step no time is known: that is how a report knows that it never began.
            seconds = None if self._at < 0 else round(time.monotonic() - self._step_began, 3)
            self._steps[at] = replace(self._steps[at], outcome=outcome, seconds=seconds)


def shown(values: Any, secrets: Collection[str]) -> Any:
    """Return what people will read: without pieces of secrets, and without characters that a terminal obeys."""
    return redact_values(values, secrets, lambda text, hidden: visible(redact_cut(text, hidden)))


def told_of(history: History) -> History:
    """Return what is told of a history: all of it, or where nobody would read that, its beginning and its end."""
    entries = history.entries
    if len(entries) <= _MOST_ENTRIES:
        return history
    half = _MOST_ENTRIES // 2
    words = (
        f"{len(entries) - 2 * half} entries are left out here: at most {_MOST_ENTRIES} of a scenario are kept"
    )
    between = Noted(text=words, at=entries[half].at, sequence=entries[half].sequence)
    return History((*entries[:half], between, *entries[-half:]))


def _history_of(scene: Scene | None) -> History:
    """Return what happened; nothing where the journal overflowed."""
    try:
        return History(()) if scene is None else scene.history
    except NotJudgedError:
        return History(())

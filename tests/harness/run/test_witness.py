"""What a witness says of a scenario: its steps, its finding, and what happened."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from harness.catalogue.verdict import Outcome
from harness.errors import ConformanceFailure, LaunchError, NotJudgedError
from harness.history import History, StepReached
from harness.run.recorder import AFTERWARDS, Recorder
from tests.harness.support import history, user_sends

if TYPE_CHECKING:
    from harness.evidence import Evidence

KEY = "the-api-key-of-this-run"
STEPS = ["Given a row", "When it rains", "Then it pours"]
TOLD = history(StepReached(text="Given a row"), user_sends(f"hello {KEY}"))
FAILURE = ConformanceFailure(f"no {KEY}", f"{KEY} it is")


def steps(evidence: Evidence) -> list[tuple[str, str]]:
    return [(one.words, one.outcome) for one in evidence.steps]


def after(passed: int, *, begun: bool = True) -> Recorder:
    """Give a witness of so many steps that passed, and of the next that has begun, if one has."""
    witness = Recorder(STEPS)
    for _ in range(passed):
        witness.step_begins()
        witness.step_passed()
    if begun:
        witness.step_begins()
    return witness


def said(
    witness: Recorder,
    outcome: Outcome,
    problem: BaseException | None = None,
    *,
    full: bool = True,
    trace: str = "",
) -> tuple[Evidence, str]:
    return witness.testify(lambda: TOLD, outcome, problem, [KEY], full=full, trace=trace)


def test_of_a_scenario_that_passed_steps_and_events_are_told() -> None:
    evidence, lines = said(after(3, begun=False), Outcome.PASSED)

    assert steps(evidence) == [(one, "passed") for one in STEPS]
    assert all(one.seconds is not None and one.seconds >= 0 for one in evidence.steps)
    assert [one.source for one in evidence.events] == ["", "user"]
    assert [json.loads(one)["kind"] for one in lines.splitlines()] == ["StepReached", "UserSends"]
    assert (evidence.timeline, evidence.expected, evidence.observed) == ((), "", "")


def test_of_one_that_failed_the_step_the_finding_and_the_timeline_are_told_without_secrets() -> None:
    evidence, lines = said(after(1), Outcome.FAILED, FAILURE)

    assert steps(evidence) == [
        ("Given a row", "passed"),
        ("When it rains", "failed"),
        ("Then it pours", "not reached"),
    ]
    assert (evidence.expected, evidence.observed) == ("no [secret]", "[secret] it is")
    assert len(evidence.timeline) == 2
    assert KEY not in lines + repr(evidence)


@pytest.mark.parametrize("problem", [NotJudgedError("x"), LaunchError("x")])
def test_of_one_that_was_not_judged_the_step_says_so(problem: Exception) -> None:
    evidence, _ = said(after(0), Outcome.NOT_JUDGED, problem)

    assert steps(evidence)[0] == ("Given a row", "not judged")


def test_a_start_that_failed_counts_for_the_first_step() -> None:
    evidence, _ = said(after(0, begun=False), Outcome.NOT_JUDGED, LaunchError("x"))

    assert [outcome for _, outcome in steps(evidence)] == ["not judged", "not reached", "not reached"]


def test_what_went_wrong_behind_the_last_step_has_a_line_of_its_own() -> None:
    witness = after(3, begun=False)
    evidence, _ = said(witness, Outcome.FAILED, FAILURE)
    again, _ = said(witness, Outcome.FAILED, FAILURE)

    assert steps(evidence)[2:] == [("Then it pours", "passed"), (AFTERWARDS, "failed")]
    assert steps(again) == steps(evidence)


def test_of_a_harness_that_broke_the_trace_is_told() -> None:
    evidence, _ = said(after(0), Outcome.BROKEN, KeyError("x"), trace=f"KeyError: {KEY}")

    assert (evidence.expected, evidence.observed) == ("", "KeyError: [secret]")


def test_without_a_report_neither_events_nor_lines_are_made() -> None:
    evidence, lines = said(after(1), Outcome.FAILED, FAILURE, full=False)

    assert (evidence.events, lines) == ((), "")
    assert len(evidence.timeline) == 2


def test_a_journal_that_overflowed_leaves_nothing_to_tell() -> None:
    def overflowed() -> History:
        raise NotJudgedError("the journal overflowed")

    evidence, lines = after(1).testify(overflowed, Outcome.NOT_JUDGED, NotJudgedError("x"), (), full=True)

    assert (evidence.events, evidence.timeline, lines) == ((), ("nothing happened",), "")


def test_without_steps_there_is_nothing_to_mark() -> None:
    evidence, _ = said(Recorder(), Outcome.FAILED, FAILURE)

    assert evidence.steps == ()

"""What a recorder knows of a scenario: its outcome, its steps, its finding, and what happened, without secrets."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, cast

import pytest

from fake_instances import FleetError
from fake_instances.journal import StrangerReceived, WebhookSent
from harness.catalogue.verdict import Outcome
from harness.errors import ConformanceFailure, LaunchError, NotJudgedError, TargetError, TimeBoundFailure
from harness.history import History, StepReached, WebhookReceived
from harness.run.judging import outcome_of
from harness.run.recorder import AFTERWARDS, LONGEST_TOLD, Recorder
from tests.harness.reporting import LOGGED, record
from tests.harness.support import SESSION, asked, delivered, history, user_answered, user_sends

if TYPE_CHECKING:
    from harness.catalogue.record import Record
    from harness.scenario.scene import Scene

KEY = "the-api-key-of-this-run"
STEPS = ["Given a row", "When it rains", "Then it pours"]
TOLD = history(StepReached(text="Given a row"), user_sends(f"hello {KEY}"))
FAILURE = ConformanceFailure(f"no {KEY}", f"{KEY} it is")


class MadeUpScene:
    """A scene in which something happened, or of which the journal overflowed."""

    timeout = 0.8

    def __init__(self, told: History | None = TOLD) -> None:
        self._told = told

    @property
    def history(self) -> History:
        if self._told is None:
            raise NotJudgedError("the journal overflowed")
        return self._told


def recorder(passed: int, *, begun: bool = True) -> Recorder:
    """Return a recorder of so many steps that passed, and of the next that has begun, if one has."""
    made = Recorder(STEPS)
    for _ in range(passed):
        made.step_begins()
        made.step_passed()
    if begun:
        made.step_begins()
    return made


def completed(
    made: Recorder, problem: BaseException | None = None, told: History | None = TOLD, **more: Any
) -> Record:
    scene = cast("Scene", MadeUpScene(told))
    return made.complete(record(LOGGED), problem, scene, [KEY], **{"full": True, **more})


def steps(one: Record) -> list[tuple[str, str]]:
    return [(step.words, step.outcome) for step in one.evidence.steps]


def test_of_a_scenario_that_passed_steps_events_and_history_are_kept() -> None:
    one = completed(recorder(3, begun=False))

    assert one.outcome is Outcome.PASSED
    assert steps(one) == [(words, "passed") for words in STEPS]
    assert [event.source for event in one.evidence.events] == ["", "user"]
    assert [json.loads(line)["kind"] for line in one.lines.splitlines()] == ["StepReached", "UserSends"]
    assert one.history.startswith("history/it-is-logged-")
    assert (one.evidence.timeline, one.evidence.expected, one.evidence.observed) == ((), "", "")


def test_of_one_that_failed_the_step_the_finding_and_the_timeline_are_kept() -> None:
    one = completed(recorder(1), FAILURE)

    assert steps(one) == [
        ("Given a row", "passed"),
        ("When it rains", "failed"),
        ("Then it pours", "not reached"),
    ]
    assert (one.evidence.expected, one.evidence.observed) == ("no [secret]", "[secret] it is")
    assert one.reason == "expected no [secret]; observed [secret] it is"
    assert len(one.evidence.timeline) == 2


def test_nothing_that_is_kept_has_a_secret_or_a_piece_of_one() -> None:
    pad = "x" * 55
    happened = history(
        StepReached(text=f"Given {KEY}"),
        user_sends(pad + KEY + pad),
        delivered(3002, pad + KEY + pad),
        replace(asked(3001, 1), target="/" + "x" * 50 + KEY),
        WebhookSent(
            instance=3002, webhook=1, event="e", session_id=SESSION, body=f'{{"a":"{KEY}"}}'.encode(),
            headers=(("X-Instance-Url", "x" * 290 + KEY), ("X-HMAC-Signature", "ab" * 32)),
        ),
        user_answered(500, "x" * 295 + KEY),
        StrangerReceived(connection=1, data=("x" * 19_990 + KEY).encode()),
    )  # fmt: skip
    one = completed(Recorder([f"Given {KEY}"]), FAILURE, happened)
    broken = completed(recorder(0), KeyError(KEY), happened, trace=f"KeyError: {KEY}")

    assert len(one.evidence.events) == len(one.lines.splitlines()) == 7
    assert broken.evidence.observed == "KeyError: [secret]"
    for kept in (one, broken):
        told = json.dumps(kept.to_wire())
        assert KEY[:4] not in told
        assert "abababab" not in told


@pytest.mark.parametrize(
    ("passed", "begun", "outcomes"),
    [
        (0, True, ["failed", "not reached", "not reached"]),
        # A start that failed: the first step never began, and has no time.
        (0, False, ["failed", "not reached", "not reached"]),
        (3, False, ["passed", "passed", "passed", "failed"]),
    ],
)
def test_the_step_at_which_it_ended_is_marked(passed: int, begun: bool, outcomes: list[str]) -> None:  # noqa: FBT001
    made = recorder(passed, begun=begun)
    one = completed(made, FAILURE)

    assert [outcome for _, outcome in steps(one)] == outcomes
    assert (one.evidence.steps[0].seconds is None) == (passed == 0 and not begun)
    assert steps(completed(made, FAILURE)) == steps(one)
    assert outcomes[3:] == [] or steps(one)[3][0] == AFTERWARDS


def test_without_a_report_no_history_is_kept_and_events_only_of_what_did_not_pass() -> None:
    failed = completed(recorder(1), FAILURE, full=False)
    passed = completed(recorder(1), None, full=False)

    assert [(one.lines, one.history) for one in (failed, passed)] == [("", ""), ("", "")]
    assert len(failed.evidence.timeline) == len(failed.evidence.events) == 2
    assert passed.evidence.events == ()


def test_of_a_history_that_nobody_would_read_the_beginning_and_the_end_are_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("harness.run.recorder._MOST_ENTRIES", 4)
    happened = history(*(StepReached(text=f"step {number}") for number in range(10)))

    lines = completed(recorder(1), None, happened).lines.splitlines()

    told = [json.loads(line)["text"] for line in lines]
    left_out = "6 entries are left out here: at most 4 of a scenario are kept"
    assert told == ["step 0", "step 1", left_out, "step 8", "step 9"]


def test_a_journal_that_overflowed_leaves_nothing_to_tell() -> None:
    one = completed(recorder(1), NotJudgedError("x"), None)

    assert (one.evidence.events, one.evidence.timeline, one.lines) == ((), ("nothing happened",), "")


@pytest.mark.parametrize(
    ("problem", "outcome", "reason"),
    [
        (None, Outcome.PASSED, ""),
        (ConformanceFailure("a", "b"), Outcome.FAILED, "expected a; observed b"),
        (TimeBoundFailure("a", "b"), Outcome.FAILED, "expected a; observed b"),
        (AssertionError("x"), Outcome.BROKEN, "AssertionError: x"),
        (NotJudgedError("x"), Outcome.NOT_JUDGED, "x"),
        (LaunchError("x"), Outcome.NOT_JUDGED, "x"),
        (FleetError("x"), Outcome.NOT_JUDGED, "x"),
        (TargetError("x"), Outcome.BROKEN, "TargetError: x"),
        (KeyError("x"), Outcome.BROKEN, "KeyError: 'x'"),
        (pytest.skip.Exception("x"), Outcome.NOT_JUDGED, "it was skipped: x"),
        (
            pytest.xfail.Exception("x"),
            Outcome.NOT_JUDGED,
            "it was expected to fail and did not run to its end: x",
        ),
    ],
)
def test_what_an_exception_means(problem: BaseException | None, outcome: Outcome, reason: str) -> None:
    assert outcome_of(problem) == (outcome, reason)


def test_what_a_failure_may_be_due_to_is_kept_with_it() -> None:
    slow = history(user_sends(), user_answered(), seconds=5)

    assert completed(recorder(0), TimeBoundFailure("a", "b")).time_bound
    assert not completed(recorder(0), FAILURE).time_bound
    assert completed(recorder(0), FAILURE).doubt == ""
    assert "did nothing for 5.00 s" in completed(recorder(0), FAILURE, slow).doubt
    assert completed(recorder(0), None, slow).doubt == ""


def test_what_json_spells_in_another_way_is_redacted_too() -> None:
    key = "".join(f"\\u{ord(one):04x}" for one in KEY)
    body = f'{{"event": "{key} \\ud800", "data": {{"session_id": "{key}"}}}}'.encode()
    webhook = WebhookReceived(path="/", headers=(), body=body, answered=200)

    one = completed(recorder(1), FAILURE, history(webhook))

    shown = json.dumps(asdict(one.evidence), ensure_ascii=False)
    assert "webhook" in shown
    assert KEY not in shown
    assert shown.encode()


def test_a_finding_that_quotes_a_long_answer_is_cut() -> None:
    problem = ConformanceFailure("a short answer", "x" * (LONGEST_TOLD - 10) + KEY + "y" * 3_000_000)

    one = completed(recorder(1), problem)

    assert one.evidence.observed.endswith("characters)")
    assert max(len(one.evidence.observed), len(one.reason)) < LONGEST_TOLD + 100
    assert KEY[:10] not in one.evidence.observed + one.reason

"""A failure and a verdict as text for a terminal."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from harness.catalogue.verdict import Outcome
from harness.report import text
from tests.harness.reporting import (
    CATALOGUE,
    EVIDENCE,
    FOUND,
    LOGGED,
    REAL,
    RETRIED,
    Made,
    record,
    with_record,
)

if TYPE_CHECKING:
    import pytest


def test_a_failure_names_requirement_scenario_step_expected_observed_and_timeline() -> None:
    evidence = replace(EVIDENCE, observed="none\nat all")

    assert text.failure(record(FOUND, Outcome.FAILED, evidence=evidence), CATALOGUE).splitlines() == [
        "SCAN-01 (must, core): SCAN_01 holds.",
        "  scenario  It is found (features/core/scan.feature:1)",
        "  step      When it rains",
        "  expected  one delivery",
        "  observed  none",
        "            at all",
        "  timeline",
        "      0.000 s  ── Given a row",
    ]


def test_any_other_problem_is_reported_by_its_reason() -> None:
    lines = text.failure(record(FOUND, Outcome.NOT_JUDGED, reason="not up:\n  its output"), CATALOGUE)

    assert lines.splitlines()[2:] == [
        "  step      before the first step",
        "  problem   not up:",
        "              its output",
    ]


def test_a_summary_says_the_verdict_and_each_reason_once() -> None:
    came = [
        (FOUND, Outcome.FAILED, "expected x\nmore"),
        (LOGGED, Outcome.NOT_JUDGED, "not up\n  its last output"),
        (RETRIED, Outcome.NOT_JUDGED, "not up\n  its last output"),
    ]
    records = [record(one, outcome, reason=reason) for one, outcome, reason in came]
    records[0] = replace(records[0], judged_again=True, again_because="a time bound was missed")

    assert text.summary(Made((*records, record(REAL)), 1).report(), every_failure=True) == [
        "implementation  made-up 1, which claims core",
        "core            MUST 1 failed, 1 not judged; SHOULD 1 not judged",
        "not claimed     security, resilience, health-check, monitoring, instance",
        "1 cause",
        ' 1  expected x, seen only in "It is found"',
        "    SCAN-01: 1 scenario",
        "      SCAN-01 (must, core): SCAN_01 holds.",
        "      scenario  It is found (features/core/scan.feature:1)",
        "      problem   expected x",
        "failed          SCAN-01: expected x",
        "not judged      SCAN-02, SCAN-07 (should): not up",
        "                    its last output",
        "judged again    core/scan.feature::It is found (at first a time bound was missed)",
        "scenarios       4 run, 1 passed; in the order of the catalogue",
        "requirements    1 of 4 judged here, 1 of profiles not claimed",
        "verdict         non-conformant: failed: SCAN-01",
    ]


def test_where_some_runs_of_a_requirement_failed_and_others_passed_the_summary_says_which() -> None:
    report = Made(with_record(record(FOUND, Outcome.FAILED, row="3002")), 1).report()
    found = "\n".join(text.summary(report, every_failure=True))

    assert "1 of its 2 runs failed: It is found [3002]" in found


def test_of_what_the_user_left_out_a_few_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "_MOST_LEFT_OUT", 1)

    told = text.summary(Made((record(REAL),), 1).report())

    assert "not judged      SCAN-01 and 2 more: its scenario was left out by the selection" in told


def test_what_no_scenario_carries_is_named() -> None:
    written = (FOUND, RETRIED)

    assert text.unwritten(Made((), 2, suite=written).report()) == ["not yet written (2)  SCAN-02, AUTH-05"]
    assert text.unwritten(Made((), 2).report()) == []

"""Collecting what came of each scenario, and what an exception means for its outcome."""

from __future__ import annotations

import json

import pytest

from fake_instances import FleetError
from harness.catalogue.tally import Record, Tally, classify, is_time_bound
from harness.catalogue.verdict import Conclusion, Outcome, Verdict
from harness.errors import ConformanceFailure, LaunchError, NotJudgedError, TargetError, TimeBoundFailure
from tests.harness.support import CORE, catalogue, scenario

SMALL = catalogue(SCAN_01="must", SCAN_07="should", SCAN_09="self")
FOUND, RETRIED, PROOF = (
    scenario("It is found", "SCAN-01", examples=2),
    scenario("It is retried", "SCAN-07"),
    scenario("The symptom is real", "SCAN-09", file="self/incident.feature"),
)
SUITE = (FOUND, RETRIED, PROOF)
ROW_1, ROW_2 = "features/test_features.py::test_found[3001]", "features/test_features.py::test_found[3002]"
FUNCTIONS = {FOUND.name: "test_found", RETRIED.name: "test_retried", PROOF.name: "test_real"}


@pytest.fixture
def tally() -> Tally:
    return Tally(SMALL, SUITE, FUNCTIONS.__getitem__)


def record(node: str, written: object = FOUND, outcome: Outcome = Outcome.PASSED, **more: object) -> Record:
    assert isinstance(written, type(FOUND))
    return Record(node, written.file, written.name, written.requirement_ids, outcome.value, **more)  # type: ignore[arg-type]


def of(verdict: Verdict, id_: str) -> tuple[Outcome, tuple[str, ...]]:
    return next((one.outcome, one.reasons) for one in verdict.requirements if one.requirement.id == id_)


def test_both_rows_of_an_outline_make_its_must_pass(tally: Tally) -> None:
    tally.expect([ROW_1, ROW_2])
    tally.add(record(ROW_1))
    tally.add(record(ROW_2))

    verdict = tally.verdict(CORE)

    assert verdict.conclusion is Conclusion.CONFORMANT
    assert len(verdict.scenarios) == 2


def test_an_outline_with_one_row_missing_leaves_its_must_not_judged(tally: Tally) -> None:
    tally.expect([ROW_1, ROW_2])
    tally.add(record(ROW_1))

    verdict = tally.verdict(CORE)

    assert verdict.conclusion is Conclusion.INCOMPLETE
    assert of(verdict, "SCAN-01") == (Outcome.NOT_JUDGED, ("its scenario never ran",))


def test_an_outline_of_which_a_row_was_filtered_out_leaves_its_must_not_judged(tally: Tally) -> None:
    tally.expect([ROW_1])
    tally.add(record(ROW_1))

    verdict = tally.verdict(CORE)

    assert verdict.conclusion is Conclusion.INCOMPLETE
    reasons = ("its scenario was left out by the selection",)
    assert of(verdict, "SCAN-01") == (Outcome.NOT_JUDGED, reasons)


def test_a_scenario_of_which_nothing_ran_never_ran(tally: Tally) -> None:
    tally.expect([ROW_1, ROW_2, "features/test_features.py::test_retried"])
    tally.add(record("features/test_features.py::test_retried", RETRIED))

    assert of(tally.verdict(CORE), "SCAN-01") == (Outcome.NOT_JUDGED, ("its scenario never ran",))


def test_a_scenario_that_was_not_expected_was_left_out(tally: Tally) -> None:
    tally.expect([ROW_1, ROW_2])
    tally.add(record(ROW_1))
    tally.add(record(ROW_2))

    reasons = ("its scenario was left out by the selection",)
    assert of(tally.verdict(CORE), "SCAN-07") == (Outcome.NOT_JUDGED, reasons)


def test_what_a_worker_was_to_run_besides_scenarios_changes_nothing(tally: Tally) -> None:
    others = ["tests/test_other.py::test_found", "tests/test_other.py::TestThem::test_one[x]"]
    tally.expect([ROW_1, ROW_2, *others])
    tally.add(record(ROW_1))
    tally.add(record(ROW_2))

    assert tally.verdict(CORE).conclusion is Conclusion.CONFORMANT


def test_one_failed_row_fails_the_must(tally: Tally) -> None:
    tally.add(record(ROW_1))
    tally.add(record(ROW_2, outcome=Outcome.FAILED, reason="expected a, observed b"))

    verdict = tally.verdict(CORE)

    assert verdict.conclusion is Conclusion.NON_CONFORMANT
    assert of(verdict, "SCAN-01") == (Outcome.FAILED, ("expected a, observed b",))


def test_a_scenario_that_passed_and_then_broke_in_clean_up_is_broken(tally: Tally) -> None:
    tally.add(record(ROW_1))
    tally.add(record(ROW_1, outcome=Outcome.BROKEN, reason="OSError: no space"))

    verdict = tally.verdict(CORE)

    assert verdict.conclusion is Conclusion.HARNESS_ERROR
    assert [one.outcome for one in verdict.scenarios] == [Outcome.BROKEN]


@pytest.mark.parametrize("judged_again", [False, True])
def test_trouble_in_clean_up_does_not_hide_a_failure(tally: Tally, *, judged_again: bool) -> None:
    failed = record(ROW_1, outcome=Outcome.FAILED, reason="lost", judged_again=judged_again)
    tally.add(failed)
    tally.add(record(ROW_1, outcome=Outcome.NOT_JUDGED, reason="gone", judged_again=judged_again))

    assert tally.records == (failed,)
    assert tally.verdict(CORE).conclusion is Conclusion.NON_CONFORMANT


def test_a_late_pass_does_not_hide_a_failure(tally: Tally) -> None:
    tally.add(record(ROW_1, outcome=Outcome.FAILED))
    tally.add(record(ROW_1))

    assert tally.verdict(CORE).conclusion is Conclusion.NON_CONFORMANT


def test_what_is_judged_again_replaces_what_was_judged_before(tally: Tally) -> None:
    tally.add(record(ROW_1, outcome=Outcome.FAILED, time_bound=True))
    again = record(ROW_1, judged_again=True)
    tally.add(again)

    assert tally.records == (again,)
    tally.add(record(ROW_2))
    assert tally.verdict(CORE).conclusion is Conclusion.CONFORMANT


def test_a_pass_that_was_judged_again_elsewhere_does_not_hide_a_failure_that_was_no_time_bound(
    tally: Tally,
) -> None:
    tally.add(record(ROW_1, outcome=Outcome.FAILED, reason="lost"))
    tally.add(record(ROW_1, judged_again=True))
    tally.add(record(ROW_2))

    assert tally.verdict(CORE).conclusion is Conclusion.NON_CONFORMANT


def test_one_row_that_ran_twice_does_not_stand_for_the_other(tally: Tally) -> None:
    tally.add(record(f"{ROW_1[:-1]}-1]", example="3001"))
    tally.add(record(f"{ROW_1[:-1]}-2]", example="3001"))

    assert of(tally.verdict(CORE), "SCAN-01") == (
        Outcome.NOT_JUDGED,
        ("its scenario was left out by the selection",),
    )


def test_of_two_scenarios_with_one_file_and_name_the_last_is_bound_and_the_other_not_judged() -> None:
    twins = (scenario("Twin", "SCAN-01"), scenario("Twin", "SCAN-07"))
    tally = Tally(SMALL, twins, lambda name: f"test_{name}")
    tally.add(record("features/test_features.py::test_Twin", twins[1]))

    verdict = tally.verdict(CORE)

    assert verdict.conclusion is Conclusion.INCOMPLETE
    assert (of(verdict, "SCAN-01")[0], of(verdict, "SCAN-07")[0]) == (Outcome.NOT_JUDGED, Outcome.PASSED)
    assert [one.scenario for one in tally.unrun()] == [twins[0]]


def test_a_failure_of_somebody_s_own_scenario_fails_its_must(tally: Tally) -> None:
    for node in (ROW_1, ROW_2):
        tally.add(record(node))
    ours = scenario("Ours", "SCAN-01", file="/own/ours.feature")
    tally.add(record("own/test_ours.py::test_ours", ours, Outcome.FAILED, reason="lost"))

    assert tally.verdict(CORE).conclusion is Conclusion.NON_CONFORMANT


def test_a_scenario_without_a_requirement_is_nobody_s_and_in_no_report() -> None:
    tally = Tally(SMALL, (*SUITE, scenario("Nobody's")), lambda name: f"test_{name}")

    assert "Nobody's" not in {one.scenario.name for one in tally.unrun()}


def test_what_passed_when_judged_again_and_broke_in_clean_up_is_broken(tally: Tally) -> None:
    tally.add(record(ROW_1, judged_again=True))
    tally.add(record(ROW_1, outcome=Outcome.BROKEN, judged_again=True))

    assert tally.verdict(CORE).conclusion is Conclusion.HARNESS_ERROR


def test_a_failed_proof_of_the_instrument_is_a_harness_error(tally: Tally) -> None:
    tally.add(record(ROW_1))
    tally.add(record("features/test_features.py::test_real", PROOF, Outcome.FAILED))

    assert tally.verdict(CORE).conclusion is Conclusion.HARNESS_ERROR


def test_trouble_and_crash_reach_the_verdict(tally: Tally) -> None:
    tally.add(record(ROW_1))

    assert tally.verdict(CORE, trouble="stopped").why == "stopped"
    assert tally.verdict(CORE, crash="broke").conclusion is Conclusion.HARNESS_ERROR


def test_an_empty_tally_is_incomplete(tally: Tally) -> None:
    assert tally.verdict(CORE).why == "no scenario ran"


def test_a_record_survives_the_way_from_worker_to_controller() -> None:
    sent = record(ROW_1, outcome=Outcome.FAILED, reason="«ü»", time_bound=True, judged_again=True)

    assert Record.from_json(json.loads(json.dumps(sent.to_json()))) == sent


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
    ],
)
def test_what_an_exception_means(problem: BaseException | None, outcome: Outcome, reason: str) -> None:
    assert classify(problem) == (outcome, reason)


def test_only_a_time_bound_is_judged_again() -> None:
    assert is_time_bound(TimeBoundFailure("a", "b"))
    assert not is_time_bound(ConformanceFailure("a", "b"))
    assert not is_time_bound(TimeoutError())
    assert not is_time_bound(None)

"""What counts as caught or acquitted, over made-up reports."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from harness.catalogue.requirements import Profile
from harness.catalogue.verdict import Outcome
from harness.evidence import Evidence
from tests.harness.reporting import ALL_PASSED, CATALOGUE, FOUND, LOGGED, REAL, RETRIED, Made, record
from tests.mutants.machinery.registry import Defect
from tests.mutants.machinery.rulings import (
    Ruling,
    idle_scenarios,
    known_defects,
    requirements_without_mutant,
    rule,
)
from tests.mutants.machinery.runner import Ended
from tests.mutants.machinery.table import conclusion, table
from tests.mutants.machinery.trials import Kind, Trial

if TYPE_CHECKING:
    from harness.catalogue.record import Record
    from harness.report.model import Report

FINDING = Evidence(expected="3002 delivers once", observed="nobody delivered")
CRASHED = replace(FINDING, timeline=("  0.1  implementation → user: 500",))
FOUND_ID, LOGGED_ID = "core/scan.feature::It is found[3001]", "core/scan.feature::It is logged"


WRONG = Defect(
    name="wrong", requirement="SCAN-01", mistake="It never looks.", scenarios=("It is found [3001]",)
)


def mutant(**changed: Any) -> Trial:
    return Trial("wrong", Kind.MUTANT, (Profile.CORE,), Path, replace(WRONG, **changed))


BASELINE = Trial("reference", Kind.BASELINE, (Profile.CORE,), Path)


def report_of(*changed: Record) -> Report:
    by_node = {one.node: one for one in (*ALL_PASSED, *changed)}
    return Made(tuple(by_node.values()), 0).report()


def ruling(trial: Trial, *changed: Record) -> Ruling:
    return rule(trial, Ended(0, report_of(*changed), ""), CATALOGUE)


FAILED = record(FOUND, Outcome.FAILED, row="3001", evidence=FINDING)


def test_a_mutant_is_caught_by_the_assertion_of_a_scenario_of_its_requirement() -> None:
    found = ruling(mutant(), FAILED)
    assert (found.good, found.caught_by, found.collateral) == (True, (FOUND_ID,), ())


def test_failures_of_other_requirements_are_shown_and_do_not_count() -> None:
    other = record(LOGGED, Outcome.FAILED, evidence=FINDING)
    assert ruling(mutant(), FAILED, other).collateral == ("SCAN-02",)
    alone = ruling(mutant(), other)
    assert (alone.caught_by, alone.collateral) == ((), ("SCAN-02",))
    assert "it survived: no scenario of SCAN-01 failed by its own assertion" in alone.complaints


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        (record(FOUND, row="3001"), "it survived"),
        (replace(FAILED, evidence=CRASHED), "because it crashed"),
        (replace(FAILED, evidence=Evidence()), "it survived"),
        (record(FOUND, Outcome.NOT_JUDGED, row="3001", reason="it never came up"), "it never came up"),
        (record(FOUND, Outcome.BROKEN, row="3001", reason="KeyError: 1"), "harness error: KeyError: 1"),
    ],
    ids=["passed", "crashed", "without a finding", "not judged", "harness error"],
)
def test_nothing_else_counts_as_caught(changed: Record, told: str) -> None:
    found = ruling(mutant(), changed)
    assert found.caught_by == ()
    assert told in "\n".join(found.complaints)


def test_a_crash_counts_where_the_crash_is_the_mistake() -> None:
    crashed = replace(FAILED, evidence=CRASHED)
    assert ruling(mutant(crashes=True), crashed).good


def test_exactly_the_named_scenarios_must_fail() -> None:
    second = record(FOUND, Outcome.FAILED, row="3002", evidence=FINDING)
    assert ruling(mutant(), FAILED, second).complaints == ("It is found [3002]: fails, and is not named",)
    assert ruling(mutant(scenarios=("It is found",)), FAILED, second).good
    assert ruling(mutant(scenarios=("It is found",)), FAILED).complaints == (
        "It is found [3002]: fails by no assertion of its own",
    )
    strange = ruling(mutant(scenarios=("It is found [3001]", "It is logged")), FAILED)
    assert strange.complaints == ("It is logged: is no scenario of SCAN-01",)


def test_a_scenario_that_fails_by_chance_may_pass_and_proves_nothing() -> None:
    second = record(FOUND, Outcome.FAILED, row="3002", evidence=FINDING)
    chance = mutant(perhaps=("It is found [3002]",))
    for changed in ((FAILED,), (FAILED, second)):
        found = ruling(chance, *changed)
        assert (found.complaints, found.caught_by) == ((), (FOUND_ID,))
    alone = ruling(chance, second)
    assert alone.complaints == ("It is found [3001]: fails by no assertion of its own",)
    assert alone.caught_by == ()


def test_a_scenario_that_fails_by_chance_must_be_one_of_the_requirement() -> None:
    found = ruling(mutant(perhaps=("It is lost",)), FAILED)
    assert found.complaints == ("It is lost: is no scenario of SCAN-01",)


def test_the_verdict_on_a_broken_must_is_non_conformant() -> None:
    lenient = report_of(FAILED)
    lenient = replace(lenient, verdict=report_of().verdict)
    found = rule(mutant(), Ended(0, lenient, ""), CATALOGUE)
    assert found.complaints == ("the verdict is conformant, and must be non-conformant",)


@pytest.mark.parametrize("trial", [mutant(), BASELINE], ids=["mutant", "baseline"])
def test_a_run_without_a_report_is_a_failure(trial: Trial) -> None:
    found = rule(trial, Ended(3, None, "Traceback\nOSError: no port"), CATALOGUE)
    assert not found.good
    assert "OSError: no port" in found.complaints[0]


def test_a_baseline_is_acquitted_when_everything_passed() -> None:
    found = ruling(BASELINE)
    assert found.good
    assert FOUND_ID in found.ran


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.NOT_JUDGED, Outcome.BROKEN])
@pytest.mark.parametrize("of", [FOUND, RETRIED], ids=["must", "should"])
def test_a_baseline_is_accused_by_anything_that_did_not_pass(outcome: Outcome, of: object) -> None:
    changed = record(of, outcome, row="3001" if of is FOUND else "", evidence=FINDING)  # type: ignore[arg-type]
    assert not ruling(BASELINE, changed).good


def test_a_baseline_that_was_not_judged_wholly_is_not_acquitted() -> None:
    few = Made(tuple(one for one in ALL_PASSED if one.name != RETRIED.name), 0).report()
    found = rule(BASELINE, Ended(0, few, ""), CATALOGUE)
    assert found.complaints == ("not judged: SCAN-07",)


def test_requirements_that_no_mutant_was_caught_breaking_are_named() -> None:
    caught, survived = ruling(mutant(), FAILED), ruling(mutant(requirement="SCAN-02"), FAILED)
    assert requirements_without_mutant([caught, survived], CATALOGUE) == ["SCAN-02", "SCAN-07", "AUTH-05"]


def test_scenarios_that_caught_nothing_are_named_except_those_that_prove_the_harness() -> None:
    idle, reasoned = idle_scenarios([ruling(BASELINE), ruling(mutant(), FAILED)])
    assert FOUND_ID not in idle
    assert LOGGED_ID in idle
    assert reasoned == [f"self/incident.feature::{REAL.name}"]


def test_known_defects_name_the_scenarios_that_caught_them() -> None:
    assert known_defects([ruling(BASELINE), ruling(mutant(), FAILED)]) == [
        {"name": "wrong", "requirement": "SCAN-01", "mistake": "It never looks.", "scenarios": [FOUND_ID]}
    ]


def test_the_table_shows_a_survivor() -> None:
    rulings = [ruling(mutant()), ruling(BASELINE)]
    told = "\n".join(table(rulings, CATALOGUE))
    assert "0 of 1 caught" in told
    assert "✗ wrong" in told
    assert "✓ reference" in told
    last = "\n".join(conclusion(rulings, ["no mutant was caught by x"], 3.0, whole=True))
    assert "✗ mutant wrong: It never looks." in last
    assert "mutants        0 of 1 caught, over 1 requirements" in last
    assert last.endswith("1 passed, 2 failed")


def test_a_slow_design_is_acquitted_only_by_all_its_runs() -> None:
    core, security = (
        Trial("slow", Kind.DESIGN, (profile,), Path, blended=("other",))
        for profile in (Profile.CORE, Profile.SECURITY)
    )
    rulings = [ruling(BASELINE), ruling(core), ruling(security, FAILED)]

    told = "\n".join(table(rulings, CATALOGUE))
    assert told.count("slow") == 1
    assert "✗ slow" in told
    last = "\n".join(conclusion(rulings, [], 3.0, whole=True))
    assert "✗ sound design slow (security) with other: must be acquitted" in last
    assert "sound designs  0 of 2 acquitted, in 1 implementations" in last
    assert "sound designs  2 of 2" in "\n".join(conclusion([ruling(core), ruling(core)], [], 3.0, whole=True))


def test_a_baseline_may_leave_unjudged_what_its_attachment_cannot_show() -> None:
    unjudged = [
        record(FOUND, Outcome.NOT_JUDGED, row=one, reason="it cannot be held") for one in ("3001", "3002")
    ]
    assert not ruling(BASELINE, *unjudged).good
    told = ruling(replace(BASELINE, unjudged=("SCAN-01",)), *unjudged).complaints
    assert not any("it cannot be held" in one for one in told)
    assert "It is found [3001] (SCAN-01): failed" in "\n".join(
        ruling(replace(BASELINE, unjudged=("SCAN-01",)), FAILED).complaints
    )

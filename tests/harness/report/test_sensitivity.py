"""How much a run could have caught, over made-up runs and defects, and in every report."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from harness.catalogue.features import catalogue, features_root
from harness.catalogue.record import scenario_id
from harness.catalogue.requirements import Profile
from harness.catalogue.verdict import Outcome
from harness.report.formats.html import render_html
from harness.report.formats.junit import render_junit
from harness.report.formats.markdown import render_markdown
from harness.report.model import Report, SectionReport, SensitivityReport, parse_json, render_json
from harness.report.sections import Section, judged_sections, read_sections
from harness.report.sensitivity import LEFT_OUT, UNJUDGED, KnownDefect, read_defects, sensitivity
from harness.report.text import summary
from tests.harness.reporting import ALL_PASSED, CATALOGUE, FOUND, LOGGED, REFUSED, RETRIED, Made, record

FOUND_3001 = scenario_id(FOUND.file, FOUND.name, "3001")
FOUND_3002 = scenario_id(FOUND.file, FOUND.name, "3002")
LOGGED_ID = scenario_id(LOGGED.file, LOGGED.name, "")
RETRIED_ID = scenario_id(RETRIED.file, RETRIED.name, "")
REFUSED_ID = scenario_id(REFUSED.file, REFUSED.name, "")

DEFECTS = (
    KnownDefect("either-row", "SCAN-01", "It looks nowhere.", (FOUND_3001, FOUND_3002)),
    KnownDefect("second-row", "SCAN-01", "It looks at one.", (FOUND_3002,)),
    KnownDefect("log", "SCAN-02", "It logs nothing.", (LOGGED_ID,)),
    KnownDefect("retry", "SCAN-07", "It never tries again.", (RETRIED_ID,)),
    KnownDefect("refusal", "AUTH-05", "It believes anybody.", (REFUSED_ID,)),
)


def counted(report: Report) -> SensitivityReport | None:
    return sensitivity(DEFECTS, report.scenarios, CATALOGUE, report.implementation.claims)


def test_what_all_scenarios_of_a_claim_can_catch_is_counted() -> None:
    found = counted(Made(ALL_PASSED, 0).report())
    assert found == SensitivityReport(5, 4, {"security": 1})
    assert found.words == "could have caught 4 of 5 known defects; the missing ones need: security (1)"


def test_a_scenario_that_failed_was_judged() -> None:
    records = tuple(replace(one, outcome=Outcome.FAILED) for one in ALL_PASSED)
    assert counted(Made(records, 1).report()) == SensitivityReport(5, 4, {"security": 1})


@pytest.mark.parametrize("outcome", [Outcome.NOT_JUDGED, Outcome.BROKEN])
def test_a_scenario_that_was_not_judged_catches_nothing(outcome: Outcome) -> None:
    records = tuple(record(LOGGED, outcome) if one.name == LOGGED.name else one for one in ALL_PASSED)
    assert counted(Made(records, 2).report()) == SensitivityReport(5, 3, {"security": 1, UNJUDGED: 1})


def test_a_scenario_that_was_left_out_catches_nothing() -> None:
    records = tuple(one for one in ALL_PASSED if one.row != "3002" and one.name != RETRIED.name)
    assert counted(Made(records, 2).report()) == SensitivityReport(5, 2, {LEFT_OUT: 2, "security": 1})


def test_a_run_of_nothing_could_have_caught_nothing() -> None:
    found = counted(Made((), 2).report())
    assert found == SensitivityReport(5, 0, {LEFT_OUT: 4, "security": 1})


def test_nothing_is_said_of_a_suite_of_which_nothing_is_known() -> None:
    report = Made(ALL_PASSED, 0).report()
    theirs = tuple(replace(one, id=f"theirs.feature::{one.name}") for one in report.scenarios)
    assert sensitivity(DEFECTS, theirs, CATALOGUE, [Profile.CORE]) is None


def test_every_report_says_the_same() -> None:
    report = Made(ALL_PASSED, 0).report()
    found = counted(report)
    assert found is not None
    told = replace(report, sensitivity=found)
    assert parse_json(render_json(told)) == told
    for render in (render_html, render_markdown, render_junit, lambda one: " ".join(summary(one))):
        assert "could have caught 4 of 5 known defects" in render(told).replace("\\", "")
        assert "known defects" not in render(report)


def test_the_known_defects_are_of_this_suite() -> None:
    defects, known = read_defects(features_root()), catalogue()
    assert len(defects) >= 100
    assert {one.requirement for one in defects} == {one.id for one in known.values() if one.judged}
    assert all(one.scenarios and one.mistake for one in defects)
    written = json.loads((features_root() / "known-defects.json").read_text("utf-8"))
    assert [one["name"] for one in written] == sorted(one.name for one in defects)


SECTIONS = (
    Section("1. What is found", (("SCAN-01",), ("SCAN-01", "AUTH-05"))),
    Section("2. What is refused", (("AUTH-05",), ("SCAN-02",))),
)


def test_each_section_of_the_contract_says_how_much_of_it_was_judged() -> None:
    report = Made(ALL_PASSED, 0).report()

    found = judged_sections(SECTIONS, report.requirements)

    assert found == (
        SectionReport("1. What is found", 2, 2, ()),
        SectionReport("2. What is refused", 2, 1, ("AUTH-05",)),
    )
    report = replace(report, sections=found)
    assert "contract        sentences that nothing judged: 1 of 2 in 2. What is refused" in summary(report)
    assert "1 of 2 sentences" in render_html(report)
    assert parse_json(render_json(report)).sections == found


def test_the_suite_knows_the_sections_of_the_contract_and_only_requirements_that_are_there() -> None:
    sections = read_sections(features_root())

    assert [one.title[0] for one in sections] == ["1", "2", "3", "4", "5", "6"]
    named = {id_ for one in sections for ids in one.sentences for id_ in ids}
    assert named <= set(catalogue())

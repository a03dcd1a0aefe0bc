"""Whatever becomes of a run, the verdict is the right one, and no report of it is green by mistake."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import jsonschema
import pytest
from hypothesis import Phase, assume, find, given, settings
from hypothesis import strategies as st

import harness.report
from harness.catalogue.requirements import Level
from harness.catalogue.verdict import Conclusion, Outcome
from harness.report import text
from harness.report.formats.badge import render_badge_json, render_badge_svg
from harness.report.formats.html import render_html
from harness.report.formats.junit import render_junit
from harness.report.formats.markdown import render_markdown
from harness.report.model import parse_json, render_json
from tests.harness.made_up_runs import (
    CONFORMANT,
    HARNESS_ERROR,
    INCOMPLETE,
    NON_CONFORMANT,
    REPEATABLE,
    WORST_FIRST,
    MadeUp,
    counts,
    exit_code,
    requirement_outcome,
    runs,
)

SCHEMA = jsonschema.Draft202012Validator(
    json.loads(Path(harness.report.__file__).with_name("report.schema.json").read_text("utf-8"))
)
CONCLUSIONS = dict(zip(range(4), Conclusion, strict=True))
CODES = pytest.mark.parametrize("code", [CONFORMANT, NON_CONFORMANT, INCOMPLETE, HARNESS_ERROR])


def gravity(made: MadeUp) -> int:
    """Return how good the verdict is: the higher, the better."""
    return WORST_FIRST.index(made.report().verdict.exit_code)


@CODES
def test_runs_of_every_verdict_are_made_up(code: int) -> None:
    """Without this the properties might be true of nothing."""
    sought = settings(REPEATABLE, phases=[Phase.generate], max_examples=800)
    assert find(runs(), lambda made: len(made.placed) > 1 and exit_code(made) == code, settings=sought)


@REPEATABLE
@given(runs())
def test_the_verdict_is_what_the_rules_say(made: MadeUp) -> None:
    verdict = made.report().verdict

    assert verdict.exit_code == exit_code(made)
    assert verdict.conclusion is CONCLUSIONS[verdict.exit_code]


@REPEATABLE
@given(runs())
def test_each_requirement_comes_to_what_the_rules_say(made: MadeUp) -> None:
    report = made.report()

    came = {one.id: one.outcome for one in report.requirements}
    assert came == {one.id: requirement_outcome(made, one) for one in made.catalogue.values()}


@REPEATABLE
@given(runs())
def test_conformant_means_that_every_claimed_must_passed_in_a_scenario_and_did_nothing_else(
    made: MadeUp,
) -> None:
    report = made.report()
    assume(report.verdict.conclusion is Conclusion.CONFORMANT)

    musts = [one for one in report.requirements if one.level is Level.MUST and one.profile in made.claims]
    assert musts
    for one in musts:
        carriers = [each for each in report.scenarios if one.id in each.requirement_ids]
        assert carriers
        assert all(each.ran and each.outcome is Outcome.PASSED for each in carriers)


@REPEATABLE
@given(runs())
def test_what_did_not_run_is_in_the_report_and_did_not_pass(made: MadeUp) -> None:
    report = made.report()

    shown = {(one.file, one.name) for one in report.scenarios}
    assert {(one.file, one.name) for one in made.suite if one.requirement_ids} <= shown
    assert all(one.outcome is not Outcome.PASSED for one in report.scenarios if not one.ran)
    passed = sum(1 for _, _, fate in made.runs() if fate.outcome is Outcome.PASSED)
    assert sum(1 for one in report.scenarios if one.outcome is Outcome.PASSED) == passed


@REPEATABLE
@given(runs(), st.sampled_from(["trouble", "crash"]))
def test_a_run_that_broke_off_is_never_green(made: MadeUp, how: str) -> None:
    assert gravity(replace(made, **{how: "it broke off"})) < WORST_FIRST.index(CONFORMANT)


@REPEATABLE
@given(runs())
def test_every_format_says_the_same_conclusion(made: MadeUp) -> None:
    report = made.report()
    conclusion = CONCLUSIONS[exit_code(made)].value

    assert text.summary(report)[-1].startswith(f"verdict         {conclusion}: ")
    assert json.loads(render_json(report))["verdict"]["conclusion"] == conclusion
    assert render_markdown(report).splitlines()[0].endswith(f": {conclusion}")
    assert re.search(rf"<h1>.*</i> {conclusion.capitalize()}</h1>", render_html(report))
    said = f"{conclusion}: {', '.join(made.claims)}"
    assert json.loads(render_badge_json(report))["message"] == said
    assert ET.fromstring(render_badge_svg(report)).get("aria-label") == f"instance sync: {said}"
    root = ET.fromstring(render_junit(report))
    assert {one.get("name"): one.get("value") for one in root.iter("property")}["verdict"] == conclusion
    red = int(root.get("failures", "")) + int(root.get("errors", ""))
    assert (red == 0) is (conclusion == "conformant")


@REPEATABLE
@given(runs())
def test_every_format_counts_the_same_scenarios_of_each_outcome(made: MadeUp) -> None:
    report = made.report()
    page, junit = render_html(report), ET.fromstring(render_junit(report))
    came = Counter(one["outcome"] for one in json.loads(render_json(report))["scenarios"])
    ran = [fate.outcome for _, _, fate in made.runs() if fate.outcome]

    assert Counter(one.outcome for one in report.scenarios if one.ran) == Counter(ran)
    told = (
        f"scenarios       {len(ran)} run, {ran.count(Outcome.PASSED)} passed; in the order of the catalogue"
    )
    assert told in text.summary(report)
    assert f"\n{len(ran)} scenarios ran, in the order of the catalogue." in render_markdown(report)
    shown = Counter(re.findall(r'<details class="scenario ([a-z-]+)"', page))
    assert shown == Counter({name.replace(" ", "-"): count for name, count in came.items()})
    told = Counter(re.findall(r"<details><summary>\S ([a-z ]+):", render_markdown(report)))
    assert told == Counter(one.value for one in ran if one is not Outcome.PASSED)
    _, *suites = junit
    cases = [case for suite in suites for case in suite]
    plain = [case for case in cases if {child.tag for child in case} == {"properties"}]
    assert (len(cases), len(plain)) == (sum(came.values()), came["passed"])
    assert len(set(re.findall(r'id="(s-[0-9a-f]+)"', page))) == len(cases)


@REPEATABLE
@given(runs())
def test_every_format_counts_the_same_requirements_of_each_outcome(made: MadeUp) -> None:
    report = made.report()
    lines, table = text.summary(report), render_markdown(report).splitlines()
    matrix = render_html(report).partition('<h2 id="scenarios">')[0]
    articles = dict(re.findall(r"<h3>([a-z-]+)</h3>\n(.*?)</div>", matrix, re.DOTALL))

    for profile, levels in counts(made).items():
        (row,) = (line for line in table if line.startswith(f"| {profile} |"))
        (kept,) = (one for one in report.profiles if one.name is profile)
        if profile not in made.claims:
            assert row == f"| {profile} | not claimed |  |"
            assert "<p>not claimed</p>" in articles[profile]
            continue
        (line,) = (line for line in lines if line.startswith(f"{profile:<16}"))
        musts, shoulds = levels[Level.MUST], levels[Level.SHOULD]
        assert (Counter(kept.musts), Counter(kept.shoulds)) == (musts, shoulds)
        told = re.findall(r"(\d+) ([a-z ]+)", line)
        assert Counter(told) == Counter(
            (str(n), one.value) for each in (musts, shoulds) for one, n in each.items()
        )
        assert Counter(re.findall(r"(\d+) ([a-z ]+?)(?=[,|]| \|)", row)) == Counter(told)
        assert Counter(re.findall(r">(\d+) ([a-z ]+)<", articles[profile])) == Counter(told)


@REPEATABLE
@given(runs())
def test_the_json_meets_the_schema_and_comes_back_as_it_was(made: MadeUp) -> None:
    report = made.report()
    written = render_json(report)

    SCHEMA.validate(json.loads(written))
    assert parse_json(written) == report


@settings(REPEATABLE, max_examples=60)
@given(runs(), st.data())
def test_a_report_that_is_cut_off_is_no_report(made: MadeUp, data: st.DataObject) -> None:
    written = render_json(made.report())
    kept = data.draw(st.integers(0, len(written.rstrip()) - 1))

    with pytest.raises(ValueError, match="validation error"):
        parse_json(written[:kept])


@settings(REPEATABLE, max_examples=60)
@given(runs())
def test_a_run_that_has_not_ended_is_green_nowhere(made: MadeUp) -> None:
    report = replace(made, complete=False, trouble="the run has not ended").report()

    assert report.verdict.exit_code != CONFORMANT
    assert json.loads(render_badge_json(report))["message"] == "the run has not ended"
    root = ET.fromstring(render_junit(report))
    assert int(root.get("failures", "")) + int(root.get("errors", "")) > 0
    assert "had not ended" in render_html(report)
    assert "had not ended" in render_markdown(report)

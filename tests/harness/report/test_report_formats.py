"""Every format reports the same verdict of a run, and escapes what it is given.

That no format is green by mistake, whatever comes of a run, is in test_tally_properties.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import jsonschema
import pytest

import harness.report
from harness.catalogue.verdict import Conclusion, Outcome
from harness.redaction import redact
from harness.report import text
from harness.report.formats import RENDERERS
from harness.report.formats.html import render_html
from harness.report.formats.junit import render_junit
from harness.report.formats.markdown import MOST_TOLD, plain, render_markdown
from harness.report.model import parse_json, render_json, schema
from tests.harness.reporting import (
    ALL_PASSED,
    EVIDENCE,
    FOUND,
    LOGGED,
    RETRIED,
    RUNS,
    Made,
    record,
    with_record,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.report.model import Report

PUBLISHED = Path(harness.report.__file__).with_name("report.schema.json")
NASTY = "<script>alert(1)</script> \"><img src=x onerror=y> ' | ` ]]> & \x00 \x1b[31m \ud800 **bold** [a](b)"
EVERY_RUN = pytest.mark.parametrize("made", RUNS.values(), ids=RUNS.keys())


def cases(junit: str, kind: str) -> list[ET.Element]:
    return [case for case in ET.fromstring(junit).iter("testcase") if case.find(kind) is not None]


def test_the_made_up_runs_come_to_the_verdicts_that_they_must() -> None:
    assert [one.report().verdict.exit_code for one in RUNS.values()] == [
        one.exit_code for one in RUNS.values()
    ]


def test_the_schema_is_published_as_it_is() -> None:
    assert json.loads(PUBLISHED.read_text("utf-8")) == schema(), (
        "the model has changed: write json.dumps(harness.report.model.schema(), indent=1) to the file"
    )


def test_the_schema_refuses_what_is_no_report() -> None:
    values = json.loads(render_json(Made(ALL_PASSED, 0).report()))
    for broken in ({**values, "format": 2}, {**values, "more": 1}, {**values, "verdict": None}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(broken, schema())
        with pytest.raises(ValueError, match="validation error"):
            parse_json(json.dumps(broken))


def test_what_was_not_claimed_is_reported_as_that_and_not_as_passed() -> None:
    report = RUNS["all passed"].report()
    (one,) = (each for each in report.scenarios if each.requirement_ids == ("AUTH-05",))

    assert (one.outcome, one.ran, one.reason) == (Outcome.NOT_CLAIMED, False, "its profile is not claimed")
    assert report.requirement("AUTH-05").outcome is Outcome.NOT_CLAIMED
    assert "not claimed     security, resilience, health-check, monitoring, instance" in text.summary(report)
    assert "| security | not claimed |" in render_markdown(report)
    (skipped,) = cases(render_junit(report), "skipped")
    assert skipped.get("name") == one.name


@pytest.mark.parametrize(
    ("name", "reason"),
    [("one row was left out", "was left out by the selection"), ("one row never ran", "never ran")],
)
def test_a_row_that_did_not_run_is_reported_with_its_reason(name: str, reason: str) -> None:
    report = RUNS[name].report()
    (one,) = (each for each in report.scenarios if each.name == FOUND.name and not each.ran)

    assert (one.outcome, one.reason) == (Outcome.NOT_JUDGED, reason)
    assert f"It did not run: {reason}." in render_html(report)


def test_a_failure_is_reported_with_requirement_expected_observed_and_timeline() -> None:
    report = RUNS["a must failed"].report()
    (_, case) = cases(render_junit(report), "failure")
    told = case.findtext("failure", "")
    properties = [(one.get("name"), one.get("value")) for one in case.iter("property")]

    assert properties == [("requirement", "SCAN-02"), ("level", "must")]
    for words in ("SCAN_02 holds.", "one delivery", "none at all", EVIDENCE.timeline[0].strip()):
        assert words in told
        assert words.replace("_", "\\_") in render_markdown(report) or words in render_markdown(report)
    page = render_html(report)
    for words in ("SCAN_02 holds.", "<dd>one delivery</dd>", "<dd>none at all</dd>", "not reached"):
        assert words in page


def test_a_should_that_failed_is_reported_and_turns_nothing_red() -> None:
    report = RUNS["a should failed"].report()
    junit = render_junit(report)

    assert report.verdict.conclusion is Conclusion.CONFORMANT
    assert "failed          SCAN-07 (should): too slow" in text.summary(report, every_failure=True)
    assert any(
        "failed, as a SHOULD may: too slow" in str(ET.tostring(one)) for one in cases(junit, "skipped")
    )
    assert "too slow" in render_html(report)
    assert "too slow" in render_markdown(report)


def test_what_was_judged_again_is_reported() -> None:
    report = Made(
        with_record(record(LOGGED, judged_again=True, again_because="the machine stood still")), 0
    ).report()

    assert any(
        line.startswith("judged again    core/scan.feature::It is logged") for line in text.summary(report)
    )
    assert 'name="judged-again" value="the machine stood still"' in render_junit(report)
    assert "At first the machine stood still; it was judged once more" in render_html(report)
    assert "It is logged, for at first the machine stood still." in render_markdown(report)
    assert '"judged_again": true' in render_json(report)


@pytest.mark.parametrize("render", RENDERERS.values(), ids=RENDERERS.keys())
def test_no_text_can_break_out_of_its_place(render: Callable[[Report], str]) -> None:
    nasty = redact(NASTY, ())
    evidence = replace(EVIDENCE, expected=nasty, observed=nasty, timeline=(nasty,))
    made = Made(with_record(record(LOGGED, Outcome.FAILED, reason=nasty, evidence=evidence)), 1)

    told = render(made.report())

    assert told.encode()
    if render is render_json:
        assert json.loads(told)["scenarios"]
    else:
        assert "<script>" not in told
        assert "<img" not in told


def test_junit_stays_xml_whatever_a_text_has_in_it() -> None:
    made = Made(with_record(record(LOGGED, Outcome.FAILED, reason="a\x00b\x1b[31m\ufffe ]]> <x>")), 1)

    (_, case) = cases(render_junit(made.report()), "failure")

    assert "a\\x00b\\x1b[31m\ufffd ]]> <x>" in case.findtext("failure", "")


@pytest.mark.parametrize(
    ("text_given", "shown"),
    [
        ("it's  on\none line", "it's on one line"),
        ("a | b_c *d* `e` [f](g)", r"a \| b\_c \*d\* \`e\` \[f\](g)"),
        ('<b> & "c"', '&lt;b&gt; &amp; "c"'),
        ("SCAN-01", "SCAN-01"),
    ],
)
def test_a_text_means_nothing_to_markdown(text_given: str, shown: str) -> None:
    assert plain(text_given) == shown


def test_many_failures_are_bounded_in_markdown_and_the_rest_is_counted() -> None:
    rows = tuple(record(FOUND, Outcome.FAILED, row=str(number)) for number in range(MOST_TOLD + 5))

    told = render_markdown(Made(rows, 1).report())

    assert told.count("<details>") == 1 + MOST_TOLD  # one of the cause
    assert "… and 5 more." in told


def test_history_is_linked_only_where_it_was_saved() -> None:
    report = Made(with_record(record(RETRIED, history="history/x.jsonl")), 0).report()

    linked = [one.name for one in report.scenarios if one.history]
    assert linked == [RETRIED.name]
    assert render_html(report).count('<a href="history/') == 1

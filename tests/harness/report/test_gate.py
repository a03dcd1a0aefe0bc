"""A gate: everything is judged and reported, and some profiles decide the exit code."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from harness.catalogue.requirements import Profile
from harness.catalogue.selection import gate_of
from harness.catalogue.tally import Tally
from harness.catalogue.verdict import Conclusion, Outcome
from harness.errors import TargetError
from harness.report import text
from harness.report.assembly import assemble
from harness.report.formats.html import render_html
from harness.report.formats.junit import render_junit
from harness.report.formats.markdown import render_markdown
from harness.report.model import Report, RunReport, parse_json, render_json
from tests.harness.reporting import ALL_PASSED, CATALOGUE, REFUSED, SUITE, record
from tests.harness.support import target

CLAIMS = (Profile.CORE, Profile.SECURITY)
WRONG = record(REFUSED, Outcome.FAILED, reason="it believed anybody")


def report_with(gate: tuple[Profile, ...], refused: Outcome = Outcome.FAILED) -> Report:
    tally = Tally(CATALOGUE, SUITE, lambda name: f"test_{name}")
    for one in (*ALL_PASSED, replace(WRONG, outcome=refused)):
        tally.add(one)
    return assemble(
        target("true", claims=tuple(one.value for one in CLAIMS)),
        CATALOGUE,
        tally.verdict(CLAIMS),
        records=tally.records,
        run=RunReport("0.1.0", 1, "2026-01-02T03:04:05+00:00", 1.5, 7, ""),
        gate=tally.verdict(gate) if gate else None,
    )


def test_the_exit_code_is_the_gate_s_and_the_verdict_that_on_all_claims() -> None:
    report = report_with((Profile.CORE,))

    assert (report.verdict.conclusion, report.verdict.exit_code) == (Conclusion.NON_CONFORMANT, 0)
    assert report.verdict.gate is not None
    assert report.verdict.gate.conclusion is Conclusion.CONFORMANT
    assert text.summary(report)[-2:] == [
        "verdict         non-conformant: failed: AUTH-05",
        "gate            core: conformant, and so exit code 0: all 2 MUSTs of the claimed profiles passed",
    ]
    assert parse_json(render_json(report)) == report


def test_a_gate_that_holds_what_failed_is_closed() -> None:
    report = report_with((Profile.SECURITY,))

    assert report.verdict.exit_code == 1
    assert "security: non-conformant, and so exit code 1: failed: AUTH-05" in text.summary(report)[-1]


def test_what_broke_the_harness_opens_no_gate() -> None:
    assert report_with((Profile.CORE,), Outcome.BROKEN).verdict.exit_code == 3


def test_every_format_says_what_the_gate_says() -> None:
    report = report_with((Profile.CORE,))

    assert "The exit code is 0, by the gate core: conformant" in render_html(report)
    assert "**Exit code 0, by the gate core: conformant" in render_markdown(report)
    junit = ET.fromstring(render_junit(report))
    assert (junit.get("failures"), junit.get("errors")) == ("0", "0")
    assert "failed, outside the gate: it believed anybody" in render_junit(report)
    closed = ET.fromstring(render_junit(report_with((Profile.SECURITY,))))
    assert closed.get("failures") == "2"


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ([], ()),
        (["core"], ("core",)),
        (["security,core"], ("core", "security")),
        (["core", " core "], ("core",)),
    ],
)
def test_a_gate_is_named_once_or_more_often(given: list[str], found: tuple[str, ...]) -> None:
    assert gate_of(given, ("core", "security")) == found


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["corre"], "there is no such profile; did you mean core?"),
        (["resilience"], "the target does not claim this profile, only core"),
        ([","], "--gate names no profile"),
    ],
)
def test_a_gate_that_could_never_close_is_refused(given: list[str], words: str) -> None:
    with pytest.raises(TargetError, match=words.replace("?", r"\?")):
        gate_of(given, ("core",))

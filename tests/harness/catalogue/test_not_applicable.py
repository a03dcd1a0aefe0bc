"""What an adapter declares not applicable counts apart: never passed, and in every verdict and report."""

from __future__ import annotations

import pytest

from harness.catalogue.requirements import Profile
from harness.catalogue.tally import Tally
from harness.catalogue.verdict import Conclusion, Outcome, Verdict
from harness.report import text
from harness.report.assembly import assemble
from harness.report.formats import RENDERERS
from harness.report.formats.badge import message
from harness.report.model import Report, RunReport, parse_json
from tests.harness.support import CORE, catalogue, record_of, scenario, target

SCAN, AUTH = scenario("scan", "SCAN-01"), scenario("auth", "AUTH-02", "AUTH-03")
KNOWN = catalogue(SCAN_01="must", AUTH_02="must", AUTH_03="should")
WHY = "does not sign <its> webhooks"
NODE = "features/test_features.py::test_{}"
RUN = RunReport("1", 1, "2024-11-22T10:00:00+00:00", 1.0, 7, "")


def told(
    outcome: Outcome, not_applicable: dict[str, str], *, claims: frozenset[Profile] = CORE
) -> tuple[Verdict, Report]:
    tally = Tally(KNOWN, [SCAN, AUTH], lambda name: f"test_{name}", not_applicable)
    tally.expect([NODE.format("scan")])
    tally.add(record_of(SCAN, KNOWN, NODE.format("scan"), outcome=outcome, reason="it failed"))
    verdict = tally.verdict(claims)
    records = [*tally.records, *tally.unrun(claims)]
    return verdict, assemble(target(), KNOWN, verdict, records=records, run=RUN)


def test_a_claim_says_what_does_not_apply() -> None:
    verdict, report = told(Outcome.PASSED, {"AUTH-02": WHY, "AUTH-03": WHY})
    assert verdict.conclusion is Conclusion.CONFORMANT
    assert verdict.why == f"all 1 MUSTs that apply passed; 1 not applicable ({WHY})"
    assert [one.id for one in report.of(Outcome.NOT_APPLICABLE)] == ["AUTH-02", "AUTH-03"]
    assert message(report) == "conformant: core (2 not applicable)"
    assert [(one.name, one.outcome) for one in report.scenarios if not one.ran] == [
        ("auth", Outcome.NOT_APPLICABLE)
    ]
    lines = text.summary(report)
    assert f"not applicable  AUTH-02, AUTH-03 (should): {WHY}" in lines
    assert "core            MUST 1 passed, 1 not applicable; SHOULD 1 not applicable" in lines


def test_a_conviction_says_it_too() -> None:
    verdict, _ = told(Outcome.FAILED, {"AUTH-02": WHY})
    assert verdict.why == f"failed: SCAN-01; 1 not applicable ({WHY})"


def test_nothing_left_to_judge_is_no_success() -> None:
    verdict, _ = told(Outcome.PASSED, {"SCAN-01": WHY, "AUTH-02": WHY})
    assert verdict.conclusion is Conclusion.INCOMPLETE
    assert verdict.why == f"no MUST of a claimed profile was judged; 2 not applicable ({WHY})"


def test_a_scenario_of_a_requirement_that_applies_otherwise() -> None:
    tally = Tally(KNOWN, [SCAN, AUTH], lambda name: f"test_{name}", {"AUTH-02: auth": WHY})
    tally.add(record_of(SCAN, KNOWN, NODE.format("scan")))
    verdict = tally.verdict(CORE)
    outcomes = {one.requirement.id: one.outcome for one in verdict.requirements}
    assert outcomes["AUTH-02"] is Outcome.NOT_WRITTEN
    assert verdict.conclusion is Conclusion.INCOMPLETE
    (unrun,) = tally.unrun(CORE)
    assert (unrun.outcome, unrun.reason) == (Outcome.NOT_APPLICABLE, WHY)


def test_another_profile_s_is_not_claimed() -> None:
    verdict, report = told(Outcome.PASSED, {"AUTH-02": WHY}, claims=frozenset({Profile.SECURITY}))
    assert verdict.conclusion is Conclusion.INCOMPLETE
    assert not report.of(Outcome.NOT_APPLICABLE)


@pytest.mark.parametrize("name", RENDERERS)
def test_every_report_has_it_with_its_reason(name: str) -> None:
    _, report = told(Outcome.PASSED, {"AUTH-02": WHY, "AUTH-03": WHY})
    shown = RENDERERS[name](report)
    assert "not applicable" in shown
    if "badge" not in name:
        assert "does not sign" in shown
        assert "<its>" not in shown or name.endswith(".json")
    if name == "report.json":
        assert parse_json(shown) == report

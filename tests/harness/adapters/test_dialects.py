"""The dialects of the field: gateways that speak them, and control planes made for those, are judged rightly."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.catalogue.verdict import Outcome
from harness.exit_codes import ExitCode
from tests.harness.adapters.judged import judged
from tests.harness.support import ROOT

if TYPE_CHECKING:
    from pathlib import Path

DIALECTS = ROOT / "tests" / "dialects"
MISTAKES = [
    ("waha", "signs-what-it-parsed", "INSTANCE-02"),
    ("waha", "lists-ended", "INSTANCE-03"),
    ("evolution", "names-one-url", "INSTANCE-01"),
    ("evolution", "sends-anyway", "INSTANCE-04"),
    ("for-waha", "checks-nothing", "AUTH-03"),
    ("for-waha", "ignores-location", "WEBHOOK-01"),
    ("for-evolution", "ignores-location", "WEBHOOK-01"),
    ("for-evolution", "quotes-nothing", "VERIFY-13"),
]


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("name", "musts", "aside"),
    [
        ("waha", 5, "2 not applicable"),
        ("evolution", 6, "1 not applicable"),
        ("for-waha", 38, "1 scenario not applicable"),
        ("for-evolution", 35, "3 not applicable and 2 scenarios of others"),
    ],
)
def test_a_sound_one_is_conformant(name: str, musts: int, aside: str, tmp_path: Path) -> None:
    code, report = judged(DIALECTS / f"{name}.toml", tmp_path)
    assert code == ExitCode.CONFORMANT, report.verdict.why
    assert report.verdict.why.startswith(f"all {musts} MUSTs that apply passed; {aside} (")
    assert not report.of(Outcome.FAILED)


@pytest.mark.parametrize(("name", "mistake", "requirement"), MISTAKES)
def test_a_mistake_is_convicted_by_its_requirement(
    name: str, mistake: str, requirement: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MISTAKE", mistake)
    _, report = judged(DIALECTS / f"{name}.toml", tmp_path, "--requirement", requirement)
    assert [one.id for one in report.of(Outcome.FAILED)] == [requirement]

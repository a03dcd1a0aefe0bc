"""A gateway in another dialect is judged itself, through an adapter: it passes, and each of its mistakes is found."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from harness.catalogue.verdict import Outcome
from harness.exit_codes import ExitCode
from tests.harness.adapters.judged import HOST, judged
from tests.harness.commands import COMMAND, run
from tests.harness.support import ROOT
from tests.prerequisites import program

if TYPE_CHECKING:
    from pathlib import Path

TARGET = ROOT / "tests" / "express_gateway" / "gateway.toml"
ASIDE = "1 not applicable (does not sign its webhooks)"

MISTAKES = {
    "believes-host": "INSTANCE-01",
    "lists-ended": "INSTANCE-03",
    "sends-anyway": "INSTANCE-04",
    "announces-early": "INSTANCE-05",
    "tries-once": "INSTANCE-06",
    "keeps-first-url": "INSTANCE-07",
    "writes-later": "INSTANCE-08",
}


@pytest.fixture(autouse=True)
def _node() -> None:
    program("node", "nodejs")


@pytest.mark.thorough
def test_it_is_conformant_and_says_what_does_not_apply(tmp_path: Path) -> None:
    code, report = judged(TARGET, tmp_path)
    assert code == ExitCode.CONFORMANT, report.verdict.why
    assert report.verdict.why == f"all 6 MUSTs that apply passed; {ASIDE}"
    assert [one.id for one in report.of(Outcome.NOT_APPLICABLE)] == ["INSTANCE-02"]
    badge = json.loads((tmp_path / "reports" / "badge.json").read_text("utf-8"))
    assert badge["message"] == "conformant: instance (1 not applicable)"


_SLOW = "tries-once"
"""Each of its scenarios waits in vain for webhooks that are tried again."""


@pytest.mark.parametrize(
    "mistake", [pytest.param(one, marks=pytest.mark.thorough) if one == _SLOW else one for one in MISTAKES]
)
def test_each_mistake_is_convicted_by_its_requirement(
    mistake: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MISTAKE", mistake)
    _, report = judged(TARGET, tmp_path, "--requirement", MISTAKES[mistake])
    assert [one.id for one in report.of(Outcome.FAILED)] == [MISTAKES[mistake]]
    assert report.verdict.why.endswith(ASIDE)


def test_its_doctor_is_green_and_judges_no_signature(tmp_path: Path) -> None:
    ended = run([str(COMMAND), "doctor", "--target", str(TARGET), "--fleet-address", HOST], tmp_path)
    assert ended.returncode == 0, ended.stdout
    assert "not applicable, by its adapter: does not sign its webhooks" in " ".join(ended.stdout.split())

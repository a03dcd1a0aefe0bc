"""What `instance-sync explain` says of a requirement, and of what came of it in a report."""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING, Protocol

import pytest

from harness.catalogue import features
from harness.catalogue.verdict import Outcome
from harness.cli.main import main
from harness.report.folder import ReportFolder
from tests.harness.reporting import RUNS

if TYPE_CHECKING:
    from pathlib import Path

    from harness.report.model import Report


class Told(Protocol):
    """Runs the command, and returns all that it says."""

    def __call__(self, *words: str, code: int = 0) -> str: ...


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Told:
    def told(*words: str, code: int = 0) -> str:
        assert main(["explain", *words]) == code
        captured = capsys.readouterr()
        return captured.out + captured.err

    return told


def test_a_requirement_is_explained_with_its_scenarios_and_mistakes(told: Told) -> None:
    text = told("scan-01")
    requirement = features.catalogue()["SCAN-01"]
    assert text.startswith("SCAN-01  MUST, profile core\n")
    assert requirement.words in " ".join(text.split())
    assert re.search(
        r"core/scan\.feature:\d+\n +A mismatched row is repaired by the next send  \(12 rows\)", text
    )
    assert "what usually goes wrong (3 known mistakes break it)" in text
    assert "- The scan leaves out the last instance." in text


@pytest.mark.parametrize("id_", [*features.catalogue()])
def test_every_requirement_can_be_explained(told: Told, id_: str) -> None:
    assert "how it is judged" in told(id_)


def test_an_id_that_was_misspelt_is_guessed(told: Told) -> None:
    assert "there is no requirement SCAN-1; did you mean SCAN-01?" in told("SCAN-1", code=4)


def test_what_came_of_it_in_a_report_is_told_with_the_cause(told: Told, tmp_path: Path) -> None:
    report = RUNS["a must failed"].report()
    ReportFolder(str(tmp_path)).write(report)
    failed = next(one for one in report.requirements if one.outcome is Outcome.FAILED)
    text = told(str(tmp_path), failed.id)

    assert f"in the report of {report.implementation.name} {report.implementation.version}" in text
    assert f"    {failed.outcome.value}\n" in text
    assert "  expected  " in text
    assert told(str(tmp_path / "report.json"), failed.id) == text


def test_a_report_without_an_id_tells_its_causes(told: Told, tmp_path: Path) -> None:
    report = RUNS["a must failed"].report()
    ReportFolder(str(tmp_path)).write(report)
    text = told(str(tmp_path))

    assert text.startswith("1 cause\n 1  ")
    assert report.causes[0].words[:40] in text
    assert text.endswith(f"verdict: {report.verdict.conclusion.value}\n")
    (failed,) = report.causes[0].requirements[:1]
    assert f"cause 1 of {len(report.causes)}: " in told(str(tmp_path), failed)


def test_an_implementation_cannot_write_to_the_terminal(told: Told, tmp_path: Path) -> None:
    report: Report = RUNS["a must failed"].report()
    wicked = tuple(
        dataclasses.replace(one, reasons=("\x1b[2J",)) if one.reasons else one for one in report.requirements
    )
    ReportFolder(str(tmp_path)).write(dataclasses.replace(report, requirements=wicked))
    failed = next(one for one in report.requirements if one.outcome is Outcome.FAILED)

    assert "\x1b" not in told(str(tmp_path), failed.id)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nowhere", "SCAN-01"), "nowhere cannot be read: No such file or directory; verify --report"),
        (("a", "b", "SCAN-01"), "give one id, and at most one report before it"),
        (("pyproject.toml", "SCAN-01"), "is no report of this version"),
    ],
)
def test_what_cannot_be_explained_is_refused(told: Told, words: tuple[str, ...], said: str) -> None:
    assert said in told(*words, code=4)


def test_requirements_leads_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["requirements", "scan-01"]) == 0
    text = capsys.readouterr().out
    assert text.endswith("1 requirement\nwhat usually goes wrong: instance-sync explain SCAN-01\n")
    assert main(["requirements", "SCAN-1"]) == 4
    assert "did you mean SCAN-01?" in capsys.readouterr().err

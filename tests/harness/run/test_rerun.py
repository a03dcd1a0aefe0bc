"""Running again what failed: the report goes on, and its verdict is that of the whole."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from harness.catalogue.features import harness_version
from harness.catalogue.verdict import Outcome
from harness.errors import TargetError
from harness.report.folder import ReportFolder
from harness.report.model import Report, parse_json
from harness.run.asked.rerun import check_same, report_before
from tests.harness.commands import COMMAND, run
from tests.harness.reporting import CATALOGUE, RUNS, SUITE
from tests.harness.support import target

if TYPE_CHECKING:
    from pathlib import Path

TARGET = """\
[implementation]
name = "changing"
version = "1"
claims = ["core"]
[launch]
command = ["{{python}}", "-m", "{module}"]
"""


class Judged:
    """A target whose program changes, and its report."""

    def __init__(self, folder: Path, host: str) -> None:
        self.folder, self.file = folder, folder / "changing.toml"
        self.room = ("--fleet-address", host, "--fleet-ports", "free")

    def verify(self, module: str, *options: str) -> tuple[int, str]:
        self.file.write_text(TARGET.format(module=module), "utf-8")
        words = ["--target", str(self.file), *self.room, "--report", str(self.folder / "r")]
        ended = run([str(COMMAND), "verify", *words, *options], self.folder, self.folder)
        return ended.returncode, ended.stdout + ended.stderr

    @property
    def report(self) -> Report:
        return parse_json((self.folder / "r/report.json").read_text("utf-8"))

    def ran(self, *outcomes: Outcome) -> set[str]:
        return {one.id for one in self.report.scenarios if one.ran and one.outcome in outcomes}


@pytest.fixture
def judged(tmp_path: Path, host: str) -> Judged:
    return Judged(tmp_path, host)


def test_what_failed_is_replaced_and_the_rest_stands(judged: Judged) -> None:
    asked = ("--requirement", "SCAN-02", "--requirement", "SCAN-03", "--requirement", "SEND-01", "-n", "0")
    assert judged.verify("reference_impl.before_fix", *asked)[0] == 1
    first, failed = judged.report, judged.ran(Outcome.FAILED)
    assert failed
    passed = judged.ran(Outcome.PASSED)
    assert passed

    code, output = judged.verify("reference_impl", "--rerun-failed")

    assert code == 2, output  # nothing failed, and the other MUSTs were never asked for
    assert judged.ran(Outcome.PASSED) >= passed | failed
    assert judged.ran(Outcome.FAILED, Outcome.NOT_JUDGED) == set()
    assert judged.report.run.selection == first.run.selection
    assert judged.report.run.run_again == len([one for one in first.scenarios if one.ran]) - len(passed)
    assert "of them run again" in output
    histories = {one.history for one in judged.report.scenarios if one.ran}
    assert {f"history/{one.name}" for one in (judged.folder / "r/history").iterdir()} == histories


def test_what_fails_once_more_keeps_the_verdict(judged: Judged) -> None:
    asked = ("--requirement", "SCAN-02", "--requirement", "SEND-01", "-n", "0")
    assert judged.verify("reference_impl.before_fix", *asked)[0] == 1
    before = judged.ran(*Outcome)

    assert judged.verify("reference_impl.before_fix", "--rerun-failed", "-k", "nothing_of_the_kind")[0] == 1

    assert judged.ran(*Outcome) == before
    assert judged.report.run.run_again == 0


def test_a_list_leaves_the_report_as_it_is(judged: Judged) -> None:
    assert judged.verify("reference_impl.before_fix", "--requirement", "SCAN-02", "-n", "0")[0] == 1
    before = judged.report

    code, output = judged.verify("reference_impl.before_fix", "--rerun-failed", "--list")

    assert (code, judged.report) == (0, before), output


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"implementation": {"name": "other"}}, "the report is of other .*, and the target is "),
        ({"implementation": {"version": "9"}}, "the report is of .* 9, and the target is "),
        ({"run": {"catalogue": 99}}, "with revision 99 of the catalogue"),
    ],
)
def test_a_report_of_something_else_is_refused(change: dict[str, dict[str, object]], words: str) -> None:
    report = RUNS["a must failed"].report()
    same = target(name=report.implementation.name, version=report.implementation.version)
    ours = dataclasses.replace(report.run, harness=harness_version(), catalogue=CATALOGUE.revision)
    report = dataclasses.replace(report, run=ours)
    check_same(report, same, CATALOGUE, SUITE)

    ((part, values),) = change.items()
    other = dataclasses.replace(report, **{part: dataclasses.replace(getattr(report, part), **values)})

    with pytest.raises(TargetError, match=f"--rerun-failed: .*{words}.*run it again whole"):
        check_same(other, same, CATALOGUE, SUITE)


def test_a_report_with_scenarios_that_are_gone_is_refused() -> None:
    report = RUNS["a must failed"].report()
    same = target(name=report.implementation.name, version=report.implementation.version)
    run_ = dataclasses.replace(report.run, harness=harness_version(), catalogue=CATALOGUE.revision)
    first, *others = [one for one in report.scenarios if one.ran]
    renamed = (dataclasses.replace(first, name="It had another name"), *others)

    with pytest.raises(TargetError, match="which is no scenario now"):
        check_same(dataclasses.replace(report, run=run_, scenarios=renamed), same, CATALOGUE, SUITE)


def test_a_run_that_broke_is_run_again_whole(tmp_path: Path) -> None:
    report = RUNS["all passed"].report()
    verdict = dataclasses.replace(report.verdict, conclusion="harness error", exit_code=3)
    ReportFolder(str(tmp_path)).write(dataclasses.replace(report, verdict=verdict))

    with pytest.raises(TargetError, match="broke, so nobody knows what failed; run it again whole"):
        report_before(str(tmp_path))

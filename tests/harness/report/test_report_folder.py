"""The folder that reports are saved in, and running again what did not pass in them."""

from __future__ import annotations

import dataclasses
import threading
from typing import TYPE_CHECKING

import pytest

from harness.catalogue.verdict import Outcome
from harness.errors import TargetError
from harness.report.folder import ReportFolder, replace
from harness.report.formats import RENDERERS
from harness.report.model import parse_json
from harness.run.asked.rerun import failed_in, report_before
from tests.harness.reporting import ALL_PASSED, FOUND, LOGGED, RETRIED, RUNS, Made, record, with_record

if TYPE_CHECKING:
    from pathlib import Path


def test_each_format_is_written_and_nothing_else_is_left(tmp_path: Path) -> None:
    report = RUNS["a must failed"].report()

    ReportFolder(str(tmp_path / "new" / "reports")).write(report)

    written = {one.name: one for one in (tmp_path / "new" / "reports").iterdir()}
    assert written.keys() == {*RENDERERS, "history"}
    for name, render in RENDERERS.items():
        assert written[name].read_text("utf-8") == render(report)


def test_a_run_begins_by_replacing_the_last_report_and_its_histories(tmp_path: Path) -> None:
    folder = ReportFolder(str(tmp_path))
    folder.keep("history/old-1.jsonl", "{}\n")
    (tmp_path / "history" / "mine.txt").write_text("stays", "utf-8")
    folder.write(RUNS["all passed"].report())

    folder.begin(RUNS["not ended"].report())

    assert [one.name for one in (tmp_path / "history").iterdir()] == ["mine.txt"]
    assert not parse_json((tmp_path / "report.json").read_text("utf-8")).complete
    assert "had not ended" in (tmp_path / "report.html").read_text("utf-8")


def test_a_run_that_goes_on_from_a_report_keeps_the_histories_that_it_names(tmp_path: Path) -> None:
    folder = ReportFolder(str(tmp_path))
    report = RUNS["not ended"].report()
    first, *others = report.scenarios
    folder.keep("history/kept-1.jsonl", "{}\n")
    folder.keep("history/old-1.jsonl", "{}\n")

    kept = dataclasses.replace(first, history="history/kept-1.jsonl")
    folder.begin(dataclasses.replace(report, scenarios=(kept, *others)))

    assert [one.name for one in (tmp_path / "history").iterdir()] == ["kept-1.jsonl"]


def test_a_link_in_the_place_of_the_histories_is_replaced(tmp_path: Path) -> None:
    (elsewhere := tmp_path / "elsewhere").mkdir()
    (elsewhere / "mine.jsonl").write_text("stays", "utf-8")
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "history").symlink_to(elsewhere)

    folder = ReportFolder(str(tmp_path / "reports"))
    folder.begin(RUNS["not ended"].report())
    folder.keep("history/new-1.jsonl", "{}\n")

    assert [one.name for one in elsewhere.iterdir()] == ["mine.jsonl"]
    assert [one.name for one in (tmp_path / "reports" / "history").iterdir()] == ["new-1.jsonl"]


def test_a_reader_during_a_write_reads_a_whole_report(tmp_path: Path) -> None:
    folder = ReportFolder(str(tmp_path))
    reports = [RUNS["all passed"].report(), RUNS["a must failed"].report()]
    folder.write(reports[0])
    done = threading.Event()

    def write() -> None:
        for number in range(60):
            folder.write(reports[number % 2])
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    read = []
    while not done.is_set():
        read.append(parse_json((tmp_path / "report.json").read_text("utf-8")))
    writer.join()
    assert read
    assert all(one in reports for one in read)


@pytest.mark.parametrize("name", ["file", "file/below"])
def test_a_folder_that_cannot_be_made_is_reported(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("", "utf-8")

    with pytest.raises(TargetError, match=r"--report .*/file.*: cannot write there: .*name a folder"):
        ReportFolder(str(tmp_path / name))


def test_what_ran_and_did_not_pass_is_run_again(tmp_path: Path) -> None:
    came = with_record(record(LOGGED, Outcome.FAILED))
    came = tuple(record(RETRIED, Outcome.NOT_JUDGED) if one.name == RETRIED.name else one for one in came)
    came = tuple(record(FOUND, Outcome.BROKEN, row="3002") if one.row == "3002" else one for one in came)
    ReportFolder(str(tmp_path)).write(Made(came, 3).report())

    assert sorted(failed_in(report_before(str(tmp_path)))) == [
        "core/scan.feature::It is found[3002]",
        "core/scan.feature::It is logged",
        "core/scan.feature::It is retried",
    ]


def test_after_a_run_in_which_all_passed_nothing_is_run_again(tmp_path: Path) -> None:
    ReportFolder(str(tmp_path)).write(Made(ALL_PASSED, 0).report())

    assert failed_in(report_before(str(tmp_path))) == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, r"report.json cannot be read \(No such file or directory\); run once with --report "),
        ("{", "is no report of this version; run once with --report "),
        ('{"format":2}', "is no report of this version; run once with --report "),
    ],
)
def test_without_a_report_nothing_can_be_run_again(tmp_path: Path, content: str | None, said: str) -> None:
    if content is not None:
        (tmp_path / "report.json").write_text(content, "utf-8")

    with pytest.raises(TargetError, match=said):
        report_before(str(tmp_path))


def test_after_a_run_that_never_ended_nothing_can_be_run_again(tmp_path: Path) -> None:
    ReportFolder(str(tmp_path)).write(RUNS["not ended"].report())

    with pytest.raises(TargetError, match="never ended, so nobody knows what failed; run it again whole"):
        report_before(str(tmp_path))


def test_a_link_in_the_place_of_a_report_is_replaced_and_never_followed(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("mine", "utf-8")
    for name in ("report.json", ".report.json.part"):
        (tmp_path / name).symlink_to(precious)

    replace(tmp_path / "report.json", "{}")

    assert precious.read_text("utf-8") == "mine"
    assert not (tmp_path / "report.json").is_symlink()
    assert (tmp_path / "report.json").read_text("utf-8") == "{}"
    assert {one.name for one in tmp_path.iterdir()} == {"precious", "report.json", ".report.json.part"}

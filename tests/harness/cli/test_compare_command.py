"""`instance-sync compare` over saved reports and over targets: what it accepts, its exit code, and what it leaves."""

from __future__ import annotations

import os
import signal
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from harness.cli import main as cli
from harness.report.folder import ReportFolder
from harness.report.model import Report, parse_json, render_json
from tests.harness.commands import (
    COMMAND,
    PORTS,
    assert_nothing_is_left,
    listening,
    run,
    running_of,
    started,
)
from tests.harness.reporting import RUNS
from tests.harness.run.test_interruption import read_until
from tests.harness.support import PATIENCE, until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LONG = 9 * PATIENCE
"""Seconds for a comparison, which starts Python many times, on a machine that has much else to do."""
LEAN = [word for name in ("schemathesis", "hypothesispytest", "randomly") for word in ("-p", f"no:{name}")]
"""What is installed for other tests, has no say here, and takes long to start."""
KINDS = ("all passed", "a must failed", "nothing ran", "the harness crashed")


@pytest.fixture
def save(tmp_path: Path) -> Callable[..., str]:
    """Return what saves a report as a run does, and returns its folder."""

    def saved(name: str, report: Report) -> str:
        folder = ReportFolder(str(tmp_path / name))
        folder.write(report)
        return str(folder.path)

    return saved


def report_of(kind: str, name: str = "made-up") -> Report:
    report = RUNS[kind].report()
    return replace(report, implementation=replace(report.implementation, name=name))


@pytest.mark.parametrize(
    ("kinds", "code"),
    [((0, 0), 0), ((0, 2), 2), ((2, 1), 1), ((3, 2, 0), 3)],
    ids=str,
)
def test_the_exit_code_is_the_worst_of_those_compared(
    save: Callable[..., str], capsys: pytest.CaptureFixture[str], kinds: tuple[int, ...], code: int
) -> None:
    folders = [save(f"{place}", report_of(KINDS[kind])) for place, kind in enumerate(kinds)]

    assert cli.main(["compare", *folders]) == code
    assert "✓ passed" in capsys.readouterr().out


def test_a_folder_and_its_file_come_to_the_same_and_both_documents_are_saved(
    save: Callable[..., str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ours, theirs = save("a", report_of("all passed", "ours")), save("b", report_of("a must failed", "theirs"))
    first = cli.main(["compare", ours, theirs])
    shown = capsys.readouterr().out

    assert (
        cli.main(["compare", f"{ours}/report.json", f"{theirs}/report.json", "--report", str(tmp_path / "c")])
        == 1
    )
    assert first == 1
    assert capsys.readouterr().out == f"{shown}saved in {tmp_path / 'c'}: comparison.html, comparison.md\n"
    assert {one.name for one in (tmp_path / "c").iterdir()} == {"comparison.html", "comparison.md"}
    for file in ("comparison.html", "comparison.md"):
        assert "1 requirement tells them apart: SCAN" in (tmp_path / "c" / file).read_text("utf-8")


WRITTEN = render_json(RUNS["all passed"].report())
NO_REPORT = {
    "cut off": WRITTEN[: len(WRITTEN) // 2],
    "foreign": '{"results": []}',
    "another format": WRITTEN.replace('"format": 1', '"format": 2', 1),
    "not ended": render_json(RUNS["not ended"].report()),
}


@pytest.mark.parametrize("text", NO_REPORT.values(), ids=NO_REPORT.keys())
def test_a_file_that_is_not_a_whole_report_is_a_usage_error_that_names_it(
    save: Callable[..., str], tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    (tmp_path / "wrong.json").write_text(text, "utf-8")

    assert cli.main(["compare", save("a", report_of("all passed")), str(tmp_path / "wrong.json")]) == 4
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "wrong.json" in shown.err
    assert "judge the target again" in shown.err


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["reference"], "at least two"),
        ([], "at least two"),
        (["reference", "no-such"], "there is no target 'no-such'"),
        (["reference", "gone.json"], "gone.json cannot be read: No such file or directory"),
        (["reference", "."], "report.json cannot be read"),
        (["reference", "before-fix", "--", "--report=x"], "--report cannot be handed on"),
        (["reference", "before-fix", "--", "--rerun-failed"], "about whole runs"),
        (["reference", "before-fix", "--nonsense"], "No such option"),
        (["reference", "before-fix", "--report", "/dev/null/x"], "cannot write there"),
    ],
)
def test_a_mistake_is_reported_before_anything_is_judged(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    words: list[str],
    shown: str,
) -> None:
    monkeypatch.chdir(tmp_path)

    assert cli.main(["compare", *words]) == 4
    assert shown in capsys.readouterr().err


def test_an_option_that_only_the_second_target_refuses_is_reported_before_the_first_is_judged(
    host: str, folder: Path, tmp_path: Path
) -> None:
    kept = tmp_path / "1-reference" / "report.json"
    kept.parent.mkdir()
    kept.write_text("saved before", "utf-8")
    options = ["--report", str(tmp_path), "--", "--requirement", "AUTH-05", "--fleet-address", host, *LEAN]
    ended = run([str(COMMAND), "compare", "reference", "before-fix", *options], folder, patience=LONG)

    assert ended.returncode == 4
    assert kept.read_text("utf-8") == "saved before"
    assert "before-fix could not be judged" in ended.stderr
    assert "does not claim the profile security" in ended.stderr
    assert "judging reference" not in ended.stderr
    assert_nothing_is_left(host, folder)


def test_a_reader_that_leaves_does_not_make_it_green(save: Callable[..., str]) -> None:
    here, there = os.pipe()
    os.close(here)
    ours = save("a", report_of("a must failed"))
    words = [str(COMMAND), "compare", ours, ours]
    ended = subprocess.run(words, stdout=there, stderr=subprocess.PIPE, text=True, check=False)
    os.close(there)

    assert ended.returncode == 1, ended.stderr


def test_a_comparison_shows_what_the_fix_changes(host: str, folder: Path, tmp_path: Path) -> None:
    saved = tmp_path / "saved"
    stale = saved / "1-reference"
    stale.mkdir(parents=True)
    (stale / "report.json").write_text(WRITTEN, "utf-8")
    options = ["--requirement", "TIMELINE-01", "--fleet-address", host, *LEAN]
    words = [str(COMMAND), "compare", "reference", "before-fix", "--report", str(saved), "--", *options]

    ended = run(words, folder, patience=LONG)

    assert ended.returncode == 1, ended.stderr
    assert "1 requirement tells them apart: TIMELINE-01." in ended.stdout
    assert "  1  reference: incomplete" in ended.stdout
    assert "  2  before-fix: non-conformant, failed: TIMELINE-01" in ended.stdout
    assert "judging reference, 1 of 2: incomplete, " in ended.stderr
    assert "\x1b" not in ended.stderr
    names = {one.name for one in saved.iterdir()}
    assert names == {"1-reference", "2-before-fix", "comparison.html", "comparison.md"}
    assert parse_json((stale / "report.json").read_text("utf-8")).run.selection == "requirement TIMELINE-01"
    assert_nothing_is_left(host, folder)
    again = run([str(COMMAND), "compare", str(stale), str(saved / "2-before-fix")], folder)
    assert again.stdout in ended.stdout


def test_a_run_that_ends_without_a_report_is_a_harness_error(
    save: Callable[..., str], host: str, folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "killer.py").write_text("import os\n\ndef pytest_runtest_setup():\n    os.abort()\n", "utf-8")
    options = ["-p", "killer", "--requirement", "TIMELINE-01", "--fleet-address", host, *LEAN]
    words = [str(COMMAND), "compare", save("a", report_of("all passed")), "reference", "--", *options]
    ended = run(["env", f"PYTHONPATH={tmp_path}", *words], folder, patience=LONG)

    assert ended.returncode == 3, ended.stderr
    assert "judging reference, 1 of 1: failed" in ended.stderr
    assert "ended with 134 and no report that agrees" in ended.stderr
    assert_nothing_is_left(host, folder)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda one: one.name)
def test_a_comparison_cut_short_leaves_nothing(
    save: Callable[..., str], host: str, folder: Path, number: signal.Signals
) -> None:
    # Workers would take the addresses that follow, which belong to other tests.
    options = ["--profile", "core", "-n", "0", "--fleet-address", host, *LEAN]
    words = [str(COMMAND), "compare", save("a", report_of("all passed")), "reference", "--", *options]
    with started(words, folder) as process:
        output = read_until(process, "judging reference, 1 of 1")
        until(
            lambda: process.poll() is not None or listening(host) == list(PORTS),
            "it is judged",
            patience=LONG,
        )
        assert process.poll() is None, output + process.communicate()[0]
        if number is signal.SIGINT:
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)
        output += process.communicate(timeout=LONG)[0]

    assert process.returncode == (-number if number is signal.SIGKILL else 130), output
    if number is not signal.SIGKILL:
        assert "interrupted; everything that it started is stopped" in output
        assert running_of(folder) == []
    assert_nothing_is_left(host, folder)

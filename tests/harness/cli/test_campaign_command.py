"""`instance-sync explore` in units: which options agree, and that shards merge to what one process finds."""

from __future__ import annotations

import json
import signal
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from harness.cli import main as cli
from harness.cli.exploring import campaign, explore
from harness.errors import LaunchError
from harness.explore.campaign.digests import campaign_of
from harness.explore.campaign.results import Broken
from harness.explore.campaign.units import Unit
from harness.explore.conduct import Violation
from harness.explore.promises.base import Promise
from harness.explore.story import Story
from harness.scenario.actions import named
from tests.harness.commands import COMMAND, run, started
from tests.harness.explore.campaign.processes import assert_no_unit_is_left, listening, of_units, telling
from tests.harness.explore.campaign.test_merging import result
from tests.harness.support import PATIENCE, until

if TYPE_CHECKING:
    from pathlib import Path

LONG = 9 * PATIENCE
STORIES = ["--target", "before-fix", "--stories", "18", "--findings", "0"]
UNITS = ["--unit-stories", "6"]


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["--merge", "{here}", "--results", "c"], "--merge tells no stories"),
        (["--merge", "{here}", "--shard", "1/2"], "--merge tells no stories"),
        (["--merge", "none"], "there is no such folder"),
        (["--merge", "{here}"], "has no result of this campaign: it has none"),
        (["--results", "c"], "--results needs --stories"),
        (["--results", "c", "--stories", "9", "--seconds", "5"], "without --seconds"),
        (["--scheduler", "tcp://127.0.0.1:1", "--stories", "9"], "--scheduler needs --results"),
        (
            ["--scheduler", "tcp://h:1", "--results", "c", "--stories", "9", "--shard", "1/2"],
            "shares units out by itself",
        ),
        (["--results", "c", "--stories", "9", "--shard", "3/2"], "write which of how many"),
        (["--results", "/dev/null/c", "--stories", "9"], "--results /dev/null/c: cannot write there"),
    ],
)
def test_options_that_do_not_agree_are_refused_before_anything_is_told(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    words: list[str],
    shown: str,
) -> None:
    monkeypatch.chdir(tmp_path)

    assert cli.main(["explore", *(one.format(here=tmp_path) for one in words)]) == 4
    assert shown in capsys.readouterr().err


def test_without_dask_a_scheduler_is_refused_with_what_to_install(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    words = ["--scheduler", "tcp://127.0.0.1:1", "--results", str(tmp_path / "c"), "--stories", "9"]

    assert cli.main(["explore", *words]) == 4
    assert "pip install 'instance-sync[campaign]'" in capsys.readouterr().err


def test_results_of_another_campaign_are_not_merged(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    campaign.files.write(tmp_path, result(0, 10))

    assert cli.main(["explore", "--merge", str(tmp_path)]) == 4
    assert "1 are of another harness or seed or target" in capsys.readouterr().err


@pytest.mark.thorough
def test_what_came_before_a_failure_is_kept(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def one_and_then_none(jobs: list[Any], workers: int) -> Any:
        del workers
        told = result(0, 6)
        yield campaign.files.Result(jobs[0].unit, told.told, (), 1.0, 0.1, "w1")
        raise LaunchError("it did not come up")

    monkeypatch.setattr(campaign.spreading, "here", one_and_then_none)

    assert cli.main(["explore", *STORIES, *UNITS, "--results", str(tmp_path)]) == 2
    assert len([*tmp_path.glob("*.json")]) == 1
    monkeypatch.undo()
    assert cli.main(["explore", *STORIES, "--merge", str(tmp_path)]) == 2
    assert "missing         stories 7 to 18: nothing is known of them" in capsys.readouterr().out


@pytest.mark.thorough
def test_what_was_found_elsewhere_is_looked_into_where_it_is_merged(
    host: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    given = [named("account-on")(number=3002), named("account-of-same-workspace")(number=3003)]
    story = Story((*given, named("set-row")(number=3001)), (named("sends")(message="message 1"),))
    promise = Promise("SCAN-01", 'instance 3002 delivers "message 1" once')
    seen = Broken(4, Violation(story, promise, "one delivery", "none"), (story,))
    unit = Unit(campaign_of("before-fix", "sqlite", 1), 0, 6)
    campaign.files.write(tmp_path, replace(result(0, 6, seen), unit=unit))
    monkeypatch.setattr(explore.proving, "prove", lambda *_: {})
    own = ["--fleet-address", host, "--counterexamples", str(tmp_path / "kept"), "--findings", "1"]

    assert cli.main(["explore", "--target", "before-fix", "--merge", str(tmp_path), *own]) == 1
    shown = capsys.readouterr().out
    assert "SCAN-01 (MUST), stable" in shown
    assert "violated: SCAN-01" in shown
    assert "campaign        1 unit, told by 1 worker" in shown
    assert len([*(tmp_path / "kept").glob("*.feature")]) == 1


@pytest.mark.thorough
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=lambda one: one.name)
def test_units_that_are_cut_short_here_leave_nothing(
    folder: Path, tmp_path: Path, number: signal.Signals
) -> None:
    words = ["--stories", "9999", "--results", str(tmp_path / "results"), "-n", "2"]
    with started([str(COMMAND), "explore", "--target", "before-fix", *words], folder) as process:
        until(lambda: len(telling(folder)) == 2 or process.poll() is not None, "both tell", patience=LONG)
        ports = [where for one in of_units(folder) for where in listening(one)]
        process.send_signal(number)
        output = process.communicate(timeout=LONG)[0]

    assert process.returncode == (130 if number is signal.SIGINT else -number), output
    assert len({host for host, port in ports if port == 3001}) == 2
    assert_no_unit_is_left(folder, ports)


@pytest.mark.thorough
def test_shards_come_to_what_one_process_finds(host: str, folder: Path, tmp_path: Path) -> None:
    def explored(name: str, *words: str) -> dict[str, Any]:
        own = [
            "--fleet-address",
            host,
            "--counterexamples",
            str(tmp_path / "none"),
            "--report",
            str(tmp_path / name),
        ]
        ended = run([str(COMMAND), "explore", *STORIES, *own, *words], folder, patience=LONG)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        report = tmp_path / name / "explore.json"
        return json.loads(report.read_text("utf-8")) if report.exists() else {}

    results = str(tmp_path / "results")
    for number in ("1/2", "2/2"):
        assert explored("shard", *UNITS, "--results", results, "--shard", number, "-n", "2") == {}
    merged, alone = explored("merged", "--merge", results), explored("alone", "-n", "1")

    same = ("stories", "actions", "promises_kept", "not_looked_into", "covered")
    assert {one: merged[one] for one in same} == {one: alone[one] for one in same}
    assert merged["not_looked_into"]
    assert merged["campaign"]["units"] == 3
    assert alone["campaign"] is None
    assert_no_unit_is_left(folder, [])

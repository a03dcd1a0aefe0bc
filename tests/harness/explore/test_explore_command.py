"""`instance-sync explore`, as a user runs it."""

from __future__ import annotations

import json
import signal
import sys
from typing import TYPE_CHECKING

import pytest

from harness.report.model import parse_json
from tests.harness.commands import COMMAND, assert_nothing_is_left, run, started
from tests.harness.support import PATIENCE, until

if TYPE_CHECKING:
    from pathlib import Path

LONG = 15 * PATIENCE


def explore(host: str, folder: Path, *words: str) -> list[str]:
    kept = folder / "counterexamples"
    return [
        *(str(COMMAND), "explore", "--fleet-address", host, "-n", "1", "--counterexamples", str(kept)),
        *words,
    ]


def test_nothing_is_found_of_the_reference(host: str, tmp_path: Path) -> None:
    done = run(
        explore(host, tmp_path, "--stories", "40", "--covered", "--report", str(tmp_path / "r")),
        tmp_path,
        patience=LONG,
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.rstrip().splitlines()[-1].split() == ["found", "nothing"]
    told = json.loads((tmp_path / "r" / "explore.json").read_text("utf-8"))
    assert told["stories"] == 40
    assert told["findings"] == []
    assert "No MUST was violated" in (tmp_path / "r" / "explore.html").read_text("utf-8")
    assert not (tmp_path / "counterexamples").exists()
    assert_nothing_is_left(host, tmp_path)


@pytest.mark.thorough
def test_what_is_found_is_kept_as_a_scenario_that_pytest_runs(host: str, tmp_path: Path) -> None:
    before_fix = ["--target", "before-fix"]
    done = run(
        explore(host, tmp_path, *before_fix, "--stories", "2", "--findings", "1"), tmp_path, patience=LONG
    )

    assert done.returncode == 1, done.stderr
    assert "violated: SCAN-01" in done.stdout
    assert "fails on before-fix, passes on reference" in " ".join(done.stdout.split())
    kept = tmp_path / "counterexamples"
    (feature,) = kept.glob("*.feature")
    judged = run(
        [
            *(sys.executable, "-m", "pytest", str(kept), *before_fix, "--fleet-address", host, "-q"),
            *("-p", "no:cacheprovider", "-p", "no:randomly", "--report", str(tmp_path / "r")),
        ],
        tmp_path,
        patience=LONG,
    )
    assert judged.returncode == 1, judged.stdout
    report = parse_json((tmp_path / "r" / "report.json").read_text("utf-8"))
    (scenario,) = [one for one in report.scenarios if one.ran]
    assert scenario.requirement_ids == ("SCAN-01",)
    assert scenario.file.endswith(feature.name)

    again = run(
        explore(host, tmp_path, *before_fix, "--stories", "1", "--findings", "0"), tmp_path, patience=LONG
    )
    assert "1 more not looked into" in again.stdout
    assert_nothing_is_left(host, tmp_path)


def test_ctrl_c_leaves_nothing(host: str, tmp_path: Path) -> None:
    with started(explore(host, tmp_path, "--seconds", "300"), tmp_path) as process:
        until(lambda: any(tmp_path.glob("instance-sync-*/sync.log")), "stories are told")
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 130

    assert_nothing_is_left(host, tmp_path)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--shard", "4/3"], "--shard '4/3'"),
        (["--shard", "x"], "write which of how many, as 3/40"),
        (["--target", "fake-gateway"], "claims no profile of a control plane"),
        (["--target", "nowhere.toml"], "nowhere.toml"),
        (["--seconds", "0"], "--seconds"),
    ],
)
def test_what_cannot_be_explored_is_told(words: list[str], told: str, host: str, tmp_path: Path) -> None:
    done = run(explore(host, tmp_path, *words), tmp_path)

    assert done.returncode == 4
    assert told in done.stderr

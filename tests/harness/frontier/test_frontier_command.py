"""`instance-sync frontier`, as a user runs it."""

from __future__ import annotations

import json
import signal
import sys
from typing import TYPE_CHECKING

import pytest

from harness.cli.main import main
from tests.harness.commands import COMMAND, assert_nothing_is_left, run, running_of, started
from tests.harness.frontier.limited import LIMITS
from tests.harness.support import ROOT, until

if TYPE_CHECKING:
    from pathlib import Path

HOST = "127.0.0.71"
MEASURE = [str(COMMAND), "frontier", "--fleet-address", HOST, "--fleet-ports", "free"]
LIMITED = """\
[implementation]
name = "{axis}"
version = "1"
claims = ["core"]

[launch]
command = ["{python}", "-m", "tests.harness.frontier.limited", "{axis}"]
directory = "{root}"
"""


def limited(axis: str, folder: Path) -> Path:
    """Write the target file of the reference with a known limit."""
    file = folder / f"{axis}.toml"
    file.write_text(LIMITED.format(axis=axis, python=sys.executable, root=ROOT), "utf-8")
    return file


def test_the_axes_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["frontier", "--list", "--axis", "moves"]) == 0

    told = capsys.readouterr().out
    assert told.startswith("moves: how many sessions move within a second")
    assert "holds when each webhook is accepted" in told
    assert "drip" not in told


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--axis", "speed"], "there is no axis speed; there are webhook-delay, clock-skew, drip,"),
        (["--target", "fake-gateway"], "claims no profile of a control plane"),
        (["--target", "nobody.toml"], "nobody.toml"),
        (["--repeats", "0"], "repeats"),
        (["--fleet-address", "192.0.2.1"], "is no address of this machine"),
    ],
)
def test_what_cannot_be_measured_is_a_usage_error(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["frontier", *words]) == 4

    assert said in capsys.readouterr().err


def test_the_incident_without_its_fix_bears_no_instance_that_hangs(tmp_path: Path) -> None:
    words = [
        "--target",
        "before-fix",
        "--axis",
        "hung-instances",
        "--repeats",
        "1",
        "--report",
        str(tmp_path / "r"),
    ]

    ended = run([*MEASURE, *words], tmp_path)

    assert ended.returncode == 0, ended.stderr
    assert "hung-instances of reference: at least 3, the end of the range" in ended.stderr
    (row,) = [one for one in ended.stdout.splitlines() if one.startswith("hung-instances  ")]
    assert row.split("  ")[-2:] == ["not even 0, the least", "at least 3, the end of the range"]
    saved = json.loads((tmp_path / "r" / "frontier.json").read_text("utf-8"))
    assert [one["name"] for one in saved["implementations"]] == ["before-fix", "reference"]
    assert "not even 0, the least" in (tmp_path / "r" / "frontier.html").read_text("utf-8")
    assert_nothing_is_left(HOST, tmp_path)


@pytest.mark.thorough
def test_who_asks_nobody_has_nothing_to_bear(tmp_path: Path) -> None:
    ended = run(
        [*MEASURE, "--target", "before-fix", "--axis", "drip", "--repeats", "1", "--seconds", "4"], tmp_path
    )

    assert ended.returncode == 0, ended.stderr
    assert "drip of before-fix: at least 100, the end of the range" in ended.stderr
    told = " ".join(ended.stdout.split())
    assert "at 100: the instance was not asked who holds the session, so there was nothing to bear" in told
    assert "drip of reference, at 0.01" not in told


@pytest.mark.thorough
def test_the_reference_alone_is_measured_once(tmp_path: Path) -> None:
    ended = run([*MEASURE, "--axis", "hung-instances", "--repeats", "1"], tmp_path)

    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.count("at least 3, the end of the range") == 1


@pytest.mark.thorough
def test_another_implementation_may_have_the_name_of_the_reference(tmp_path: Path) -> None:
    file = limited("sessions", tmp_path)
    file.write_text(file.read_text("utf-8").replace('name = "sessions"', 'name = "reference"'), "utf-8")

    ended = run([*MEASURE, "--target", str(file), "--axis", "hung-instances", "--repeats", "1"], tmp_path)

    assert ended.returncode == 0, ended.stderr
    assert "hung-instances of reference, built in: at least 3" in ended.stderr
    assert ended.stdout.split("\n")[1].split()[-3:] == ["reference,", "built", "in"]


@pytest.mark.thorough
def test_when_the_time_is_up_it_says_so(tmp_path: Path) -> None:
    ended = run([*MEASURE, "--axis", "webhook-delay", "--seconds", "2"], tmp_path)

    assert ended.returncode == 0, ended.stderr
    assert "the time was up" in ended.stdout


@pytest.mark.thorough
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_leaves_nothing(number: signal.Signals, tmp_path: Path) -> None:
    with started([*MEASURE, "--target", "before-fix"], tmp_path) as process:
        until(lambda: len([one for one in running_of(tmp_path) if "reference_impl" in one]) > 1, "both run")
        process.send_signal(number)
        told, _ = process.communicate(timeout=60)

    assert process.returncode == 130, told
    assert_nothing_is_left(HOST, tmp_path)


@pytest.mark.thorough
@pytest.mark.parametrize("axis", sorted(LIMITS))
def test_a_limit_that_is_known_is_found_within_a_tenth(axis: str, tmp_path: Path) -> None:
    limit = LIMITS[axis][1]
    words = ["--target", str(limited(axis, tmp_path)), "--axis", axis, "--report", str(tmp_path)]

    ended = run([*MEASURE, *words], tmp_path, patience=400)

    assert ended.returncode == 0, ended.stderr
    saved = json.loads((tmp_path / "frontier.json").read_text("utf-8"))
    (mine, reference) = saved["axes"][0]["results"]
    assert 0.9 * limit <= mine["tolerates"] <= limit < mine["fails_from"] <= 1.1 * limit, ended.stdout
    assert mine["monotonic"] is True
    assert reference["tolerates"] > 2 * limit

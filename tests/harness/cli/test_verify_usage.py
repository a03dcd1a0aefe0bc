"""The help of `verify`, and what it says of an option that it cannot use."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from harness.cli.main import main
from harness.cli.verify.options import GROUPS, verify_options
from harness.cli.verify.usage import explained
from tests.harness.commands import COMMAND, run

if TYPE_CHECKING:
    from pathlib import Path

KNOWN = ("--target", "--timeout-is-none", "--report", "-x")


def test_every_group_of_the_help_is_shown_with_its_defaults(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "--help"]) == 0
    told = " ".join(capsys.readouterr().out.split())
    for group in GROUPS:
        assert f"{group}:" in told
    defaults = ("reference", "sqlite", "document", "threads", "nothing is saved", "auto, by the target")
    assert [one for one in defaults if f"(default: {one}" not in told] == []
    examples = told.partition("examples:")[2].partition("exit codes:")[0]
    assert examples.count("instance-sync") == examples.count("instance-sync verify") + 1  # init, in an aside


def test_no_option_of_the_harness_is_without_help() -> None:
    assert [one.opts for one in verify_options() if not one.help] == []


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("unrecognized arguments: --targt", "there is no option --targt; did you mean --target?"),
        ("unrecognized arguments: --zzz=1 x", "if it is one of another plugin of pytest, name that plugin"),
        ("unrecognized arguments: --randomly-seed=5", "names: -p pytest_randomly"),
        ("unrecognized arguments: --cov", "--cov is an option of pytest-cov, which is not installed"),
        (
            "argument --level: invalid choice: 'mst' (choose from 'must', 'should')",
            "--level: there is no 'mst'; did you mean must?; choose must or should",
        ),
        ("argument --fleet-seed: invalid int value: 'x'", "--fleet-seed: 'x' is no number"),
        ("argument --requirement: expected one argument", "--requirement: it needs a value"),
        ("something else", "something else"),
    ],
)
def test_a_wrong_option_is_explained(message: str, words: str) -> None:
    told = explained(message, KNOWN)
    assert words.replace("names: ", "") in told.replace("names: ", "")
    assert "argument " not in told


def test_a_usage_error_is_that_of_the_command(tmp_path: Path) -> None:
    ended = run([str(COMMAND), "verify", "--targt", "x"], tmp_path, tmp_path)
    assert ended.returncode == 4
    assert "instance-sync verify: there is no option --targt; did you mean --target?" in ended.stderr
    assert "pytest.main" not in ended.stderr


def test_the_header_names_no_file_of_settings(tmp_path: Path) -> None:
    ended = run([str(COMMAND), "verify", "core/scan.feature", "--list"], tmp_path, tmp_path)
    assert ended.returncode == 0
    assert "instance-sync: target reference" in ended.stdout
    assert "dev/null" not in ended.stdout


@pytest.mark.parametrize(("words", "guess"), [(["verfy"], "verify"), (["fleet", "migrat"], "migrate")])
def test_an_unknown_command_is_guessed(
    words: list[str], guess: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 4
    assert f"there is no command {words[-1]}; did you mean {guess}?" in capsys.readouterr().err


def test_a_reader_that_leaves_changes_no_verdict(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    words = [str(COMMAND), "verify", "core/scan.feature", "--list"]
    with os.fdopen(writer, "w") as output:
        ended = subprocess.run(
            words, stdout=output, stderr=subprocess.PIPE, text=True, cwd=tmp_path, check=False
        )
    assert (ended.returncode, ended.stderr) == (0, "")

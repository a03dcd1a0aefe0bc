"""How a command ends: the exit code of each error, and how quickly it answers."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest

from harness.catalogue.requirements import CatalogueError
from harness.cli.exits import exit_code
from harness.cli.main import COMMANDS, main
from harness.errors import ConformanceFailure, HarnessError, LaunchError, TargetError
from harness.exit_codes import MEANINGS, ExitCode


@pytest.mark.parametrize(
    ("problem", "code", "message"),
    [
        (TargetError("no such target"), 4, "instance-sync: no such target"),
        (click.UsageError("no such option"), 4, "Error: no such option"),
        (LaunchError("port 3001 is in use"), 2, "instance-sync: port 3001 is in use"),
        (HarnessError("no fleet answers"), 3, "instance-sync: no fleet answers"),
        (ConformanceFailure("one", "two"), 3, "instance-sync: expected one; observed two"),
        (CatalogueError("no such tag"), 3, "instance-sync: no such tag"),
        (OSError("disk full"), 3, "instance-sync: disk full"),
        (ZeroDivisionError("ours"), 3, "ZeroDivisionError: ours\ninstance-sync: the harness broke"),
        (KeyboardInterrupt(), 130, "interrupted; everything that it started is stopped"),
        (KeyboardInterrupt("nothing was written"), 130, "interrupted; nothing was written"),
    ],
    ids=repr,
)
def test_each_error_has_its_exit_code_and_message(
    problem: BaseException, code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def run() -> None:
        raise problem

    assert exit_code(run) == code
    assert message in capsys.readouterr().err


def test_a_command_ends_with_what_it_returns() -> None:
    assert exit_code(lambda: None) == 0
    assert exit_code(lambda: ExitCode.NON_CONFORMANT) == 1


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command_has_examples_and_its_exit_codes(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([name, "--help"]) == 0
    shown = capsys.readouterr().out
    assert f"examples:\n    {'python -m fake' if name == 'fleet' else 'instance-sync ' + name}" in shown
    for code, meaning in MEANINGS[name].items():
        assert f"{code:<4} {meaning}" in shown


def test_the_list_of_commands_loads_none_of_them() -> None:
    program = "import sys; from harness.cli.main import main; main(['-h']); print('pytest' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert all(f"  {name} " in shown for name in COMMANDS)
    assert shown.endswith("False\n")

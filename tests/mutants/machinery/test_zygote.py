"""A fork of the zygote is to the harness what a program is that was started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import psutil
import pytest

from tests.harness.support import PATIENCE, until
from tests.mutants.machinery import zygote
from tests.mutants.machinery.trials import LAUNCHER

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SERVING = [*LAUNCHER, "fakes", "--", "--ports", "0,0,0,0", "--control-port", "0"]


@pytest.fixture(scope="module", autouse=True)
def one() -> Iterator[None]:
    with zygote.opened():
        yield


def started(*words: str, folder: Path | None = None) -> subprocess.Popen[str]:
    return subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=folder, start_new_session=True
    )


def forks() -> list[psutil.Process]:
    (own,) = [one for one in psutil.Process().children() if zygote.__name__ in one.cmdline()]
    return own.children()


@pytest.mark.parametrize(("words", "status"), [(["--help"], 0), (["--no-such-option"], 4)])
def test_its_output_and_its_status_are_those_of_the_program(words: list[str], status: int) -> None:
    with started(*LAUNCHER, "fakes", "--", *words) as process:
        output, _ = process.communicate(timeout=PATIENCE)
    plain = subprocess.run(
        [sys.executable, "-m", "fake_instances", *words],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert (process.returncode, plain.returncode) == (status, status)
    assert output.strip().splitlines()[-1] == (plain.stdout + plain.stderr).strip().splitlines()[-1]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=lambda number: number.name)
def test_it_ends_with_whoever_asked_for_it(number: signal.Signals) -> None:
    with started(*SERVING) as process:
        until(forks, "it runs")
        assert process.stdout is not None
        process.stdout.readline()
        os.killpg(process.pid, number)
        process.communicate(timeout=PATIENCE)
    assert process.returncode == (0 if number == signal.SIGTERM else -number)
    until(lambda: not forks(), "it has ended")

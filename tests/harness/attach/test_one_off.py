"""Commands of an implementation that run once: bounded in time and in what they print, and nothing left of them."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from harness.attach.drivers.one_off import run_once
from harness.attach.drivers.program import Program
from harness.errors import OverlongOutputError
from tests.harness.support import runs, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LEAVES_ONE = """
import subprocess, sys
left = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(600)"])
print(left.pid, flush=True)
"""


@pytest.fixture
def opened() -> Iterator[contextlib.ExitStack]:
    with contextlib.ExitStack() as stack:
        yield stack


def python(script: str) -> Program:
    return Program((sys.executable, "-S", "-c", script), dict(os.environ), "127.0.0.1", 0)


def test_a_command_gives_its_status_and_both_outputs(tmp_path: Path, opened: contextlib.ExitStack) -> None:
    said = "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"
    ended = run_once(python(said), tmp_path, 20, opened)
    assert (ended.returncode, ended.stdout, ended.stderr) == (3, "out\n", "err\n")


def test_bytes_that_are_no_text_break_nothing(tmp_path: Path, opened: contextlib.ExitStack) -> None:
    ended = run_once(python("import os; os.write(1, b'a\\xffb')"), tmp_path, 20, opened)
    assert ended.stdout == "a\ufffdb"


def test_a_command_that_prints_for_ever_is_ended(tmp_path: Path, opened: contextlib.ExitStack) -> None:
    endless = "import os\nwhile True: os.write(1, b'x' * 65536)"
    with pytest.raises(OverlongOutputError, match="more than 4194304 bytes"):
        run_once(python(endless), tmp_path, 60, opened)


def test_a_command_that_takes_too_long_is_ended_with_what_it_started(
    tmp_path: Path, opened: contextlib.ExitStack
) -> None:
    hangs = LEAVES_ONE + f"open({str(tmp_path / 'pid')!r}, 'w').write(str(left.pid))\nleft.wait()"
    with pytest.raises(subprocess.TimeoutExpired):
        run_once(python(hangs), tmp_path, 2, opened)
    left = int((tmp_path / "pid").read_text("utf-8"))
    until(lambda: not runs(left), "what it started is gone")


def test_what_a_command_leaves_running_is_not_waited_for_and_ends_with_the_implementation(
    tmp_path: Path,
) -> None:
    began = time.monotonic()
    with contextlib.ExitStack() as opened:
        left = int(run_once(python(LEAVES_ONE), tmp_path, 60, opened).stdout)
        assert time.monotonic() - began < 30
        assert runs(left)
    until(lambda: not runs(left), "what it left is gone")

"""Whatever a program does to whoever judges it, it is judged or it is not, and the harness goes on."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.harness.hostile.table import KINDS, judged, memory_of
from tests.harness.support import until

if TYPE_CHECKING:
    from pathlib import Path

MEGABYTE = 1024 * 1024
WORST = ("send:endless", "log-line-of-objects", "table-dropped")


def test_the_memory_of_the_harness_is_its_own_and_its_workers() -> None:
    waits = [sys.executable, "-S", "-c", "import sys; sys.stdin.read()"]
    before = memory_of(os.getpid())
    with (
        subprocess.Popen(waits, stdin=subprocess.PIPE, start_new_session=True),
        subprocess.Popen(waits, stdin=subprocess.PIPE) as worker,
    ):
        until(lambda: memory_of(worker.pid) > MEGABYTE, "it has started")
        assert MEGABYTE < memory_of(os.getpid()) - before < memory_of(worker.pid) + 3 * MEGABYTE


@pytest.mark.parametrize(
    "kind", [kind if kind in WORST else pytest.param(kind, marks=pytest.mark.thorough) for kind in KINDS]
)
def test_a_hostile_program_is_judged_or_not_judged(tmp_path: Path, host: str, kind: str) -> None:
    came = judged(kind, tmp_path, host)

    assert came.well, f"{came}\n{came.output}"


@pytest.mark.thorough
def test_a_daemon_that_keeps_the_port_is_told_by_its_id(tmp_path: Path, host: str) -> None:
    came = judged("daemon-for-ever", tmp_path, host)

    assert re.search(r"afterwards .* is still in use by process [0-9]+ ", came.output), came.output

"""Judges a target as a user does, and reads its report."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from harness.report.model import Report, parse_json
from tests.harness.commands import COMMAND, run
from tests.harness.support import PATIENCE

if TYPE_CHECKING:
    from pathlib import Path

HOST = f"127.0.0.{140 + int(os.environ.get('PYTEST_XDIST_WORKER', 'gw0').removeprefix('gw'))}"
"""Each worker has an address of its own: runs stand side by side."""


def judged(target: Path, folder: Path, *more: str) -> tuple[int, Report]:
    """Return the exit code of a run, and its report."""
    command = [str(COMMAND), "verify", "--target", str(target), "--fleet-address", HOST, "-n", "0"]
    ended = run([*command, "--report", str(folder / "reports"), *more], folder, patience=20 * PATIENCE)
    assert (folder / "reports" / "report.json").exists(), ended.stdout + ended.stderr
    return ended.returncode, parse_json((folder / "reports" / "report.json").read_text("utf-8"))

"""Fixtures of the tests that run the commands: an address and a folder of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def host(worker_id: str) -> str:
    """Give a loopback address that no other worker, and no other run of ours, uses."""
    return f"127.0.0.{60 + int(worker_id.removeprefix('gw') or 0)}" if worker_id != "master" else "127.0.0.59"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give the folder in which a run under test makes its temporary files."""
    made = tmp_path / "temporary"
    made.mkdir()
    return made

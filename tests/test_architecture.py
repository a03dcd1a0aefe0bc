"""The house keeps its shape: imports run as pyproject.toml says, public names stay, and no file outgrows its room."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import harness
from tests.docs import DOCS

ROOT = Path(__file__).parent.parent
FOLDERS = ("harness", "fake_instances", "reference_impl", "tests", "features", "benchmarks")
MOST_LINES = 400
MOST_FILES = 15
PUBLIC = {
    "Account",
    "ConformanceFailure",
    "GatewayWorld",
    "History",
    "LogLine",
    "NotJudgedError",
    "Row",
    "Settings",
    "TimeBoundFailure",
    "World",
}


def test_imports_run_as_they_should() -> None:
    ended = subprocess.run(
        [Path(sys.executable).with_name("lint-imports")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_the_public_names_are_these_and_documented() -> None:
    assert set(harness.__all__) == PUBLIC
    page = (DOCS / "own-scenarios.md").read_text("utf-8")
    for name in PUBLIC:
        assert getattr(harness, name).__name__ == name
        assert f"`{name}`" in page, f"docs/own-scenarios.md does not say what {name} is"


def test_no_folder_is_a_corridor() -> None:
    crowded = {
        str(folder.relative_to(ROOT)): count
        for package in FOLDERS[:3]
        for folder in [ROOT / package, *(ROOT / package).rglob("*/")]
        if (count := len(list(folder.glob("*.py")))) > MOST_FILES
    }
    assert not crowded


def test_no_file_outgrows_its_room() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for folder in FOLDERS
        for path in (ROOT / folder).rglob("*.py")
        if (lines := len(path.read_text("utf-8").splitlines())) > MOST_LINES
    }
    assert not long

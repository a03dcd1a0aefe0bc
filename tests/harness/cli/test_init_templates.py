"""The skeletons that `init --template` writes: each starts, is attached, and says what is to be built."""

from __future__ import annotations

import re
import subprocess
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

from harness.catalogue import features
from harness.cli.main import main
from harness.cli.templates import FIRST, write_template
from harness.targets.reader import read_target
from tests.harness.commands import COMMAND, run
from tests.harness.support import PATIENCE
from tests.prerequisites import lacking, program

if TYPE_CHECKING:
    from pathlib import Path


def examined(target: Path, host: str) -> tuple[int, str]:
    """Return how the doctor ended, and what it said."""
    room = ("--fleet-address", host, "--fleet-ports", "free")
    ended = run([str(COMMAND), "doctor", "--target", str(target), *room], target.parent)
    return ended.returncode, ended.stdout + ended.stderr


@pytest.mark.parametrize("template", FIRST)
def test_each_is_written_with_a_target_file_that_fits_and_a_checklist(template: str, tmp_path: Path) -> None:
    target = read_target(write_template(template, 'Acme "sync"\x1b', tmp_path / "new"))
    assert target.name == "Acme sync"
    checklist = (tmp_path / "new/CHECKLIST.md").read_text("utf-8")
    assert "- [ ] " in checklist
    assert "@" not in checklist
    assert [one for one in FIRST[template] if one not in checklist] == []
    ids = set(re.findall(r"\b[A-Z]+-[0-9]{2}\b", checklist))
    assert ids <= set(features.catalogue())


def test_the_command_says_what_comes_next_and_overwrites_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["init", "--template", "express", "--name", "Acme Sync"]) == 0
    assert (
        "  cd acme-sync\n  npm install\n  instance-sync doctor --target target.toml\n"
        in capsys.readouterr().out
    )
    (tmp_path / "acme-sync/server.js").write_text("mine", "utf-8")

    assert main(["init", "--template", "express", "--output", "acme-sync"]) == 4
    assert "exists, and is not overwritten; choose another folder with --output" in capsys.readouterr().err
    assert (tmp_path / "acme-sync/server.js").read_text("utf-8") == "mine"
    assert main(["init", "--template", "express", "--url", "http://127.0.0.1:1"]) == 4
    assert "--url and --template are given" in capsys.readouterr().err


def test_the_gateway_starts_and_is_attached(tmp_path: Path, host: str) -> None:
    program("node", "nodejs")
    code, said = examined(write_template("gateway", "g", tmp_path), host)
    assert code == 0, said


def test_the_express_skeleton_starts_and_is_attached(tmp_path: Path, host: str) -> None:
    npm = program("npm", "npm")
    target = write_template("express", "e", tmp_path)
    words = [npm, "install", "--no-audit", "--no-fund"]
    installed = subprocess.run(
        words, cwd=tmp_path, capture_output=True, text=True, timeout=6 * PATIENCE, check=False
    )
    if installed.returncode:
        lacking(f"npm cannot install express here: {installed.stderr[-300:]}")
    code, said = examined(target, host)
    assert code == 0, said


def test_the_fastapi_skeleton_starts_and_is_attached(tmp_path: Path, host: str) -> None:
    if find_spec("fastapi") is None or find_spec("uvicorn") is None:
        lacking("fastapi and uvicorn are not installed: they are in the extra dev")
    code, said = examined(write_template("fastapi", "f", tmp_path), host)
    assert code == 0, said


@pytest.mark.parametrize("file", ["app/app/Http/Controllers/SyncController.php", "app/routes/sync.php"])
def test_what_the_laravel_skeleton_adds_is_php(file: str, tmp_path: Path) -> None:
    php = program("php", "php-cli")
    write_template("laravel", "l", tmp_path)
    checked = subprocess.run([php, "-l", tmp_path / file], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout

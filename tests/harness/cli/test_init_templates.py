"""The skeletons that `init --template` writes: each starts, is attached, and says what is to be built."""

from __future__ import annotations

import json
import re
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest

from harness.catalogue.features import catalogue
from harness.cli.main import main
from harness.cli.templates import FIRST, write_template
from harness.targets.reader import read_target
from tests.harness.commands import COMMAND, features, run
from tests.harness.support import PATIENCE
from tests.prerequisites import lacking, program

CONTROL_PLANES = ["express", "fastapi", "laravel"]
CLAIMS = ["core", "security", "resilience"]
STAND_IN = Path(__file__).with_name("laravel_stand_in.php")


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
    assert ids <= set(catalogue())


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

    assert main(["init", "--template", "laravel"]) == 0
    assert "CHECKLIST.md, and what a new Laravel application lacks. Next:" in capsys.readouterr().out
    checklist = (tmp_path / "laravel/CHECKLIST.md").read_text("utf-8")
    assert checklist.splitlines()[2].startswith("It does not start by itself: ")

    assert main(["init", "--template", "express", "--output", "acme-sync"]) == 4
    assert "exists, and is not overwritten; choose another folder with --output" in capsys.readouterr().err
    assert (tmp_path / "acme-sync/server.js").read_text("utf-8") == "mine"
    assert main(["init", "--template", "express", "--url", "http://127.0.0.1:1"]) == 4
    assert "--url and --template are given" in capsys.readouterr().err


def test_the_gateway_starts_and_is_attached(tmp_path: Path, host: str) -> None:
    program("node", "nodejs")
    code, said = examined(write_template("gateway", "g", tmp_path), host)
    assert code == 0, said


def prepared(template: str, folder: Path) -> Path:
    """Write a skeleton and do what comes first, as far as it can be done here; return the target file."""
    target = write_template(template, "s", folder)
    match template:
        case "express":
            words = [program("npm", "npm"), "install", "--no-audit", "--no-fund"]
            installed = subprocess.run(
                words, cwd=folder, capture_output=True, text=True, timeout=6 * PATIENCE, check=False
            )
            if installed.returncode:
                lacking(f"npm cannot install express here: {installed.stderr[-300:]}")
        case "fastapi":
            if find_spec("fastapi") is None or find_spec("uvicorn") is None:
                lacking("fastapi and uvicorn are not installed: they are in the extra dev")
        case "laravel":
            stand_in_for_laravel(target)
    return target


def stand_in_for_laravel(target: Path) -> None:
    """Have what the skeleton adds run in a stand-in for Laravel, which no test can install."""
    php = program("php", "php-cli")
    modules = subprocess.run([php, "-m"], capture_output=True, text=True, check=True).stdout
    if "pdo_sqlite" not in modules:
        lacking("php has no pdo_sqlite: on Debian it is in the package php-sqlite3")
    text = target.read_text("utf-8")
    command = '["php", "artisan", "serve", "--host={host}", "--port={port}", "--no-reload"]'
    assert text.count(command) == 1
    stand_in = json.dumps([php, "-S", "{host}:{port}", str(STAND_IN)])
    target.write_text(text.replace(command, stand_in), "utf-8")


@pytest.mark.parametrize(
    "template",
    [pytest.param(one, marks=pytest.mark.thorough) if one == "express" else one for one in CONTROL_PLANES],
)
def test_a_skeleton_of_a_control_plane_starts_and_is_attached(
    template: str, tmp_path: Path, host: str
) -> None:
    code, said = examined(prepared(template, tmp_path), host)
    assert code == 0, said


@pytest.mark.thorough
@pytest.mark.parametrize("template", CONTROL_PLANES)
def test_what_the_checklist_says_is_done_passes(template: str, tmp_path: Path, host: str) -> None:
    target = prepared(template, tmp_path)
    text = target.read_text("utf-8")
    target.write_text(text.replace('claims = ["core"]', f"claims = {json.dumps(CLAIMS)}"), "utf-8")
    done = re.findall(r"^- \[x\] .*$", (tmp_path / "CHECKLIST.md").read_text("utf-8"), re.MULTILINE)
    named = re.findall(r"\(([A-Z]+-[0-9]{2}(?:, [A-Z]+-[0-9]{2})*)\)", "\n".join(done))
    wanted = [word for several in named for one in several.split(", ") for word in ("--requirement", one)]
    ended = run(features(host, "--target", str(target), *wanted), tmp_path, patience=120)
    assert "verdict         incomplete: nothing failed, but not judged: " in ended.stdout, ended.stdout


def test_what_the_laravel_skeleton_adds_is_php(tmp_path: Path) -> None:
    php = program("php", "php-cli")
    write_template("laravel", "l", tmp_path)
    files = sorted(tmp_path.rglob("*.php"))
    assert [one.name for one in files] == ["SyncController.php", "sync.php"]
    for file in files:
        checked = subprocess.run([php, "-l", file], capture_output=True, text=True, check=False)
        assert checked.returncode == 0, checked.stdout

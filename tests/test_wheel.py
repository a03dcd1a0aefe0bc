"""The wheel, far from any checkout: built, installed into a fresh environment, and used from an empty folder."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.catalogue.verdict import Conclusion, Outcome
from harness.report.formats import RENDERERS
from harness.report.model import parse_json
from tests.harness.support import HOOKS
from tests.prerequisites import ALL_REQUIRED

pytestmark = pytest.mark.thorough

ROOT = Path(__file__).parent.parent
PATIENCE = 300
NO_INDEX = re.compile(
    r"No matching distribution|Could not find a version|Max retries|Connection|name resolution"
)
"""What pip says where it reaches no package index, or one that lacks what is needed."""
ROOM = ["--fleet-address", "127.0.0.65", "--fleet-ports", "free"]
THEIRS = f"""\
[implementation]
name = "theirs"
version = "1.2.3"
claims = ["core", "security", "resilience", "health-check", "monitoring", "instance"]

[launch]
command = ["{{python}}", "-m", "reference_impl"]
env = {{ CONFORMANCE_HOOKS = "on", LOG_FILE = "{{log_file}}" }}

{HOOKS}"""


@dataclass(frozen=True)
class Installed:
    """A fresh environment with the wheel in it, and an empty folder to work in."""

    programs: Path
    folder: Path

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a program of the environment in the folder, as from a shell in which the environment is active."""
        return ended([str(self.programs / words[0]), *words[1:]], self.folder, self.programs)


def ended(words: list[str], folder: Path, programs: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, with nothing of this checkout or this test in its environment."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "PYTHON"))
    }
    if programs is not None:
        environment["PATH"] = f"{programs}{os.pathsep}{environment['PATH']}"
        environment["VIRTUAL_ENV"] = str(programs.parent)
    return subprocess.run(
        words, cwd=folder, capture_output=True, text=True, timeout=PATIENCE, env=environment, check=False
    )


def pip(*words: str, python: Path | str, folder: Path) -> None:
    """Run pip; skip the test, or fail it in CI, where no package index is reached."""
    said = ended([str(python), "-m", "pip", "--disable-pip-version-check", *words], folder)
    if said.returncode and NO_INDEX.search(said.stderr) and not os.environ.get(ALL_REQUIRED):
        pytest.skip(f"no package index is reached: {said.stderr.strip().splitlines()[-1]}")
    assert said.returncode == 0, said.stdout + said.stderr


def test_the_wheel_is_all_that_is_needed(tmp_path: Path) -> None:
    # One test: among several workers each would build and install anew, which is what takes time here.
    there = installed(tmp_path)
    every_command_explains_itself(there)
    a_target_file_is_written_and_examined(there)
    the_targets_and_programs_that_come_with_it_are_there(there)
    scenarios_of_ones_own_run_as_the_documentation_says(there)
    every_feature_judges_and_every_report_is_there(there)


def installed(root: Path) -> Installed:
    """Build the wheel and install it, from an empty folder."""
    built, folder, environment = root / "built", root / "theirs", root / "environment"
    built.mkdir()
    folder.mkdir()
    pip("wheel", "--quiet", "--no-deps", "--wheel-dir", ".", str(ROOT), python=sys.executable, folder=built)
    (wheel,) = built.glob("instance_sync-*.whl")
    made = ended([sys.executable, "-m", "venv", str(environment)], built)
    assert made.returncode == 0, made.stderr
    programs = environment / "bin"
    wanted = ["-c", str(ROOT / "constraints.txt"), str(wheel)]
    pip("install", "--quiet", "--no-compile", *wanted, python=programs / "python", folder=folder)
    (folder / "their.toml").write_text(THEIRS, "utf-8")
    return Installed(programs, folder)


def every_feature_judges_and_every_report_is_there(there: Installed) -> None:
    run = there.run(
        "instance-sync", "verify", "--target", "their.toml", "--report", "reports", "-q", *ROOM
    )  # fmt: skip

    assert run.returncode == 0, run.stdout + run.stderr
    saved = there.folder / "reports"
    assert {one.name for one in saved.iterdir()} == {*RENDERERS, "history"}
    report = parse_json((saved / "report.json").read_text("utf-8"))
    assert (report.verdict.conclusion, report.complete) == (Conclusion.CONFORMANT, True)
    assert (report.implementation.name, report.implementation.version) == ("theirs", "1.2.3")
    assert {one.outcome for one in report.requirements if one.judged} == {Outcome.PASSED}
    assert all(one.ran for one in report.scenarios)
    # What was judged, and by what, is from the wheel alone.
    assert str(ROOT) not in run.stdout + (saved / "report.json").read_text("utf-8")


def the_targets_and_programs_that_come_with_it_are_there(there: Installed) -> None:
    asked = ["--requirement", "TIMELINE-01", "--requirement", "INSTANCE-07"]
    run = there.run("instance-sync", "verify", "--target", "reference", "-q", *asked, *ROOM)
    assert run.returncode == 2, run.stdout + run.stderr
    assert re.search(r"^scenarios +2 run, 2 passed", run.stdout, re.MULTILINE), run.stdout
    assert "verdict         incomplete: nothing failed, but not judged: " in run.stdout


def a_target_file_is_written_and_examined(there: Installed) -> None:
    words = ["--name", "Acme sync", "--command", f"{there.programs / 'python'} -m reference_impl"]
    made = there.run("instance-sync", "init", *words)
    assert made.returncode == 0, made.stderr
    run = there.run("instance-sync", "doctor", "--target", "acme-sync.toml", *ROOM)
    assert run.returncode == 0, run.stdout + run.stderr
    assert (
        f"\nready to be judged: instance-sync verify --target acme-sync.toml {' '.join(ROOM)}\n" in run.stdout
    )


def every_command_explains_itself(there: Installed) -> None:
    assert re.fullmatch(r"instance-sync \d+\.\d+\.\d+\n", there.run("instance-sync", "--version").stdout)
    for command in ("verify", "init", "doctor", "requirements", "compare", "steps", "reproduce", "fleet"):
        run = there.run("instance-sync", command, "--help")
        assert run.returncode == 0, run.stderr
        assert f"Usage: instance-sync {command}" in run.stdout


def scenarios_of_ones_own_run_as_the_documentation_says(there: Installed) -> None:
    text = (ROOT / "docs" / "own-scenarios.md").read_text("utf-8")
    files = re.findall(r"^```\w+\n# (my_features/\S+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    first = dict(files[:2])
    if not any(name.endswith(".py") for name in first):
        pytest.fail(
            "docs/own-scenarios.md must name the file of each of its first two blocks in the first line"
        )
    for name, content in first.items():
        path = there.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content, "utf-8")
    run = there.run("pytest", "my_features/", "--target", "their.toml", *ROOM)
    # Nothing failed; what the target claims was not all judged, for the scenarios of the harness did not run.
    assert run.returncode == 2, run.stdout + run.stderr
    assert re.search(r"^scenarios +1 run, 1 passed", run.stdout, re.MULTILINE), run.stdout

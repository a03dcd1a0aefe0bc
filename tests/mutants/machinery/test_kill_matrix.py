"""The kill matrix over real runs: it reports survivors, accused baselines and runs that hang."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import psutil
import pytest

from harness.catalogue.features import catalogue
from harness.catalogue.requirements import Profile
from tests.harness.commands import started
from tests.harness.support import PATIENCE, until
from tests.mutants.machinery import runner as running
from tests.mutants.machinery.registry import CONTROL_PLANE, gateway_mutants, mutants, sound_designs
from tests.mutants.machinery.rulings import rule
from tests.mutants.machinery.runner import Runner
from tests.mutants.machinery.trials import (
    LAUNCHER,
    Kind,
    Trial,
    baselines,
    design_trials,
    launched,
    mutant_trials,
)

if TYPE_CHECKING:
    from pathlib import Path

MATRIX = [sys.executable, "-m", "tests.mutants.machinery.kill_matrix"]
NAME = "repair-logged-with-the-new-url-as-old"
CORE = (Profile.CORE,)


def only(trial: Trial, *more: str) -> tuple[Trial, running.Ended]:
    runner = Runner(1)
    (found,) = runner.each([trial], lambda one: runner.run(one.prepare, [*one.words, *more]))
    return found


def ended(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE, check=False)


def test_the_command_judges_one_mutant() -> None:
    run = ended(*MATRIX, "--only", NAME)
    assert run.returncode == 0, run.stdout + run.stderr
    assert f"✓ {NAME}" in run.stdout
    assert "mutants        1 of 1 caught, over 1 requirements" in run.stdout


def test_a_mutant_that_does_nothing_wrong_survives() -> None:
    harmless = Trial("harmless", Kind.MUTANT, CORE, launched([], CORE), mutants()[NAME])
    found = rule(*only(harmless), catalogue())
    assert found.caught_by == ()
    assert found.complaints[0] == "it survived: no scenario of SCAN-02 failed by its own assertion"


def test_a_baseline_with_a_mistake_is_accused() -> None:
    accused = Trial("accused", Kind.BASELINE, CORE, launched([mutants()[NAME]], CORE))
    found = rule(*only(accused, "--requirement", "SCAN-02"), catalogue())
    assert any("(SCAN-02): failed: expected" in one for one in found.complaints)


def test_a_mutant_that_does_not_start_is_not_caught() -> None:
    def nothing(folder: Path) -> Path:
        target = folder / "target.toml"
        target.write_text(
            '[implementation]\nname = "none"\nclaims = ["core"]\n[launch]\ncommand = ["false"]\n', "utf-8"
        )
        return target

    found = rule(*only(Trial("none", Kind.MUTANT, CORE, nothing, mutants()[NAME])), catalogue())
    assert found.caught_by == ()
    assert "not judged" in "\n".join(found.complaints)


def test_a_run_that_does_not_end_is_stopped_and_not_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "PATIENCE", 0.1)
    one = Trial(NAME, Kind.MUTANT, CORE, launched([mutants()[NAME]], CORE), mutants()[NAME])
    found = rule(*only(one), catalogue())
    assert found.caught_by == ()
    assert "the run did not end within 0.1 s" in found.complaints[0]


def test_an_unknown_name_is_reported() -> None:
    run = ended(*MATRIX, "--only", "no-such-mutant")
    assert run.returncode == 1
    assert "unknown: no-such-mutant" in run.stderr


def test_a_design_is_judged_by_one_requirement() -> None:
    words = ["--designs", "--only", "doubtful-webhooks-refused-whole", "--requirement", "SCAN-02"]
    run = ended(*MATRIX, *words)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "sound designs  1 of 1 acquitted" in run.stdout


def test_a_design_with_a_mistake_is_accused_by_one_requirement() -> None:
    sound = Trial("accused", Kind.DESIGN, CORE, launched([mutants()[NAME]], CORE))
    by_one = sound.judged_by(["SCAN-02", "INSTANCE-01"])
    assert by_one is not None
    assert by_one.words == ["--requirement", "SCAN-02"]
    found = rule(*only(by_one), catalogue())
    assert any("(SCAN-02): failed: expected" in one for one in found.complaints)


def test_options_that_together_choose_nothing_are_refused() -> None:
    run = ended(*MATRIX, "--designs", "--only", NAME, "--requirement", "SCAN-02")
    assert run.returncode == 1
    assert "these options together choose nothing" in run.stderr


@pytest.mark.parametrize("program", ["reference", "fakes"])
def test_the_launcher_refuses_an_unknown_name(program: str) -> None:
    run = ended(*LAUNCHER, program, "no-such-mutant", "--")
    assert run.returncode == 1
    assert f"'no-such-mutant' is no mutant of the {program}" in run.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_an_interrupted_matrix_leaves_nothing_behind(tmp_path: Path, number: signal.Signals) -> None:
    with started([*MATRIX, "--requirement", "SCAN-01", "--jobs", "2"], tmp_path) as process:
        until(lambda: any(tmp_path.glob("kill-matrix-*/reports/report.json")), "a run is under way")
        process.send_signal(number)
        output, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130, output
    assert "interrupted; everything that it started is stopped" in output
    assert [one.name for one in tmp_path.iterdir()] == []
    until(lambda: not programs_of(tmp_path), "every program has ended")


def programs_of(folder: Path) -> list[str]:
    every = psutil.process_iter(["cmdline"])
    return [words for one in every if str(folder) in (words := " ".join(one.info["cmdline"] or []))]


@pytest.mark.parametrize("apart", [False, True])
def test_every_design_is_judged_once_by_each_of_its_profiles(*, apart: bool) -> None:
    judged = [
        (name, profile)
        for trial in design_trials(apart=apart)
        for name in (trial.name, *trial.blended)
        for profile in trial.profiles
    ]
    assert len(judged) == len(set(judged))
    assert {(one.name, profile) for one in sound_designs().values() for profile in one.profiles} <= {*judged}


def test_every_mutant_and_every_profile_is_judged() -> None:
    names = {one.name for one in mutant_trials()}
    assert {*mutants(), *gateway_mutants()} < names
    assert len([one for one in names if one.startswith("node-")]) >= 10
    assert len(names) >= 288
    assert len(sound_designs()) >= 36
    assert [one.name for one in baselines()] == ["reference", "node", "fakes"]
    assert {profile for one in baselines() for profile in one.profiles} == {*CONTROL_PLANE, Profile.INSTANCE}

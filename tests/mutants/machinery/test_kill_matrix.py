"""The kill matrix over real runs: a survivor, an accused baseline and a run that hangs are all told."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from harness.attach.drivers import guard
from harness.attach.drivers.guarded import Guarded
from harness.catalogue.features import catalogue
from harness.catalogue.requirements import Profile
from tests.harness.commands import started
from tests.harness.support import PATIENCE, until
from tests.mutants.machinery import nursery, trials
from tests.mutants.machinery import runner as running
from tests.mutants.machinery.registry import UNCHANGED, gateway_mutants, mutants, variants
from tests.mutants.machinery.rulings import rule
from tests.mutants.machinery.runner import Runner
from tests.mutants.machinery.trials import CONTROL_PLANE, Kind, Trial, every_trial
from tests.prerequisites import lacking

MATRIX = [sys.executable, "-m", "tests.mutants.machinery.kill_matrix"]
NAME = "repair-logged-with-the-new-url-as-old"
CORE = (Profile.CORE,)


def only(trial: Trial, *more: str) -> tuple[Trial, running.Ended]:
    runner = Runner(1)
    (found,) = runner.each([trial], lambda one: runner.run(one.prepare, [*one.words, *more]))
    return found


def test_one_row_is_judged_by_the_command() -> None:
    ended = subprocess.run(
        [*MATRIX, "--only", NAME], capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert f"✓ {NAME}" in ended.stdout
    assert "mutants        1 of 1 caught, over 1 requirements" in ended.stdout


def test_a_mutant_that_does_nothing_wrong_survives() -> None:
    harmless = Trial("harmless", Kind.MUTANT, CORE, trials.launched([], CORE), mutants()[NAME])
    found = rule(*only(harmless), catalogue())
    assert found.caught_by == ()
    assert found.complaints[0] == "it survived: no scenario of SCAN-02 failed by its own assertion"


def test_a_baseline_with_a_mistake_is_accused() -> None:
    accused = Trial("accused", Kind.BASELINE, CORE, trials.launched([mutants()[NAME]], CORE))
    found = rule(*only(accused, "--requirement", "SCAN-02"), catalogue())
    assert any("(SCAN-02): failed: expected" in one for one in found.complaints)


def test_a_mutant_that_does_not_come_up_is_not_caught() -> None:
    def nothing(folder: Path) -> Path:
        target = folder / "target.toml"
        target.write_text(
            '[implementation]\nname = "none"\nclaims = ["core"]\n[launch]\ncommand = ["false"]\n', "utf-8"
        )
        return target

    found = rule(*only(Trial("none", Kind.MUTANT, CORE, nothing, mutants()[NAME])), catalogue())
    assert found.caught_by == ()
    assert "not judged" in "\n".join(found.complaints)


def test_a_run_that_does_not_end_is_ended_and_not_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "PATIENCE", 0.1)
    one = Trial(NAME, Kind.MUTANT, CORE, trials.launched([mutants()[NAME]], CORE), mutants()[NAME])
    found = rule(*only(one), catalogue())
    assert found.caught_by == ()
    assert "the run did not end within 0.1 s" in found.complaints[0]


def test_a_name_that_is_unknown_is_told() -> None:
    ended = subprocess.run(
        [*MATRIX, "--only", "no-such-mutant"], capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert ended.returncode == 1
    assert "unknown: no-such-mutant" in ended.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_a_matrix_cut_short_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    with started([*MATRIX, "--requirement", "SCAN-01", "--jobs", "2"], tmp_path) as process:
        until(lambda: any(tmp_path.glob("kill-matrix-*/reports/report.json")), "a run is under way")
        process.send_signal(number)
        output, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130, output
    assert "interrupted; everything that it started is stopped" in output
    assert [one.name for one in tmp_path.iterdir()] == []
    until(lambda: not programs_of(tmp_path), "every program has ended")


def programs_of(folder: Path) -> list[str]:
    """Give the commands that have the folder in them, as the nursery's and all that it forked has."""
    every = psutil.process_iter(["cmdline"])
    return [words for one in every if str(folder) in (words := " ".join(one.info["cmdline"] or []))]


@pytest.fixture
def forking() -> None:
    if not nursery.AVAILABLE:
        lacking("this system has no pidfd_open")


@pytest.mark.usefixtures("forking")
@pytest.mark.parametrize(
    ("name", "status", "told"),
    [("no-such-mutant", 1, "'no-such-mutant' names no mutant"), (UNCHANGED, 4, "--no-such-option")],
)
def test_what_a_nursery_forks_ends_as_a_program_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, status: int, told: str
) -> None:
    monkeypatch.setattr(guard, "__file__", str(nursery.NURSLING))
    with nursery.opened() as path:
        environment = {**os.environ, nursery.VARIABLE: path}
        words = [sys.executable, str(trials.GATEWAY_LAUNCHER), name, "--no-such-option"]
        guarded = Guarded(words, tmp_path, 1.0, environment=environment)
        guarded.wait_for_start()
        assert guarded.group > 0
        assert guarded.wait(PATIENCE) == status
        guarded.end()
    assert told in guarded.last_output()


@pytest.mark.usefixtures("forking")
def test_who_asks_a_nursery_and_is_gone_holds_nobody_up(tmp_path: Path) -> None:
    with nursery.opened() as path:
        with socket.socket(socket.AF_UNIX) as gone:
            gone.connect(path)
            gone.sendall(b"{")
        words = [sys.executable, str(nursery.NURSLING), str(tmp_path / "output"), "-", "1", "true"]
        here, there = os.pipe()  # open until then: where it closes, what runs is ended
        ended = subprocess.run(
            words, stdin=here, timeout=PATIENCE, env={**os.environ, nursery.VARIABLE: path}, check=False
        )
        os.close(here)
        os.close(there)
    assert ended.returncode == 0


@pytest.mark.usefixtures("forking")
def test_both_threads_of_a_guard_see_how_a_forked_program_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(nursery.PROGRAMS, "/sleeper", lambda _: signal.pause())
    with Path(os.devnull).open("wb") as output, ThreadPoolExecutor(2) as pool:
        for _ in range(30):
            forked = nursery.Forked(["python", "/sleeper"], stdout=output)
            seen = [pool.submit(forked.wait, PATIENCE) for _ in range(2)]
            os.kill(forked.pid, signal.SIGTERM)
            assert [one.result() for one in seen] == [-signal.SIGTERM] * 2


@pytest.mark.usefixtures("forking")
def test_what_a_nursery_forks_is_killed_as_a_program_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "__file__", str(nursery.NURSLING))
    with nursery.opened() as path:
        environment = {**os.environ, nursery.VARIABLE: path}
        words = [
            sys.executable,
            str(trials.GATEWAY_LAUNCHER),
            UNCHANGED,
            "--ports",
            "0",
            "--control-port",
            "0",
        ]
        guarded = Guarded(words, tmp_path, 1.0, environment=environment)
        guarded.wait_for_start()
        until(lambda: "control" in guarded.last_output(), "it runs")
        # It was forked, and is no program that was started as ever.
        assert "tests.mutants.machinery.nursery" in psutil.Process(guarded.group).cmdline()
        os.killpg(guarded.group, signal.SIGKILL)
        assert guarded.wait(PATIENCE) == 128 + signal.SIGKILL
        guarded.end(b"killed")


@pytest.mark.parametrize("apart", [False, True])
def test_everything_is_tried_once(*, apart: bool) -> None:
    every = [
        (name, profile)
        for one in every_trial(apart=apart)
        for name in (one.name, *one.blended)
        for profile in one.profiles
    ]
    assert sorted(every) == sorted(set(every))
    assert {*variants(), *mutants()} <= {name for name, _ in every}
    for variant in variants().values():
        assert {*variant.profiles} <= {profile for name, profile in every if name == variant.name}
    slow = {one.name for one in variants().values() if one.slow}
    counted = Counter(one.name for one in every_trial(apart=apart))
    several = {one for one, count in counted.items() if count > 1}
    assert several == {one.name for one in every_trial(apart=apart) if slow & {one.name, *one.blended}}


def test_there_are_as_many_as_there_must_be() -> None:
    every = every_trial()
    kinds = [one.kind for one in every]
    assert kinds.count(Kind.MUTANT) >= 100
    assert len(variants()) >= 8
    assert sum(1 for one in every if one.name.startswith("node-")) >= 10
    assert {one.name for one in every if one.kind is Kind.BASELINE} == {"reference", "node", "fakes"}
    baselines = {profile for one in every if one.kind is Kind.BASELINE for profile in one.profiles}
    assert baselines == {*CONTROL_PLANE, Profile.INSTANCE}


@pytest.mark.parametrize("words", [[], ["no-such-mutant"], [UNCHANGED, UNCHANGED, UNCHANGED]])
@pytest.mark.parametrize("launcher", [trials.LAUNCHER, trials.GATEWAY_LAUNCHER], ids=lambda path: path.stem)
def test_the_launchers_refuse_an_unknown_name(launcher: Path, words: list[str]) -> None:
    if launcher is trials.GATEWAY_LAUNCHER and words[:1] == [UNCHANGED]:
        words = ["", *words]  # whatever follows a name is for the fakes
    ended = subprocess.run(
        [sys.executable, str(launcher), *words],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert ended.returncode == 1
    assert "names no mutant" in ended.stderr
    assert len(gateway_mutants()) < len(mutants())

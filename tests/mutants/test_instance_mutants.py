"""Each scenario of the profile instance convicts a known-bad gateway instance, by its own assertion."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from harness.requirements import Profile
from tests.mutants import judging
from tests.mutants.registry import UNCHANGED

if TYPE_CHECKING:
    from pathlib import Path

    from tests.mutants.registry import Mutant

INSTANCE_MUTANTS = judging.mutants_of(Profile.INSTANCE)


@pytest.mark.parametrize("mutant", INSTANCE_MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_is_convicted_by_the_scenarios_that_it_names(mutant: Mutant, tmp_path: Path) -> None:
    judging.assert_convicted(mutant, Profile.INSTANCE, tmp_path)


def test_the_fakes_are_acquitted_by_the_same_machinery(tmp_path: Path) -> None:
    judging.assert_acquitted(UNCHANGED, Profile.INSTANCE, tmp_path)


def test_every_run_of_every_scenario_convicts_a_mutant() -> None:
    assert judging.runs_without_mutant(Profile.INSTANCE) == []


def test_every_requirement_has_a_mutant() -> None:
    assert judging.requirements_without_mutant(Profile.INSTANCE) == []


@pytest.mark.parametrize("mutant", INSTANCE_MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_names_scenarios_of_its_requirement(mutant: Mutant) -> None:
    assert judging.strange_scenarios(mutant, Profile.INSTANCE) == []


@pytest.mark.parametrize("words", [[], ["no-such-mutant"]])
def test_the_launcher_refuses_an_unknown_name(words: list[str]) -> None:
    ended = subprocess.run(
        [sys.executable, str(judging.GATEWAY_LAUNCHER), *words],
        capture_output=True,
        text=True,
        timeout=judging.PATIENCE,
        check=False,
    )
    assert ended.returncode == 1
    assert "names no mutant" in ended.stderr

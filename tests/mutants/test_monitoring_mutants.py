"""Each scenario of the profile monitoring convicts a known-bad implementation, by its own assertion."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.requirements import Profile
from tests.mutants import judging
from tests.mutants.registry import UNCHANGED

if TYPE_CHECKING:
    from pathlib import Path

    from tests.mutants.registry import Mutant

MONITORING_MUTANTS = judging.mutants_of(Profile.MONITORING)


@pytest.mark.parametrize("mutant", MONITORING_MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_is_convicted_by_the_scenarios_that_it_names(mutant: Mutant, tmp_path: Path) -> None:
    judging.assert_convicted(mutant, Profile.MONITORING, tmp_path)


def test_the_reference_is_acquitted_by_the_same_machinery(tmp_path: Path) -> None:
    judging.assert_acquitted(UNCHANGED, Profile.MONITORING, tmp_path)


def test_every_run_of_every_scenario_convicts_a_mutant() -> None:
    assert judging.runs_without_mutant(Profile.MONITORING) == []


def test_every_requirement_has_a_mutant() -> None:
    assert judging.requirements_without_mutant(Profile.MONITORING) == []


@pytest.mark.parametrize("mutant", MONITORING_MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_names_scenarios_of_its_requirement(mutant: Mutant) -> None:
    assert judging.strange_scenarios(mutant, Profile.MONITORING) == []

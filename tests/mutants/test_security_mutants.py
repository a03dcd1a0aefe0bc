"""Each scenario of the profile security convicts a known-bad implementation, by its own assertion."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.requirements import Profile
from tests.mutants import judging
from tests.mutants.registry import UNCHANGED

if TYPE_CHECKING:
    from pathlib import Path

    from tests.mutants.registry import Mutant

SECURITY_MUTANTS = judging.mutants_of(Profile.SECURITY)


@pytest.mark.parametrize("mutant", SECURITY_MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_is_convicted_by_the_scenarios_that_it_names(mutant: Mutant, tmp_path: Path) -> None:
    judging.assert_convicted(mutant, Profile.SECURITY, tmp_path)


def test_the_reference_is_acquitted_by_the_same_machinery(tmp_path: Path) -> None:
    judging.assert_acquitted(UNCHANGED, Profile.SECURITY, tmp_path)


def test_every_run_of_every_scenario_convicts_a_mutant() -> None:
    assert judging.runs_without_mutant(Profile.SECURITY) == []


def test_every_requirement_has_a_mutant() -> None:
    assert judging.requirements_without_mutant(Profile.SECURITY) == []


@pytest.mark.parametrize("mutant", SECURITY_MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_names_scenarios_of_its_requirement(mutant: Mutant) -> None:
    assert judging.strange_scenarios(mutant, Profile.SECURITY) == []

"""Steps are found as pytest-bdd finds them, wherever they are defined, and whatever its version is made of."""

from __future__ import annotations

import importlib
import subprocess
import sys
from inspect import signature
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from pytest_bdd.types import GIVEN

from harness.run import step_lookup
from tests.harness.support import PATIENCE

if TYPE_CHECKING:
    from pathlib import Path

FEATURE = """
Feature: Steps of one's own
  Scenario: The nearest definition counts
    Given something is heard
    Then it was heard {where}

  Scenario: For another scenario of the module too
    Given something is heard
    Then it was heard {where}
"""
TEST = """
from pytest_bdd import given, scenarios, then
scenarios("own.feature")
"""
STEPS = """
from pytest_bdd import given, parsers, then

@given("something is heard", target_fixture="heard")
def _():
    return "{where}"

@then(parsers.parse("it was heard {{where}}"))
def _(heard, where):
    assert heard == where == "{where}"
"""


def test_each_place_has_the_steps_that_it_sees(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(STEPS.format(where="above"), "utf-8")
    for where in ("above", "in its folder", "in its module"):
        folder = tmp_path / where.replace(" ", "_")
        folder.mkdir()
        (folder / "own.feature").write_text(FEATURE.format(where=where), "utf-8")
        own = STEPS.format(where=where) if where.endswith("module") else ""
        (folder / f"test_{folder.name}.py").write_text(TEST + own, "utf-8")
        if where.endswith("folder"):
            (folder / "conftest.py").write_text(STEPS.format(where=where), "utf-8")

    words = [sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider", str(tmp_path)]
    ended = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert "6 passed" in ended.stdout, ended.stdout


@pytest.fixture
def scenario(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Give pytest-bdd's module as it is by itself, and put back in the end what was there."""
    module = importlib.import_module("pytest_bdd.scenario")

    def by_itself(step: object, fixturemanager: object, node: object) -> Any:
        raise AssertionError((step, fixturemanager, node))

    monkeypatch.setattr(module, "find_fixturedefs_for_step", by_itself)
    return module


@pytest.mark.parametrize("name", step_lookup._NEEDED)
def test_another_make_of_pytest_bdd_is_left_as_it_is(
    scenario: Any, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(scenario, name, lambda other: other)
    before = scenario.find_fixturedefs_for_step
    step_lookup.install()
    assert scenario.find_fixturedefs_for_step is before


def test_what_a_place_sees_is_asked_once(scenario: Any, request: pytest.FixtureRequest) -> None:
    asked = []
    for name in ("get_fixture_names", "getfixturedefs"):
        genuine = getattr(scenario, name)

        def counted(*given: Any, genuine: Any = genuine, **named: Any) -> Any:
            asked.append(given)
            return genuine(*given, **named)

        counted.__signature__ = signature(genuine)  # type: ignore[attr-defined]
        request.getfixturevalue("monkeypatch").setattr(scenario, name, counted)
    step_lookup.install()
    manager = request.session._fixturemanager
    one, other = (SimpleNamespace(type=GIVEN, name="an account of the incident", parent=None) for _ in "12")
    first = list(scenario.find_fixturedefs_for_step(step=one, fixturemanager=manager, node=request.node))
    count = len(asked)
    assert count > 0
    assert list(scenario.find_fixturedefs_for_step(other, manager, request.node)) == first
    assert len(asked) == count

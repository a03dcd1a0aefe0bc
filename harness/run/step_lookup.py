"""Finds the definition of a step in a fraction of the time that pytest-bdd takes: a fifth of a whole run went there.

For each step of each scenario pytest-bdd asks pytest anew which of all fixtures the scenario sees. Scenarios of one
module or class see the same ones, so that is asked once for each. What matches a step is decided as before.
"""

from __future__ import annotations

import importlib
from inspect import signature
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from _pytest.fixtures import FixtureDef, FixtureManager
    from _pytest.nodes import Node
    from pytest_bdd.parser import Step

    Definitions = list[tuple[FixtureDef[object], Any]]

_NEEDED = {
    "find_fixturedefs_for_step": ["step", "fixturemanager", "node"],
    "get_fixture_names": ["fixturemanager"],
    "getfixturedefs": ["fixturemanager", "fixturename", "node"],
}
"""The functions of pytest-bdd that this takes the place of or calls, with their parameters."""


def install() -> None:
    """Have pytest-bdd find steps so from now on; a version of it that is made otherwise is left as it is."""
    scenario: Any = importlib.import_module("pytest_bdd.scenario")  # the package has a function of that name
    if not hasattr(scenario, "step_function_context_registry") or any(
        name not in vars(scenario) or list(signature(vars(scenario)[name]).parameters) != parameters
        for name, parameters in _NEEDED.items()
    ):
        return
    seen: dict[tuple[FixtureManager, Node | None], Definitions] = {}

    def find(step: Step, fixturemanager: FixtureManager, node: Node) -> Iterator[FixtureDef[object]]:
        place = fixturemanager, node.parent
        if place not in seen:
            seen[place] = list(_definitions(scenario, fixturemanager, node))
        for fixture, definition in seen[place]:
            if definition.type in {None, step.type} and definition.parser.is_matching(step.name):
                yield fixture

    scenario.find_fixturedefs_for_step = find


def _definitions(
    scenario: Any, manager: FixtureManager, node: Node
) -> Iterator[tuple[FixtureDef[object], Any]]:
    for name in scenario.get_fixture_names(fixturemanager=manager):
        for fixture in scenario.getfixturedefs(manager, name, node) or ():
            if (definition := scenario.step_function_context_registry.get(fixture.func)) is not None:
                yield fixture, definition

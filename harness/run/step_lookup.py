"""Finds the functions behind steps as pytest-bdd does, and asks pytest once a file.

pytest-bdd asks pytest for every step of every scenario which of some 700 fixtures can be seen from there. That is the
same for all scenarios of a file.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from pytest_bdd.compat import get_fixture_names, getfixturedefs
from pytest_bdd.steps import StepFunctionContext, step_function_context_registry

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pytest
    from pytest_bdd.parser import Step

Visible = tuple[tuple[Any, StepFunctionContext], ...]
"""Fixtures of pytest's that are steps, each with what pytest-bdd knows of it."""


class StepLookup:
    """Remembers which steps can be seen from a file. They are all there before the first scenario runs."""

    def __init__(self) -> None:
        self._visible: dict[pytest.Collector | None, Visible] = {}

    def find(self, step: Step, fixturemanager: Any, node: pytest.Item) -> Iterable[Any]:
        """Return the fixtures that are steps with such words and can be seen from a scenario, in pytest's order."""
        if node.parent not in self._visible:
            self._visible[node.parent] = tuple(_steps(fixturemanager, node))
        return [
            fixture
            for fixture, known in self._visible[node.parent]
            if known.type in {None, step.type} and known.parser.is_matching(step.name)
        ]

    def use(self) -> None:
        """Have pytest-bdd find steps so."""
        # The package's own name for this module is that of a function in it.
        vars(import_module("pytest_bdd.scenario"))["find_fixturedefs_for_step"] = self.find


def _steps(fixturemanager: Any, node: pytest.Item) -> Iterator[tuple[Any, StepFunctionContext]]:
    for name in get_fixture_names(fixturemanager):
        for fixture in getfixturedefs(fixturemanager, name, node) or ():
            known = step_function_context_registry.get(fixture.func)
            if known is not None:
                yield fixture, known

"""Steps are found as pytest-bdd finds them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_bdd.compat import get_fixture_names, getfixturedefs
from pytest_bdd.steps import step_function_context_registry

from harness.run.step_lookup import StepLookup
from tests.test_feature_style import FILES, steps_as_run

if TYPE_CHECKING:
    import pytest
    from pytest_bdd.parser import Step


def test_every_step_of_the_features_has_the_function_that_pytest_finds(
    request: pytest.FixtureRequest,
) -> None:
    lookup, manager = StepLookup(), request._fixturemanager
    steps: dict[tuple[str, str], Step] = {
        (step.type, step.name): step for file in FILES[:12] for _, step in steps_as_run(file)
    }
    visible = [
        (one, known)
        for name in get_fixture_names(manager)
        for one in getfixturedefs(manager, name, request.node) or ()
        if (known := step_function_context_registry.get(one.func)) is not None
    ]

    assert len(steps) > 100
    for step in steps.values():
        found = lookup.find(step, manager, request.node)
        wanted = [
            one
            for one, known in visible
            if known.type in {None, step.type} and known.parser.is_matching(step.name)
        ]
        assert found == wanted
        assert len(found) == 1

"""Finds the function behind the text of a Then step, so that a check can be named by its words and carried out."""

from __future__ import annotations

from functools import lru_cache
from inspect import signature
from typing import TYPE_CHECKING

from pytest_bdd.steps import step_function_context_registry

from harness.scenario import actions

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_bdd.steps import StepFunctionContext

    from harness.scenario.world import World

_OWN = "harness.scenario.steps."


@lru_cache(maxsize=1)
def _then_steps() -> tuple[StepFunctionContext, ...]:
    actions.kinds()  # loads the steps
    return tuple(
        one
        for one in step_function_context_registry.values()
        if one.type == "then" and one.step_func.__module__.startswith(_OWN)
    )


@lru_cache(maxsize=4096)
def check_of(text: str) -> Callable[[World], object]:
    """Return the check that a Then step is: called with a world it passes silently or raises ConformanceFailure.

    Raises:
        LookupError: there is no such step, or it needs more than the world.
    """
    for one in _then_steps():
        if not one.parser.is_matching(text):
            continue
        values = one.parser.parse_arguments(text) or {}
        read = {name: one.converters.get(name, _same)(value) for name, value in values.items()}
        if {*signature(one.step_func).parameters} == {"world", *read}:
            return lambda world: one.step_func(world=world, **read)
    raise LookupError(f"no Then step is {text!r}, or it needs more than a world")


def _same(value: object) -> object:
    return value

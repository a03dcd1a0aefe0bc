"""A failure stands only if its scene came about: a Given, a fault, a moment, and what it takes for granted."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from harness.errors import ConformanceFailure, NotJudgedError
from harness.run.judging import check_scene_came_about

if TYPE_CHECKING:
    from pytest_bdd.parser import Step

    from harness.scenario.scene import Scene

FAILURE = ConformanceFailure("the row moved", "it did not")


def step(kind: str) -> Step:
    return cast("Step", SimpleNamespace(type=kind, keyword="And", name="the user has sent\nmore"))


def scene(fault: Exception | None = None, control: Exception | None = None) -> Scene:
    def given(problem: Exception | None) -> Any:
        def check() -> None:
            if problem is not None:
                raise problem

        return check

    return cast("Scene", SimpleNamespace(check_faults_fired=given(fault), check_controls=given(control)))


def why(made: Scene, at: Step | None) -> str:
    with pytest.raises(NotJudgedError) as raised:
        check_scene_came_about(made, at, FAILURE)
    return str(raised.value)


@pytest.mark.parametrize("kind", ["when", "then"])
def test_a_failure_whose_scene_came_about_stands(kind: str) -> None:
    check_scene_came_about(scene(), step(kind), FAILURE)
    check_scene_came_about(scene(), None, FAILURE)


def test_a_given_that_fails_is_another_requirements_finding() -> None:
    assert why(scene(), step("given")) == (
        "the scene did not come about, at: And the user has sent: expected the row moved; observed it did not"
    )


def test_a_fault_that_never_fired_leaves_nothing_to_judge() -> None:
    assert why(scene(NotJudgedError("a fault did not fire")), step("then")) == (
        "a fault did not fire; so this says nothing: expected the row moved; observed it did not"
    )


def test_what_goes_wrong_without_the_race_too_says_nothing_of_the_race() -> None:
    told = why(scene(control=ConformanceFailure("accepted", "422")), step("then"))

    assert told == (
        "so it is with nothing else under way: expected accepted; observed 422; "
        "so this says nothing: expected the row moved; observed it did not"
    )

"""Actions: one declaration, of which steps, values, JSON and words are made."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any, cast

import pytest
from pytest_bdd.parser import FeatureParser
from pytest_bdd.steps import step_function_context_registry

from harness.catalogue.features import features_root
from harness.errors import TargetError
from harness.scenario.actions import Action, kinds, named, of_json, of_step, of_words

EXAMPLES = {"int": "3002", "float": "0.5", "str": "hello"}


def example(name: str) -> Action:
    kind = kinds()[name]
    return kind(**{part: (one.choices or (EXAMPLES[one.type],))[-1] for part, one in kind.fields.items()})


@pytest.mark.parametrize("name", sorted(kinds()))
def test_an_action_is_the_same_as_json_as_words_and_as_a_step(name: str) -> None:
    action = example(name)

    assert of_json(json.loads(json.dumps(action.to_json()))) == action
    assert of_words(str(action)) == action
    assert of_step(action.step) == action
    assert of_step(action.given) == action


@pytest.mark.thorough
@pytest.mark.parametrize("name", sorted(kinds()))
def test_both_of_its_steps_are_carried_out_by_the_one_function(name: str) -> None:
    action, kind = example(name), kinds()[name]

    for type_, text in (("given", action.given), ("when", action.step)):
        behind = [
            one.step_func
            for one in step_function_context_registry.values()
            if one.type == type_ and one.parser.is_matching(text)
        ]
        assert behind == [kind.do]


def test_what_can_be_left_out_of_a_step_can_be_left_out_of_json_and_words() -> None:
    action = of_words('misbehaves number=3001 "behaviour=answers 500"')

    assert action.step == "instance 3001 answers 500"
    assert of_json({"action": "misbehaves", "number": 3001, "behaviour": "answers 500"}) == action


def test_carrying_out_hands_over_the_parts() -> None:
    moved: list[tuple[str, int]] = []
    world = SimpleNamespace(
        account=SimpleNamespace(session_id="s"),
        fleet=SimpleNamespace(move=lambda *parts: moved.append(parts)),
    )
    of_step_text = of_step("the session moves to instance 3004 unannounced")
    assert of_step_text is not None

    of_step_text.carry_out(cast("Any", world))

    assert moved == [("s", 3004)]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("moves-unanounced number=3001", "did you mean moves-unannounced?"),
        ("moves-unannounced", "number is missing"),
        ("moves-unannounced number=3001 to=3002", "to is unknown"),
        ("moves-unannounced number=high", "must be a number"),
        ("moves-unannounced 3001", "name=value"),
        ("misbehaves number=3001 behaviour=sulks", "must be one of"),
        ("sends 'message=", "cannot be read"),
    ],
)
def test_wrong_words_are_told_with_the_way_out(words: str, told: str) -> None:
    with pytest.raises(TargetError, match=told.replace("?", r"\?")):
        of_words(words)


@pytest.mark.parametrize("value", [None, [], {"action": 7}, {"number": 3001}])
def test_json_that_is_no_action_is_refused(value: object) -> None:
    with pytest.raises(TargetError, match="an action is a JSON object"):
        of_json(value)


def test_a_step_that_only_checks_is_no_action() -> None:
    assert of_step("the row is assigned to instance 3002") is None
    with pytest.raises(TargetError, match="no action is called"):
        named("the-row-is-assigned")


def test_most_of_what_features_do_is_actions() -> None:
    root, done, actions = features_root(), 0, 0
    for path in sorted(root.rglob("*.feature")):
        if path.parent.name in {"instance", "monitoring", "self"}:
            continue
        feature = FeatureParser(str(root), path.relative_to(root).as_posix()).parse()
        for template in feature.scenarios.values():
            rows: list[dict[str, str]] = [
                row for table in template.examples for row in table.as_contexts()
            ] or [{}]
            for step in template.render(rows[0]).steps:
                if step.type == "when":
                    done += 1
                    actions += of_step(step.name) is not None
    assert actions / done > 0.8

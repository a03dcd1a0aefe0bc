"""The feature files keep one style, and every step of theirs means exactly one thing."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING, Any

import pytest
from gherkin.parser import Parser
from pytest_bdd.parser import FeatureParser
from pytest_bdd.steps import step_function_context_registry

import harness.scenario.steps
from fake_instances.addresses import DOCUMENT_PORTS
from harness.catalogue import features
from harness.catalogue.requirements import Level
from harness.explore.making import random_stories, small

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_bdd.parser import Step
    from pytest_bdd.steps import StepFunctionContext

ROOT = features.features_root()
FILES = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*.feature"))
SUITE = features.read_suite(ROOT)
CATALOGUE = features.catalogue()
UNWRITTEN = [one for one in CATALOGUE.values() if all(one.id not in each.tags for each in SUITE)]
LONGEST_CELL = 40
MOST_BACKGROUND_STEPS = 3
LONGER_BACKGROUNDS = {"core/manual_test.feature": "the document's own numbered steps"}


def definitions() -> list[StepFunctionContext]:
    for module in pkgutil.iter_modules(harness.scenario.steps.__path__, "harness.scenario.steps."):
        importlib.import_module(module.name)
    contexts = step_function_context_registry.values()
    return [one for one in contexts if one.step_func.__module__.startswith("harness.scenario.steps.")]


def steps_as_run(file: str) -> Iterator[tuple[str, Step]]:
    """Give every step of every scenario of a file, once for each row of its Examples."""
    feature = FeatureParser(str(ROOT), file).parse()
    for template in feature.scenarios.values():
        rows: list[dict[str, str]] = [row for table in template.examples for row in table.as_contexts()]
        for row in rows or [{}]:
            for step in template.render(row).steps:
                yield template.name, step


def matching(step: Step) -> list[str]:
    """Give the functions whose phrases match a step."""
    return [
        one.step_func.__name__
        for one in definitions()
        if one.type in {None, step.type} and one.parser.is_matching(step.name)
    ]


def document(file: str) -> Any:
    return Parser().parse((ROOT / file).read_text("utf-8"))["feature"]


def scenarios_of(file: str) -> list[dict[str, Any]]:
    children = document(file)["children"]
    inside = [one for child in children if "rule" in child for one in child["rule"]["children"]]
    return [child["scenario"] for child in [*children, *inside] if "scenario" in child]


def test_scenario_names_are_unique_over_all_files() -> None:
    # Within one file pytest-bdd would silently keep the last; over files, reports would confuse them.
    names = Counter(one.name for one in SUITE)
    assert [name for name, count in names.items() if count > 1] == []


def test_every_scenario_carries_a_requirement_of_the_catalogue() -> None:
    for one in SUITE:
        assert one.requirement_ids, one
        assert set(one.tags) <= CATALOGUE.keys(), one


def test_a_folder_is_a_profile() -> None:
    for one in SUITE:
        for requirement in (CATALOGUE[name] for name in one.requirement_ids):
            folder = one.file.split("/", 1)[0]
            if folder == "self":
                assert requirement.level is Level.SELF, one
            else:
                assert requirement.judged, one
                assert folder == requirement.profile.value.replace("-", "_"), one


def test_no_scenario_mixes_levels() -> None:
    # A SHOULD that fails must not convict a MUST, nor hide behind one.
    for one in SUITE:
        assert len({CATALOGUE[name].level for name in one.requirement_ids}) == 1, one


def test_every_requirement_has_a_scenario() -> None:
    assert [one.id for one in UNWRITTEN if one.judged] == []


def test_every_feature_file_has_scenarios() -> None:
    assert set(FILES) == {one.file for one in SUITE}


def test_what_no_scenario_proves_names_the_test_that_does() -> None:
    for one in UNWRITTEN:
        file, _, name = one.test.partition("::")
        assert name, f"{one.id}: name its test, or write its scenario"
        tree = ast.parse((ROOT.parent / file).read_text("utf-8"))
        functions = [node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
        assert name in functions, f"{one.id}: there is no {one.test}"


@pytest.mark.parametrize("file", FILES)
def test_every_step_has_exactly_one_definition(file: str) -> None:
    # An undefined step fails only when it is run; an ambiguous one never tells.
    wrong = {
        f"{scenario}: {step.type} {step.name}": found
        for scenario, step in steps_as_run(file)
        if len(found := matching(step)) != 1
    }
    assert wrong == {}


@pytest.mark.parametrize("file", FILES)
def test_no_when_follows_a_then(file: str) -> None:
    for scenario in scenarios_of(file):
        order = [one["keyword"].strip() for one in scenario["steps"]]
        words = [word for word in order if word in {"Given", "When", "Then"}]
        assert words == sorted(words, key=["Given", "When", "Then"].index), scenario["name"]
        assert words.count("When") <= 1, scenario["name"]
        assert words.count("Then") == 1, scenario["name"]


@pytest.mark.parametrize("file", FILES)
def test_a_background_is_short(file: str) -> None:
    for child in document(file)["children"]:
        if "background" in child and file not in LONGER_BACKGROUNDS:
            assert len(child["background"]["steps"]) <= MOST_BACKGROUND_STEPS


@pytest.mark.parametrize("file", FILES)
def test_examples_are_short_and_have_no_tags(file: str) -> None:
    for scenario in scenarios_of(file):
        for table in scenario["examples"]:
            assert table["tags"] == [], scenario["name"]
            cells = [cell["value"] for row in table["tableBody"] for cell in row["cells"]]
            assert [cell for cell in cells if not 0 < len(cell) <= LONGEST_CELL] == [], scenario["name"]


@pytest.mark.parametrize("file", FILES)
def test_features_are_in_the_readers_words(file: str) -> None:
    for _, step in steps_as_run(file):
        assert not {"POST", "GET", "HTTP"} & set(step.name.split()), step.name
        assert "  " not in step.name


def test_no_step_is_asynchronous() -> None:
    # pytest-bdd does not await one, and so would pass it without running it.
    for one in definitions():
        assert not inspect.iscoroutinefunction(one.step_func), one.step_func


def test_every_phrase_is_used() -> None:
    used = {name for file in FILES for _, step in steps_as_run(file) for name in matching(step)}
    made = [*small(DOCUMENT_PORTS), *islice(random_stories(DOCUMENT_PORTS, 1), 300)]
    told = {one.kind.do.__name__ for story in made for one in story.actions}
    told.add("fails_once")  # stories have it where they are told once more
    unused = {one.step_func.__name__ for one in definitions()} - used - told
    assert unused == set()

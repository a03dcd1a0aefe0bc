"""What one pytest run judges: the implementation, the scenarios that are selected, and what came of them."""

from __future__ import annotations

import inspect
import json
import random
import re
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_bdd.scenario import make_python_name, scenario_wrapper_template_registry

from harness.catalogue import features
from harness.catalogue.durations import read_durations
from harness.catalogue.record import Record, level_of, row_of, scenario_id
from harness.catalogue.requirements import Profile, closest
from harness.catalogue.selection import (
    Selection,
    check_applicable,
    check_claimed,
    check_requirements,
    gate_of,
    names_in_expression,
)
from harness.catalogue.tally import Tally
from harness.catalogue.verdict import Outcome
from harness.errors import HarnessError, TargetError
from harness.report.sections import read_sections
from harness.report.sensitivity import read_defects
from harness.targets.reader import load_target

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pytest
    from pytest_bdd.parser import ScenarioTemplate

    from harness.catalogue.features import WrittenScenario
    from harness.catalogue.requirements import Catalogue
    from harness.report.model import Report
    from harness.report.sections import Section
    from harness.report.sensitivity import KnownDefect

_LIKE_A_REQUIREMENT = re.compile("[A-Z]+-[0-9]+")

RECORD = "instance_sync"
"""The attribute of a pytest report that has a scenario's record."""

COLLECTED = "instance_sync_collected"
"""The key under which a worker says how many scenarios it found."""

HANDED = "instance_sync_handed"
"""The key under which a worker is given the seed, and the ids of the scenarios that are run again."""

_ROW = "_pytest_bdd_example"
"""The parameter that pytest-bdd makes of a row of Examples."""


class Scope:
    """What a run judges. `again` has the ids of the scenarios that are run again, None where all may run.

    Raises:
        TargetError: there is no such target, its file has a mistake, or a name that the user selects is wrong.
        CatalogueError: the catalogue has a mistake.
    """

    def __init__(self, options: Any, again: Sequence[str] | None) -> None:
        self.catalogue: Catalogue = features.catalogue()
        self.target = load_target(options.target)
        self.claims = tuple(Profile(one) for one in self.target.claims)
        self.collected = 0
        self.before: Report | None = None
        if names := [*options.requirement, *names_in_expression(options.markexpr)]:
            written = {one for scenario in self.suite for one in scenario.requirement_ids}
            check_requirements(names, self.catalogue, written)
        check_claimed(options.requirement, options.profile, self.catalogue, self.claims)
        self.not_applicable = self.target.not_applicable
        check_applicable(options.requirement, self.not_applicable)
        self.gate = gate_of(options.gate, self.claims)
        self.selection = Selection(
            frozenset(options.requirement),
            frozenset(options.profile),
            frozenset(options.level),
            None if again is None else frozenset(again),
        )

    @cached_property
    def suite(self) -> Sequence[WrittenScenario]:
        """The scenarios that come with the harness."""
        return features.read_suite(features.features_root())

    @cached_property
    def defects(self) -> Sequence[KnownDefect]:
        """The defects that those scenarios are known to catch."""
        return read_defects(features.features_root())

    @cached_property
    def durations(self) -> Mapping[str, float]:
        """Seconds that runs of those scenarios take, by name."""
        return read_durations(features.features_root())

    @cached_property
    def sections(self) -> Sequence[Section]:
        """The sections of the contract, and what judges their sentences."""
        return read_sections(features.features_root())

    @cached_property
    def tally(self) -> Tally:
        """What came of each scenario so far."""
        return Tally(
            self.catalogue, self.suite, lambda name: f"test_{make_python_name(name)}", self.not_applicable
        )

    def go_on_from(self, before: Report) -> None:
        """Have what came of scenarios in a report stand, but for those that are run again."""
        self.before = before
        self.tally.go_on_from(before.scenarios)

    def select(self, found: Sequence[pytest.Item], kept: Sequence[pytest.Item]) -> list[pytest.Item]:
        """Return the tests that are to run, of those that every other filter kept of all that were found.

        A tag that reads like a requirement and is none is a TargetError.
        """
        for item in found:
            self._check_tags(item)
        # A filter that leaves nothing at all must be seen; one that leaves other tests was meant for those.
        self.collected = sum(1 for item in kept or found if self.scenario(item))
        return [item for item in kept if self._is_selected(item)]

    def _is_selected(self, item: pytest.Item) -> bool:
        record = self.record(item)
        if record is None:
            return not self.selection.restricts
        requirements = [self.catalogue[one] for one in record.requirement_ids]
        judged = [one for one in requirements if one.judged]
        if any(f"{one.id}: {record.name}" in self.not_applicable for one in judged):
            return False
        # What proves the instrument is about control planes, and needs one.
        launched = self.target.command or self.target.image
        applying = [one for one in judged if one.id not in self.not_applicable]
        claimed = any(one.profile in self.claims for one in applying) if judged else bool(launched)
        return claimed and self.selection.wants(record.id, requirements)

    def in_order(self, items: Sequence[pytest.Item], seed: int | None) -> list[pytest.Item]:
        """Return the tests with the scenarios among them in an order of their own, whatever shuffled them before.

        It is the catalogue's, or the random one that a seed gives: what one leaves behind may decide another.
        """
        places = {id_: place for place, id_ in enumerate(self.catalogue)}

        def rank(item: pytest.Item) -> tuple[int, str, int, int]:
            record = self.record(item)
            assert record is not None  # noqa: S101 - only scenarios are ranked
            call: Any = getattr(item, "callspec", None)
            row = 0 if call is None else call.indices.get(_ROW, 0)
            return places[record.requirement_ids[0]], record.file, record.line, row

        scenarios = sorted((one for one in items if self.scenario(one)), key=rank)
        if seed is not None:
            random.Random(seed).shuffle(scenarios)  # noqa: S311 - an order, no secret
        found = iter(scenarios)
        return [next(found) if self.scenario(one) else one for one in items]

    def scenario(self, item: pytest.Item) -> ScenarioTemplate | None:
        """Return the scenario that a test runs, when it carries a requirement id."""
        template = _template(item)
        return template if template is not None and self._ids(template) else None

    def record(self, item: pytest.Item) -> Record | None:
        """Return the record of the scenario that a test runs, as of one that passed; None where it runs none."""
        template = self.scenario(item)
        if template is None:
            return None
        file = Path(template.feature.filename)
        root = features.features_root()
        shown = (file.relative_to(root) if file.is_relative_to(root) else file).as_posix()
        call: Any = getattr(item, "callspec", None)
        example = {} if call is None else call.params.get(_ROW, {})
        ids, row = self._ids(template), row_of(item.nodeid)
        return Record(
            id=scenario_id(shown, template.name, row),
            name=template.name,
            row=row,
            file=shown,
            line=template.line_number,
            rule=template.rule.name if template.rule else "",
            level=level_of(ids, self.catalogue),
            requirement_ids=ids,
            outcome=Outcome.PASSED,
            reason="",
            ran=True,
            node=item.nodeid,
            example=json.dumps(example, sort_keys=True) if example else "",
        )

    def scene_of(self, item: pytest.Item) -> str | None:
        """Return the name of the fixture that a scenario needs: about gateway instances, or a control plane."""
        if (template := self.scenario(item)) is None:
            return None
        about = {self.catalogue[one].profile for one in self._ids(template)}
        return "gateways" if Profile.INSTANCE in about else "world"

    def _ids(self, template: ScenarioTemplate) -> tuple[str, ...]:
        tags = _tags(template)
        return tuple(one for one in self.catalogue if one in tags)

    def _check_tags(self, item: pytest.Item) -> None:
        if (template := _template(item)) is None:
            return
        for tag in sorted(_tags(template)):
            if _LIKE_A_REQUIREMENT.fullmatch(tag) and tag not in self.catalogue:
                guess = closest(tag, tuple(self.catalogue))
                hint = f"; did you mean @{guess}?" if guess else ""
                raise TargetError(
                    f"{template.feature.filename}: @{tag} of scenario {template.name!r} is no requirement{hint}"
                )


def _template(item: pytest.Item) -> ScenarioTemplate | None:
    registry: Any = scenario_wrapper_template_registry
    template: ScenarioTemplate | None = registry.get(getattr(item, "obj", None))
    return template


def _tags(template: ScenarioTemplate) -> set[str]:
    return template.tags | template.feature.tags | (template.rule.tags if template.rule else set())


def record_in(report: pytest.TestReport) -> Record | None:
    """Return the record of a scenario that a pytest report has; None for any other test."""
    return getattr(report, RECORD, None)


def refuse_async(step: Callable[..., object]) -> None:
    """Refuse a coroutine as a step by a HarnessError: nobody would await it, and it would pass without running."""
    if inspect.iscoroutinefunction(step) or inspect.isasyncgenfunction(step):
        raise HarnessError(
            f"the step {step.__qualname__} is async, and so would never run; write it with def"
        )

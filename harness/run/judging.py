"""One conformance run inside pytest: what it judges, which scenarios are to run, and what came of them."""

from __future__ import annotations

import inspect
import json
import re
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pytest_bdd.scenario import make_python_name, scenario_wrapper_template_registry

from harness.catalogue import features
from harness.catalogue.requirements import Profile, closest
from harness.catalogue.selection import (
    Selection,
    check_claimed,
    check_levels,
    check_profiles,
    check_requirements,
)
from harness.catalogue.tally import Record, Tally, classify
from harness.catalogue.verdict import Outcome
from harness.errors import HarnessError, TargetError
from harness.report.assembly import scenario_id
from harness.report.sensitivity import read_defects
from harness.targets.reader import load_target

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from pytest_bdd.parser import ScenarioTemplate

    from harness.catalogue.features import WrittenScenario
    from harness.catalogue.requirements import Catalogue
    from harness.report.sensitivity import KnownDefect

_LIKE_A_REQUIREMENT = re.compile("[A-Z]+-[0-9]+")

RECORD = "instance_sync"
"""The attribute of a pytest report that carries a scenario's record, as JSON values."""

COLLECTED = "instance_sync_collected"
"""The key under which a worker tells how many scenarios it found."""

HANDED = "instance_sync_handed"
"""The key under which a worker is handed the seed, and the ids of the scenarios that are run again."""


_ROW = "_pytest_bdd_example"
"""The parameter that pytest-bdd has a row of Examples be."""


class Conformance:
    """What a run judges. Made from the name or path of its target.

    Raises:
        TargetError: there is no such target, or its file has a mistake.
        CatalogueError: the catalogue has a mistake.
    """

    def __init__(self, target: str) -> None:
        self.catalogue: Catalogue = features.catalogue()
        self.target = load_target(target)
        self.claims = tuple(Profile(one) for one in self.target.claims)
        self.collected = 0
        self.selection = Selection()

    @cached_property
    def suite(self) -> Sequence[WrittenScenario]:
        """The scenarios that come with the harness, read when they are first asked for."""
        return features.read_suite(features.features_root())

    @cached_property
    def defects(self) -> Sequence[KnownDefect]:
        """The defects that those scenarios are known to catch."""
        return read_defects(features.features_root())

    @cached_property
    def tally(self) -> Tally:
        """What came of each scenario so far."""
        return Tally(self.catalogue, self.suite, lambda name: f"test_{make_python_name(name)}")

    @cached_property
    def written(self) -> frozenset[str]:
        """The requirement ids that have a scenario."""
        return frozenset(one for scenario in self.suite for one in scenario.requirement_ids)

    def select(self, options: Any, named: Sequence[str], again: Sequence[str] | None) -> None:
        """Take in what the user selects; `named` are requirement ids in other filters, `again` scenarios' ids.

        Raises:
            TargetError: a name is unknown, has no scenario, or is of a profile that the target does not claim.
        """
        check_profiles(options.profile)
        check_levels(options.level)
        if names := [*options.requirement, *named]:
            check_requirements(names, self.catalogue, self.written)
        check_claimed(options.requirement, options.profile, self.catalogue, self.claims)
        self.selection = Selection(
            frozenset(options.requirement),
            frozenset(options.profile),
            frozenset(options.level),
            None if again is None else frozenset(again),
        )

    def is_selected(self, item: pytest.Item) -> bool:
        """Say whether a test is to run: a scenario that is wanted and whose profile is claimed, or no scenario."""
        template = self.scenario(item)
        if template is None:
            return not self.selection.restricts
        requirements = [self.catalogue[one] for one in self.ids(template)]
        judged = [one for one in requirements if one.judged]
        # What proves the instrument is about control planes, and needs one.
        launched = self.target.command or self.target.image
        claimed = any(one.profile in self.claims for one in judged) if judged else bool(launched)
        record = self.record(item, template)
        return claimed and self.selection.wants(
            scenario_id(record.file, record.name, record.row), requirements
        )

    def scenario(self, item: pytest.Item) -> ScenarioTemplate | None:
        """Give the scenario that a test runs, when it carries a requirement id."""
        registry: Any = scenario_wrapper_template_registry
        template: ScenarioTemplate | None = registry.get(getattr(item, "obj", None))
        return template if template is not None and self.ids(template) else None

    def check_tags(self, item: pytest.Item) -> None:
        """Hold that a scenario has no tag that reads like a requirement and is none: nobody would judge by it.

        Raises:
            TargetError: it has.
        """
        registry: Any = scenario_wrapper_template_registry
        template: ScenarioTemplate | None = registry.get(getattr(item, "obj", None))
        if template is None:
            return
        rule = template.rule.tags if template.rule else set()
        for tag in sorted(template.tags | template.feature.tags | rule):
            if _LIKE_A_REQUIREMENT.fullmatch(tag) and tag not in self.catalogue:
                guess = closest(tag, tuple(self.catalogue))
                hint = f"; did you mean @{guess}?" if guess else ""
                raise TargetError(
                    f"{template.feature.filename}: @{tag} of scenario {template.name!r} is no requirement{hint}"
                )

    def ids(self, template: ScenarioTemplate) -> tuple[str, ...]:
        """Give the requirement ids that a scenario carries: its own, its rule's and its feature's."""
        rule = template.rule.tags if template.rule else set()
        tags = template.tags | template.feature.tags | rule
        return tuple(one for one in self.catalogue if one in tags)

    def judges_gateways(self, item: pytest.Item) -> bool:
        """Say whether a test runs a scenario about gateway instances, and not about a control plane."""
        template = self.scenario(item)
        ids = () if template is None else self.ids(template)
        return any(self.catalogue[one].profile is Profile.INSTANCE for one in ids)

    def record(self, item: pytest.Item, template: ScenarioTemplate) -> Record:
        """Give the record of a scenario that passed; whoever knows better replaces its outcome."""
        file = Path(template.feature.filename)
        root = features.features_root()
        shown = file.relative_to(root) if file.is_relative_to(root) else file
        call: Any = getattr(item, "callspec", None)
        row = {} if call is None else call.params.get(_ROW, {})
        example = json.dumps(row, sort_keys=True) if row else ""
        return Record(item.nodeid, shown.as_posix(), template.name, self.ids(template), example=example)


def outcome_of(problem: BaseException | None) -> tuple[Outcome, str]:
    """Say what ended a scenario means, as `classify` does, and that one which was skipped was not judged."""
    if isinstance(problem, pytest.skip.Exception):
        return Outcome.NOT_JUDGED, f"it was skipped: {problem.msg}"
    if isinstance(problem, pytest.xfail.Exception):
        return Outcome.NOT_JUDGED, f"it was expected to fail and did not run to its end: {problem.msg}"
    return classify(problem)


def drop_traceback(call: pytest.CallInfo[None], outcome: Outcome) -> None:
    """Leave out the traceback of what is told in our own words: to write it takes longer than most scenarios."""
    found = call.excinfo
    if found is None or isinstance(found.value, pytest.skip.Exception):
        return
    if outcome in {Outcome.FAILED, Outcome.NOT_JUDGED}:
        found.traceback = found.traceback.filter(lambda _: False)


def missed_a_time_bound_alone(reports: Collection[pytest.TestReport]) -> bool:
    """Say whether what came of a scenario and of its clean-up is a missed time bound, and no more than that."""
    found = [getattr(report, RECORD) for report in reports if hasattr(report, RECORD)]
    wrong = [one for one in found if one["outcome"] != Outcome.PASSED]
    return bool(wrong) and all(one["time_bound"] for one in wrong)


def refuse_async(step: Callable[..., object]) -> None:
    """Hold that a step is no coroutine: nobody would await it, and it would pass without running.

    Raises:
        HarnessError: it is one.
    """
    if inspect.iscoroutinefunction(step) or inspect.isasyncgenfunction(step):
        raise HarnessError(
            f"the step {step.__qualname__} is async, and so would never run; write it with def"
        )


CONFORMANCE = pytest.StashKey[Conformance]()

"""One conformance run inside pytest: what it judges, what came of it, and how it ends."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pytest_bdd.scenario import make_python_name, scenario_wrapper_template_registry

from harness import suite
from harness.report import text
from harness.requirements import Profile
from harness.selection import check_requirements
from harness.tally import Record, Tally
from harness.target import load_target
from harness.verdict import Conclusion

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_bdd.parser import ScenarioTemplate

    from harness.requirements import Catalogue
    from harness.suite import WrittenScenario
    from harness.verdict import Verdict

RECORD = "instance_sync"
"""The attribute of a pytest report that carries a scenario's record, as JSON values."""

COLLECTED = "instance_sync_collected"
"""The key under which a worker tells how many scenarios it found."""


class Conformance:
    """What a run judges. Made from the name or path of its target.

    Raises:
        TargetError: there is no such target, or its file has a mistake.
        CatalogueError: the catalogue has a mistake.
    """

    def __init__(self, target: str) -> None:
        self.catalogue: Catalogue = suite.catalogue()
        self.target = load_target(target)
        self.claims = tuple(Profile(one) for one in self.target.claims)
        self.collected = 0

    @cached_property
    def suite(self) -> Sequence[WrittenScenario]:
        """The scenarios that come with the harness, read when they are first asked for."""
        return suite.read_suite(suite.features_root())

    @cached_property
    def tally(self) -> Tally:
        """What came of each scenario so far."""
        return Tally(self.catalogue, self.suite, lambda name: f"test_{make_python_name(name)}")

    @cached_property
    def written(self) -> frozenset[str]:
        """The requirement ids that have a scenario."""
        return frozenset(one for scenario in self.suite for one in scenario.requirement_ids)

    def check_selection(self, names: Sequence[str]) -> None:
        """Hold that each requirement which a user selects has a scenario.

        Raises:
            TargetError: one is unknown, or has no scenario yet.
        """
        if names:
            check_requirements(names, self.catalogue, self.written)

    def scenario(self, item: pytest.Item) -> ScenarioTemplate | None:
        """Give the scenario that a test runs, when it carries a requirement id."""
        registry: Any = scenario_wrapper_template_registry
        template: ScenarioTemplate | None = registry.get(getattr(item, "obj", None))
        return template if template is not None and self.ids(template) else None

    def ids(self, template: ScenarioTemplate) -> tuple[str, ...]:
        """Give the requirement ids that a scenario carries: its own, its rule's and its feature's."""
        rule = template.rule.tags if template.rule else set()
        tags = template.tags | template.feature.tags | rule
        return tuple(one for one in self.catalogue if one in tags)

    def record(self, item: pytest.Item, template: ScenarioTemplate) -> Record:
        """Give the record of a scenario that passed; whoever knows better replaces its outcome."""
        file = Path(template.feature.filename)
        root = suite.features_root()
        shown = file.relative_to(root) if file.is_relative_to(root) else file
        return Record(item.nodeid, shown.as_posix(), template.name, self.ids(template))


CONFORMANCE = pytest.StashKey[Conformance]()


class Reporter:
    """Takes reports in, in the process that writes the verdict, and sets how the run ends."""

    def __init__(self, conformance: Conformance) -> None:
        self._conformance = conformance
        self._other_tests_failed = False
        self._crash = ""
        self._verdict: Verdict | None = None

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take in what came of a scenario, or that another test failed."""
        values = getattr(report, RECORD, None)
        if values is not None:
            self._conformance.tally.add(Record.from_json(values))
        elif report.failed:
            self._other_tests_failed = True

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Take note that something could not even be collected."""
        self._other_tests_failed |= report.failed

    def pytest_internalerror(self, excrepr: object) -> None:
        """Take note that the harness broke."""
        self._crash = f"pytest or the harness broke: {str(excrepr).splitlines()[-1]}"

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: list[str]) -> None:
        """Take note of what a worker is to run."""
        self._conformance.tally.expect(ids)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take note of how many scenarios a worker found."""
        output = getattr(node, "workeroutput", {})
        self._conformance.collected = max(self._conformance.collected, output.get(COLLECTED, 0))

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Compute the verdict, when there were scenarios, and make the run end with its exit code."""
        conformance = self._conformance
        if session.exitstatus == pytest.ExitCode.USAGE_ERROR or session.config.option.collectonly:
            return
        if not conformance.collected and not conformance.tally.concerned:
            return
        self._verdict = conformance.tally.verdict(
            conformance.claims, trouble=_trouble(session), crash=self._crash
        )
        conformant = self._verdict.conclusion is Conclusion.CONFORMANT
        session.exitstatus = 1 if conformant and self._other_tests_failed else self._verdict.exit_code

    @pytest.hookimpl(tryfirst=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the verdict."""
        if self._verdict is None:
            return
        conformance = self._conformance
        terminalreporter.section("conformance", "=")
        lines = text.summary(
            conformance.target, conformance.catalogue, self._verdict, conformance.tally.records
        )
        for line in [*text.unwritten(conformance.catalogue, conformance.written), *lines]:
            terminalreporter.write_line(line)


def _trouble(session: pytest.Session) -> str:
    if session.exitstatus == pytest.ExitCode.INTERRUPTED:
        return "the run was interrupted"
    stopped = session.shouldstop or session.shouldfail
    return f"the run stopped early: {stopped}" if stopped else ""

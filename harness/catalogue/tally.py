"""Collects what came of each scenario during a run, from one process or from several, and asks for the verdict."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from fake_instances import FleetError
from harness.catalogue.verdict import LEFT_OUT, Outcome, Run, ScenarioResult, Verdict, judge
from harness.errors import ConformanceFailure, LaunchError, NotJudgedError, TimeBoundFailure
from harness.evidence import Evidence, evidence_from_json, evidence_to_json

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from harness.catalogue.features import WrittenScenario
    from harness.catalogue.requirements import Catalogue, Profile


BINDING = "test_features.py"
"""The module that binds the features to pytest: only its tests are runs of scenarios."""


@dataclass(frozen=True, slots=True)
class Record:
    """What came of one run of one scenario, as plain values that cross from a worker to its controller.

    `node` is pytest's id of the run; `file` and `name` say which written scenario it is a run of, and `example`
    has the row of its Examples; empty where `node` alone tells. `history` is its history as JSON lines, empty
    when no report is asked for.
    """

    node: str
    file: str
    name: str
    requirement_ids: tuple[str, ...]
    outcome: str = Outcome.PASSED.value
    reason: str = ""
    time_bound: bool = False
    judged_again: bool = False
    example: str = ""
    evidence: Evidence = field(default_factory=Evidence)
    history: str = field(default="", repr=False)

    @property
    def row(self) -> str:
        """The row of Examples that it is a run of, as pytest names it; empty where there is none."""
        return row_of(self.node)

    def to_json(self) -> dict[str, Any]:
        """Give the record as JSON values."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        ids, evidence = list(self.requirement_ids), evidence_to_json(self.evidence)
        return {**values, "requirement_ids": ids, "evidence": evidence}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Record:
        """Give the record that `to_json` gave the values of."""
        ids, evidence = tuple(values["requirement_ids"]), evidence_from_json(values["evidence"])
        return cls(**{**values, "requirement_ids": ids, "evidence": evidence})


@dataclass(frozen=True, slots=True)
class Unrun:
    """A written scenario, or a row of its Examples, that did not run, and why."""

    scenario: WrittenScenario
    row: str
    reason: str


def row_of(node: str) -> str:
    """Give the row of Examples in pytest's id of a run; empty where there is none."""
    return node.partition("::")[2].partition("[")[2].removesuffix("]")


class Tally:
    """The records of a run, and which runs were to come.

    `function_of` gives the name of the test function that a scenario of this name is run by.
    """

    def __init__(
        self, catalogue: Catalogue, suite: Sequence[WrittenScenario], function_of: Callable[[str], str]
    ) -> None:
        self._catalogue = catalogue
        # What carries no requirement is an ordinary test, and nobody is judged by it.
        self._suite = [one for one in suite if one.requirement_ids]
        self._scenarios: dict[str, set[tuple[str, str]]] = {}
        for one in self._suite:
            self._scenarios.setdefault(function_of(one.name), set()).add((one.file, one.name))
        self._expected: set[str] = set()
        self._records: dict[str, Record] = {}
        # Of two scenarios that share file and name pytest-bdd binds the last: the other never runs.
        self._bound = {(one.file, one.name): one for one in self._suite}

    @property
    def records(self) -> tuple[Record, ...]:
        """What came so far."""
        return tuple(self._records.values())

    @property
    def to_run(self) -> int:
        """How many runs of scenarios were selected."""
        return sum(1 for node in self._expected if _function(node) in self._scenarios)

    def expect(self, nodes: Collection[str]) -> None:
        """Take note of runs that were selected."""
        self._expected.update(nodes)

    @property
    def concerned(self) -> bool:
        """Whether any scenario of the suite was to run, or ran."""
        return bool(self._records) or any(_function(node) in self._scenarios for node in self._expected)

    def add(self, record: Record) -> bool:
        """Take in what came of a run; of its judgement and of trouble while cleaning up, the worse counts.

        Tell whether this record is the one that counts now.
        """
        before = self._records.get(record.node)
        # A failure that was no missed time bound stands, whatever comes of the same run on another worker.
        anew = before is None or (record.judged_again and before.time_bound and not before.judged_again)
        if before is None or anew or _worse(record, before):
            self._records[record.node] = record
            return True
        return False

    def verdict(self, claims: Collection[Profile], *, trouble: str = "", crash: str = "") -> Verdict:
        """Give the verdict on what came so far: see `harness.catalogue.verdict.Run` for `trouble` and `crash`."""
        records = self._records.values()
        results = [
            ScenarioResult(one.node, one.requirement_ids, Outcome(one.outcome), one.reason) for one in records
        ]
        return judge(self._catalogue, claims, Run(self._written(), self._expected, results, trouble, crash))

    def unrun(self) -> tuple[Unrun, ...]:
        """Give what is written and has no record, in the order of the suite."""
        runs = self._runs()
        found: list[Unrun] = []
        for scenario in self._suite:
            nodes = self._nodes(scenario, runs)
            found += [
                Unrun(scenario, row_of(node), "never ran") for node in sorted(nodes - self._records.keys())
            ]
            if self._is_hidden(scenario):
                found.append(Unrun(scenario, "", "never ran, for another one in its file has the same name"))
            elif self._lacks_rows(scenario, nodes):
                found.append(Unrun(scenario, "", LEFT_OUT))
        return tuple(found)

    def _is_hidden(self, scenario: WrittenScenario) -> bool:
        return self._bound[scenario.file, scenario.name] is not scenario

    def _nodes(
        self, scenario: WrittenScenario, runs: Mapping[tuple[str, str], Collection[str]]
    ) -> frozenset[str]:
        """Give the runs that a scenario came to, or was to come to."""
        return frozenset(() if self._is_hidden(scenario) else runs.get((scenario.file, scenario.name), ()))

    def _lacks_rows(self, scenario: WrittenScenario, nodes: Collection[str]) -> bool:
        """Say whether a row of its Examples has no run; of one that ran several times the others may still lack."""
        examples = {
            ran.example if (ran := self._records.get(node)) is not None and ran.example else node
            for node in nodes
        }
        return len(examples) < max(1, scenario.examples)

    def _runs(self) -> Mapping[tuple[str, str], set[str]]:
        """For each written scenario, by file and name, the runs that it came to, or was to come to."""
        runs: dict[tuple[str, str], set[str]] = {}
        for record in self._records.values():
            runs.setdefault((record.file, record.name), set()).add(record.node)
        for node in self._expected - self._records.keys():
            # Where files share a name nobody knows whose run it was: each is then short of runs all the same.
            if len(keys := self._scenarios.get(_function(node), ())) == 1:
                runs.setdefault(next(iter(keys)), set()).add(node)
        return runs

    def _written(self) -> Mapping[str, Collection[str]]:
        """For each requirement, the runs that its scenarios came to, or were to come to."""
        runs = self._runs()
        written: dict[str, set[str]] = {}
        for scenario in self._suite:
            # One that lacks a run, of all its Examples, stands for itself too, and so counts as not judged.
            names = set(self._nodes(scenario, runs))
            if self._lacks_rows(scenario, names):
                names.add(f"{scenario.file}: {scenario.name}")
            for one in scenario.requirement_ids:
                written.setdefault(one, set()).update(names)
        for record in self._records.values():
            # Scenarios of somebody's own are in no suite, and judge where they ran.
            if (record.file, record.name) not in self._bound:
                for one in record.requirement_ids:
                    written.setdefault(one, set()).add(record.node)
        return written


def classify(problem: BaseException | None) -> tuple[Outcome, str]:
    """Say what an exception that ended a scenario means for its outcome, and why in one paragraph."""
    match problem:
        case None:
            return Outcome.PASSED, ""
        case ConformanceFailure():
            return Outcome.FAILED, f"expected {problem.expected}; observed {problem.observed}"
        case NotJudgedError() | LaunchError() | FleetError():
            return Outcome.NOT_JUDGED, str(problem)
        case _:
            return Outcome.BROKEN, f"{type(problem).__name__}: {problem}"


def is_time_bound(problem: BaseException | None) -> bool:
    """Say whether a scenario failed by a time bound alone, and so is judged once more (contract, section 1)."""
    return isinstance(problem, TimeBoundFailure)


def _worse(one: Record, other: Record) -> bool:
    order = list(Outcome)
    return order.index(Outcome(one.outcome)) < order.index(Outcome(other.outcome))


def _function(node: str) -> str:
    """Give the function of a run; empty for a test that does not bind a feature, whatever its name."""
    file, _, rest = node.partition("::")
    return rest.partition("[")[0] if file.endswith(BINDING) else ""

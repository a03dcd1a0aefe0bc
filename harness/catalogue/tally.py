"""Collects what came of each scenario during a run, from one process or from several, and asks for the verdict."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from harness.catalogue.record import Record, level_of, row_of, scenario_id
from harness.catalogue.requirements import Profile
from harness.catalogue.verdict import LEFT_OUT, Outcome, Run, Verdict, judge

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from harness.catalogue.features import WrittenScenario
    from harness.catalogue.requirements import Catalogue


BINDING = "test_features.py"
"""The module that binds the features to pytest: only its tests are runs of scenarios."""


class Tally:
    """The records of a run, and which runs were to come.

    `function_of` returns the name of the test function that runs the scenarios of this name. `not_applicable` has the
    requirements that have no meaning for this implementation, each with its reason.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        suite: Sequence[WrittenScenario],
        function_of: Callable[[str], str],
        not_applicable: Mapping[str, str] | None = None,
    ) -> None:
        self._catalogue = catalogue
        self._not_applicable = not_applicable or {}
        # A scenario without a requirement is an ordinary test.
        self._suite = [one for one in suite if one.requirement_ids]
        self._scenarios: dict[str, set[tuple[str, str]]] = {}
        for one in self._suite:
            self._scenarios.setdefault(function_of(one.name), set()).add((one.file, one.name))
        self._of_gateways = {
            function_of(one.name)
            for one in self._suite
            if all(
                catalogue[id_].profile is Profile.INSTANCE for id_ in one.requirement_ids if id_ in catalogue
            )
        }
        self._function_of = function_of
        self._expected: set[str] = set()
        self._kept: dict[str, str] = {}
        self._records: dict[str, Record] = {}
        # Of two scenarios that share file and name pytest-bdd binds the last: the other never runs.
        self._bound = {(one.file, one.name): one for one in self._suite}

    def go_on_from(self, records: Collection[Record]) -> None:
        """Take in what came of scenarios in an earlier run; what is run again replaces it."""
        for one in records:
            if one.ran:
                test = self._function_of(one.name) + (f"[{one.row}]" if one.row else "")
                node = f"{BINDING}::{test}" if (one.file, one.name) in self._bound else one.id
                self._kept[one.id] = node
                self._records[node] = replace(one, node=node)

    @property
    def came(self) -> tuple[Record, ...]:
        """What came of this run so far, without what an earlier one left."""
        kept = set(self._kept.values())
        return tuple(one for node, one in self._records.items() if node not in kept)

    @property
    def records(self) -> tuple[Record, ...]:
        """What came so far."""
        return tuple(self._records.values())

    @property
    def to_run(self) -> int:
        """How many runs of scenarios were selected."""
        return sum(map(self.is_run, self._expected))

    def is_run(self, node: str) -> bool:
        """Return whether this is a run of a scenario of the suite."""
        return _function(node) in self._scenarios

    def is_of_gateways(self, node: str) -> bool:
        """Return whether this is a run of a scenario that judges gateways."""
        return _function(node) in self._of_gateways

    def expect(self, nodes: Collection[str]) -> None:
        """Take note of runs that were selected."""
        self._expected.update(nodes)
        for node in nodes:
            for file, name in self._scenarios.get(_function(node), ()):
                self._forget(scenario_id(file, name, row_of(node)))

    def _forget(self, id_: str) -> None:
        if (node := self._kept.pop(id_, None)) is not None:
            del self._records[node]

    @property
    def concerned(self) -> bool:
        """Whether any scenario of the suite was to run, or ran."""
        return bool(self._records) or any(map(self.is_run, self._expected))

    def requirements(self) -> frozenset[str]:
        """Return the ids of the requirements whose scenarios were selected."""
        keys = {key for node in self._expected for key in self._scenarios.get(_function(node), ())}
        return frozenset(one for key in keys for one in self._bound[key].requirement_ids)

    def add(self, record: Record) -> bool:
        """Take in what came of a run; of its judgement and of trouble while cleaning up, the worse counts.

        Return whether this record is the one that counts now.
        """
        self._forget(record.id)
        before = self._records.get(record.node)
        # A failure that nobody doubts stands, whatever comes of the same run on another worker.
        doubtful = before is not None and (before.time_bound or bool(before.doubt))
        anew = record.judged_again and before is not None and doubtful and not before.judged_again
        if before is None or anew or _worse(record, before):
            self._records[record.node] = record
            return True
        return False

    def verdict(self, claims: Collection[Profile], *, trouble: str = "", crash: str = "") -> Verdict:
        """Return the verdict on what came so far: see `harness.catalogue.verdict.Run` for `trouble` and `crash`."""
        run = Run(self._written(), self._expected, self.records, trouble, crash)
        return judge(self._catalogue, claims, run, self._not_applicable)

    def unrun(self, claims: Collection[Profile]) -> tuple[Record, ...]:
        """Return what is written and did not run, in the order of the suite."""
        return tuple(
            self._unrun(scenario, row, reason, claims)
            for scenario, nodes in self._runs()
            for row, reason in self._lacking(scenario, nodes)
        )

    def _lacking(self, scenario: WrittenScenario, nodes: Collection[str]) -> Iterator[tuple[str, str]]:
        """Yield the rows of a scenario that did not run, with the reason; a row of unknown name as empty."""
        for node in sorted(set(nodes) - self._records.keys()):
            yield row_of(node), "never ran"
        if self._is_hidden(scenario):
            yield "", "never ran, for another one in its file has the same name"
        elif self._lacks_rows(scenario, nodes):
            yield "", LEFT_OUT

    def _unrun(self, one: WrittenScenario, row: str, reason: str, claims: Collection[Profile]) -> Record:
        judged = [self._catalogue[id_] for id_ in one.requirement_ids if self._catalogue[id_].judged]
        outcome, aside = Outcome.NOT_JUDGED, self._aside(one)
        claimed = [each for each in judged if each.profile in claims]
        if judged and not claimed:
            outcome, reason = Outcome.NOT_CLAIMED, "its profile is not claimed"
        elif claimed and all(each.id in self._not_applicable for each in claimed):
            outcome, reason = Outcome.NOT_APPLICABLE, self._not_applicable[claimed[0].id]
        elif aside:
            outcome, reason = Outcome.NOT_APPLICABLE, aside
        return Record(
            id=scenario_id(one.file, one.name, row),
            name=one.name,
            row=row,
            file=one.file,
            line=one.line,
            rule=one.rule,
            level=level_of(one.requirement_ids, self._catalogue),
            requirement_ids=one.requirement_ids,
            outcome=outcome,
            reason=reason,
            ran=False,
        )

    def _aside(self, one: WrittenScenario) -> str:
        """Return why a scenario has no meaning for this implementation; empty where it has."""
        named = (self._not_applicable.get(f"{id_}: {one.name}", "") for id_ in one.requirement_ids)
        return next(filter(None, named), "")

    def _is_hidden(self, scenario: WrittenScenario) -> bool:
        return self._bound[scenario.file, scenario.name] is not scenario

    def _lacks_rows(self, scenario: WrittenScenario, nodes: Collection[str]) -> bool:
        """Return whether a row of its Examples has no run: several runs of one row do not stand for the others."""
        examples = {
            ran.example if (ran := self._records.get(node)) is not None and ran.example else node
            for node in nodes
        }
        return len(examples) < max(1, scenario.examples)

    def _runs(self) -> Iterator[tuple[WrittenScenario, set[str]]]:
        """Yield each written scenario with the runs that it came to, or was to come to."""
        runs: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        for record in self._records.values():
            runs[record.file, record.name].add(record.node)
        for node in self._expected - self._records.keys():
            # Where files share a name it is unknown whose run it was: each of them then lacks a run.
            if len(keys := self._scenarios.get(_function(node), ())) == 1:
                runs[next(iter(keys))].add(node)
        for one in self._suite:
            yield one, set() if self._is_hidden(one) else set(runs[one.file, one.name])

    def _written(self) -> Mapping[str, Collection[str]]:
        """For each requirement, the runs that its scenarios came to, or were to come to."""
        written: defaultdict[str, set[str]] = defaultdict(set)
        for scenario, nodes in self._runs():
            # One that lacks a run, of all its Examples, stands for itself too, and so counts as not judged.
            if self._lacks_rows(scenario, nodes) and not self._aside(scenario):
                nodes.add(f"{scenario.file}: {scenario.name}")
            for one in scenario.requirement_ids:
                written[one] |= nodes
        for record in self._records.values():
            # Scenarios that users wrote are not in the suite; they judge where they ran.
            if (record.file, record.name) not in self._bound:
                for one in record.requirement_ids:
                    written[one].add(record.node)
        return written


def _worse(one: Record, other: Record) -> bool:
    order = list(Outcome)
    return order.index(one.outcome) < order.index(other.outcome)


def _function(node: str) -> str:
    """Return the function of a run; empty for a test that does not bind a feature, whatever its name."""
    file, _, rest = node.partition("::")
    return rest.partition("[")[0] if file.endswith(BINDING) else ""

"""Strategies that make up whole runs, and an oracle that says what must come of them.

The oracle is written from the rules that users are told (README, "Read the verdict"), over what became of each
row of each scenario, and shares no code with what it is held against.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, configuration, settings
from hypothesis import strategies as st

from harness.catalogue.features import WrittenScenario
from harness.catalogue.requirements import Catalogue, Level, Profile, Requirement
from harness.catalogue.verdict import Outcome
from tests.harness.reporting import report_of
from tests.harness.support import record_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.catalogue.record import Record
    from harness.report.model import Report

# What hypothesis stores stays out of the checkout.
configuration.set_hypothesis_home_dir(Path(tempfile.gettempdir()) / "instance-sync-hypothesis")
REPEATABLE = settings(
    derandomize=True,
    deadline=None,
    database=None,
    max_examples=80,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
CONFORMANT, NON_CONFORMANT, INCOMPLETE, HARNESS_ERROR = range(4)
WORST_FIRST = (HARNESS_ERROR, NON_CONFORMANT, INCOMPLETE, CONFORMANT)
PASSED, FAILED, NOT_JUDGED, BROKEN = Outcome.PASSED, Outcome.FAILED, Outcome.NOT_JUDGED, Outcome.BROKEN
_GRAVITY = (
    "harness error",
    "failed",
    "not judged",
    "not yet written",
    "not claimed",
    "not applicable",
    "passed",
)


@dataclass(frozen=True)
class Fate:
    """What became of one row: the records of it in the order in which they came; none when it did not run."""

    records: tuple[tuple[Outcome, bool, bool], ...] = ()
    """Of each record: the outcome, whether it failed by a time bound alone, whether it was judged again."""
    expected: bool = True

    @property
    def outcome(self) -> Outcome | None:
        """What counts: the worst, of which a time bound that was missed at first is none if judged again."""
        again = any(judged_again for _, _, judged_again in self.records)
        counted = [one for one, bound, judged_again in self.records if judged_again or not (bound and again)]
        return min(counted, key=lambda one: _GRAVITY.index(one.value), default=None)


@dataclass(frozen=True)
class Placed:
    """A scenario, and what became of each of its rows. One that is `hidden` pytest never saw."""

    scenario: WrittenScenario
    fates: tuple[Fate, ...]
    function: str = ""
    hidden: bool = False
    own: bool = False

    def node(self, row: int) -> str:
        folder = "own" if self.own else "features"
        name = f"[row {row}]" if self.scenario.examples else ""
        return f"{folder}/test_features.py::{self.function}{name}"


@dataclass(frozen=True)
class MadeUp:
    """A made-up run."""

    catalogue: Catalogue
    claims: tuple[Profile, ...]
    placed: tuple[Placed, ...]
    trouble: str = ""
    crash: str = ""
    complete: bool = True

    def runs(self) -> Iterator[tuple[Placed, int, Fate]]:
        for one in self.placed:
            if not one.hidden:
                yield from ((one, row, fate) for row, fate in enumerate(one.fates))

    def records(self) -> list[Record]:
        return [
            record_of(
                one.scenario,
                self.catalogue,
                one.node(row),
                outcome=outcome,
                reason="" if outcome is PASSED else f"because of {row}",
                time_bound=bound,
                judged_again=again,
                example=f"row {row}",
            )
            for one, row, fate in self.runs()
            for outcome, bound, again in fate.records
        ]

    @property
    def suite(self) -> tuple[WrittenScenario, ...]:
        return tuple(one.scenario for one in self.placed if not one.own)

    def report(self) -> Report:
        expected = [one.node(row) for one, row, fate in self.runs() if fate.expected]
        return report_of(
            self.catalogue,
            self.suite,
            self.records(),
            expected,
            self.claims,
            trouble=self.trouble,
            crash=self.crash,
            complete=self.complete,
        )


def outcomes_of(made: MadeUp, id_: str) -> list[Outcome]:
    """Return what became of each row of each scenario that carries a requirement; a row that did not run too."""
    found: list[Outcome] = []
    for one in made.placed:
        if id_ in one.scenario.requirement_ids:
            seen = [NOT_JUDGED] if one.hidden else [fate.outcome or NOT_JUDGED for fate in one.fates]
            # What is nobody's promise counts where it ran, and only there.
            found += [fate.outcome for fate in one.fates if fate.outcome] if one.own else seen
    return found


def requirement_outcome(made: MadeUp, one: Requirement) -> Outcome:
    """Say what must come of a requirement."""
    if one.level is not Level.SELF and one.profile not in made.claims:
        return Outcome.NOT_CLAIMED
    found = [outcome.value for outcome in outcomes_of(made, one.id)]
    return Outcome(next((name for name in _GRAVITY if name in found), "not yet written"))


def exit_code(made: MadeUp) -> int:
    """Say what the verdict must be, by its exit code."""
    musts = [one for one in made.catalogue.values() if one.level is Level.MUST and one.profile in made.claims]
    came = {one.id: outcomes_of(made, one.id) for one in musts}
    if made.crash or any(_speaks_against_the_harness(made, one, fate) for one, _, fate in made.runs()):
        return HARNESS_ERROR
    if any(FAILED in outcomes for outcomes in came.values()):
        return NON_CONFORMANT
    nothing_ran = not any(fate.records for _, _, fate in made.runs())
    all_passed = came and all(outcomes and set(outcomes) == {PASSED} for outcomes in came.values())
    return INCOMPLETE if made.trouble or nothing_ran or not all_passed else CONFORMANT


def _speaks_against_the_harness(made: MadeUp, one: Placed, fate: Fate) -> bool:
    carried = [made.catalogue[id_] for id_ in one.scenario.requirement_ids]
    judges = any(each.level is not Level.SELF and each.profile in made.claims for each in carried)
    proves = any(each.level is Level.SELF for each in carried)
    return fate.outcome is BROKEN or (fate.outcome is FAILED and proves and not judges)


def counts(made: MadeUp) -> dict[Profile, dict[Level, Counter[Outcome]]]:
    """Count what must come of the requirements of each profile, by level."""
    told = {profile: {level: Counter[Outcome]() for level in Level} for profile in Profile}
    for one in made.catalogue.values():
        told[one.profile][one.level][requirement_outcome(made, one)] += 1
    return told


_PASSED_MOSTLY = st.sampled_from([PASSED, PASSED, PASSED, *Outcome])
_FATES = st.one_of(
    st.just(Fate(((PASSED, False, False),))),
    st.just(Fate(((PASSED, False, False),))),
    _PASSED_MOSTLY.map(lambda one: Fate(((one, False, False),))),
    # A time bound was missed, and what came of it when it was judged again, once or on two workers.
    _PASSED_MOSTLY.map(lambda one: Fate(((FAILED, True, False), (one, False, True)))),
    st.just(Fate(((FAILED, True, True),))),
    st.tuples(st.sampled_from(Outcome), st.sampled_from(Outcome)).map(
        lambda both: Fate(((both[0], False, False), (both[1], False, True)))
    ),
    # Something went wrong behind it, or it ran twice: on two workers, or by a plugin that runs things again.
    st.lists(st.sampled_from(Outcome), min_size=2, max_size=3).map(
        lambda all_: Fate(tuple((one, False, False) for one in all_))
    ),
    st.just(Fate()),
    st.just(Fate(expected=False)),
)
_PASSED_FATES = st.just(Fate(((PASSED, False, False),)))


@st.composite
def catalogues(draw: st.DrawFn) -> Catalogue:
    size = draw(st.integers(1, 5))
    return Catalogue(
        1,
        tuple(
            Requirement(
                id=f"SCAN-{number:02}",
                level=draw(st.sampled_from([Level.MUST, Level.MUST, Level.SHOULD, Level.SELF])),
                profile=draw(st.sampled_from([Profile.CORE, Profile.CORE, Profile.SECURITY])),
                words=f"Number {number} holds.",
                source=("field",),
            )
            for number in range(1, size + 1)
        ),
    )


def _bound(placed: list[Placed]) -> Iterator[Placed]:
    """Return each the function that pytest-bdd makes for it: numbered from the second of a name on."""
    functions: Counter[str] = Counter()
    for one in placed:
        key = f"{one.own} {one.scenario.name}"
        number = f"_{functions[key]}" if functions[key] else ""
        functions[key] += not one.hidden
        yield replace(one, function=f"test_{one.scenario.name}{number}")


@st.composite
def runs(draw: st.DrawFn, *, mishaps: bool = True) -> MadeUp:
    """Make up a run; without `mishaps` of the run as a whole, so that its rows alone decide."""
    catalogue = draw(catalogues())
    fates = draw(st.sampled_from([_FATES, _PASSED_FATES, st.one_of(_PASSED_FATES, _PASSED_FATES, _FATES)]))
    placed: list[Placed] = []
    for _ in range(draw(st.integers(0, 5))):
        own = draw(st.sampled_from([False, False, False, True]))
        name, file = draw(st.sampled_from("abc")), draw(st.sampled_from(["core/x", "core/y"]))
        ids = draw(st.sets(st.sampled_from(list(catalogue)), min_size=int(own), max_size=2))
        rows = draw(st.integers(0, 3))
        scenario = WrittenScenario(
            file=f"/own/{name}.feature" if own else f"{file}.feature",
            line=len(placed) + 1,
            rule="",
            name=name,
            tags=frozenset(ids),
            examples=rows,
        )
        if not own:
            # Of two scenarios that share name and file, pytest-bdd binds the last and never sees the other.
            placed = [
                replace(one, hidden=True)
                if (one.scenario.file, one.scenario.name) == (scenario.file, name)
                else one
                for one in placed
            ]
        elif any(one.scenario.file == scenario.file for one in placed):
            continue
        # What carries no requirement is nobody's promise: it runs as an ordinary test and leaves no record.
        made = [draw(fates) if ids else Fate(expected=False) for _ in range(max(1, rows))]
        placed.append(Placed(scenario, tuple(made), own=own))
    placed = list(_bound(placed))
    claims = draw(st.sets(st.sampled_from([Profile.CORE, Profile.SECURITY])))
    if draw(st.booleans()):
        claims = {Profile.CORE, *claims}
    rare = st.sampled_from(["", "", "", "", "it was interrupted"])
    trouble, crash = (draw(rare), draw(rare)) if mishaps else ("", "")
    return MadeUp(catalogue, tuple(one for one in Profile if one in claims), tuple(placed), trouble, crash)

"""Made-up runs, tallied and judged as real ones are, and the reports made of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.catalogue.record import Record
from harness.catalogue.requirements import Profile
from harness.catalogue.tally import Tally
from harness.catalogue.verdict import Outcome
from harness.evidence import Event, Evidence, Step
from harness.report.assembly import assemble
from harness.report.model import Report, RunReport
from tests.harness.support import catalogue as made_up_catalogue
from tests.harness.support import record_of, scenario, target

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from harness.catalogue.features import WrittenScenario
    from harness.catalogue.requirements import Catalogue

CATALOGUE = made_up_catalogue(
    SCAN_01="must", SCAN_02="must", SCAN_07="should", SCAN_09="self", AUTH_05="must:security"
)
FOUND = scenario("It is found", "SCAN-01", examples=2)
LOGGED = scenario("It is logged", "SCAN-02")
RETRIED = scenario("It is retried", "SCAN-07")
REAL = scenario("The symptom is real", "SCAN-09", file="self/incident.feature")
REFUSED = scenario("It is refused", "AUTH-05", file="security/webhook.feature")
SUITE = (FOUND, LOGGED, RETRIED, REAL, REFUSED)
CONFORMANT, NON_CONFORMANT, INCOMPLETE, HARNESS_ERROR = range(4)


def node(one: WrittenScenario, row: str = "") -> str:
    return f"features/test_features.py::test_{one.name}" + (f"[{row}]" if row else "")


def record(
    one: WrittenScenario,
    outcome: Outcome = Outcome.PASSED,
    *,
    row: str = "",
    reason: str = "",
    **more: object,
) -> Record:
    known = {"node": node(one, row), "outcome": outcome, "reason": reason, **more}
    return record_of(one, CATALOGUE, **known)  # type: ignore[arg-type]


ALL_PASSED = (
    record(FOUND, row="3001"),
    record(FOUND, row="3002"),
    record(LOGGED),
    record(RETRIED),
    record(REAL),
)


def with_record(changed: Record) -> tuple[Record, ...]:
    """Return records of a run in which all passed but this one."""
    return tuple(changed if one.node == changed.node else one for one in ALL_PASSED)


def report_of(
    catalogue: Catalogue,
    suite: Sequence[WrittenScenario],
    records: Collection[Record],
    expected: Collection[str],
    claims: Sequence[Profile] = (Profile.CORE,),
    *,
    trouble: str = "",
    crash: str = "",
    complete: bool = True,
) -> Report:
    """Tally and judge a run as a real one, its records on their way from worker to controller included."""
    tally = Tally(catalogue, suite, lambda name: f"test_{name}")
    tally.expect(expected)
    for one in records:
        tally.add(Record.from_wire(one.to_wire()))
    return assemble(
        target("true", claims=tuple(one.value for one in claims)),
        catalogue,
        tally.verdict(claims, trouble=trouble, crash=crash),
        records=[*tally.records, *tally.unrun(claims)],
        run=RunReport("0.1.0", 1, "2026-01-02T03:04:05+00:00", 1.5, 7, ""),
        complete=complete,
    )


@dataclass(frozen=True)
class Made:
    """A made-up run, and what its verdict must be."""

    records: tuple[Record, ...]
    exit_code: int
    trouble: str = ""
    crash: str = ""
    complete: bool = True
    also_expected: Collection[str] = ()
    suite: tuple[WrittenScenario, ...] = SUITE

    def report(self) -> Report:
        expected = [*(one.node for one in self.records), *self.also_expected]
        return report_of(
            CATALOGUE,
            self.suite,
            self.records,
            expected,
            trouble=self.trouble,
            crash=self.crash,
            complete=self.complete,
        )


EVIDENCE = Evidence(
    seconds=0.25,
    steps=(
        Step("Given a row", "passed", 0.1),
        Step("When it rains", "failed", 0.15),
        Step("Then it pours"),
    ),
    expected="one delivery",
    observed="none at all",
    timeline=("  0.000 s  ── Given a row",),
    events=(
        Event(0.0, "", "", "Given a row"),
        Event(0.01, "database", "", "row 142: http://one (set up)"),
        Event(0.02, "user", "implementation", 'send "hello" from account 142'),
        Event(0.03, "implementation", "3001", "GET /health/detailed", count=2),
        Event(0.04, "3001", "implementation", "404", "bad"),
        Event(0.05, "", "", "When it rains"),
    ),
)

UNTOLD = "expected one delivery; observed none at all"
RUNS: dict[str, Made] = {
    "all passed": Made(ALL_PASSED, CONFORMANT),
    "a must failed": Made(
        with_record(record(LOGGED, Outcome.FAILED, reason=UNTOLD, evidence=EVIDENCE)), NON_CONFORMANT
    ),
    "a should failed": Made(with_record(record(RETRIED, Outcome.FAILED, reason="too slow")), CONFORMANT),
    "a must was not judged": Made(
        with_record(record(LOGGED, Outcome.NOT_JUDGED, reason="a fault did not fire")), INCOMPLETE
    ),
    "one row was left out": Made(ALL_PASSED[1:], INCOMPLETE),
    "one row never ran": Made(ALL_PASSED[1:], INCOMPLETE, also_expected=[node(FOUND, "3001")]),
    "the harness broke in a scenario": Made(
        with_record(record(RETRIED, Outcome.BROKEN, reason="KeyError: 'x'")), HARNESS_ERROR
    ),
    "the instrument failed": Made(with_record(record(REAL, Outcome.FAILED, reason="no 404")), HARNESS_ERROR),
    "the harness crashed": Made(ALL_PASSED, HARNESS_ERROR, crash="pytest broke"),
    "interrupted": Made(ALL_PASSED[:3], INCOMPLETE, trouble="the run was interrupted"),
    "a worker was lost": Made(ALL_PASSED[:2], INCOMPLETE, also_expected=[node(LOGGED), node(RETRIED)]),
    "nothing ran": Made((), INCOMPLETE),
    "not ended": Made((), INCOMPLETE, trouble="the run has not ended", complete=False),
    "names used twice": Made(
        (
            *ALL_PASSED,
            record(
                scenario(FOUND.name, "SCAN-09", file=REAL.file),
                node="other/test_features.py::test_The symptom is real",
            ),
        ),
        CONFORMANT,
    ),
}

"""Collecting what came of each scenario. That the verdict is right, whatever comes, is in test_tally_properties."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from harness.catalogue.record import Record, history_file, scenario_id
from harness.catalogue.tally import Tally
from harness.catalogue.verdict import Outcome
from tests.harness.reporting import CATALOGUE, EVIDENCE, FOUND, LOGGED, SUITE, node, record
from tests.harness.support import CORE, scenario

FAILED, NOT_JUDGED, BROKEN = Outcome.FAILED, Outcome.NOT_JUDGED, Outcome.BROKEN
ROWS = [node(FOUND, row) for row in ("3001", "3002")]


def tally(*records: Record, expected: tuple[str, ...] = ()) -> Tally:
    made = Tally(CATALOGUE, SUITE, lambda name: f"test_{name}")
    made.expect(expected)
    for one in records:
        made.add(one)
    return made


def came(made: Tally, id_: str = "SCAN-01") -> tuple[Outcome, tuple[str, ...]]:
    found = made.verdict(CORE).requirements
    return next((one.outcome, one.reasons) for one in found if one.requirement.id == id_)


@pytest.mark.parametrize(
    ("rows", "expected", "reason"),
    [
        (["3001"], ROWS, "its scenario never ran"),
        (["3001"], ROWS[:1], "its scenario was left out by the selection"),
        ([], ROWS, "its scenario never ran"),
        ([], [], "its scenario was left out by the selection"),
        (["3001-1", "3001-2"], [], "its scenario was left out by the selection"),
    ],
)
def test_an_outline_of_which_a_row_did_not_run_is_not_judged(
    rows: list[str], expected: list[str], reason: str
) -> None:
    records = [record(FOUND, row=row, example=row[:4]) for row in rows]

    assert came(tally(*records, expected=tuple(expected))) == (NOT_JUDGED, (reason,))


def test_what_a_worker_was_to_run_besides_scenarios_changes_nothing() -> None:
    made = tally(
        expected=("tests/test_other.py::test_It is logged", "tests/test_other.py::TestThem::test_one[x]")
    )

    assert (made.concerned, made.to_run) == (False, 0)


def test_a_missed_time_bound_that_was_judged_again_counts_as_what_came_of_it_then() -> None:
    late, again = record(LOGGED, FAILED, time_bound=True), record(LOGGED, judged_again=True)

    assert tally(late, again).records == (again,)
    # One that failed by more than a time bound stands, whatever another worker made of it.
    assert tally(record(LOGGED, FAILED), again).records == (record(LOGGED, FAILED),)


def test_of_two_scenarios_with_one_file_and_name_the_first_never_runs() -> None:
    twins = (scenario("Twin", "SCAN-01"), scenario("Twin", "SCAN-07"))
    made = Tally(CATALOGUE, twins, lambda name: f"test_{name}")
    made.add(record(twins[1]))

    (hidden,) = made.unrun(CORE)
    assert hidden.requirement_ids == ("SCAN-01",)
    assert hidden.reason == "never ran, for another one in its file has the same name"
    assert (came(made)[0], came(made, "SCAN-07")[0]) == (NOT_JUDGED, Outcome.PASSED)


def test_a_scenario_without_a_requirement_is_in_no_report() -> None:
    made = Tally(CATALOGUE, (*SUITE, scenario("Nobody's")), lambda name: f"test_{name}")

    assert "Nobody's" not in {one.name for one in made.unrun(CORE)}


def test_a_record_survives_the_way_from_worker_to_controller() -> None:
    sent = record(
        FOUND,
        FAILED,
        row="3001",
        reason="«ü»",
        time_bound=True,
        judged_again=True,
        evidence=EVIDENCE,
        lines="{}\n",
    )

    assert Record.from_wire(json.loads(json.dumps(sent.to_wire()))) == sent


def test_a_scenario_has_one_id_in_every_run_and_a_file_of_its_own() -> None:
    one, other = (scenario_id(f"core/{file}.feature", "It holds", "3001") for file in "ab")

    assert one == "core/a.feature::It holds[3001]"
    assert history_file(one) == history_file(one) != history_file(other)
    assert history_file(one).startswith("history/it-holds-3001-")
    assert history_file(scenario_id("x", "../" * 90, "é/☃")).count("/") == 1


def test_a_run_that_goes_on_has_its_own_results_in_place_of_the_earlier_ones() -> None:
    earlier = [record(FOUND, row="3001"), record(FOUND, FAILED, row="3002"), record(LOGGED)]
    earlier = [replace(one, node="", example="") for one in earlier]
    made = tally()
    made.go_on_from(earlier)
    assert (came(made)[0], made.came, len(made.records)) == (FAILED, (), 3)

    again = record(FOUND, row="3002")
    made.expect([again.node])
    assert came(made) == (NOT_JUDGED, ("its scenario never ran",))
    made.add(again)

    assert came(made)[0] is Outcome.PASSED
    assert (made.came, len(made.records)) == ((again,), 3)


def test_what_did_not_run_earlier_is_not_judged_in_a_run_that_goes_on() -> None:
    made = tally()
    made.go_on_from([record(FOUND, row="3001"), replace(record(FOUND, row="3002"), ran=False)])

    assert came(made) == (NOT_JUDGED, ("its scenario was left out by the selection",))

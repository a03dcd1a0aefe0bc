"""Results of units: files named by their units, merged in any order, each once."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import TargetError
from harness.explore.campaign import results as files
from harness.explore.campaign.merging import merge, missing_units, of_campaign
from harness.explore.campaign.results import Broken, Result, result_of_json
from harness.explore.campaign.units import Campaign, Unit, units
from harness.explore.conduct import Violation
from harness.explore.promises.base import Promise
from harness.explore.story import Story
from harness.explore.workers import Told
from harness.scenario.actions import named

if TYPE_CHECKING:
    from pathlib import Path

CAMPAIGN = Campaign("target", "harness", "sqlite", 7)
STORY = Story((named("account-on")(number=3002),), (named("sends")(message="hello"),))


def broken(place: int, requirement: str = "SCAN-01", then: str = "message 1 is delivered") -> Broken:
    violation = Violation(STORY, Promise(requirement, then), "one", f"none in {place}")
    return Broken(place, violation, (STORY,) * 2)


def result(first: int, end: int, *found: Broken, worker: str = "w1", load: float = 0.5) -> Result:
    told = Told(
        stories=end - first,
        actions=3 * (end - first),
        kept=2,
        cpu=0.25,
        unjudged={"a fault did not fire": 1},
        covered={("hangs", "send"), (f"from {first}", "check")},
    )
    return Result(Unit(CAMPAIGN, first, end), told, found, 1.5, load, worker)


RESULTS = [
    result(0, 10, broken(3), broken(5, "SEND-01")),
    result(10, 20, worker="w2", load=2.0),
    result(20, 25, broken(21, "SEND-01", "message 2 is delivered"), broken(20, "AUTH-01")),
    result(5, 25, broken(6, "SEND-01", "message 9 is delivered")),
]


def test_a_result_is_a_file_with_the_key_of_its_unit_and_reads_as_it_was(tmp_path: Path) -> None:
    for one in RESULTS:
        files.write(tmp_path, one)
        files.write(tmp_path, one)

    assert {one.name for one in tmp_path.iterdir()} == {f"{one.unit.key}.json" for one in RESULTS}
    read = files.read(tmp_path)
    assert sorted(read, key=lambda one: one.unit.key) == sorted(RESULTS, key=lambda one: one.unit.key)


@given(order=st.permutations(range(len(RESULTS))), twice=st.lists(st.sampled_from(range(len(RESULTS)))))
def test_results_come_to_the_same_in_any_order_and_however_often(order: list[int], twice: list[int]) -> None:
    merged = merge(RESULTS[place] for place in [*twice, *order, *twice])

    assert merged == merge(RESULTS)
    assert (merged.told.stories, merged.told.actions, merged.units) == (25, 75, 3)
    assert merged.told.unjudged == {"a fault did not fire": 3}
    assert (merged.load, merged.workers, merged.seconds) == (2.0, {"w1", "w2"}, 4.5)


def test_two_results_of_one_unit_count_once_and_the_same_one_whichever_comes_first() -> None:
    here, there = result(0, 10, broken(3)), result(0, 10, broken(4), worker="w9")

    assert merge([here, there]) == merge([there, here])
    assert merge([here, there]).units == 1


def test_a_promise_that_was_broken_often_is_one_violation_of_the_earliest_story() -> None:
    assert [(one.place, one.violation.promise.requirement) for one in merge(RESULTS).broken] == [
        (3, "SCAN-01"),
        (5, "SEND-01"),
        (20, "AUTH-01"),
    ]


@pytest.mark.parametrize(
    ("there", "stories", "missing"),
    [
        ([0, 1, 2], 25, ()),
        ([0, 1, 2], 0, ()),
        ([0, 2], 25, ((10, 20),)),
        ([1], 25, ((0, 10), (20, 25))),
        ([], 25, ((0, 25),)),
        ([0, 1], 0, ()),
    ],
)
def test_stories_without_a_result_are_known(
    there: list[int], stories: int, missing: tuple[tuple[int, int], ...]
) -> None:
    merged = merge([RESULTS[place] for place in there], stories)

    assert merged.missing == missing
    assert ("nothing is known" in "\n".join(merged.lines())) == bool(missing)


def test_only_what_has_no_result_yet_is_left_to_do() -> None:
    made = units(CAMPAIGN, 25, 10)
    other = replace(RESULTS[0], unit=Unit(replace(CAMPAIGN, seed=8), 0, 10))

    assert missing_units(made, [RESULTS[0], RESULTS[2]]) == [made[1]]
    assert of_campaign([other, RESULTS[1]], CAMPAIGN) == [RESULTS[1]]


def text(**changed: object) -> str:
    return json.dumps({**RESULTS[0].to_json(), **changed})


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "Expecting value"),
        ("[]", "no result"),
        (text()[:-20], "cannot be merged"),
        (text(format=2), "its format is 2"),
        (text(stories=-1), "stories is -1"),
        (text(cpu=float("nan")), "cpu is nan"),
        (text(covered=[["one"]]), "no result"),
        (text(violations=[{}]), "no result"),
        (text(unit={}), "a unit is"),
        (text(unit=RESULTS[1].unit.to_json()), f"its name is not its unit's, which is {RESULTS[1].unit.key}"),
        ("[" * 200, "nested"),
        (" " * (files._MOST_BYTES + 1), "bytes"),
    ],
    ids=(
        "empty",
        "a list",
        "cut off",
        "another format",
        "negative",
        "not a number",
        "half a pair",
        "no violation",
        "no unit",
        "another unit",
        "nested",
        "large",
    ),
)
def test_a_file_that_is_no_result_is_named_with_the_reason(tmp_path: Path, content: str, words: str) -> None:
    file = tmp_path / f"{RESULTS[0].unit.key}.json"
    file.write_text(content, "utf-8")

    with pytest.raises(TargetError) as refused:
        files.read(tmp_path)
    assert str(file) in str(refused.value)
    assert words in str(refused.value)
    assert "remove it" in str(refused.value)


def test_a_folder_that_is_not_there_has_no_results(tmp_path: Path) -> None:
    assert files.read(tmp_path / "none") == []


def test_a_result_is_read_as_it_was_written() -> None:
    assert result_of_json(json.loads(text())) == RESULTS[0]

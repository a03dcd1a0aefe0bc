"""Units: together they are the whole campaign, and the same unit has the same key everywhere."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import fields, replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import TargetError
from harness.explore.campaign import digests
from harness.explore.campaign.units import Campaign, Unit, shard, unit_of_json, units

if TYPE_CHECKING:
    from pathlib import Path

CAMPAIGN = Campaign("target", "harness", "sqlite", 7)
UNIT = Unit(CAMPAIGN, 500, 1000)
TARGET = """\
[implementation]
name = "ours"
claims = ["core"]
adapter = "ours.py"
[launch]
command = ["true"]
"""
ADAPTER = "from harness.adapters import ControlPlaneAdapter\n\n\nclass Ours(ControlPlaneAdapter):\n    pass\n"


@given(stories=st.integers(1, 300), each=st.integers(1, 100), of=st.integers(1, 12))
def test_shards_are_all_units_and_units_are_all_stories_each_once(stories: int, each: int, of: int) -> None:
    made = units(CAMPAIGN, stories, each)
    dealt = [one for number in range(of) for one in shard(made, number, of)]

    assert sorted(dealt, key=lambda one: one.first) == made
    assert [place for one in made for place in range(one.first, one.end)] == list(range(stories))


def test_a_key_is_made_of_all_that_a_unit_is_and_nothing_else() -> None:
    others = [
        Unit(CAMPAIGN, 500, 1001),
        Unit(CAMPAIGN, 499, 1000),
        *(
            Unit(replace(CAMPAIGN, **{one.name: 8 if one.type == "int" else "x"}), 500, 1000)
            for one in fields(Campaign)
        ),
    ]
    code = f"from harness.explore.campaign.units import *; print(({UNIT!r}).key)"
    elsewhere = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert len({UNIT.key, *(one.key for one in others)}) == len(others) + 1
    assert elsewhere.stdout.strip() == UNIT.key == unit_of_json(UNIT.to_json()).key


@pytest.mark.parametrize(
    "wrong", [None, {}, {"first": 1000}, {"first": -1}, {"seed": True}, {"target": 7}], ids=str
)
def test_what_is_no_unit_is_refused(wrong: dict[str, object] | None) -> None:
    with pytest.raises(TargetError, match="a unit is"):
        unit_of_json({**UNIT.to_json(), **wrong} if wrong else wrong)


def test_a_target_is_the_same_where_its_file_and_its_adapter_are(tmp_path: Path) -> None:
    found = {}
    for place, (file, adapter) in {
        "here": (TARGET, ADAPTER),
        "copied": (TARGET, ADAPTER),
        "changed": (TARGET.replace("core", "security"), ADAPTER),
        "adapted otherwise": (TARGET, ADAPTER + "\n"),
    }.items():
        folder = tmp_path / place
        folder.mkdir()
        (folder / "ours.toml").write_text(file, "utf-8")
        (folder / "ours.py").write_text(adapter, "utf-8")
        found[place] = digests.target_digest(str(folder / "ours.toml"))

    assert found["copied"] == found["here"]
    assert len({*found.values()}) == 3


def test_the_harness_is_another_one_when_a_line_of_it_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    package = tmp_path / "harness"
    package.mkdir()
    (package / "__init__.py").write_text("", "utf-8")
    monkeypatch.setattr(digests.harness, "__file__", str(package / "__init__.py"))
    before = digests.harness_digest.__wrapped__()
    same = digests.harness_digest.__wrapped__()
    (package / "checks.py").write_text("pass\n", "utf-8")

    assert same == before != digests.harness_digest.__wrapped__()

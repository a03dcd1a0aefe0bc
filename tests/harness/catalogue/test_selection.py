"""What a user selects is checked before anything runs."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from harness.attach.setup import fleet_addresses
from harness.catalogue.selection import check_requirements, names_in_expression
from harness.errors import TargetError

if TYPE_CHECKING:
    from pathlib import Path

CATALOGUE, WRITTEN = ("SCAN-01", "SCAN-02", "SEND-01"), ("SCAN-01",)


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        ("", ()),
        ("SCAN-01", ("SCAN-01",)),
        ("SCAN-01 or (not SEND-02 and slow)", ("SCAN-01", "SEND-02")),
        ("not issue_42", ()),
        ("slow and not flaky", ()),
    ],
)
def test_the_words_of_an_expression_that_are_meant_as_ids(expression: str, names: tuple[str, ...]) -> None:
    assert names_in_expression(expression) == names


def test_a_requirement_with_a_scenario_is_a_choice() -> None:
    check_requirements(["SCAN-01"], CATALOGUE, WRITTEN)
    check_requirements([], CATALOGUE, WRITTEN)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("SCAN-9", "there is no requirement SCAN-9; did you mean SCAN-0"),
        ("send-01", "there is no requirement send-01; did you mean SEND-01?"),
        ("X", "there is no requirement X; the ids are those of features/requirements.toml"),
        ("SCAN-02", "no scenario carries requirement SCAN-02 yet, so there is nothing to run for it"),
    ],
)
def test_any_other_is_reported(name: str, said: str) -> None:
    with pytest.raises(TargetError) as raised:
        check_requirements(["SCAN-01", name], CATALOGUE, WRITTEN)

    assert str(raised.value).startswith(said)


@pytest.mark.parametrize(
    ("ports", "chosen"),
    [
        ("document", [3001, 3002, 3003, 3004]),
        ("free", [0, 0, 0, 0]),
        ("4001,4002, 4003,4004", [4001, 4002, 4003, 4004]),
    ],
)
def test_where_the_instances_listen_can_be_chosen_and_their_numbers_stay(
    ports: str, chosen: list[int]
) -> None:
    addresses = fleet_addresses("127.0.0.9", ports)

    assert [one.port for one in addresses] == chosen
    assert [one.number for one in addresses] == [3001, 3002, 3003, 3004]
    assert {one.host for one in addresses} == {"127.0.0.9"}


@pytest.mark.parametrize(
    "ports", ["", "x", "1,2,3", "1,2,3,3", "1,2,3,4,5", "0,1,2,3", "1,2,3,65536", "1,2,3,-4"]
)
def test_ports_that_are_no_choice_are_reported(ports: str) -> None:
    with pytest.raises(TargetError, match="write document, free, or four different ports"):
        fleet_addresses("127.0.0.1", ports)


def test_where_the_system_lacks_the_address_the_instances_fall_back() -> None:
    nowhere = "192.0.2.1"  # an address that is for documentation only

    addresses = fleet_addresses(nowhere, "document", fallback=True)

    assert {(one.host, one.port) for one in addresses} == {("127.0.0.1", 0)}
    assert fleet_addresses(nowhere, "document")[0].host == nowhere
    assert fleet_addresses("127.0.0.1", "document", fallback=True)[0].port == 3001


def test_a_tag_of_ones_own_scenario_that_is_no_requirement_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "ours.feature").write_text(
        "Feature: Ours\n\n  @SCAN-99\n  Scenario: Mistyped\n    Given nothing\n", "utf-8"
    )
    (tmp_path / "test_ours.py").write_text("from pytest_bdd import scenarios\n\nscenarios('.')\n", "utf-8")
    words = [
        sys.executable,
        "-m",
        "pytest",
        str(tmp_path),
        "-q",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        str(tmp_path),
    ]
    ended = subprocess.run(
        [*words, "-c", os.devnull], capture_output=True, text=True, timeout=60, check=False, cwd=tmp_path
    )
    assert ended.returncode == 4, ended.stdout + ended.stderr
    assert "@SCAN-99 of scenario 'Mistyped' is no requirement; did you mean @SCAN-09?" in ended.stderr

"""What a user selects is checked before anything runs."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from harness.attach import setup
from harness.attach.setup import check_fleet_address, fleet_addresses, worker_addresses
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


NOWHERE = "192.0.2.1"
"""An address that is for documentation only."""


def test_an_ipv6_address_may_stand_in_brackets() -> None:
    assert {one.host for one in fleet_addresses("[::1]", "document")} == {"::1"}


def places(given: str | None, ports: str, worker: int) -> set[tuple[str, int]]:
    return {(one.host, one.port) for one in worker_addresses(given, ports, worker)}


def on(host: str) -> set[tuple[str, int]]:
    return {(host, port) for port in (3001, 3002, 3003, 3004)}


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch) -> set[tuple[str, int]]:
    """Give a system that has 127.0.0.0/8 and ::1, and on which what is put in here is taken."""
    taken: set[tuple[str, int]] = set()

    def can_bind(host: str, port: int = 0) -> bool:
        return (host.startswith("127.") or host == "::1") and (host, port) not in taken

    monkeypatch.setattr(setup, "can_bind", can_bind)
    return taken


@pytest.mark.usefixtures("system")
def test_workers_have_the_addresses_that_follow_the_one_given() -> None:
    assert places("127.0.0.254", "document", 0) == on("127.0.0.254")
    assert places("127.0.0.254", "document", 2) == on("127.0.1.0")
    assert places("localhost", "document", 0) == on("localhost")
    assert places("localhost", "document", 1) == on("127.0.0.2")
    assert places(None, "document", 3) == on("127.0.0.14")


def test_without_an_address_workers_take_one_whose_ports_are_free(system: set[tuple[str, int]]) -> None:
    system |= {("127.0.0.11", 3003), ("127.1.0.11", 3001)}
    assert places(None, "document", 0) == on("127.2.0.11")
    assert places(None, "document", 1) == on("127.0.0.12")
    assert places("127.0.0.11", "document", 0) == on("127.0.0.11")


@pytest.mark.usefixtures("system")
def test_where_the_system_lacks_the_address_workers_get_free_ports() -> None:
    assert places("[::1]", "document", 1) == {("::1", 0)}
    assert places(NOWHERE, "document", 1) == {(NOWHERE, 0)}
    with pytest.raises(TargetError, match="no address of its own for each"):
        worker_addresses("::1", "1,2,3,4", 1)


def test_where_the_system_has_one_loopback_address_workers_share_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup, "can_bind", lambda host, _port=0: host == "127.0.0.1")
    assert places(None, "document", 0) == places(None, "free", 5) == {("127.0.0.1", 0)}


def test_an_address_of_another_machine_is_a_usage_error() -> None:
    for host in ("localhost", "127.0.0.9"):
        check_fleet_address(host)
    with pytest.raises(TargetError, match=f"--fleet-address {NOWHERE} is no address of this machine"):
        check_fleet_address(NOWHERE)


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

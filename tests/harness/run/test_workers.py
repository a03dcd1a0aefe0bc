"""How many workers judge, and that each always gets the same scenarios."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from harness.errors import TargetError
from harness.run import workers
from harness.run.workers import ChoosesWorkers, fixed_shares, has_workers, workers_for
from tests.harness.commands import COMMAND, run
from tests.harness.support import target

if TYPE_CHECKING:
    from pathlib import Path

    from harness.catalogue.tally import Tally

OPTIONS: dict[str, Any] = {
    "requirement": [], "keyword": "", "markexpr": "", "rerun_failed": False, "capture": "fd", "usepdb": False,
    "keep": False,
    "collectonly": False, "list_scenarios": False, "fleet_host": "threads",
}  # fmt: skip


def chosen(
    cores: int = 2, *, asynchronous: bool = False, url: str = "", claims: Any = ("core",), **more: Any
) -> int:
    made = target("program", asynchronous=asynchronous, url=url, claims=claims)
    return workers_for(made, SimpleNamespace(**{**OPTIONS, **more}), cores)


@pytest.mark.parametrize(
    ("cores", "synchronous", "asynchronous"), [(1, 3, 4), (2, 6, 8), (4, 8, 12), (64, 8, 12)]
)
def test_workers_are_chosen_by_cores_and_by_how_much_is_waiting(
    cores: int, synchronous: int, asynchronous: int
) -> None:
    assert chosen(cores) == synchronous
    assert chosen(cores, asynchronous=True) == asynchronous


@pytest.mark.parametrize(
    "more",
    [
        {"url": "http://127.0.0.1:8000"},
        {"claims": ("instance",)},
        {"fleet_host": "processes"},
        {"requirement": ["SCAN-01"]},
        {"keyword": "scan"},
        {"markexpr": "SCAN-01"},
        {"rerun_failed": True},
        {"capture": "no"},
        {"usepdb": True},
        {"keep": True},
        {"collectonly": True},
        {"list_scenarios": True},
    ],
)
def test_what_cannot_be_had_twice_and_what_is_over_soon_is_judged_by_one_process(
    more: dict[str, Any],
) -> None:
    assert chosen(64, asynchronous=True, **more) == 0


def config(numprocesses: object = "auto") -> pytest.Config:
    made = SimpleNamespace(**OPTIONS, target="reference", numprocesses=numprocesses)
    return cast("pytest.Config", SimpleNamespace(option=made))


def test_only_what_is_left_to_choose_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "cores_of_this_process", lambda: 2)
    choose = ChoosesWorkers().pytest_xdist_auto_num_workers
    assert choose(config()) == 6
    assert choose(config("logical")) is None
    monkeypatch.setenv("PYTEST_XDIST_AUTO_NUM_WORKERS", "5")
    assert choose(config()) is None


def test_a_target_that_cannot_be_read_is_reported_by_one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: str) -> None:
        raise TargetError("there is no such target")

    monkeypatch.delenv("PYTEST_XDIST_AUTO_NUM_WORKERS", raising=False)
    monkeypatch.setattr(workers, "load_target", refuse)
    assert ChoosesWorkers().pytest_xdist_auto_num_workers(config()) == 0


def test_without_the_plugin_nothing_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    assert has_workers(["-q"])
    assert not has_workers(["-q", "-p", "no:xdist"])
    monkeypatch.setattr(workers, "find_spec", lambda _: None)
    assert not has_workers([])


class Node:
    """A worker, as the scheduler sees it."""

    def __init__(self, number: int) -> None:
        self.gateway = SimpleNamespace(id=f"gw{number}")
        self.sent: list[int] = []
        self.shutting_down = False

    def send_runtest_some(self, indices: list[int]) -> None:
        self.sent += indices

    def shutdown(self) -> None:
        self.shutting_down = True


TALLY = SimpleNamespace(
    is_run=lambda one: one.startswith("features"), is_of_gateways=lambda one: "gateway" in one
)
DURATIONS = {"slow": 1.0, "slower": 2.0}


def scheduled(*nodes: Node, tests: list[str]) -> Any:
    options = {"tx": ["popen"] * len(nodes), "maxschedchunk": None}
    made = SimpleNamespace(
        getoption=options.get, getvalue=options.get, option=SimpleNamespace(tx=options["tx"])
    )
    scheduler = fixed_shares(cast("pytest.Config", made), None, cast("Tally", TALLY), DURATIONS)
    for node in nodes:
        scheduler.add_node(node)
    for node in nodes:
        scheduler.add_node_collection(node, tests)
    scheduler.schedule()
    return scheduler


def test_scenarios_are_dealt_out_in_turn_whichever_worker_came_first() -> None:
    first, second = Node(0), Node(1)
    scheduler = scheduled(second, first, tests=[f"features::{place}" for place in range(5)])

    assert (first.sent, second.sent) == ([0, 2, 4], [1, 3])
    assert first.shutting_down
    assert second.shutting_down
    assert scheduler.tests_finished is False


def test_each_worker_gets_about_as_much_to_do_and_every_second_begins_with_what_is_short() -> None:
    first, second = Node(0), Node(1)
    scheduled(
        first, second, tests=[f"features::{name}" for name in ("slower", "b", "slow", "slow", "c", "d")]
    )

    assert (first.sent, second.sent) == ([0, 1, 5], [4, 2, 3])


def test_what_judges_gateways_goes_to_one_worker_which_has_to_launch_them() -> None:
    first, second = Node(0), Node(1)
    scheduled(
        first, second, tests=[f"features::{name}" for name in ("a gateway", "slow", "b", "gateways", "c")]
    )

    assert (first.sent, second.sent) == ([1], [0, 2, 3, 4])


def test_what_a_lost_worker_did_not_judge_goes_to_the_one_that_takes_its_place() -> None:
    first, second, third = Node(0), Node(1), Node(2)
    tests = [f"features::{place}" for place in range(6)]
    scheduler = scheduled(first, second, tests=tests)

    assert scheduler.remove_node(first) == "features::0"
    scheduler.add_node(third)
    scheduler.add_node_collection(third, tests)
    scheduler.schedule()

    assert third.sent == [2, 4]


def test_tests_that_are_no_scenarios_are_shared_as_ever() -> None:
    one, other = Node(0), Node(1)
    scheduled(one, other, tests=["tests::1", "features::2", "tests::3", "tests::4"])

    assert (one.sent, other.sent) == ([0, 1], [2, 3])


def test_verify_heeds_the_users_addopts_and_loads_no_plugin_but_its_own(
    host: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTEST_ADDOPTS", "-n 1")
    monkeypatch.delenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", raising=False)
    ended = run([str(COMMAND), "verify", "--requirement", "SCAN-03", "--fleet-address", host], tmp_path)

    assert "in the order of the catalogue, -n 1" in ended.stdout, ended.stdout + ended.stderr
    assert "randomly" not in ended.stdout

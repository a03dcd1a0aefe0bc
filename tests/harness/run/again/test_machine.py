"""How the machine is measured: by beats that come too late, and by what others use of it."""

from __future__ import annotations

import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from harness.run.again import machine as measured
from harness.run.again.machine import Machine, Strain
from tests.harness.support import PATIENCE, until

if TYPE_CHECKING:
    from collections.abc import Iterator

_HOLDS = 0.3


@pytest.fixture
def machine() -> Iterator[Machine]:
    made = Machine()
    made.start()
    yield made
    made.stop()


def test_a_standstill_is_noticed_while_it_lasts_and_afterwards(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    began, clock, jump = machine.moment(), measured.now, 5.0
    monkeypatch.setattr(measured, "now", lambda: clock() + jump)

    assert machine.since(began).still > _HOLDS  # the next beat may not have come yet
    until(lambda: len(machine._late) > 0, "the late beat is noted")
    assert jump - _HOLDS < machine.since(began).still < jump + PATIENCE
    monkeypatch.undo()


def test_what_came_before_does_not_count(machine: Machine) -> None:
    machine._late.append((machine.moment().at - 1, 4.0))

    assert machine.since(machine.moment()).still < 4.0


def test_what_this_process_and_its_children_use_is_not_the_others() -> None:
    machine = Machine()
    began = machine.moment()
    subprocess.run([sys.executable, "-c", "for _ in range(10**7): pass"], check=True)

    ended = machine.moment()

    assert ended.ours - began.ours > 0
    assert ended.total > began.total
    assert 0 <= machine.since(began).idle <= 1


def test_a_machine_that_does_not_become_quiet_is_waited_for_no_longer_than_the_patience(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "since", lambda _: Strain(idle=0.0, others=1.0))
    assert not machine.await_quiet(patience=0.1)
    monkeypatch.setattr(machine, "since", lambda _: Strain())
    assert machine.await_quiet(patience=PATIENCE)


def test_no_thread_is_left() -> None:
    machine = Machine()
    machine.start()
    machine.start()
    assert sum(one.name == "heartbeat" for one in threading.enumerate()) == 1
    machine.stop()
    machine.stop()
    assert not any(one.name == "heartbeat" for one in threading.enumerate())

"""An instance that stands still, and one that is killed; on the process host by real signals."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from fake_instances import FleetError
from fake_instances.errors import FaultError
from fake_instances.faults import Delay, Hang, Refuse
from fake_instances.hosts.processes import ProcessRunner
from fake_instances.hosts.remote import RemoteServer
from fake_instances.journal import (
    FaultExecuted,
    InstancePaused,
    InstanceResumed,
    MessageDelivered,
    RequestArrived,
)
from tests.fake_instances.support import (
    LIST,
    PATIENCE,
    POSTED,
    SEND,
    SESSION_ID,
    STATUS,
    Caller,
    address_of,
    ask,
    ended,
    entries,
    fired,
    truth,
)

if TYPE_CHECKING:
    from fake_instances import Fleet

PARENT = """
import sys
from fake_instances import Fleet, InstanceAddress
from fake_instances.hosts.processes import ProcessHost

fleet = Fleet([InstanceAddress(number, "127.0.0.1", 0) for number in (3001, 3002)],
              api_key="key", secret="secret", hosting=ProcessHost()).start()
fleet.pause(3002)
print(*(instance._server.runner.process.pid for instance in fleet._instances.values()), flush=True)
sys.stdin.read()
"""
on_processes = pytest.mark.parametrize("hosting", ["processes"], indirect=True)


@pytest.fixture
def fleet(hosted: Fleet) -> Fleet:
    return hosted


def popen_of(fleet: Fleet, number: int = 3001) -> subprocess.Popen[bytes]:
    server = fleet._instances[number]._server
    assert isinstance(server, RemoteServer)
    assert isinstance(server.runner, ProcessRunner)
    assert server.runner.process is not None
    return server.runner.process


def process_of(fleet: Fleet, number: int = 3001) -> psutil.Process:
    return psutil.Process(popen_of(fleet, number).pid)


# Standing still


def test_an_instance_that_stands_still_answers_when_it_goes_on(fleet: Fleet, caller: Caller) -> None:
    fleet.pause(3001)
    before = len(entries(fleet, RequestArrived))
    caller.send(ask("POST", SEND, POSTED))
    with Caller(fleet) as newcomer, Caller(fleet, 3002) as elsewhere:
        newcomer.send(ask("GET", STATUS))
        assert caller.hears_nothing()
        assert newcomer.hears_nothing()
        assert len(entries(fleet, RequestArrived)) == before
        assert elsewhere.get(LIST).status == 200
        fleet.resume(3001)
        assert caller.receive().json["success"]
        assert newcomer.receive().json["status"] == "connected"
    assert len(entries(fleet, MessageDelivered)) == 1
    assert (len(entries(fleet, InstancePaused)), len(entries(fleet, InstanceResumed))) == (1, 1)


def test_standing_still_twice_is_the_same_as_once_and_so_is_going_on(fleet: Fleet) -> None:
    for _ in range(2):
        fleet.pause(3001)
    for _ in range(2):
        fleet.resume(3001)
    assert truth(fleet).status == 200
    assert (len(entries(fleet, InstancePaused)), len(entries(fleet, InstanceResumed))) == (1, 1)


def test_an_instance_that_does_not_run_cannot_stand_still(fleet: Fleet) -> None:
    fleet.stop_instance(3001)
    with pytest.raises(FleetError, match=r"^instance 3001 does not run, so it cannot stand still; start it"):
        fleet.pause(3001)


def test_an_instance_that_stands_still_cannot_be_told_to_refuse(fleet: Fleet) -> None:
    fleet.pause(3001)
    with pytest.raises(FaultError, match=r"^instance 3001 stands still, .*; resume it first$"):
        fleet.arm(Refuse(), 3001)
    fleet.resume(3001)
    assert fleet.arm(Refuse(), 3001)


def test_a_late_answer_does_not_come_from_an_instance_that_stands_still(fleet: Fleet, caller: Caller) -> None:
    fault = fleet.arm(Delay(0.02), 3001, times=1)
    caller.send(ask("GET", STATUS))
    fired(fleet, fault)
    fleet.pause(3001)
    if caller.hears_nothing():  # else it was out before
        fleet.resume(3001)
    assert caller.receive().status == 200


@pytest.mark.parametrize("abruptly", [False, True], ids=["stopped", "killed"])
def test_an_instance_that_stands_still_can_be_ended(fleet: Fleet, *, abruptly: bool) -> None:
    with Caller(fleet) as caller:
        assert caller.get(STATUS).status == 200
        fleet.pause(3001)
        fleet.stop_instance(3001, abruptly=abruptly)
        assert caller.is_cut()
    fleet.start_instance(3001)
    assert truth(fleet).status == 200


def test_an_instance_killed_while_it_stands_still_carries_nothing_out_any_more(
    fleet: Fleet, caller: Caller
) -> None:
    before = len(entries(fleet, RequestArrived))
    fleet.pause(3001)
    caller.send(ask("POST", SEND, POSTED))
    assert caller.hears_nothing()
    fleet.stop_instance(3001, abruptly=True)
    assert caller.until_the_end()[0] == b""
    assert len(entries(fleet, RequestArrived)) == before
    assert not entries(fleet, MessageDelivered)


def test_a_reset_fleet_goes_on_though_an_instance_refused_and_then_stood_still(fleet: Fleet) -> None:
    fleet.arm(Refuse(), 3001)
    fleet.pause(3001)
    resetting = threading.Thread(target=fleet.reset, daemon=True)
    resetting.start()
    resetting.join(PATIENCE / 2)
    stuck = resetting.is_alive()
    fleet.resume(3001)
    resetting.join(PATIENCE)
    assert not stuck
    assert not resetting.is_alive()
    assert truth(fleet).status == 404


@on_processes
def test_a_process_that_stands_still_is_stopped_by_the_system(fleet: Fleet) -> None:
    process = process_of(fleet)
    fleet.pause(3001)
    assert process.status() == psutil.STATUS_STOPPED
    fleet.resume(3001)
    assert truth(fleet).status == 200
    assert process.status() != psutil.STATUS_STOPPED
    assert process.pid != os.getpid()


# Being killed


def test_requests_that_are_open_when_an_instance_is_killed_end_with_it(fleet: Fleet, caller: Caller) -> None:
    hang, delay = fleet.arm(Hang(), 3001, times=1), fleet.arm(Delay(600), 3001, times=1)
    caller.send(ask("GET", STATUS))
    hung = fired(fleet, hang)
    with Caller(fleet) as late:
        late.send(ask("POST", SEND, POSTED))
        delayed = fired(fleet, delay)
        fleet.stop_instance(3001, abruptly=True)
        assert late.until_the_end() == (b"", "FIN")
    assert caller.until_the_end() == (b"", "FIN")
    assert ended(fleet, hung.request) == ended(fleet, delayed.request) == (None, "killed", 0)
    assert fleet.hanging(3001) == 0
    assert fleet.settle(0)
    assert [entry.request for entry in entries(fleet, MessageDelivered)] == [delayed.request]


def test_requests_that_are_open_when_an_instance_is_stopped_are_closed(fleet: Fleet, caller: Caller) -> None:
    hang = fleet.arm(Hang(), 3001)
    caller.send(ask("GET", STATUS))
    hung = fired(fleet, hang)
    fleet.stop_instance(3001)
    assert caller.until_the_end() == (b"", "FIN")
    assert ended(fleet, hung.request) == (None, "closed", 0)


@pytest.mark.parametrize("abruptly", [False, True], ids=["stopped", "killed"])
def test_requests_are_numbered_on_behind_a_restart(fleet: Fleet, *, abruptly: bool) -> None:
    for _ in range(3):
        assert truth(fleet).status == 200
    last = entries(fleet, RequestArrived)[-1].request
    fleet.stop_instance(3001, abruptly=abruptly)
    fleet.start_instance(3001)
    assert truth(fleet).status == 200
    assert entries(fleet, RequestArrived)[-1].request == last + 1


def test_faults_stay_in_force_through_a_kill(fleet: Fleet, caller: Caller) -> None:
    fault = fleet.arm(Hang(), 3001)
    fleet.stop_instance(3001, abruptly=True)
    assert caller.is_cut()
    fleet.start_instance(3001)
    with Caller(fleet) as again:
        again.send(ask("GET", STATUS))
        fleet.journal.wait_for(FaultExecuted, timeout=PATIENCE, fault=fault)
        assert again.hears_nothing()


def test_the_port_of_a_killed_instance_can_be_taken_and_given_back(fleet: Fleet, caller: Caller) -> None:
    assert caller.get(STATUS).status == 200
    fleet.stop_instance(3001, abruptly=True)
    with socket.create_server(address_of(fleet.url(3001))), pytest.raises(FleetError, match="is in use by"):
        fleet.start_instance(3001)
    fleet.start_instance(3001)
    assert fleet.holders(SESSION_ID) == (3001,)
    assert truth(fleet).status == 200


@on_processes
def test_a_killed_process_is_ended_by_sigkill(fleet: Fleet) -> None:
    popen = popen_of(fleet)
    fleet.stop_instance(3001, abruptly=True)
    assert popen.returncode == -signal.SIGKILL
    assert not psutil.pid_exists(popen.pid)
    fleet.start_instance(3001)
    assert process_of(fleet).pid != popen.pid


@on_processes
def test_each_instance_is_a_process_of_its_own(fleet: Fleet) -> None:
    pids = {process_of(fleet, number).pid for number in fleet.numbers}
    assert len(pids) == 2
    assert os.getpid() not in pids
    told = truth(fleet, "/health/detailed").json["node"]["pid"]
    assert told == process_of(fleet).pid


def test_a_parent_that_is_killed_leaves_no_instance_even_one_that_stood_still() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
    ) as parent:
        assert parent.stdout is not None
        children = [psutil.Process(int(pid)) for pid in parent.stdout.readline().split()]
        assert len(children) == 2
        assert children[1].status() == psutil.STATUS_STOPPED
        parent.kill()
        try:
            _, alive = psutil.wait_procs(children, timeout=PATIENCE)
            assert alive == []
        finally:
            for child in children:
                if child.is_running():
                    child.kill()

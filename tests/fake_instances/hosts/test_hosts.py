"""An instance that stands still, one that is killed, and one of each kind of fault, as threads and as processes."""

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

from fake_instances import FleetError, SessionStatus
from fake_instances.errors import FaultError
from fake_instances.faults import Answer, Close, Delay, Hang, Misreports, Refuse, Reset, SendsThenFails
from fake_instances.hosts.processes import ProcessRunner
from fake_instances.hosts.remote import RemoteServer
from fake_instances.journal import (
    FaultExecuted,
    InstancePaused,
    InstanceResumed,
    MessageDelivered,
    RequestArrived,
)
from tests.fake_instances.conftest import HOSTS
from tests.fake_instances.support import (
    LIST,
    MESSAGE,
    PATIENCE,
    POSTED,
    SEND,
    SESSION,
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
    from collections.abc import Callable

    from fake_instances import Fleet
    from fake_instances.faults import Fault

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
on_processes = pytest.mark.parametrize("host", ["processes"], indirect=True)


@pytest.fixture(params=HOSTS)
def host(request: pytest.FixtureRequest) -> str:
    """Name each way of running instances in turn."""
    return str(request.param)


@pytest.fixture
def fleet(host: str, make_fleet: Callable[[str], Fleet]) -> Fleet:
    """Start a fleet on each host, whose instance 3001 holds the session connected."""
    started = make_fleet(host).start()
    started.hold(SESSION, on=3001)
    return started


def popen_of(fleet: Fleet, number: int = 3001) -> subprocess.Popen[bytes]:
    server = fleet._instances[number]._server
    assert isinstance(server, RemoteServer)
    assert isinstance(server.runner, ProcessRunner)
    assert server.runner.process is not None
    return server.runner.process


# Faults


def test_one_fault_of_each_kind(fleet: Fleet) -> None:
    def end_under(fault: Fault, request: bytes) -> tuple[bytes, str]:
        armed = fleet.arm(fault, 3001, times=1)
        with Caller(fleet) as caller:
            caller.send(request)
            fired(fleet, armed)
            if isinstance(fault, Hang):
                assert caller.hears_nothing()
                fleet.clear(fault=armed)
            return caller.until_the_end()

    assert end_under(Hang(), ask("GET", STATUS)) == (b"", "FIN")
    assert end_under(Close(), ask("GET", STATUS)) == (b"", "FIN")
    data, end = end_under(Reset(5), ask("GET", STATUS))
    assert (len(data.partition(b"\r\n\r\n")[2]), end) == (5, "RST")
    assert end_under(SendsThenFails(by=Close()), ask("POST", SEND, POSTED)) == (b"", "FIN")
    assert len(entries(fleet, MessageDelivered)) == 1
    for fault in (Answer(500), Misreports(SESSION_ID, SessionStatus.FAILED)):
        fleet.arm(fault, 3001, times=1)
    answers = [truth(fleet) for _ in range(2)]
    assert [answer.status for answer in answers] == [500, 200]
    refusal = fleet.arm(Refuse(), 3001)
    with pytest.raises(ConnectionRefusedError):
        Caller(fleet)
    fleet.clear(fault=refusal)
    assert truth(fleet).json["status"] == "connected"


def test_the_reader_of_an_answer_finds_its_trigger_done(fleet: Fleet) -> None:
    fleet.after_answer(lambda: fleet.move(SESSION_ID, 3002), on=3001)
    with Caller(fleet) as caller:
        assert caller.get(STATUS).json["status"] == "connected"
        assert fleet.holders(SESSION_ID) == (3002,)
        assert caller.post(SEND, MESSAGE).status == 404


def test_an_instance_that_goes_away_when_it_has_answered_answers_first(fleet: Fleet) -> None:
    fleet.after_answer(lambda: fleet.arm(Refuse(finishes=True), 3001), on=3001)
    with Caller(fleet) as idle, Caller(fleet) as caller:
        assert idle.get("/health").status == 200
        assert caller.get(STATUS).json["status"] == "connected"
        with pytest.raises(ConnectionRefusedError):
            Caller(fleet)
    fleet.clear(3001)
    assert truth(fleet).json["status"] == "connected"


# Standing still


def test_an_instance_that_stands_still_answers_when_it_goes_on(fleet: Fleet) -> None:
    with Caller(fleet) as caller, Caller(fleet, 3002) as elsewhere:
        assert caller.get("/health").status == 200
        for _ in range(2):
            fleet.pause(3001)
        before = len(entries(fleet, RequestArrived))
        caller.send(ask("POST", SEND, POSTED))
        with Caller(fleet) as newcomer:
            newcomer.send(ask("GET", STATUS))
            assert caller.hears_nothing()
            assert newcomer.hears_nothing()
            assert len(entries(fleet, RequestArrived)) == before
            assert elsewhere.get(LIST).status == 200
            for _ in range(2):
                fleet.resume(3001)
            assert caller.receive().json["success"]
            assert newcomer.receive().json["status"] == "connected"
    assert len(entries(fleet, MessageDelivered)) == 1
    assert (len(entries(fleet, InstancePaused)), len(entries(fleet, InstanceResumed))) == (1, 1)


def test_what_an_instance_cannot_do_while_it_stands_still_or_does_not_run(fleet: Fleet) -> None:
    fleet.pause(3001)
    with pytest.raises(FaultError, match=r"^instance 3001 stands still, .*; resume it first$"):
        fleet.arm(Refuse(), 3001)
    fleet.stop_instance(3001)
    with pytest.raises(FleetError, match=r"^instance 3001 does not run, so it cannot stand still; start it"):
        fleet.pause(3001)


@pytest.mark.parametrize("abruptly", [False, True], ids=["stopped", "killed"])
def test_an_instance_that_ends_while_it_stands_still_carries_nothing_out_any_more(
    fleet: Fleet, *, abruptly: bool
) -> None:
    with Caller(fleet) as caller:
        assert caller.get(STATUS).status == 200
        fleet.pause(3001)
        if abruptly:
            caller.send(ask("POST", SEND, POSTED))
            assert caller.hears_nothing()
        fleet.stop_instance(3001, abruptly=abruptly)
        assert caller.is_cut()
    assert len(entries(fleet, RequestArrived)) == 1
    fleet.start_instance(3001)
    assert truth(fleet).status == 200


def test_a_reset_fleet_goes_on_though_an_instance_refused_and_then_stood_still(fleet: Fleet) -> None:
    fleet.arm(Refuse(), 3001)
    fleet.pause(3001)
    resetting = threading.Thread(target=fleet.reset, daemon=True)
    resetting.start()
    resetting.join(PATIENCE / 2)
    stuck = resetting.is_alive()
    fleet.resume(3001)
    resetting.join(PATIENCE)
    assert (stuck, resetting.is_alive(), truth(fleet).status) == (False, False, 404)


# Being killed


@pytest.mark.parametrize("abruptly", [False, True], ids=["stopped", "killed"])
def test_open_requests_end_with_their_instance_and_later_ones_are_numbered_on(
    fleet: Fleet, *, abruptly: bool
) -> None:
    hang, delay = fleet.arm(Hang(), 3001, times=1), fleet.arm(Delay(600), 3001, times=1)
    with Caller(fleet) as caller, Caller(fleet) as late:
        caller.send(ask("GET", STATUS))
        hung = fired(fleet, hang)
        late.send(ask("POST", SEND, POSTED))
        delayed = fired(fleet, delay)
        fleet.stop_instance(3001, abruptly=abruptly)
        assert late.until_the_end() == caller.until_the_end() == (b"", "FIN")
    ending = "killed" if abruptly else "closed"
    assert ended(fleet, hung.request) == ended(fleet, delayed.request) == (None, ending, 0)
    assert (fleet.hanging(3001), fleet.settle(0)) == (0, True)
    assert [entry.request for entry in entries(fleet, MessageDelivered)] == [delayed.request]
    fleet.start_instance(3001)
    assert truth(fleet).status == 200
    assert entries(fleet, RequestArrived)[-1].request == delayed.request + 1


def test_a_killed_instance_keeps_its_faults_and_its_port_can_be_taken_meanwhile(fleet: Fleet) -> None:
    fault = fleet.arm(Hang(), 3001)
    fleet.stop_instance(3001, abruptly=True)
    with socket.create_server(address_of(fleet.url(3001))), pytest.raises(FleetError, match="is in use by"):
        fleet.start_instance(3001)
    fleet.start_instance(3001)
    assert fleet.holders(SESSION_ID) == (3001,)
    with Caller(fleet) as again:
        again.send(ask("GET", STATUS))
        fleet.journal.wait_for(FaultExecuted, timeout=PATIENCE, fault=fault)
        assert again.hears_nothing()


@on_processes
def test_each_instance_is_a_process_that_real_signals_stop_and_kill(fleet: Fleet) -> None:
    popen = popen_of(fleet)
    assert len({os.getpid(), popen.pid, popen_of(fleet, 3002).pid}) == 3
    assert truth(fleet, "/health/detailed").json["node"]["pid"] == popen.pid
    fleet.pause(3001)
    assert psutil.Process(popen.pid).status() == psutil.STATUS_STOPPED
    fleet.resume(3001)
    assert truth(fleet).status == 200
    fleet.stop_instance(3001, abruptly=True)
    assert popen.returncode == -signal.SIGKILL
    assert not psutil.pid_exists(popen.pid)
    fleet.start_instance(3001)
    assert popen_of(fleet).pid != popen.pid


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

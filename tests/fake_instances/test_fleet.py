"""The instances together: starting, stopping, and what they are known by."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import psutil
import pytest

from fake_instances import Fleet, InstanceAddress, PortInUseError, SessionStatus, UnknownInstanceError
from fake_instances.addresses import LOOPBACK, family_of
from fake_instances.faults import VERIFICATION, Hang, Refuse
from fake_instances.http import connection
from fake_instances.journal import (
    InstanceStarted,
    InstanceStopped,
    SessionReleased,
)
from tests.fake_instances.support import (
    API_KEY,
    LIST,
    PATIENCE,
    SECRET,
    SESSION,
    SESSION_ID,
    STATUS,
    Caller,
    address_of,
    ask,
    entries,
    eventually,
    truth,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.fake_instances.support import ControlPlane

LISTEN = "import socket, sys; s = socket.create_server(('127.0.0.1', 0)); \
print(s.getsockname()[1], flush=True); sys.stdin.read()"


USES: dict[str, Callable[[Fleet], object]] = {
    "hold": lambda fleet: fleet.hold(SESSION, on=3005),
    "migrate": lambda fleet: fleet.migrate(SESSION_ID, 3005),
    "restart": lambda fleet: fleet.restart(3005),
    "announce": lambda fleet: fleet.announce(SESSION, 3005, "session_ready"),
    "arm": lambda fleet: fleet.arm(Hang(), 3005),
    "clear": lambda fleet: fleet.clear(on=3005),
    "after_answer": lambda fleet: fleet.after_answer(fleet.reset, on=3005),
}


@contextmanager
def port_of_another_process() -> Iterator[tuple[int, int]]:
    """Make another process listen, and return its port and pid."""
    with subprocess.Popen(
        [sys.executable, "-c", LISTEN], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        yield int(process.stdout.readline()), process.pid
        process.communicate()


def fleet_on(*ports: int, host: str = "127.0.0.1") -> Fleet:
    addresses = [InstanceAddress(3001 + index, host, port) for index, port in enumerate(ports)]
    return Fleet(addresses, api_key=API_KEY, secret=SECRET)


def ports_of(fleet: Fleet) -> set[int]:
    return {address_of(url)[1] for url in fleet.urls}


def left_behind(ports: set[int]) -> list[object]:
    """Return the threads and sockets of instances on these ports that this process still has."""
    ours = tuple(f"instance {port} " for port in ports)  # the features' fleet may live in this process too
    threads = [one.name for one in threading.enumerate() if one.name.startswith(ours)]
    sockets = [
        (one.status, one.laddr.port)
        for one in psutil.Process().net_connections("tcp")
        if one.laddr.port in ports
    ]
    return [*threads, *sockets]


# Starting


@pytest.mark.parametrize("place", range(3))
def test_a_fleet_starts_whole_or_not_at_all(place: int) -> None:
    with port_of_another_process() as (taken, pid):
        ports = [0, 0, 0]
        ports[place] = taken
        fleet = fleet_on(*ports)
        with pytest.raises(PortInUseError) as told:
            fleet.start()
        name = psutil.Process(pid).name()
        assert str(told.value) == f"port {taken} on 127.0.0.1 is in use by {name} (pid {pid})"
        assert (told.value.host, told.value.port) == ("127.0.0.1", taken)
        assert left_behind(ports_of(fleet)) == []
        assert len(entries(fleet, InstanceStarted)) == len(entries(fleet, InstanceStopped))


def test_a_port_whose_process_cannot_be_read_is_named_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(_: str) -> None:
        raise psutil.AccessDenied

    monkeypatch.setattr(psutil, "net_connections", denied)
    with socket.create_server(("127.0.0.1", 0)) as listener, pytest.raises(PortInUseError) as told:
        fleet_on(listener.getsockname()[1]).start()
    assert str(told.value).endswith("is in use (by which process could not be read)")


def test_an_address_that_is_not_here_is_an_error_of_the_system() -> None:
    with pytest.raises(OSError, match="assign requested address"):
        fleet_on(0, host="192.0.2.1").start()


def test_a_fleet_on_the_second_protocol_names_itself_by_a_usable_url() -> None:
    if not socket.has_dualstack_ipv6():
        pytest.skip("this system has no IPv6")
    with fleet_on(0, host="::1") as fleet:
        host, port = address_of(fleet.url(3001))
        assert fleet.url(3001) == f"http://[::1]:{port}"
        assert host == "::1"
        with Caller(fleet) as caller:
            assert caller.get("/health").status == 200


def test_a_fleet_on_localhost_listens_wherever_that_name_leads() -> None:
    with Fleet([InstanceAddress(3001, "localhost", 0)], api_key=API_KEY, secret=SECRET) as fleet:
        port = int(fleet.url(3001).removeprefix("http://localhost:"))
        fleet.arm(Refuse(), 3001)
        for address in reachable():
            with socket.socket(family_of(address)) as caller:
                assert caller.connect_ex((address, port)) != 0
        fleet.clear()
        for address in reachable():
            socket.create_connection((address, port), timeout=PATIENCE).close()


def test_a_fleet_on_localhost_is_refused_a_port_that_is_taken_at_either_address() -> None:
    for address in reachable():
        with socket.create_server((address, 0), family=family_of(address)) as taken:
            port = taken.getsockname()[1]
            fleet = Fleet([InstanceAddress(3001, "localhost", port)], api_key=API_KEY, secret=SECRET)
            with pytest.raises(PortInUseError, match=f"port {port} on localhost is in use"):
                fleet.start()


def reachable() -> list[str]:
    """Return the loopback addresses that this machine has."""
    found = []
    for address in LOOPBACK:
        with contextlib.suppress(OSError), socket.socket(family_of(address)) as probe:
            probe.bind((address, 0))
            found.append(address)
    return found


# Stopping


def test_a_stopped_fleet_leaves_nothing(fleet: Fleet, control_plane: ControlPlane) -> None:
    ports = ports_of(fleet)
    callers = [Caller(fleet) for _ in range(5)]
    assert all(caller.get(STATUS).status == 200 for caller in callers)
    fleet.announce(SESSION, 3001, "session_ready")
    control_plane.take()
    fleet.stop()
    assert all(caller.is_cut() for caller in callers)
    assert left_behind(ports) == []
    for port in ports:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))
    for caller in callers:
        caller.leave()


def test_200_hung_requests_delay_nobody_and_leave_nothing_when_the_fleet_stops(fleet: Fleet) -> None:
    ports, descriptors = ports_of(fleet), psutil.Process().num_fds()
    fleet.arm(Hang(), 3001, VERIFICATION)
    callers = [Caller(fleet) for _ in range(200)]
    for caller in callers:
        caller.send(ask("GET", LIST))
    eventually(fleet, lambda: fleet.hanging(3001) == 200)
    with Caller(fleet) as other:
        assert other.get("/health").status == 200
    assert callers[0].hears_nothing()
    stopping = threading.Thread(target=fleet.stop)
    stopping.start()
    stopping.join(PATIENCE / 2)
    assert not stopping.is_alive()
    assert {caller.until_the_end() for caller in callers} == {(b"", "FIN")}
    for caller in callers:
        caller.leave()
    assert (fleet.hanging(3001), left_behind(ports)) == (0, [])
    assert psutil.Process().num_fds() <= descriptors


def test_a_fleet_has_stopped_when_its_last_connection_has_ended(
    fleet: Fleet, fresh: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    ending, close = threading.Event(), connection.Connection.close

    def close_late(connection: connection.Connection) -> None:
        ending.wait(0.1)
        close(connection)

    monkeypatch.setattr(connection.Connection, "close", close_late)
    assert fresh.get("/health").status == 200
    ports = ports_of(fleet)
    fleet.stop()
    assert left_behind(ports) == []


def test_a_fleet_can_be_stopped_twice_and_started_again(fleet: Fleet) -> None:
    urls = fleet.urls
    fleet.stop()
    fleet.stop()
    fleet.start()
    assert fleet.urls == urls
    assert fleet.holders(SESSION_ID) == (3001,)
    with Caller(fleet) as caller:
        assert caller.get(STATUS).status == 200


# Names


@pytest.mark.parametrize("url", ["http://gateway.example:3001", "http://gateway.example:3001/"])
def test_an_instance_claims_exactly_the_url_it_was_given(url: str) -> None:
    fleet = Fleet([InstanceAddress(3001, "127.0.0.1", 0, url)], api_key=API_KEY, secret=SECRET)
    assert fleet.url(3001) == url
    assert fleet.webhook(SESSION, 3001, "session_ready").header("X-Instance-Url") == url
    assert fleet.number("http://gateway.example:3001") == 3001
    assert fleet.number("http://gateway.example:3001/") == 3001


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_an_unknown_instance_is_named_and_changes_nothing(
    fleet: Fleet, use: Callable[[Fleet], object]
) -> None:
    with pytest.raises(UnknownInstanceError, match=r"^there is no instance 3005; this fleet has 3001, 3002$"):
        use(fleet)
    assert fleet.holders(SESSION_ID) == (3001,)


# One instance that ends and starts


@pytest.mark.parametrize("keep", [False, True], ids=["without sessions", "with sessions"])
def test_a_restarted_instance_keeps_its_port_and_announces_what_it_kept_connected(
    fleet: Fleet, control_plane: ControlPlane, *, keep: bool
) -> None:
    failed = replace(SESSION, session_id="failed", status=SessionStatus.FAILED)
    fleet.hold(failed, on=3001)
    url, before = fleet.url(3001), fleet.journal.last
    with Caller(fleet) as old, Caller(fleet, 3002) as other:
        deliveries = fleet.restart(3001, keep_sessions=keep)
        assert old.is_cut()
        assert other.get(LIST).status == 200
    if keep:
        arrived = control_plane.take()
        assert arrived.header("X-Instance-Url") == url
        assert json.loads(arrived.body)["event"] == "session_reconnected"
        assert json.loads(arrived.body)["data"]["session_id"] == SESSION_ID
    assert [delivery.wait(PATIENCE).status for delivery in deliveries] == [200] * keep
    assert fleet.url(3001) == url
    assert fleet.sessions(3001) == ((SESSION, failed) if keep else ())
    kinds = [type(entry) for entry in fleet.journal.entries(after=before)]
    assert kinds[:4] == [InstanceStopped, SessionReleased, SessionReleased, InstanceStarted]
    assert truth(fleet).status == (200 if keep else 404)


def test_an_instance_that_kept_its_sessions_holds_them_even_when_they_came_elsewhere_meanwhile(
    fleet: Fleet,
) -> None:
    for _ in range(2):
        fleet.stop_instance(3001, abruptly=True)
    assert (fleet.sessions(3001), fleet.holders(SESSION_ID)) == ((), ())
    fleet.hold(SESSION, on=3002)
    for _ in range(2):
        fleet.start_instance(3001)
    assert fleet.holders(SESSION_ID) == (3001, 3002)
    assert [entry.killed for entry in entries(fleet, InstanceStopped)] == [True]


def test_a_reset_fleet_runs_again_with_neither_faults_nor_sessions(fleet: Fleet) -> None:
    urls = fleet.urls
    fleet.arm(Hang(), 3001, VERIFICATION)
    fleet.stop_instance(3001, abruptly=True)
    fleet.pause(3002)
    fleet.reset()
    assert fleet.urls == urls
    for number in fleet.numbers:
        with Caller(fleet, number) as caller:
            assert caller.get(LIST).json["total"] == 0

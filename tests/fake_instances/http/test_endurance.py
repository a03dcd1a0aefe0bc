"""Requests that hang, or take their time: nobody else waits, and nothing is left when the fleet stops."""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING

import psutil

from fake_instances.faults import VERIFICATION, Hang
from fake_instances.journal import RequestArrived
from tests.fake_instances.support import (
    API_KEY,
    LIST,
    PATIENCE,
    SESSION,
    STATUS,
    Caller,
    address_of,
    ask,
    entries,
    eventually,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from fake_instances import Fleet


def left_behind(before: set[threading.Thread], ports: set[int]) -> list[object]:
    """Give the threads and sockets that a stopped fleet still has."""
    this = psutil.Process()
    return [
        *(one.name for one in set(threading.enumerate()) - before),
        *(one for one in this.net_connections("all") if one.laddr and getattr(one.laddr, "port", 0) in ports),
    ]


def test_hung_requests_delay_nobody_and_leave_nothing_when_the_fleet_stops(
    make_hosted_fleet: Callable[[], Fleet],
) -> None:
    before, this = set(threading.enumerate()), psutil.Process()
    children, descriptors = set(this.children()), this.num_fds()
    fleet = make_hosted_fleet().start()
    fleet.hold(SESSION, on=3001)
    fleet.arm(Hang(), 3001, VERIFICATION)
    ports = {address_of(url)[1] for url in fleet.urls}
    callers = [Caller(fleet) for _ in range(200)]
    for caller, target in zip(callers, [STATUS, LIST] * 100, strict=True):
        caller.send(ask("GET", target))
    eventually(fleet, lambda: fleet.hanging(3001) == 200)
    with Caller(fleet) as other:
        started = time.monotonic()
        assert other.get("/health").status == 200
        assert time.monotonic() - started < 0.5
    assert callers[0].hears_nothing()
    started = time.monotonic()
    fleet.stop()
    assert time.monotonic() - started < 1
    assert {caller.until_the_end() for caller in callers} == {(b"", "FIN")}
    for caller in callers:
        caller.leave()
    assert fleet.hanging(3001) == 0
    assert left_behind(before, ports) == []
    assert set(this.children()) == children
    assert this.num_fds() == descriptors


def test_a_change_that_takes_its_time_delays_nobody(
    make_fleet: Callable[[], Fleet], monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet, may_end, ended = make_fleet().start(), threading.Event(), list[bool]()
    fleet.hold(SESSION, on=3001)
    monkeypatch.setattr(fleet, "reconnected", lambda *_: ended.append(may_end.wait(PATIENCE / 2)))
    with Caller(fleet) as waiting, Caller(fleet) as other:
        reconnect = "/api/sessions/" + SESSION.session_id + "/reconnect"
        waiting.send(ask("POST", reconnect, json.dumps({"api_key": API_KEY}).encode()))
        eventually(fleet, lambda: any(one.target == reconnect for one in entries(fleet, RequestArrived)))
        assert other.get("/health").status == 200
        may_end.set()
        assert waiting.receive().status == 200
    assert ended == [True]

"""Faults together: which of them a request meets, and what arrives."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from fake_instances import SessionStatus
from fake_instances.faults import (
    ROUTES,
    Answer,
    BrokenJson,
    Close,
    Delay,
    Drip,
    Endpoint,
    Hang,
    Misreports,
    Relabel,
    Reset,
    Truncate,
)
from fake_instances.journal import RequestArrived
from tests.fake_instances.support import (
    API_KEY,
    LIST,
    MESSAGE,
    SEND,
    SESSION_ID,
    STATUS,
    Caller,
    ask,
    ended,
    entries,
    fired,
    kinds,
    truth,
)

if TYPE_CHECKING:
    from fake_instances import Fleet
    from fake_instances.faults import Fault


def test_a_lie_goes_out_late_and_in_drips(fleet: Fleet, caller: Caller) -> None:
    faults = [Misreports(SESSION_ID, SessionStatus.FAILED), Delay(0.1), Drip(50, 0.001)]
    armed = [fleet.arm(fault, 3001, {Endpoint.SESSION_STATUS}) for fault in faults]
    started = time.monotonic()
    answer = caller.get(STATUS)
    assert time.monotonic() - started >= 0.1
    assert answer.json["status"] == "failed"
    met = [fired(fleet, one) for one in armed]
    assert met[0] == met[1] == met[2]
    assert ended(fleet, met[0].request) == (200, "answered", len(answer.raw))


def test_a_lie_another_label_and_an_early_end_go_together(fleet: Fleet, caller: Caller) -> None:
    for fault in (Misreports(SESSION_ID, SessionStatus.FAILED), Relabel("text/plain"), Truncate(2)):
        fleet.arm(fault, 3001, {Endpoint.SESSION_STATUS})
    caller.send(ask("GET", STATUS))
    data, end = caller.until_the_end()
    assert end == "FIN"
    assert b"Content-Type: text/plain\r\n" in data
    assert b'"status":"failed"' in data
    assert not data.endswith(b"}")


@pytest.mark.parametrize("fault", [Hang(), Close(), Reset()], ids=str)
def test_a_wire_fault_that_swallows_the_request_is_met_alone(
    fleet: Fleet, fresh: Caller, fault: Fault
) -> None:
    others = [fleet.arm(one, 3001, times=1) for one in (Delay(60), Answer(503))]
    armed = fleet.arm(fault, 3001, times=1)
    fresh.send(ask("GET", STATUS))
    fired(fleet, armed)
    assert [kinds(fleet, one) for one in others] == [["armed"]] * 2
    fleet.clear(fault=others[0])
    assert [truth(fleet).status for _ in range(2)] == [503, 200]


def test_of_faults_that_exclude_each_other_the_oldest_is_met_and_the_other_is_not_used(
    fleet: Fleet, fresh: Caller
) -> None:
    first, second = (fleet.arm(one, 3001, times=1) for one in (Answer(500), BrokenJson()))
    assert fresh.get(STATUS).status == 500
    assert (kinds(fleet, first), kinds(fleet, second)) == (["armed", "matched", "executed"], ["armed"])
    assert not fresh.get(STATUS).body.endswith(b"}")
    assert kinds(fleet, second) == ["armed", "matched", "executed"]


def test_a_request_that_a_fault_was_not_armed_for_uses_none_of_its_count(fleet: Fleet, fresh: Caller) -> None:
    endpoints = {Endpoint.SEND, Endpoint.SESSION_STATUS}
    fault = fleet.arm(Answer(500), 3001, endpoints, times=2, session_id=SESSION_ID)
    asked = [
        fresh.post(SEND, {**MESSAGE, "session_id": "another"}).status,
        fresh.get(LIST).status,
        fresh.get(f"/api/sessions/another/status?api_key={API_KEY}").status,
        fresh.post(SEND, MESSAGE).status,
        fresh.get("/health").status,
        fresh.get(STATUS).status,
        fresh.get(STATUS).status,
    ]
    assert asked == [404, 200, 404, 500, 200, 500, 200]
    assert kinds(fleet, fault) == ["armed", *["matched", "executed"] * 2]


@pytest.mark.parametrize(
    ("endpoint", "target"),
    [
        (Endpoint.HEALTH, "/health"),
        (Endpoint.HEALTH_DETAILED, "/health/detailed"),
        (Endpoint.HEALTH_READY, "/health/ready"),
        (Endpoint.SESSION_LIST, LIST),
        (Endpoint.SESSION_STATUS, STATUS),
        (Endpoint.OTHER, "/info"),
        (Endpoint.OTHER, "/nowhere"),
        (Endpoint.OTHER, "//health"),
    ],
)
def test_a_fault_is_met_on_its_endpoint_alone(
    fleet: Fleet, fresh: Caller, endpoint: Endpoint, target: str
) -> None:
    others = fleet.arm(Answer(500), 3001, ROUTES - {endpoint})
    assert fresh.get(target).status != 500
    assert entries(fleet, RequestArrived)[-1].endpoint is endpoint
    fleet.clear(fault=others)
    fleet.arm(Answer(500), 3001, {endpoint})
    assert fresh.get(target).status == 500

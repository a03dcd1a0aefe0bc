"""Faults under which an answer comes, but late or not the true one; which requests meet a fault; and its end."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from fake_instances.faults import ROUTES, VERIFICATION, Answer, Delay, Endpoint, Fault, Hang, Refuse
from fake_instances.journal import (
    AnswerBegun,
    FaultExecuted,
    FaultMatched,
    MessageDelivered,
    RequestArrived,
    RequestCompleted,
)
from tests.fake_instances.support import (
    API_KEY,
    LIST,
    MESSAGE,
    PATIENCE,
    SEND,
    SESSION,
    STATUS,
    Caller,
    ask,
    entries,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from fake_instances import Fleet

LATE = 0.15
NEVER = 600.0
MESSAGE_BYTES = json.dumps(MESSAGE).encode()


def test_a_late_answer_is_the_true_one(fleet: Fleet, caller: Caller) -> None:
    true = caller.get(STATUS)
    fleet.arm(Delay(LATE), 3001, VERIFICATION)
    before = fleet.journal.last
    late = caller.get(STATUS)
    assert (late.status, late.body, late.headers.keys()) == (true.status, true.body, true.headers.keys())
    arrived, executed, begun = (
        fleet.journal.wait_for(kind, timeout=PATIENCE, after=before)
        for kind in (RequestArrived, FaultExecuted, AnswerBegun)
    )
    assert arrived.sequence < executed.sequence < begun.sequence
    assert begun.at - arrived.at >= LATE


def test_a_late_answer_does_not_come_early(fleet: Fleet, caller: Caller) -> None:
    fleet.arm(Delay(NEVER), 3001, VERIFICATION)
    caller.send(ask("GET", STATUS))
    fleet.journal.wait_for(FaultExecuted, timeout=PATIENCE)
    assert caller.hears_nothing()


def test_a_request_answered_late_is_carried_out_at_once(fleet: Fleet, caller: Caller) -> None:
    fleet.arm(Delay(NEVER), 3001, {Endpoint.SEND})
    caller.send(ask("POST", SEND, MESSAGE_BYTES))
    executed = fleet.journal.wait_for(FaultExecuted, timeout=PATIENCE)
    (delivered,) = entries(fleet, MessageDelivered)
    assert delivered.request == executed.request
    assert delivered.sequence < executed.sequence
    assert fleet.settle(0)


@pytest.mark.parametrize("abruptly", [False, True], ids=["in order", "abruptly"])
def test_a_caller_who_leaves_before_a_late_answer_is_noticed(
    fleet: Fleet, caller: Caller, *, abruptly: bool
) -> None:
    fleet.arm(Delay(NEVER), 3001, VERIFICATION)
    caller.send(ask("GET", STATUS))
    executed = fleet.journal.wait_for(FaultExecuted, timeout=PATIENCE)
    caller.leave(abruptly=abruptly)
    ended = fleet.journal.wait_for(RequestCompleted, timeout=PATIENCE, request=executed.request)
    assert (ended.status, ended.ending, ended.sent) == (None, "caller left", 0)
    assert executed.request not in [entry.request for entry in entries(fleet, AnswerBegun)]


@pytest.mark.parametrize("stop", ["stop", "refuse"])
def test_an_instance_that_ends_answers_nothing_late(fleet: Fleet, caller: Caller, stop: str) -> None:
    fleet.arm(Delay(NEVER), 3001, VERIFICATION)
    caller.send(ask("GET", STATUS))
    executed = fleet.journal.wait_for(FaultExecuted, timeout=PATIENCE)
    if stop == "stop":
        fleet.stop()
    else:
        fleet.arm(Refuse(), 3001, {Endpoint.LISTENER})
    assert caller.is_cut()
    ended = fleet.journal.wait_for(RequestCompleted, timeout=PATIENCE, request=executed.request)
    assert (ended.status, ended.ending) == (None, "closed")


@pytest.mark.parametrize("behind", [b"garbage\r\n\r\n", ask("GET", LIST)], ids=["garbage", "a request"])
def test_what_comes_before_a_late_answer_is_treated_after_it(
    fleet: Fleet, caller: Caller, behind: bytes
) -> None:
    fleet.arm(Delay(LATE), 3001, {Endpoint.SESSION_STATUS})
    caller.send(ask("GET", STATUS))
    fleet.journal.wait_for(FaultExecuted, timeout=PATIENCE)
    caller.send(behind)
    assert caller.receive().json["session_id"] == MESSAGE["session_id"]
    assert caller.receive().status == (400 if behind.startswith(b"garbage") else 200)


@pytest.mark.parametrize(
    "fault",
    [
        Answer(),
        Answer(200, b""),
        Answer(200, b'{"success": false}'),
        Answer(404, b'{"error":"Session not found"}'),
        Answer(429, b"slow down", "text/plain"),
        Answer(502, b"<html>\xff\x00</html>", "text/html"),
        Answer(200, b"\x00" * 100_000, "application/octet-stream"),
    ],
    ids=str,
)
@pytest.mark.parametrize(
    "request_bytes", [ask("GET", STATUS), ask("POST", SEND, MESSAGE_BYTES)], ids=["get", "post"]
)
def test_an_ordered_answer_arrives_exactly(
    fleet: Fleet, caller: Caller, fault: Answer, request_bytes: bytes
) -> None:
    fleet.arm(fault, 3001, ROUTES, times=1)
    caller.send(request_bytes)
    answer = caller.receive()
    assert (answer.status, answer.headers["Content-Type"], answer.body) == (
        fault.status,
        fault.content_type,
        fault.body,
    )
    assert answer.headers["X-Powered-By"] == "Express"
    assert not entries(fleet, MessageDelivered)
    assert caller.get(STATUS).json["status"] == "connected"


def test_an_answer_without_content_has_neither_body_nor_length(fleet: Fleet, caller: Caller) -> None:
    fleet.arm(Answer(204, b""), 3001, ROUTES, times=1)
    answer = caller.get(STATUS)
    assert (answer.status, answer.body, "Content-Length" in answer.headers) == (204, b"", False)
    assert caller.get(STATUS).status == 200


def test_an_ordered_answer_takes_the_place_of_every_other(fleet: Fleet, fresh: Caller) -> None:
    fleet.arm(Answer(503, b"no"), 3001, ROUTES)
    wrong = ["/nowhere", "/health", "/api/sessions?api_key=wrong", "/api/sessions/unknown/status"]
    assert [fresh.get(target).body for target in wrong] == [b"no"] * 4
    assert fresh.post(SEND, {}).body == b"no"


def test_a_fault_for_some_requests_is_met_by_exactly_as_many(fleet: Fleet) -> None:
    fault = fleet.arm(Answer(500), 3001, VERIFICATION, times=7)

    def ask_once(_: int) -> int:
        with Caller(fleet) as caller:
            return caller.get(STATUS).status

    with ThreadPoolExecutor(20) as callers:
        statuses = sorted(callers.map(ask_once, range(20)))
    assert statuses == [200] * 13 + [500] * 7
    for kind in (FaultMatched, FaultExecuted):
        assert [entry.fault for entry in entries(fleet, kind)] == [fault] * 7
        assert len({entry.request for entry in entries(fleet, kind)}) == 7


def test_faults_are_met_in_the_order_of_arming(fleet: Fleet, fresh: Caller) -> None:
    fleet.arm(Answer(500), 3001, VERIFICATION, times=2)
    fleet.arm(Answer(503), 3001, {Endpoint.SESSION_STATUS}, times=1)
    assert [fresh.get(target).status for target in (STATUS, LIST, STATUS, STATUS)] == [500, 500, 503, 200]


def test_a_fault_for_one_session_is_met_by_requests_that_name_it(fleet: Fleet, fresh: Caller) -> None:
    fleet.arm(Answer(500), 3001, ROUTES, session_id=SESSION.session_id)
    other = {**MESSAGE, "session_id": "another"}
    assert fresh.get(STATUS).status == 500
    assert fresh.post(SEND, MESSAGE).status == 500
    assert fresh.post(SEND, other).status == 404
    assert fresh.get(f"/api/sessions/another/status?api_key={API_KEY}").status == 404
    assert fresh.get(LIST).status == 200


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


def masked(raw: bytes) -> bytes:
    """Give an answer without what time alone changes."""
    if b'"timestamp"' in raw:
        raw = re.sub(rb'ETag: W/"[^"]*"', b"ETag: -", raw)
        raw = re.sub(rb"Content-Length: \d+", b"Content-Length: -", raw)
    raw = re.sub(rb"Date: [^\r]*", b"Date: -", raw)
    raw = re.sub(rb'"(timestamp|start_time)":("[^"]*"|\d+)', rb'"\1":-', raw)
    raw = re.sub(rb'"uptime":[-0-9.e]+', b'"uptime":-', raw)
    return re.sub(rb"3EB0\w+", b"3EB0-", raw)


def every_answer(fleet: Fleet) -> list[bytes]:
    targets = ["/", "/health", "/health/detailed", "/health/ready", LIST, STATUS, "/nowhere", "/api/sessions"]
    targets += [f"/api/sessions/unknown/status?api_key={API_KEY}"]
    with Caller(fleet) as caller:
        answers = [caller.get(target).raw for target in targets]
        answers += [
            caller.post(SEND, body).raw for body in (MESSAGE, {}, {**MESSAGE, "session_id": "unknown"})
        ]
        caller.send(ask("POST", SEND, b"{broken"))
        answers.append(caller.receive().raw)
    return [masked(answer) for answer in answers]


@pytest.mark.parametrize(
    ("fault", "endpoints"),
    [
        (Answer(500), ROUTES),
        (Delay(0.0), ROUTES),
        (Hang(), ROUTES),
        (Refuse(), frozenset({Endpoint.LISTENER})),
    ],
    ids=lambda value: str(value) if isinstance(value, Fault) else "",
)
def test_after_a_fault_everything_is_as_if_it_had_never_been(
    fleet: Fleet, make_fleet: Callable[[], Fleet], fault: Fault, endpoints: frozenset[Endpoint]
) -> None:
    pristine = make_fleet().start()
    pristine.hold(SESSION, on=3001)
    with Caller(fleet) as caller:
        armed = fleet.arm(fault, 3001, endpoints)
        if not isinstance(fault, Refuse):
            caller.send(ask("GET", STATUS))
        fleet.journal.wait_for(FaultExecuted, timeout=PATIENCE, fault=armed)
        fleet.clear()
    assert every_answer(fleet) == every_answer(pristine)

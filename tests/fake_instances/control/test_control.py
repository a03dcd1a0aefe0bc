"""The control API: what is ordered happens to the fleet, and what cannot be ordered is explained."""

from __future__ import annotations

import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
import requests

from fake_instances.control.server import ControlServer
from fake_instances.faults import ALL, Delay
from fake_instances.journal import WebhookAnswered
from fake_instances.webhooks.retries import POLICIES
from tests.fake_instances.support import (
    API_KEY,
    PATIENCE,
    SECRET,
    SESSION,
    SESSION_ID,
    STATUS,
    Caller,
    address_of,
    ask,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fake_instances import Fleet
    from tests.fake_instances.support import ControlPlane


@pytest.fixture
def control(fleet: Fleet) -> Iterator[Callable[..., requests.Response]]:
    """Give what orders something of a running fleet."""
    with ControlServer(fleet) as server, requests.Session() as caller:

        def order(method: str, path: str, value: object = None, **more: Any) -> requests.Response:
            if value is not None:
                more["json"] = value
            return caller.request(method, server.url + path, timeout=PATIENCE, **more)

        yield order


def test_the_status_tells_how_every_instance_is(
    control: Callable[..., requests.Response], fleet: Fleet
) -> None:
    number = control("POST", "/faults", {"instance": 3002, "fault": {"kind": "hang"}, "times": 3}).json()[
        "number"
    ]
    one, other = control("GET", "/status").json()["instances"]
    assert (one["number"], one["url"], one["running"], one["sessions"]["total"]) == (
        3001,
        fleet.url(3001),
        True,
        1,
    )
    assert [(fault["number"], fault["remaining"]) for fault in other["faults"]] == [(number, 3)]


def test_a_fault_is_armed_and_cleared(control: Callable[..., requests.Response], fleet: Fleet) -> None:
    fault = {"kind": "answer", "status": 503, "body": "no"}
    armed = control("POST", "/faults", {"instance": 3001, "fault": fault, "endpoints": ["session_status"]})
    assert armed.status_code == 201
    with Caller(fleet) as caller:
        assert (caller.get(STATUS).status, caller.get("/health").status) == (503, 200)
        assert control("DELETE", "/faults", {"number": armed.json()["number"]}).status_code == 200
        assert caller.get(STATUS).status == 200


def test_a_fault_within_a_fault_has_a_kind_of_its_own(control: Callable[..., requests.Response]) -> None:
    fault = {"kind": "sends-then-fails", "by": {"kind": "reset", "after": 3}}
    told = control("POST", "/faults", {"instance": 3001, "fault": fault}).json()["words"]
    assert told == "instance 3001 delivers the message and then resets the connection 3 bytes into the body"


def test_a_session_is_moved_with_a_split_brain_and_finished(
    control: Callable[..., requests.Response], fleet: Fleet
) -> None:
    order = {"session_id": SESSION_ID, "to": 3002, "handover": "split-brain", "announce": False}
    assert control("POST", "/migrations", order).json() == {"holders": [3001, 3002]}
    assert control("POST", "/migrations/finish", {"session_id": SESSION_ID}).json() == {"holders": [3002]}
    assert fleet.holders(SESSION_ID) == (3002,)


def test_a_session_is_moved_behind_an_answer(control: Callable[..., requests.Response], fleet: Fleet) -> None:
    order = {"session_id": SESSION_ID, "to": 3002, "announce": False, "after_answer_of": 3001}
    assert control("POST", "/migrations", order).status_code == 202
    assert fleet.holders(SESSION_ID) == (3001,)
    with Caller(fleet) as caller:
        assert caller.get(STATUS).status == 200
    assert fleet.holders(SESSION_ID) == (3002,)


def test_an_instance_is_killed_and_started_again(
    control: Callable[..., requests.Response], fleet: Fleet
) -> None:
    assert control("POST", "/instances/3001/kill").json()["running"] is False
    assert fleet.holders(SESSION_ID) == ()
    assert control("POST", "/instances/3001/start", {"keep_sessions": True}).json()["running"] is True
    assert fleet.holders(SESSION_ID) == (3001,)


def test_sessions_are_held_listed_and_released(control: Callable[..., requests.Response]) -> None:
    held = control("PUT", "/sessions", {"instance": 3002, "session_id": "made-up", "status": "disconnected"})
    assert held.json() == {"holders": []}
    (listed,) = control("GET", "/instances/3002/sessions").json()["sessions"]
    assert (listed["session_id"], listed["status"]) == ("made-up", "disconnected")
    assert control("DELETE", "/sessions", {"instance": 3002, "session_id": "made-up"}).status_code == 200
    assert control("GET", "/instances/3002/sessions").json() == {"sessions": []}


def test_the_journal_is_given_in_order_and_without_secrets(
    control: Callable[..., requests.Response], fleet: Fleet
) -> None:
    with Caller(fleet) as caller:
        caller.get(f"{STATUS}")
    told = control("GET", "/journal?kind=RequestArrived&wait=5")
    (entry,) = told.json()["entries"]
    assert (entry["kind"], entry["session_id"]) == ("RequestArrived", SESSION_ID)
    assert "api_key=***" in entry["target"]
    assert API_KEY not in told.text
    assert SECRET not in told.text
    later = control("GET", f"/journal?after={told.json()['last']}&kind=RequestArrived").json()
    assert later["entries"] == []


@pytest.mark.parametrize(
    ("asked", "order", "status", "words"),
    [
        (
            "POST /faults",
            {"instance": 3009, "fault": {"kind": "hang"}},
            404,
            "no instance 3009; this fleet has 3001, 3002",
        ),
        (
            "POST /faults",
            {"instance": 3001, "fault": {"kind": "explode"}},
            422,
            "no fault is called 'explode'; allowed: refuse, ",
        ),
        (
            "POST /faults",
            {"instance": 3001, "fault": {"kind": "drip", "size": -1}},
            422,
            "drip: size: Input should be greater",
        ),
        (
            "POST /faults",
            {"instance": 3001, "fault": {"kind": "hang", "x": 1}},
            422,
            "hang: x: Unexpected keyword argument",
        ),
        ("POST /faults", {"instance": 3001, "fault": "hang"}, 422, 'write {"kind": …} and its parameters'),
        (
            "POST /faults",
            {"instance": 3001, "fault": {"kind": "hang"}, "times": -1},
            422,
            "times: Input should be greater than or equal to 1",
        ),
        (
            "POST /faults",
            {"instance": 3001, "fault": {"kind": "hang"}, "endpoints": ["webhook"]},
            409,
            "cannot do so on webhook; possible: ",
        ),
        (
            "POST /faults",
            {"instance": 3001, "fault": {"kind": "hang"}, "chance": 0.5},
            409,
            "a chance needs a seed",
        ),
        (
            "POST /migrations",
            {"session_id": "unknown", "to": 3002, "announce": False},
            404,
            "no instance holds session unknown connected",
        ),
        (
            "POST /migrations",
            {"session_id": SESSION_ID, "to": 3002},
            409,
            "PUT /control-plane says where it is",
        ),
        ("POST /migrations/finish", {"session_id": SESSION_ID}, 404, "no move of session"),
        ("POST /instances/3001/explode", None, 404, "known: GET /status"),
        ("POST /webhooks/replay", {"webhook": 7}, 409, "PUT /control-plane"),
        ("PUT /control-plane", {"url": "ftp://x"}, 422, "url: String should match pattern"),
        ("GET /journal?after=-1", None, 422, "after: Input should be greater than or equal to 0"),
        ("GET /nowhere", None, 404, "known: GET /status"),
        ("PATCH /status", None, 405, "known: GET /status"),
    ],
)
def test_what_cannot_be_ordered_is_explained(
    control: Callable[..., requests.Response], asked: str, order: object, status: int, words: str
) -> None:
    answer = control(*asked.split(" ", 1), order)
    assert answer.status_code == status
    assert words in answer.json()["error"]


@pytest.mark.parametrize("body", ["{", "[]", '"x"', "\xff"])
def test_an_order_that_is_no_json_object_is_explained(
    control: Callable[..., requests.Response], body: str
) -> None:
    answer = control(
        "POST", "/faults", data=body.encode("latin-1"), headers={"Content-Type": "application/json"}
    )
    assert answer.status_code in {400, 422}
    assert answer.json()["error"]


def test_only_json_is_an_order_and_no_web_page_gives_one(control: Callable[..., requests.Response]) -> None:
    form = control("POST", "/reset", data={"a": "b"})
    assert (form.status_code, "application/json" in form.json()["error"]) == (400, True)
    page = control("GET", "/status", headers={"Origin": "https://example.org"})
    assert (page.status_code, page.json()["error"]) == (
        403,
        "a web page may not drive the fleet: send no Origin",
    )


def test_every_fault_and_route_is_described(control: Callable[..., requests.Response]) -> None:
    document = control("GET", "/openapi.json").json()
    kinds = [
        one["properties"]["kind"]["const"] for one in document["components"]["schemas"]["Fault"]["oneOf"]
    ]
    assert kinds == list(ALL)
    assert {"/status", "/faults", "/instances/{instance}/restart", "/journal"} <= document["paths"].keys()


def test_a_session_is_connected_and_announced(
    control: Callable[..., requests.Response], fleet: Fleet, control_plane: ControlPlane
) -> None:
    told = control("POST", "/sessions/connect", {"instance": 3002, "session_id": "new", "workspace_id": 7})
    assert (told.json()["holders"], fleet.holders("new")) == ([3002], (3002,))
    webhook = json.loads(control_plane.take().body)
    assert (webhook["event"], webhook["data"]["session_id"]) == ("session_ready", "new")
    fleet.journal.wait_for(WebhookAnswered, timeout=PATIENCE, webhook=told.json()["webhook"])


def test_a_copy_is_disconnected_silently(control: Callable[..., requests.Response], fleet: Fleet) -> None:
    order = {"instance": 3001, "session_id": SESSION_ID, "status": "disconnected"}
    assert control("PUT", "/sessions/status", order).json() == {"holders": []}
    copy = fleet.session(SESSION_ID, 3001)
    assert copy is not None
    assert not copy.connected


@pytest.mark.parametrize("policy", POLICIES)
def test_a_retry_policy_is_chosen_by_its_name(
    control: Callable[..., requests.Response], fleet: Fleet, policy: str
) -> None:
    assert control("GET", "/status").json()["retry_policy"] == "never"
    assert control("PUT", "/webhooks/policy", {"policy": policy}).json() == {"retry_policy": policy}
    assert control("GET", "/status").json()["retry_policy"] == policy
    assert fleet.announcer.policy is POLICIES[policy]


def test_a_webhook_that_is_kept_back_is_listed(
    control: Callable[..., requests.Response], fleet: Fleet, control_plane: ControlPlane
) -> None:
    control("POST", "/faults", {"instance": 3001, "fault": {"kind": "hold-webhook"}})
    fleet.announce(SESSION, 3001, "session_ready")
    (kept,) = control("GET", "/webhooks/kept").json()["kept"]
    assert (kept["instance"], kept["event"], kept["session_id"]) == (3001, "session_ready", SESSION_ID)
    assert fleet.control_plane == control_plane.url


def test_settling_waits_for_answers_that_are_due(
    control: Callable[..., requests.Response], fleet: Fleet
) -> None:
    with Caller(fleet) as caller:
        caller.get(STATUS)
        assert control("POST", "/settle", {"timeout": 5}).json() == {"settled": True}


@pytest.mark.parametrize("depth", [10, 200, 900, 100_000])
def test_an_order_may_be_nested_however_deeply(control: Callable[..., requests.Response], depth: int) -> None:
    fault = '{"kind":"sends-then-fails","by":' * depth + "{}" + "}" * depth
    body = f'{{"instance":3001,"fault":{fault}}}'
    told = control("POST", "/faults", data=body, headers={"Content-Type": "application/json"})
    assert told.status_code in {400, 422}
    assert told.json()["error"]


def test_what_is_no_number_of_json_is_no_order(control: Callable[..., requests.Response]) -> None:
    body = f'{{"instance":3001,"session_id":"{SESSION_ID}","fields":{{"x":NaN}}}}'
    told = control("POST", "/webhooks", data=body, headers={"Content-Type": "application/json"})
    assert (told.status_code, "NaN is no number of JSON" in told.json()["error"]) == (400, True)


@pytest.mark.parametrize(
    ("method", "path", "order"),
    [("GET", "/journal?wait=30&kind=WebhookLost", None), ("POST", "/settle", {"timeout": 30})],
)
def test_a_request_that_waits_does_not_delay_the_end(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch, method: str, path: str, order: object
) -> None:
    waits = threading.Event()
    wait_until = fleet.journal.wait_until

    def told(condition: Callable[[], bool], *, timeout: float) -> bool:
        if timeout:
            waits.set()
        return wait_until(condition, timeout=timeout)

    monkeypatch.setattr(fleet.journal, "wait_until", told)
    fleet.arm(Delay(seconds=3600), 3001)
    with Caller(fleet) as caller, ThreadPoolExecutor(1) as callers:
        with ControlServer(fleet) as server:
            caller.send(ask("GET", STATUS))
            waiting = callers.submit(
                requests.request, method, server.url + path, json=order, timeout=PATIENCE
            )
            assert waits.wait(PATIENCE)
            began = time.monotonic()
        assert time.monotonic() - began < 5
        assert waiting.result(PATIENCE).status_code == 200
        fleet.clear()


def test_the_end_leaves_no_thread_no_port_and_no_word(
    fleet: Fleet, capfd: pytest.CaptureFixture[str]
) -> None:
    for _ in range(20):
        server = ControlServer(fleet)
        with server:
            idle = socket.create_connection(address_of(server.url), timeout=PATIENCE)
            assert requests.get(f"{server.url}/status", timeout=PATIENCE).status_code == 200
        with idle:
            assert idle.recv(1) == b""
        assert not server._thread.is_alive()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(address_of(server.url))
    assert capfd.readouterr().err == ""

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
from fake_instances.faults import Delay
from tests.fake_instances.support import (
    API_KEY,
    PATIENCE,
    SECRET,
    SESSION_ID,
    STATUS,
    Caller,
    address_of,
    ask,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fake_instances import Fleet


@pytest.fixture
def control(fleet: Fleet) -> Iterator[Callable[..., requests.Response]]:
    """Return what gives orders to a running fleet."""
    with ControlServer(fleet) as server, requests.Session() as caller:

        def order(method: str, path: str, value: object = None, **more: Any) -> requests.Response:
            if value is not None:
                more["json"] = value
            return caller.request(method, server.url + path, timeout=PATIENCE, **more)

        yield order


def test_the_journal_is_given_in_order_and_without_secrets(
    control: Callable[..., requests.Response], fleet: Fleet
) -> None:
    with Caller(fleet) as caller:
        caller.get(f"{STATUS}")
    answer = control("GET", "/journal?kind=RequestArrived&wait=5")
    (entry,) = answer.json()["entries"]
    assert (entry["kind"], entry["session_id"]) == ("RequestArrived", SESSION_ID)
    assert "api_key=***" in entry["target"]
    assert API_KEY not in answer.text
    assert SECRET not in answer.text
    later = control("GET", f"/journal?after={answer.json()['last']}&kind=RequestArrived").json()
    assert later["entries"] == []


HANG = {"instance": 3001, "fault": {"kind": "hang"}}
WEBHOOK = '{"instance": 3001, "session_id": "x", "fields": {"x": NaN}}'


@pytest.mark.parametrize(
    ("asked", "order", "status", "words"),
    [
        ("POST /faults", {**HANG, "instance": 3009}, 404, "no instance 3009; this fleet has 3001, 3002"),
        ("POST /faults", {**HANG, "fault": {"kind": "explode"}}, 422, "'explode'; allowed: refuse, "),
        ("POST /faults", {**HANG, "fault": {"kind": "hang", "x": 1}}, 422, "x: there is no such parameter"),
        ("POST /faults", {**HANG, "fault": "hang"}, 422, 'write {"kind": …} and its parameters'),
        ("POST /faults", {**HANG, "times": -1}, 422, "times: it must be 1 or more"),
        ("POST /faults", {**HANG, "endpoints": ["webhook"]}, 409, "cannot do so on webhook; possible: "),
        ("POST /faults", {**HANG, "chance": 0.5}, 409, "a chance needs a seed"),
        ("POST /faults", "{", 400, "the order is not JSON"),
        ("POST /faults", "[]", 422, "it must be an object"),
        (
            "POST /migrations",
            {"session_id": "nobody", "to": 3002},
            404,
            "no instance holds session nobody connected",
        ),
        ("POST /webhooks", WEBHOOK, 400, "NaN is no number of JSON"),
        ("POST /migrations", {"session_id": SESSION_ID, "to": 3002}, 409, "PUT /control-plane says where it"),
        ("POST /migrations/finish", {"session_id": SESSION_ID}, 404, "no move of session"),
        ("POST /instances/x/stop", None, 422, "instance: it must be a whole number"),
        ("POST /webhooks/replay", {"webhook": 7}, 409, "PUT /control-plane"),
        ("PUT /control-plane", {"url": "ftp://x"}, 422, "url: it is not written as it must be, such as http"),
        ("GET /journal?after=-1", None, 422, "after: it must be 0 or more"),
        ("GET /nowhere", None, 404, "known: GET /status"),
        ("PATCH /status", None, 405, "known: GET /status"),
    ],
)
def test_an_order_that_cannot_be_carried_out_is_explained(
    control: Callable[..., requests.Response], asked: str, order: object, status: int, words: str
) -> None:
    text = order if isinstance(order, str) else json.dumps(order) if order else None
    answer = control(*asked.split(" ", 1), data=text, headers={"Content-Type": "application/json"})
    assert (answer.status_code, words in answer.json()["error"]) == (status, True), answer.text


def test_an_order_must_be_json_and_not_from_a_web_page(control: Callable[..., requests.Response]) -> None:
    form = control("POST", "/reset", data={"a": "b"})
    assert (form.status_code, "application/json" in form.json()["error"]) == (400, True)
    page = control("GET", "/status", headers={"Origin": "https://example.org"})
    assert (page.status_code, page.json()["error"]) == (
        403,
        "a web page may not drive the fleet: send no Origin",
    )


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:3000", 200),
        ("127.0.0.1", 200),
        ("[::1]:3000", 200),
        ("fleet:3000", 200),
        ("rebound.example", 403),
        ("127.0.0.1.rebound.example.:3000", 403),
        ("[::1", 403),
    ],
)
def test_an_order_must_be_for_a_local_name(
    control: Callable[..., requests.Response], host: str, status: int
) -> None:
    assert control("GET", "/status", headers={"Host": host}).status_code == status


@pytest.mark.parametrize("depth", [10, 900, 100_000])
def test_an_order_that_is_nested_too_deeply_is_refused(
    control: Callable[..., requests.Response], depth: int
) -> None:
    fault = '{"kind":"sends-then-fails","by":' * depth + "{}" + "}" * depth
    body = f'{{"instance":3001,"fault":{fault}}}'
    answer = control("POST", "/faults", data=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in {400, 422}
    assert answer.json()["error"]


@pytest.mark.parametrize(
    ("method", "path", "order"),
    [("GET", "/journal?wait=30&kind=WebhookLost", None), ("POST", "/settle", {"timeout": 30})],
)
def test_a_request_that_waits_does_not_delay_the_end(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch, method: str, path: str, order: object
) -> None:
    waits = threading.Event()
    wait_until = fleet.journal.wait_until

    def watched(condition: Callable[[], bool], *, timeout: float) -> bool:
        if timeout:
            waits.set()
        return wait_until(condition, timeout=timeout)

    monkeypatch.setattr(fleet.journal, "wait_until", watched)
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


def test_the_end_leaves_no_thread_no_port_and_no_output(
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

"""HTTP as an instance speaks it, judged by what arrives at a raw socket."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING

import pytest

from fake_instances.http import protocol
from fake_instances.journal import MessageDelivered, RequestArrived
from tests.fake_instances.support import (
    LIST,
    MESSAGE,
    PATIENCE,
    SEND,
    STATUS,
    Caller,
    ask,
    entries,
    eventually,
)

if TYPE_CHECKING:
    from fake_instances import Fleet

BAD_REQUEST = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
MESSAGE_BYTES = json.dumps(MESSAGE).encode()


def in_pieces(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


@pytest.mark.parametrize("size", [1, 7, 10_000], ids=["byte by byte", "in small pieces", "at once"])
def test_pipelined_requests_are_answered_in_order(caller: Caller, size: int) -> None:
    asked = ask("GET", STATUS) + ask("POST", SEND, MESSAGE_BYTES) + ask("GET", "/nowhere") + ask("GET", LIST)
    caller.send(*in_pieces(asked, size))
    assert "last_activity" in caller.receive().json
    assert "message_id" in caller.receive().json
    assert caller.receive().json["path"] == "/nowhere"
    assert caller.receive().json["total"] == 1
    assert caller.hears_nothing()


@pytest.mark.parametrize(
    ("version", "wish"), [("1.0", ()), ("1.1", ("Connection: close",)), ("1.1", ("connection: Close",))]
)
def test_a_caller_who_wants_one_answer_gets_one_and_the_end(
    caller: Caller, version: str, wish: tuple[str, ...]
) -> None:
    caller.send(ask("GET", STATUS, None, *wish, version=version) + ask("GET", LIST))
    assert caller.receive().headers["Connection"] == "close"
    assert caller.is_cut()


def test_http_1_0_is_kept_alive_on_request(fresh: Caller) -> None:
    for _ in range(2):
        fresh.send(ask("GET", STATUS, None, "Connection: keep-alive", version="1.0"))
        assert fresh.receive().headers["Connection"] == "keep-alive"


@pytest.mark.parametrize("target", [LIST, STATUS, "/nowhere"])
def test_head_answers_as_get_without_a_body(caller: Caller, target: str) -> None:
    shown = caller.get(target)
    caller.send(ask("HEAD", target) + ask("GET", STATUS))
    head = caller.receive(bodiless=True)
    assert head.status == shown.status
    if target != "/nowhere":
        assert head.headers.keys() == shown.headers.keys()
        assert head.headers["Content-Length"] == str(len(shown.body))
    assert caller.receive().json["session_id"] == MESSAGE["session_id"]


@pytest.mark.parametrize("size", [1, 10_000], ids=["byte by byte", "at once"])
def test_a_chunked_body_is_read_whole(fleet: Fleet, caller: Caller, size: int) -> None:
    chunks = b"".join(b"%x;ext=1\r\n%s\r\n" % (len(one), one) for one in in_pieces(MESSAGE_BYTES, 30))
    head = ask("POST", SEND, None, "Content-Type: application/json", "Transfer-Encoding: chunked")
    caller.send(*in_pieces(head + chunks + b"0\r\n\r\n" + ask("GET", STATUS), size))
    assert caller.receive().json["success"]
    assert caller.receive().status == 200
    assert [sent.text for sent in entries(fleet, MessageDelivered)] == [MESSAGE["message"]]


@pytest.mark.parametrize("wish", ["100-continue", "100-Continue"])
def test_a_caller_who_asks_first_is_told_to_continue(caller: Caller, wish: str) -> None:
    request = ask("POST", SEND, MESSAGE_BYTES, f"Expect: {wish}")
    caller.send(request.removesuffix(MESSAGE_BYTES))
    assert caller.receive_head() == CONTINUE
    assert caller.hears_nothing()
    caller.send(MESSAGE_BYTES)
    assert caller.receive().json["success"]


def test_a_caller_whose_body_came_already_is_not_told_to_continue(fresh: Caller) -> None:
    fresh.send(ask("POST", SEND, MESSAGE_BYTES, "Expect: 100-continue"))
    assert fresh.receive().json["success"]
    next_request = ask("GET", STATUS)
    fresh.send(next_request[:10])
    assert fresh.hears_nothing()
    fresh.send(next_request[10:])
    assert fresh.receive().status == 200


@pytest.mark.parametrize(
    "garbage",
    [
        b"garbage\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"GET / HTTP/9.x\r\n\r\n",
        b"GET\x00/ HTTP/1.1\r\n\r\n",
        b"CONNECT gateway:80 HTTP/1.1\r\nHost: gateway\r\n\r\n",
    ],
    ids=["words", "TLS", "no version", "a zero byte", "a tunnel"],
)
def test_what_is_not_http_gets_400_and_the_end_after_the_requests_before_it(
    fleet: Fleet, fresh: Caller, garbage: bytes
) -> None:
    fresh.send(ask("GET", STATUS) + garbage)
    assert fresh.receive().status == 200
    assert fresh.rest() == BAD_REQUEST
    assert len(entries(fleet, RequestArrived)) == 1


def test_a_head_of_any_size_is_read(fleet: Fleet, caller: Caller) -> None:
    large = "x" * 200_000
    answer = caller.get(STATUS, f"X-Large: {large}", *(f"X-Many-{index}: {index}" for index in range(500)))
    assert answer.status == 200
    assert ("X-Large", large) in entries(fleet, RequestArrived)[-1].headers
    assert caller.get(STATUS).status == 200


@pytest.mark.parametrize("size", [1, 10_000], ids=["byte by byte", "at once"])
@pytest.mark.parametrize("offer", ["h2c", "websocket"])
def test_an_offer_to_upgrade_is_declined(fleet: Fleet, caller: Caller, offer: str, size: int) -> None:
    offers = ("Connection: Upgrade, HTTP2-Settings", f"Upgrade: {offer}", "HTTP2-Settings: AAMAAABk")
    asked = ask("POST", SEND, MESSAGE_BYTES, *offers) + ask("GET", LIST, None, *offers) + ask("GET", STATUS)
    caller.send(*in_pieces(asked, size))
    assert caller.receive().json["success"]
    assert caller.receive().json["total"] == 1
    assert caller.receive().json["status"] == "connected"
    assert len(entries(fleet, MessageDelivered)) == 1
    asked_with = [
        any(name == "Upgrade" for name, _ in entry.headers) for entry in entries(fleet, RequestArrived)
    ]
    assert asked_with[-3:] == [True, True, False]


@pytest.mark.parametrize(("excess", "status"), [(0, 200), (1, 413)])
def test_a_body_over_the_limit_is_refused(
    fleet: Fleet, caller: Caller, monkeypatch: pytest.MonkeyPatch, excess: int, status: int
) -> None:
    monkeypatch.setattr(protocol, "BODY_LIMIT", 5000)
    body = json.dumps(MESSAGE).encode().ljust(5000 + excess)
    caller.send(ask("POST", SEND, body))
    answer = caller.receive()
    assert answer.status == status
    if status == 413:
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        assert caller.rest() == b""
    assert len(entries(fleet, MessageDelivered)) == (0 if excess else 1)


@pytest.mark.parametrize("abruptly", [False, True])
def test_a_caller_who_leaves_in_mid_request_leaves_nothing(fleet: Fleet, *, abruptly: bool) -> None:
    leaver = Caller(fleet)
    assert leaver.get(STATUS).status == 200
    (thread,) = fleet._instances[3001]._server._live.values()
    leaver.send(ask("POST", SEND, MESSAGE_BYTES)[:-1])
    leaver.leave(abruptly=abruptly)
    thread.join(PATIENCE)
    assert not fleet._instances[3001]._server._live
    assert not entries(fleet, MessageDelivered)


def test_the_journal_has_the_request_as_it_was_sent(fleet: Fleet, caller: Caller) -> None:
    caller.send(ask("POST", f"{SEND}?x=%20y", MESSAGE_BYTES, "X-Twice: 1", "x-twice: 2"))
    assert caller.receive().json["success"]
    eventually(fleet, lambda: not fleet._instances[3001].awaited)
    arrived = entries(fleet, RequestArrived)[-1]
    assert (arrived.method, arrived.target, arrived.session_id) == (
        "POST",
        f"{SEND}?x=%20y",
        MESSAGE["session_id"],
    )
    assert arrived.body == MESSAGE_BYTES
    assert arrived.headers == (
        ("Host", "gateway"),
        ("X-Twice", "1"),
        ("x-twice", "2"),
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(MESSAGE_BYTES))),
    )


def test_a_change_that_takes_its_time_delays_nobody(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    may_end, ended = threading.Event(), list[bool]()
    monkeypatch.setattr(fleet, "reconnected", lambda *_: ended.append(may_end.wait(PATIENCE / 2)))
    with Caller(fleet) as waiting, Caller(fleet) as other:
        reconnect = f"/api/sessions/{MESSAGE['session_id']}/reconnect"
        waiting.send(ask("POST", reconnect, MESSAGE_BYTES))
        eventually(fleet, lambda: any(one.target == reconnect for one in entries(fleet, RequestArrived)))
        assert other.get("/health").status == 200
        may_end.set()
        assert waiting.receive().status == 200
    assert ended == [True]

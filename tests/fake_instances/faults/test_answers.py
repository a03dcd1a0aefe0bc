"""What arrives when another answer is given than the true one."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from fake_instances.faults import Answer, BrokenJson, Padding, Redirect, Relabel
from fake_instances.journal import MessageDelivered
from tests.fake_instances.support import (
    LIST,
    POSTED,
    SEND,
    STATUS,
    Caller,
    ask,
    ended,
    entries,
    fired,
    truth,
)

if TYPE_CHECKING:
    from fake_instances import Fleet
    from fake_instances.faults import AnswerFault

DRESS = (
    rb"X-Powered-By: Express\r\nDate: [^\r]+ GMT\r\nConnection: keep-alive\r\nKeep-Alive: timeout=5\r\n\r\n"
)


def without(head: bytes, *names: str) -> bytes:
    """Return the bytes of a head without these headers."""
    for name in names:
        head = re.sub(rb"%s: [^\r]*\r\n" % name.encode(), b"", head)
    return head


@pytest.mark.parametrize(
    "fault",
    [
        *(Answer(status, b'{"error":"no"}') for status in (200, 201, 400, 401, 404, 418, 429, 500, 503, 599)),
        Answer(502, b"<html>", "text/html; charset=utf-8"),
        Answer(504, b""),
        Answer(200, b""),
        Answer(502, b"<html>\xff\x00</html>", "text/html"),
        Answer(200, b"\x00" * 100_000, "application/octet-stream"),
    ],
    ids=str,
)
def test_an_ordered_answer_arrives_exactly_and_nothing_is_carried_out(
    fleet: Fleet, caller: Caller, fault: Answer
) -> None:
    armed = fleet.arm(fault, 3001, times=1)
    caller.send(ask("POST", SEND, POSTED) + ask("GET", STATUS))
    answer = caller.receive()
    kind = f"Content-Type: {fault.content_type}\r\nContent-Length: {len(fault.body)}\r\n".encode()
    head = answer.raw[: len(answer.raw) - len(answer.body)]
    assert re.fullmatch(rb"HTTP/1\.1 %d [ '\w-]+\r\n" % fault.status + re.escape(kind) + DRESS, head)
    assert answer.body == fault.body
    met = fired(fleet, armed)
    assert (met.target, ended(fleet, met.request)) == (SEND, (fault.status, "answered", len(answer.raw)))
    assert caller.receive().json["status"] == "connected"
    assert not entries(fleet, MessageDelivered)


def test_an_answer_without_content_has_neither_body_nor_length(fleet: Fleet, caller: Caller) -> None:
    fleet.arm(Answer(204, b""), 3001, times=1)
    answer = caller.get(STATUS)
    assert (answer.status, answer.body, "Content-Length" in answer.headers) == (204, b"", False)
    assert caller.get(STATUS).status == 200


def test_an_ordered_answer_replaces_every_other(fleet: Fleet, fresh: Caller) -> None:
    fleet.arm(Answer(503, b"no"), 3001)
    wrong = ["/nowhere", "/health", "/api/sessions?api_key=wrong", "/api/sessions/unknown/status"]
    assert [fresh.get(target).body for target in wrong] == [b"no"] * 4
    assert fresh.post(SEND, {}).body == b"no"


@pytest.mark.parametrize(
    "fault", [Answer(503), Redirect("http://elsewhere/"), Relabel(), Padding(1)], ids=str
)
def test_head_is_answered_with_the_headers_of_the_fault_and_no_body(
    fleet: Fleet, caller: Caller, fault: AnswerFault
) -> None:
    fleet.arm(fault, 3001, times=2)
    shown = caller.get(STATUS)
    caller.send(ask("HEAD", STATUS) + ask("GET", LIST))
    head = caller.receive(bodiless=True)
    assert without(head.raw, "Date") == without(shown.raw[: -len(shown.body)], "Date")
    assert caller.receive().json["total"] == 1


@pytest.mark.parametrize("target", [STATUS, "/health", "/nowhere"])
def test_broken_json_is_as_long_as_it_says_and_does_not_parse(
    fleet: Fleet, caller: Caller, target: str
) -> None:
    true = truth(fleet, target)
    armed = fleet.arm(BrokenJson(), 3001, times=1)
    answer = caller.get(target)
    with pytest.raises(ValueError, match=r"line 1 column"):
        json.loads(answer.body)
    assert caller.hears_nothing()
    assert (answer.status, abs(len(true.body) / 2 - len(answer.body)) < 20) == (true.status, True)
    met = fired(fleet, armed)
    assert (met.target, ended(fleet, met.request)) == (target, (true.status, "answered", len(answer.raw)))
    assert caller.get(STATUS).json["status"] == "connected"


def test_a_true_body_arrives_under_another_content_type(fleet: Fleet, caller: Caller) -> None:
    true = truth(fleet)
    armed = fleet.arm(Relabel("text/plain"), 3001, times=1)
    answer = caller.get(STATUS)
    told = without(true.raw, "Date").replace(b"application/json; charset=utf-8", b"text/plain")
    assert without(answer.raw, "Date") == told
    assert ended(fleet, fired(fleet, armed).request) == (200, "answered", len(answer.raw))


def test_a_padded_answer_says_the_same_at_great_length(fleet: Fleet, caller: Caller) -> None:
    true = truth(fleet)
    armed = fleet.arm(Padding(5), 3001, times=1)
    answer = caller.get(STATUS)
    assert len(answer.body) == int(answer.headers["Content-Length"]) == 5_000_000
    assert answer.body.rstrip(b" ") == true.body
    heads = [without(one.raw[: -len(one.body)], "Date", "Content-Length") for one in (answer, true)]
    assert heads[0] == heads[1]
    assert ended(fleet, fired(fleet, armed).request) == (200, "answered", len(answer.raw))


@pytest.mark.parametrize(
    "location",
    [
        "http://127.0.0.1:3002/api/messages/send",
        "https://UPPER.example/%7e%2F//a/../b",
        "//other.example/path",
        "?only=query",
        "http://user:pass@host/",
        "http://host/a b|c^{d}",
        "http://bücher.example/ü?q=ß",
        "javascript:alert(1)",
    ],
)
def test_a_redirect_leads_byte_for_byte_to_the_ordered_location(
    fleet: Fleet, fresh: Caller, location: str
) -> None:
    armed = fleet.arm(Redirect(location), 3001, times=1)
    answer = fresh.get(STATUS)
    assert b"\r\nLocation: " + location.encode() + b"\r\n" in answer.raw
    assert answer.raw.count(b"Location: ") == 1
    assert ended(fleet, fired(fleet, armed).request) == (302, "answered", len(answer.raw))


@pytest.mark.parametrize("status", [301, 307])
def test_a_redirected_message_is_not_sent(fleet: Fleet, caller: Caller, status: int) -> None:
    fleet.arm(Redirect("http://elsewhere/", status), 3001, times=1)
    caller.send(ask("POST", SEND, POSTED))
    answer = caller.receive()
    assert answer.status == status
    assert int(answer.headers["Content-Length"]) == len(answer.body) > 0
    assert not entries(fleet, MessageDelivered)
    assert caller.get(STATUS).status == 200


@pytest.mark.parametrize("fault", [BrokenJson(), Relabel(), Padding(1)], ids=str)
def test_a_message_whose_answer_is_altered_is_sent(fleet: Fleet, fresh: Caller, fault: AnswerFault) -> None:
    armed = fleet.arm(fault, 3001, times=1)
    fresh.send(ask("POST", SEND, POSTED))
    assert fresh.receive().status == 200
    (delivered,) = entries(fleet, MessageDelivered)
    assert delivered.request == fired(fleet, armed).request

"""What arrives when another answer is given than the true one, whichever way instances run."""

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

DRESS = (
    rb"X-Powered-By: Express\r\nDate: [^\r]+ GMT\r\nConnection: keep-alive\r\nKeep-Alive: timeout=5\r\n\r\n"
)
JSON = rb"Content-Type: application/json; charset=utf-8\r\n"
LOCATIONS = [
    "http://127.0.0.1:3002/api/messages/send",
    "http://evil.example:8080/x?y=1#z",
    "https://UPPER.example/%7e%2F//a/../b",
    "//other.example/path",
    "/health",
    "?only=query",
    "http://[::1]:3003/",
    "http://user:pass@host/",
    "http://host/a b|c^{d}",
    "http://bücher.example/ü?q=ß",
    "javascript:alert(1)",
]


@pytest.fixture
def fleet(hosted: Fleet) -> Fleet:
    return hosted


def without(head: bytes, *names: str) -> bytes:
    """Give the bytes of a head without these headers."""
    for name in names:
        head = re.sub(rb"%s: [^\r]*\r\n" % name.encode(), b"", head)
    return head


@pytest.mark.parametrize(
    "status", [200, 201, 400, 401, 403, 404, 408, 418, 429, 500, 501, 502, 503, 504, 599]
)
@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (lambda status: Answer(status, b'{"error":"no"}'), JSON),
        (Answer.html, rb"Content-Type: text/html; charset=utf-8\r\n"),
        (Answer.empty, JSON),
    ],
    ids=["json", "html", "empty"],
)
def test_any_status_arrives_with_any_body(
    fleet: Fleet, caller: Caller, make: type[Answer], kind: bytes, status: int
) -> None:
    fault = make(status)
    armed = fleet.arm(fault, 3001, times=1)
    caller.send(ask("POST", SEND, POSTED) + ask("GET", STATUS))
    answer = caller.receive()
    length = rb"Content-Length: %d\r\n" % len(fault.body)
    head = answer.raw[: len(answer.raw) - len(answer.body)]
    assert re.fullmatch(rb"HTTP/1\.1 %d [ '\w-]+\r\n" % status + kind + length + DRESS, head)
    assert answer.body == fault.body
    met = fired(fleet, armed)
    assert (met.target, ended(fleet, met.request)) == (SEND, (status, "answered", len(answer.raw)))
    assert caller.receive().json["status"] == "connected"
    assert not entries(fleet, MessageDelivered)


@pytest.mark.parametrize(
    "fault", [Answer(503), Redirect("http://elsewhere/"), Relabel(), Padding(1)], ids=str
)
def test_head_is_answered_with_the_headers_of_the_fault_and_no_body(
    fleet: Fleet, caller: Caller, fault: Answer
) -> None:
    fleet.arm(fault, 3001, times=2)
    shown = caller.get(STATUS)
    caller.send(ask("HEAD", STATUS) + ask("GET", LIST))
    head = caller.receive(bodiless=True)
    assert without(head.raw, "Date") == without(shown.raw[: -len(shown.body)], "Date")
    assert caller.receive().json["total"] == 1


@pytest.mark.parametrize("target", [STATUS, LIST, "/health", "/nowhere"])
def test_broken_json_is_as_long_as_it_says_and_does_not_parse(
    fleet: Fleet, caller: Caller, target: str
) -> None:
    true = truth(fleet, target)
    armed = fleet.arm(BrokenJson(), 3001, times=1)
    answer = caller.get(target)
    with pytest.raises(ValueError, match=r"line 1 column"):
        json.loads(answer.body)
    assert caller.hears_nothing()
    assert answer.status == true.status
    assert len(true.body) / 2 - 20 < len(answer.body) < len(true.body) / 2 + 20
    if target in {STATUS, LIST}:
        assert answer.body == true.body[: len(true.body) // 2]
    met = fired(fleet, armed)
    assert (met.target, ended(fleet, met.request)) == (target, (true.status, "answered", len(answer.raw)))
    assert caller.get(STATUS).json["status"] == "connected"


@pytest.mark.parametrize(
    "content_type", ["text/html; charset=utf-8", "text/plain", "application/octet-stream"]
)
def test_a_true_body_arrives_under_another_content_type(
    fleet: Fleet, caller: Caller, content_type: str
) -> None:
    true = truth(fleet)
    armed = fleet.arm(Relabel(content_type), 3001, times=1)
    answer = caller.get(STATUS)
    told = without(true.raw, "Date").replace(
        b"Content-Type: application/json; charset=utf-8", f"Content-Type: {content_type}".encode()
    )
    assert without(answer.raw, "Date") == told
    assert ended(fleet, fired(fleet, armed).request) == (200, "answered", len(answer.raw))


@pytest.mark.parametrize("location", LOCATIONS)
def test_a_redirect_leads_byte_for_byte_where_it_was_ordered_to(
    fleet: Fleet, caller: Caller, location: str
) -> None:
    armed = fleet.arm(Redirect(location), 3001, times=1)
    answer = caller.get(STATUS)
    assert b"\r\nLocation: " + location.encode() + b"\r\n" in answer.raw
    assert answer.raw.count(b"Location: ") == 1
    assert ended(fleet, fired(fleet, armed).request) == (302, "answered", len(answer.raw))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirected_message_is_not_sent(fleet: Fleet, caller: Caller, status: int) -> None:
    location = fleet.url(3002) + SEND
    armed = fleet.arm(Redirect(location, status), 3001, times=1)
    caller.send(ask("POST", SEND, POSTED))
    answer = caller.receive()
    assert (answer.status, answer.headers["Location"]) == (status, location)
    assert int(answer.headers["Content-Length"]) == len(answer.body) > 0
    assert ended(fleet, fired(fleet, armed).request) == (status, "answered", len(answer.raw))
    assert not entries(fleet, MessageDelivered)
    assert caller.get(STATUS).status == 200


@pytest.mark.parametrize("megabytes", [1, 5])
def test_a_padded_answer_says_the_same_at_great_length(fleet: Fleet, caller: Caller, megabytes: int) -> None:
    true = truth(fleet)
    armed = fleet.arm(Padding(megabytes), 3001, times=1)
    answer = caller.get(STATUS)
    assert len(answer.body) == int(answer.headers["Content-Length"]) == megabytes * 1_000_000
    assert answer.json == true.json
    assert answer.body.rstrip(b" ") == true.body
    head = answer.raw[: len(answer.raw) - len(answer.body)]
    assert without(head, "Date", "Content-Length") == without(
        true.raw[: -len(true.body)], "Date", "Content-Length"
    )
    assert ended(fleet, fired(fleet, armed).request) == (200, "answered", len(answer.raw))
    assert caller.get(STATUS).body == true.body


@pytest.mark.parametrize("fault", [BrokenJson(), Relabel(), Padding(1)], ids=str)
def test_a_message_whose_answer_is_altered_is_sent(
    fleet: Fleet, caller: Caller, fault: BrokenJson | Relabel | Padding
) -> None:
    armed = fleet.arm(fault, 3001, times=1)
    caller.send(ask("POST", SEND, POSTED))
    assert caller.receive().status == 200
    (delivered,) = entries(fleet, MessageDelivered)
    assert delivered.request == fired(fleet, armed).request

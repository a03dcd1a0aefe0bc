"""What arrives under each wire fault, seen by a raw socket on a fresh and on a kept-alive connection."""

from __future__ import annotations

import re
import threading
import time
from typing import TYPE_CHECKING

import pytest

from fake_instances.faults import ROUTES, Close, Delay, Drip, Hang, Padding, Reset, Truncate
from fake_instances.journal import (
    AnswerBegun,
    Entry,
    FaultExecuted,
    FaultMatched,
    MessageDelivered,
    RequestArrived,
)
from tests.fake_instances.support import (
    LIST,
    PATIENCE,
    POSTED,
    SEND,
    STATUS,
    Caller,
    ask,
    ended,
    entries,
    eventually,
    fired,
    kinds,
    receipts,
    truth,
)

if TYPE_CHECKING:
    from fake_instances import Fleet
    from fake_instances.faults import Fault, WireFault

SWALLOWING = [(Close(), "FIN"), (Reset(), "RST")]
HEAD = rb"HTTP/1\.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: %d\r\n"


def undated(raw: bytes) -> bytes:
    return re.sub(rb"Date: [^\r]*", b"Date: -", raw)


def head_of(raw: bytes) -> bytes:
    return raw[: raw.index(b"\r\n\r\n") + 4]


# Silence


def test_a_hang_before_the_headers_is_silence_on_an_open_connection(fleet: Fleet, caller: Caller) -> None:
    fault = fleet.arm(Hang(), 3001)
    caller.send(ask("POST", SEND, POSTED) + ask("GET", STATUS))
    met = fired(fleet, fault)
    assert caller.hears_nothing()
    assert (fleet.hanging(3001), met.target, fleet.settle(0)) == (1, SEND, True)
    fleet.clear()
    assert caller.until_the_end() == (b"", "FIN")
    assert ended(fleet, met.request) == (None, "closed", 0)
    assert fleet.hanging(3001) == 0
    assert entries(fleet, RequestArrived)[-1] == met
    assert not entries(fleet, MessageDelivered)
    once = [("matched", met.request), ("executed", met.request)]
    assert receipts(fleet, fault) == [("armed", None), *once, ("cleared", None)]


@pytest.mark.parametrize("after", [0, 50])
def test_a_hang_in_the_body_comes_after_exactly_so_many_bytes(
    fleet: Fleet, caller: Caller, after: int
) -> None:
    true = truth(fleet)
    fault = fleet.arm(Hang(after), 3001)
    caller.send(ask("GET", STATUS))
    head = caller.receive_head()
    assert undated(head) == undated(head_of(true.raw))
    assert caller.take(after) == true.body[:after]
    met = fired(fleet, fault)
    assert caller.hears_nothing()
    fleet.clear()
    assert caller.until_the_end() == (b"", "FIN")
    assert ended(fleet, met.request) == (200, "closed", len(head) + after)


def test_a_hang_after_more_than_the_body_keeps_the_connection_silent(fleet: Fleet, caller: Caller) -> None:
    fleet.arm(Hang(10_000), 3001)
    caller.send(ask("GET", STATUS))
    assert caller.receive().status == 200
    caller.send(ask("GET", LIST))
    assert caller.hears_nothing()


@pytest.mark.parametrize("fault", [Hang(), Delay(600)], ids=str)
@pytest.mark.parametrize("abruptly", [False, True], ids=["in order", "abruptly"])
@pytest.mark.parametrize(
    "more", [b"", b"garbage\r\n\r\n", ask("GET", LIST), b"x" * 300_000], ids=["", "garbage", "get", "much"]
)
def test_a_request_is_silent_whatever_its_caller_sends_until_the_caller_leaves(
    fleet: Fleet, fresh: Caller, fault: Fault, more: bytes, *, abruptly: bool
) -> None:
    armed = fleet.arm(fault, 3001)
    fresh.send(ask("GET", STATUS))
    met = fired(fleet, armed)
    fresh.send(more)
    assert fresh.hears_nothing()
    fresh.leave(abruptly=abruptly)
    assert ended(fleet, met.request) == (None, "caller left", 0)
    assert entries(fleet, RequestArrived) == [met]
    assert not entries(fleet, AnswerBegun)


def test_clearing_one_fault_lets_only_its_own_requests_go(fleet: Fleet) -> None:
    first, second = fleet.arm(Hang(), 3001, times=1), fleet.arm(Hang(), 3001)
    with Caller(fleet) as one, Caller(fleet) as other:
        one.send(ask("GET", STATUS))
        fired(fleet, first)
        other.send(ask("GET", STATUS))
        fired(fleet, second)
        fleet.clear(fault=first)
        assert one.rest() == b""
        assert other.hears_nothing()
        fleet.clear(on=3001, fault=second)
        assert other.rest() == b""


def test_a_request_that_meets_a_fault_just_being_cleared_is_let_go(fleet: Fleet, caller: Caller) -> None:
    fleet.journal.observe(lambda entry: fleet.clear() if isinstance(entry, FaultMatched) else None)
    fleet.arm(Hang(), 3001)
    caller.send(ask("GET", STATUS))
    assert caller.rest() == b""
    eventually(fleet, lambda: fleet.hanging(3001) == 0)


@pytest.mark.parametrize("fault", [Hang(0), Reset(0), Truncate(5), Drip(100, 0.001)], ids=str)
def test_a_request_whose_answer_fails_after_its_headers_is_carried_out_once(
    fleet: Fleet, fresh: Caller, fault: WireFault
) -> None:
    armed = fleet.arm(fault, 3001)
    fresh.send(ask("POST", SEND, POSTED))
    met = fired(fleet, armed)
    assert fresh.receive_head().startswith(b"HTTP/1.1 200 OK\r\n")
    (delivered,) = entries(fleet, MessageDelivered)
    assert (delivered.request, delivered.text) == (met.request, "héllo ✓")


# The end of the connection


@pytest.mark.parametrize(("fault", "end"), SWALLOWING, ids=str)
@pytest.mark.parametrize(
    "asked", [ask("GET", STATUS), ask("HEAD", STATUS), ask("POST", SEND, POSTED)], ids=["get", "head", "send"]
)
def test_a_connection_that_ends_without_an_answer_ends_as_ordered(
    fleet: Fleet, caller: Caller, fault: WireFault, end: str, asked: bytes
) -> None:
    armed = fleet.arm(fault, 3001)
    caller.send(asked)
    assert caller.until_the_end() == (b"", end)
    assert ended(fleet, fired(fleet, armed).request) == (None, "closed", 0)
    assert not entries(fleet, MessageDelivered)


@pytest.mark.parametrize(("fault", "end"), [*SWALLOWING, (Reset(3), "RST"), (Truncate(3), "FIN")], ids=str)
def test_a_request_after_one_that_ends_the_connection_is_not_read(
    fleet: Fleet, caller: Caller, fault: WireFault, end: str
) -> None:
    armed = fleet.arm(fault, 3001, times=1)
    caller.send(ask("GET", STATUS) + ask("POST", SEND, POSTED))
    data, how = caller.until_the_end()
    assert (how, data.count(b"HTTP/1.1")) == (end, 0 if fault.swallows else 1)
    assert entries(fleet, RequestArrived)[-1] == fired(fleet, armed)
    assert truth(fleet).status == 200


@pytest.mark.parametrize("fault", [Close(), Truncate(3)], ids=str)
def test_a_connection_that_ends_in_order_does_so_though_bytes_of_the_caller_are_unread(
    fleet: Fleet, caller: Caller, fault: WireFault
) -> None:
    read, sent = threading.Event(), threading.Event()

    def wait_for_more(entry: Entry) -> None:
        if isinstance(entry, FaultMatched):
            read.set()
            sent.wait(PATIENCE)

    fleet.journal.observe(wait_for_more)
    armed = fleet.arm(fault, 3001)
    caller.send(ask("GET", STATUS))
    assert read.wait(PATIENCE)
    caller.send(ask("GET", LIST))
    sent.set()
    assert caller.until_the_end()[1] == "FIN"
    ended(fleet, fired(fleet, armed).request)
    assert caller.error() == 0  # no RST follows


@pytest.mark.parametrize("after", [0, 50])
def test_a_reset_in_the_body_comes_after_exactly_so_many_bytes(
    fleet: Fleet, caller: Caller, after: int
) -> None:
    true = truth(fleet)
    fault = fleet.arm(Reset(after), 3001)
    caller.send(ask("GET", STATUS))
    data, end = caller.until_the_end()
    head = head_of(data)
    assert undated(head) == undated(head_of(true.raw))
    assert (data[len(head) :], end) == (true.body[:after], "RST")
    assert ended(fleet, fired(fleet, fault).request) == (200, "closed", len(data))


def test_a_reset_in_a_body_of_megabytes_comes_after_exactly_so_many_bytes(
    fleet: Fleet, fresh: Caller
) -> None:
    fleet.arm(Padding(6), 3001)
    fault = fleet.arm(Reset(5_000_000), 3001)
    fresh.send(ask("GET", STATUS))
    data, end = fresh.until_the_end()
    head = head_of(data)
    assert re.match(HEAD % 6_000_000, head)
    assert (len(data) - len(head), end) == (5_000_000, "RST")
    assert ended(fleet, fired(fleet, fault).request) == (200, "closed", len(data))


@pytest.mark.parametrize("missing", [1, 40, 100_000])
def test_a_truncated_answer_promises_exactly_so_much_more_than_comes(
    fleet: Fleet, caller: Caller, missing: int
) -> None:
    true = truth(fleet)
    kept = true.body[: max(0, len(true.body) - missing)]
    fault = fleet.arm(Truncate(missing), 3001)
    caller.send(ask("GET", STATUS))
    data, end = caller.until_the_end()
    head = head_of(data)
    assert re.match(HEAD % (len(kept) + missing), head)
    assert (data[len(head) :], end) == (kept, "FIN")
    assert ended(fleet, fired(fleet, fault).request) == (200, "closed", len(data))


def test_an_answer_without_a_body_cannot_be_truncated_and_leaves_no_receipt_of_it(
    fleet: Fleet, fresh: Caller
) -> None:
    fault = fleet.arm(Truncate(5), 3001, times=1)
    fresh.send(ask("HEAD", STATUS) + ask("GET", LIST))
    assert fresh.receive(bodiless=True).status == 200
    assert fresh.receive().json["total"] == 1
    assert kinds(fleet, fault) == ["armed", "matched"]


# Slowness


@pytest.mark.parametrize(("size", "every"), [(1, 0.0005), (97, 0.02)])
def test_a_dripped_answer_comes_whole_in_pieces_and_not_sooner(
    fleet: Fleet, caller: Caller, size: int, every: float
) -> None:
    true = truth(fleet)
    fault = fleet.arm(Drip(size, every), 3001, times=1)
    caller.send(ask("GET", STATUS) + ask("GET", LIST))
    started = time.monotonic()
    pieces = caller.pieces(len(true.raw))
    whole = b"".join(data for _, data in pieces)
    assert undated(whole[: len(true.raw)]) == undated(true.raw)
    assert pieces[-1][0] - started >= every * (len(true.raw) // size - 1)
    if every > 0.01:  # a piece may be late, and then come with the next one
        assert len(pieces) > 1
        assert {len(data) % size for _, data in pieces[:-1]} == {0}
    met = fired(fleet, fault)
    assert ended(fleet, met.request) == (200, "answered", len(true.raw))
    caller.put_back(whole[len(true.raw) :])
    assert caller.receive().json["total"] == 1


@pytest.mark.parametrize("leaves", [True, False], ids=["left", "cleared"])
def test_a_dripped_answer_ends_when_its_caller_leaves_or_the_fault_is_cleared(
    fleet: Fleet, caller: Caller, *, leaves: bool
) -> None:
    fault = fleet.arm(Drip(10, 60), 3001)
    caller.send(ask("GET", STATUS))
    assert caller.take(10) == b"HTTP/1.1 2"
    assert caller.hears_nothing()
    if leaves:
        caller.leave()
    else:
        fleet.clear()
        assert caller.until_the_end() == (b"", "FIN")
    ending = "caller left" if leaves else "closed"
    assert ended(fleet, fired(fleet, fault).request) == (200, ending, 10)


def test_a_late_answer_is_identical_and_not_early(fleet: Fleet, caller: Caller) -> None:
    true = truth(fleet)
    fault = fleet.arm(Delay(0.15), 3001, times=1)
    caller.send(ask("GET", STATUS) + ask("GET", LIST))
    started = time.monotonic()
    late = caller.receive()
    assert time.monotonic() - started >= 0.14  # what was sent may have been read before we looked
    assert undated(late.raw) == undated(true.raw)
    assert ended(fleet, fired(fleet, fault).request) == (200, "answered", len(late.raw))
    assert caller.receive().json["total"] == 1


def test_a_message_answered_late_is_delivered_at_once(fleet: Fleet, caller: Caller) -> None:
    fault = fleet.arm(Delay(600), 3001)
    caller.send(ask("POST", SEND, POSTED))
    met = fired(fleet, fault)
    (delivered,) = entries(fleet, MessageDelivered)
    assert (delivered.request, fleet.settle(0)) == (met.request, True)
    assert caller.hears_nothing()
    fleet.stop()
    assert caller.is_cut()
    assert ended(fleet, met.request) == (None, "closed", 0)


@pytest.mark.parametrize(
    "fault", [Close(), Reset(), Reset(4), Truncate(4), Hang(), Hang(4), Drip(1, 60)], ids=str
)
def test_a_wire_fault_happens_on_every_route_of_its_instance_alone(fleet: Fleet, fault: WireFault) -> None:
    targets = ["/health", "/health/detailed", "/health/ready", LIST, STATUS, "/info", "/nowhere"]
    armed = fleet.arm(fault, 3001, ROUTES)
    with Caller(fleet, 3002) as elsewhere:
        assert [elsewhere.get(target).status for target in targets] == [200] * 4 + [404, 200, 404]
    for target in targets:
        with Caller(fleet) as caller:
            before = fleet.journal.last
            caller.send(ask("GET", target))
            fleet.journal.wait_for(FaultExecuted, timeout=PATIENCE, after=before, fault=armed)
            assert entries(fleet, RequestArrived)[-1].target == target

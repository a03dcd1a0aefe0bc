"""What arrives under each fault of wire and listener, seen by a raw socket, fresh and kept alive."""

from __future__ import annotations

import errno
import re
import socket
import threading
import time
from typing import TYPE_CHECKING

import pytest

from fake_instances.faults import Close, Delay, Drip, Hang, Padding, Refuse, Reset, ResetOnAccept, Truncate
from fake_instances.journal import (
    AnswerBegun,
    Entry,
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
    address_of,
    ask,
    ended,
    entries,
    eventually,
    fired,
    kinds,
    observe,
    receipts,
    truth,
)

if TYPE_CHECKING:
    from fake_instances import Fleet
    from fake_instances.faults import Fault, WireFault
    from tests.fake_instances.support import Received

SWALLOWING = [Hang(), Close(), Reset()]
HEAD = rb"HTTP/1\.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: %d\r\n"


def undated(raw: bytes) -> bytes:
    return re.sub(rb"Date: [^\r]*", b"Date: -", raw)


def head_of(raw: bytes) -> bytes:
    return raw[: raw.index(b"\r\n\r\n") + 4]


# Exactly these bytes


def arriving(true: Received, fault: WireFault) -> bytes:
    """Return what arrives of a true answer under a fault, with the Content-Length that stands in it."""
    head, body = head_of(true.raw), true.body
    match fault:
        case Hang(after=int(after)) | Reset(after=int(after)):
            return head + body[:after]
        case Truncate(missing=missing):
            kept = body[: max(0, len(body) - missing)]
            promised = b"Content-Length: %d" % (len(kept) + missing)
            return re.sub(rb"Content-Length: \d+", promised, head) + kept
    return b""


PARTIAL = [Hang(0), Hang(50), Hang(9999), Reset(0), Reset(50)]
CUT = [Truncate(1), Truncate(40), Truncate(9999)]


@pytest.mark.parametrize(
    ("method", "fault"),
    [
        *(("GET", one) for one in (*SWALLOWING, *PARTIAL, *CUT)),
        *(("HEAD", one) for one in SWALLOWING + PARTIAL),
    ],
    ids=str,
)
def test_exactly_these_bytes_arrive_and_the_connection_ends_as_ordered(
    fleet: Fleet, caller: Caller, method: str, fault: WireFault
) -> None:
    true = truth(fleet)
    armed = fleet.arm(fault, 3001)
    expected = arriving(true, fault)
    if method == "HEAD":
        expected = expected and head_of(expected)
    caller.send(ask(method, STATUS))
    met = fired(fleet, armed)
    arrived, end = b"", "RST" if isinstance(fault, Reset) else "FIN"
    if isinstance(fault, Hang):
        arrived = caller.take(len(expected))
        assert caller.hears_nothing()
        assert (fleet.hanging(3001), fleet.settle(0)) == (1, True)
        fleet.clear()
    rest, how = caller.until_the_end()
    assert (undated(arrived + rest), how) == (undated(expected), end)
    assert ended(fleet, met.request) == (200 if expected else None, "closed", len(expected))
    assert fleet.hanging(3001) == 0


@pytest.mark.parametrize("fault", SWALLOWING, ids=str)
def test_a_request_that_is_swallowed_is_not_carried_out(
    fleet: Fleet, caller: Caller, fault: WireFault
) -> None:
    armed = fleet.arm(fault, 3001)
    caller.send(ask("POST", SEND, POSTED) + ask("GET", STATUS))
    met = fired(fleet, armed)
    fleet.clear()
    assert caller.until_the_end()[0] == b""
    assert entries(fleet, RequestArrived)[-1] == met
    assert not entries(fleet, MessageDelivered)
    once = [("matched", met.request), ("executed", met.request)]
    assert receipts(fleet, armed) == [("armed", None), *once, ("cleared", None)]


# Silence


@pytest.mark.parametrize("fault", [Hang(), Delay(600)], ids=str)
@pytest.mark.parametrize("abruptly", [False, True], ids=["in order", "abruptly"])
@pytest.mark.parametrize(
    "more", [b"", b"garbage\r\n\r\n", ask("GET", LIST), b"x" * 300_000], ids=["", "garbage", "get", "much"]
)
def test_a_request_stays_silent_until_its_caller_leaves_even_if_more_is_sent(
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
    observe(fleet.journal, lambda entry: fleet.clear() if isinstance(entry, FaultMatched) else None)
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


@pytest.mark.parametrize("fault", [Close(), Reset(), Reset(3), Truncate(3)], ids=str)
def test_a_request_after_one_that_ends_the_connection_is_not_read(
    fleet: Fleet, caller: Caller, fault: WireFault
) -> None:
    armed = fleet.arm(fault, 3001, times=1)
    caller.send(ask("GET", STATUS) + ask("POST", SEND, POSTED))
    data, _ = caller.until_the_end()
    assert data.count(b"HTTP/1.1") == (0 if fault.swallows else 1)
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

    observe(fleet.journal, wait_for_more)
    armed = fleet.arm(fault, 3001)
    caller.send(ask("GET", STATUS))
    assert read.wait(PATIENCE)
    caller.send(ask("GET", LIST))
    sent.set()
    assert caller.until_the_end()[1] == "FIN"
    ended(fleet, fired(fleet, armed).request)
    assert caller.error() == 0  # no RST follows


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


# The listener


def end_of_new(fleet: Fleet) -> tuple[bytes, str]:
    """Connect, and return how the connection ends; a reset may come before the system says it is there."""
    try:
        with Caller(fleet) as new:
            return new.until_the_end()
    except ConnectionResetError:
        return b"", "RST"


def refused(fleet: Fleet, number: int = 3001) -> bool:
    try:
        Caller(fleet, number).leave()
    except ConnectionRefusedError:
        return True
    return False


def test_an_instance_that_refuses_is_refused_by_the_system_and_keeps_its_port(
    fleet: Fleet, caller: Caller
) -> None:
    address = address_of(fleet.url(3001))
    fault = fleet.arm(Refuse(), 3001)
    assert caller.is_cut()  # by RST where it was not accepted yet
    for _ in range(3):
        with pytest.raises(ConnectionRefusedError) as told:
            socket.create_connection(address, PATIENCE)
        assert told.value.errno == errno.ECONNREFUSED
    assert not refused(fleet, 3002)
    with socket.socket() as other, pytest.raises(OSError, match="in use") as taken:
        other.bind(address)
    assert taken.value.errno == errno.EADDRINUSE
    fleet.clear(fault=fault)
    assert address_of(fleet.url(3001)) == address
    assert truth(fleet).status == 200
    assert receipts(fleet, fault) == [("armed", None), ("executed", None), ("cleared", None)]


@pytest.mark.parametrize("fault", [Hang(), Delay(600)], ids=str)
def test_refusing_cuts_requests_that_wait(fleet: Fleet, caller: Caller, fault: Fault) -> None:
    armed = fleet.arm(fault, 3001)
    caller.send(ask("GET", STATUS))
    met = fired(fleet, armed)
    fleet.arm(Refuse(), 3001)
    assert caller.is_cut()
    assert ended(fleet, met.request) == (None, "closed", 0)


def test_an_instance_refuses_until_its_last_refusal_is_cleared_even_through_a_restart(fleet: Fleet) -> None:
    first, second = (fleet.arm(Refuse(), 3001) for _ in range(2))
    fleet.clear(fault=first)
    assert refused(fleet)
    fleet.restart(3001)
    assert refused(fleet)
    fleet.clear(fault=second)
    assert not refused(fleet)


def test_connections_are_reset_on_accept_with_nothing_read_while_living_ones_go_on(fleet: Fleet) -> None:
    with Caller(fleet) as living:
        assert living.get(STATUS).status == 200
        arrived = len(entries(fleet, RequestArrived))
        fault = fleet.arm(ResetOnAccept(), 3001, times=2)
        for _ in range(2):
            assert end_of_new(fleet) == (b"", "RST")
        assert len(entries(fleet, RequestArrived)) == arrived
        assert (living.get(STATUS).status, truth(fleet).status) == (200, 200)
        with Caller(fleet, 3002) as elsewhere:
            assert elsewhere.get(LIST).status == 200
    once = [("matched", None), ("executed", None)]
    assert receipts(fleet, fault) == [("armed", None), *once, *once]

"""Faults under which no answer comes: an instance that hangs, and one that refuses connections."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from fake_instances.faults import VERIFICATION, Endpoint, Hang, Refuse
from fake_instances.journal import (
    AnswerBegun,
    Entry,
    FaultArmed,
    FaultCleared,
    FaultExecuted,
    FaultMatched,
    MessageDelivered,
    RequestArrived,
    RequestCompleted,
)
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

LISTENER = {Endpoint.LISTENER}


def hang(fleet: Fleet, caller: Caller, request: bytes) -> int:
    """Send a request that hangs, and give its number when it does."""
    before = fleet.journal.last
    caller.send(request)
    executed = fleet.journal.wait_for(FaultExecuted, timeout=PATIENCE, after=before)
    assert executed.request is not None
    return executed.request


def ending(fleet: Fleet, request: int) -> RequestCompleted:
    return fleet.journal.wait_for(RequestCompleted, timeout=PATIENCE, request=request)


def refused(fleet: Fleet, number: int = 3001) -> bool:
    try:
        Caller(fleet, number).leave()
    except ConnectionRefusedError:
        return True
    return False


def test_a_hung_request_hears_nothing_until_the_fault_is_cleared(fleet: Fleet, caller: Caller) -> None:
    fault = fleet.arm(Hang(), 3001, VERIFICATION)
    request = hang(fleet, caller, ask("GET", STATUS))
    assert caller.hears_nothing()
    assert fleet.hanging(3001) == 1
    fleet.clear()
    assert caller.rest() == b""
    ended = ending(fleet, request)
    assert (ended.status, ended.ending, ended.sent) == (None, "closed", 0)
    assert fleet.hanging(3001) == 0
    told = [
        (type(entry), getattr(entry, "request", None))
        for kind in (FaultArmed, FaultMatched, FaultExecuted, FaultCleared)
        for entry in entries(fleet, kind)
        if entry.fault == fault
    ]
    assert told == [
        (FaultArmed, None),
        (FaultMatched, request),
        (FaultExecuted, request),
        (FaultCleared, None),
    ]
    assert request not in [entry.request for entry in entries(fleet, AnswerBegun)]


@pytest.mark.parametrize("abruptly", [False, True], ids=["in order", "abruptly"])
def test_a_caller_who_gives_up_a_hung_request_is_noticed(
    fleet: Fleet, caller: Caller, *, abruptly: bool
) -> None:
    fleet.arm(Hang(), 3001, VERIFICATION)
    request = hang(fleet, caller, ask("GET", STATUS))
    caller.leave(abruptly=abruptly)
    ended = ending(fleet, request)
    assert (ended.status, ended.ending, ended.sent) == (None, "caller left", 0)
    assert fleet.hanging(3001) == 0


@pytest.mark.parametrize(
    "more", [b"garbage\r\n\r\n", ask("GET", LIST), b"x" * 300_000], ids=["garbage", "a request", "much"]
)
def test_a_hung_request_hangs_whatever_its_caller_sends_behind_it(
    fleet: Fleet, caller: Caller, more: bytes
) -> None:
    fleet.arm(Hang(), 3001, VERIFICATION)
    request = hang(fleet, caller, ask("GET", STATUS))
    caller.send(more)
    assert caller.hears_nothing()
    arrived = len(entries(fleet, RequestArrived))
    caller.leave()
    assert ending(fleet, request).ending == "caller left"
    assert len(entries(fleet, RequestArrived)) == arrived


def test_a_request_that_meets_a_fault_just_being_cleared_is_let_go(fleet: Fleet, caller: Caller) -> None:
    def clear_when_met(entry: Entry) -> None:
        if isinstance(entry, FaultMatched):
            fleet.clear()

    fleet.journal.observe(clear_when_met)
    fleet.arm(Hang(), 3001, VERIFICATION)
    caller.send(ask("GET", STATUS))
    assert caller.rest() == b""
    eventually(fleet, lambda: fleet.hanging(3001) == 0)


def test_a_hung_request_is_not_carried_out(fleet: Fleet, fresh: Caller) -> None:
    fleet.arm(Hang(), 3001, {Endpoint.SEND})
    hang(fleet, fresh, ask("POST", SEND, json.dumps(MESSAGE).encode()))
    fleet.clear()
    assert fresh.rest() == b""
    assert not entries(fleet, MessageDelivered)


def test_clearing_one_fault_lets_only_its_own_requests_go(fleet: Fleet) -> None:
    first = fleet.arm(Hang(), 3001, {Endpoint.SESSION_STATUS}, times=1)
    second = fleet.arm(Hang(), 3001, {Endpoint.SESSION_STATUS})
    with Caller(fleet) as one, Caller(fleet) as other:
        hang(fleet, one, ask("GET", STATUS))
        hang(fleet, other, ask("GET", STATUS))
        fleet.clear(fault=first)
        assert one.rest() == b""
        assert other.hears_nothing()
        fleet.clear(on=3001, fault=second)
        assert other.rest() == b""


def test_requests_that_hang_starve_nobody(fleet: Fleet) -> None:
    fleet.arm(Hang(), 3001, {Endpoint.SESSION_STATUS})
    hung = [Caller(fleet) for _ in range(50)]
    for one in hung:
        one.send(ask("GET", STATUS))
    eventually(fleet, lambda: fleet.hanging(3001) == 50)
    for number in fleet.numbers:
        with Caller(fleet, number) as other:
            assert other.get(LIST).status == 200
    assert all(one.hears_nothing() for one in hung[:2])
    fleet.clear()
    assert [one.rest() for one in hung] == [b""] * 50
    for one in hung:
        one.leave()


def test_settling_does_not_wait_for_requests_that_hang(fleet: Fleet, fresh: Caller) -> None:
    fleet.arm(Hang(), 3001, VERIFICATION)
    hang(fleet, fresh, ask("GET", STATUS))
    assert fleet.settle(0)


def test_an_instance_that_refuses_cuts_live_connections_and_lets_nobody_in(
    fleet: Fleet, caller: Caller
) -> None:
    fleet.arm(Refuse(), 3001, LISTENER)
    assert caller.is_cut()
    assert refused(fleet)
    assert not refused(fleet, 3002)
    (executed,) = entries(fleet, FaultExecuted)
    assert (executed.instance, executed.words, executed.request) == (3001, "refuses connections", None)


def test_an_instance_that_no_longer_refuses_listens_on_the_same_port(fleet: Fleet) -> None:
    url = fleet.url(3001)
    fleet.arm(Refuse(), 3001, LISTENER)
    fleet.clear()
    assert fleet.url(3001) == url
    with Caller(fleet) as caller:
        assert caller.get(STATUS).json["status"] == "connected"


def test_refusing_cuts_requests_that_hang(fleet: Fleet, caller: Caller) -> None:
    fleet.arm(Hang(), 3001, VERIFICATION)
    request = hang(fleet, caller, ask("GET", STATUS))
    fleet.arm(Refuse(), 3001, LISTENER)
    assert caller.is_cut()
    assert ending(fleet, request).ending == "closed"


def test_an_instance_refuses_until_its_last_refusal_is_cleared(fleet: Fleet) -> None:
    first, second = (fleet.arm(Refuse(), 3001, LISTENER) for _ in range(2))
    fleet.clear(fault=first)
    assert refused(fleet)
    fleet.clear(fault=second)
    assert not refused(fleet)


def test_an_instance_restarted_while_it_refuses_goes_on_refusing(fleet: Fleet) -> None:
    fleet.arm(Refuse(), 3001, LISTENER)
    fleet.restart(3001, keep_sessions=False)
    assert refused(fleet)
    fleet.clear()
    assert not refused(fleet)


def test_clearing_a_refusal_does_not_start_a_stopped_instance(fleet: Fleet) -> None:
    fleet.arm(Refuse(), 3001, LISTENER)
    fleet.stop()
    fleet.clear()
    assert refused(fleet)
    fleet.start()
    assert not refused(fleet)

"""Faults of the listener: an instance that refuses connections, and one that resets them on accept."""

from __future__ import annotations

import errno
import socket
from typing import TYPE_CHECKING

import pytest

from fake_instances.faults import Delay, Hang, Refuse, ResetOnAccept
from fake_instances.journal import RequestArrived
from tests.fake_instances.support import (
    LIST,
    PATIENCE,
    STATUS,
    Caller,
    address_of,
    ask,
    ended,
    entries,
    fired,
    receipts,
    truth,
)

if TYPE_CHECKING:
    from fake_instances import Fleet
    from fake_instances.faults import Fault


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


def test_clearing_a_refusal_does_not_start_a_stopped_instance(fleet: Fleet) -> None:
    fleet.arm(Refuse(), 3001)
    fleet.stop()
    fleet.clear()
    assert refused(fleet)
    fleet.start()
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

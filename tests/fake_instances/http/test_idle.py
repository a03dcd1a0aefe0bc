"""Connections that wait for their next request: closed in time, at once, or never."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from fake_instances.faults import CloseIdle, Hang, KeepIdle
from fake_instances.http import connection
from tests.fake_instances.support import MESSAGE, SEND, STATUS, Caller, ask, kinds

if TYPE_CHECKING:
    from fake_instances import Fleet

SOON = 0.2


@pytest.fixture
def closing_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "KEEP_ALIVE_SECONDS", SOON)


def test_five_seconds_are_promised_and_kept(fresh: Caller) -> None:
    assert fresh.get(STATUS).headers["Keep-Alive"] == f"timeout={connection.KEEP_ALIVE_SECONDS}"


@pytest.mark.usefixtures("closing_soon")
@pytest.mark.parametrize("after", ["a GET", "a POST"])
def test_an_idle_connection_is_closed_in_time(fresh: Caller, after: str) -> None:
    assert (fresh.get(STATUS) if after == "a GET" else fresh.post(SEND, MESSAGE)).status == 200
    began = time.monotonic()
    assert fresh.is_cut()
    assert SOON * 0.5 < time.monotonic() - began < SOON + 3


@pytest.mark.usefixtures("closing_soon")
def test_of_several_each_is_closed_in_its_time_and_one_that_was_not_used_stays(fleet: Fleet) -> None:
    with Caller(fleet) as unused, Caller(fleet) as one, Caller(fleet) as other:
        assert (one.get(STATUS).status, other.get(STATUS).status) == (200, 200)
        assert one.is_cut()
        assert other.is_cut()
        assert unused.get(STATUS).status == 200


@pytest.mark.usefixtures("closing_soon")
def test_a_caller_that_closed_first_is_waited_for_no_longer(fleet: Fleet) -> None:
    with Caller(fleet) as staying:
        with Caller(fleet) as leaving:
            assert leaving.get(STATUS).status == 200
        assert staying.get(STATUS).status == 200
        # Its time comes after the other's.
        assert staying.is_cut()
    with Caller(fleet) as next_one:
        assert next_one.get(STATUS).status == 200


def test_what_closes_idle_connections_says_it_keeps_them(fleet: Fleet, fresh: Caller) -> None:
    fault = fleet.arm(CloseIdle(), 3001, times=1)
    answered = fresh.get(STATUS)
    assert (answered.status, answered.headers["Connection"]) == (200, "keep-alive")
    assert fresh.is_cut()
    assert kinds(fleet, fault) == ["armed", "matched", "executed"]


def test_a_caller_that_asks_for_the_end_does_not_meet_it(fleet: Fleet, fresh: Caller) -> None:
    fault = fleet.arm(CloseIdle(), 3001)
    fresh.send(ask("GET", STATUS, None, "Connection: close"))
    assert fresh.receive().status == 200
    assert fresh.is_cut()
    assert "executed" not in kinds(fleet, fault)


@pytest.mark.usefixtures("closing_soon")
def test_one_that_keeps_idle_connections_closes_none(fleet: Fleet) -> None:
    fleet.arm(KeepIdle(), 3001, times=1)
    with Caller(fleet) as kept, Caller(fleet) as timer:
        assert (kept.get(STATUS).status, timer.get(STATUS).status) == (200, 200)
        assert timer.is_cut()
        assert kept.get(STATUS).status == 200


@pytest.mark.usefixtures("closing_soon")
def test_a_connection_that_waits_for_its_answer_is_not_idle(fleet: Fleet, fresh: Caller) -> None:
    assert fresh.get(STATUS).status == 200
    fleet.arm(Hang(), 3001)
    fresh.send(ask("GET", STATUS))
    with Caller(fleet, 3002) as timer:
        assert timer.get("/health").status == 200
        assert timer.is_cut()
    assert fresh.hears_nothing()

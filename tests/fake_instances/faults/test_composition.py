"""Faults together, which requests they are met by, and chance that replays; whichever way instances run."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from fake_instances import SessionStatus
from fake_instances.errors import FaultError
from fake_instances.faults import (
    Answer,
    BrokenJson,
    Close,
    Delay,
    Drip,
    Endpoint,
    Fault,
    Hang,
    Misreports,
    Refuse,
    Relabel,
    Reset,
    ResetOnAccept,
    Truncate,
)
from fake_instances.journal import FaultArmed, FaultMatched
from tests.fake_instances.support import (
    API_KEY,
    LIST,
    MESSAGE,
    SEND,
    SESSION_ID,
    STATUS,
    Caller,
    ask,
    ended,
    entries,
    fired,
    receipts,
    truth,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from fake_instances import Fleet


@pytest.fixture
def fleet(hosted: Fleet) -> Fleet:
    return hosted


def kinds(fleet: Fleet, fault: int) -> list[str]:
    return [kind for kind, _ in receipts(fleet, fault)]


def pattern(fleet: Fleet, number: int = 3001, requests: int = 40) -> list[bool]:
    with Caller(fleet, number) as caller:
        return [caller.get("/health").status == 500 for _ in range(requests)]


def test_a_lie_goes_out_late_and_in_drips(fleet: Fleet, caller: Caller) -> None:
    faults = [Misreports(SESSION_ID, SessionStatus.FAILED), Delay(0.1), Drip(50, 0.001)]
    armed = [fleet.arm(fault, 3001, {Endpoint.SESSION_STATUS}) for fault in faults]
    started = time.monotonic()
    answer = caller.get(STATUS)
    assert time.monotonic() - started >= 0.1
    assert answer.json["status"] == "failed"
    met = [fired(fleet, one) for one in armed]
    assert met[0] == met[1] == met[2]
    assert ended(fleet, met[0].request) == (200, "answered", len(answer.raw))


def test_a_lie_a_label_and_an_early_end_go_together(fleet: Fleet, caller: Caller) -> None:
    for fault in (Misreports(SESSION_ID, SessionStatus.FAILED), Relabel("text/plain"), Truncate(2)):
        fleet.arm(fault, 3001, {Endpoint.SESSION_STATUS})
    caller.send(ask("GET", STATUS))
    data, end = caller.until_the_end()
    assert end == "FIN"
    assert b"Content-Type: text/plain\r\n" in data
    assert b'"status":"failed"' in data
    assert not data.endswith(b"}")


@pytest.mark.parametrize("fault", [Hang(), Close(), Reset()], ids=str)
def test_a_wire_fault_that_swallows_the_request_is_met_alone(
    fleet: Fleet, caller: Caller, fault: Fault
) -> None:
    others = [fleet.arm(one, 3001, times=1) for one in (Delay(60), Answer(503))]
    armed = fleet.arm(fault, 3001, times=1)
    caller.send(ask("GET", STATUS))
    fired(fleet, armed)
    assert [kinds(fleet, one) for one in others] == [["armed"]] * 2
    fleet.clear(fault=others[0])
    with Caller(fleet) as next_one:
        assert next_one.get(STATUS).status == 503
        assert next_one.get(STATUS).status == 200


def test_of_faults_that_exclude_each_other_the_oldest_is_met_and_the_other_is_not_used(
    fleet: Fleet, caller: Caller
) -> None:
    first = fleet.arm(Answer(500), 3001, times=1)
    second = fleet.arm(BrokenJson(), 3001, times=1)
    assert caller.get(STATUS).status == 500
    assert kinds(fleet, second) == ["armed"]
    assert kinds(fleet, first) == ["armed", "matched", "executed"]
    assert not caller.get(STATUS).body.endswith(b"}")
    assert kinds(fleet, second) == ["armed", "matched", "executed"]


def test_a_request_that_a_fault_was_not_armed_for_uses_none_of_its_count(
    fleet: Fleet, caller: Caller
) -> None:
    other = {**MESSAGE, "session_id": "another"}
    fault = fleet.arm(
        Answer(500), 3001, {Endpoint.SEND, Endpoint.SESSION_STATUS}, times=2, session_id=SESSION_ID
    )
    asked = [
        caller.post(SEND, other).status,
        caller.get(LIST).status,
        caller.get(f"/api/sessions/another/status?api_key={API_KEY}").status,
        caller.post(SEND, MESSAGE).status,
        caller.get("/health").status,
        caller.get(STATUS).status,
        caller.get(STATUS).status,
    ]
    assert asked == [404, 200, 404, 500, 200, 500, 200]
    assert kinds(fleet, fault) == ["armed", *["matched", "executed"] * 2]


def test_a_fault_lasts_until_it_is_cleared(fleet: Fleet, caller: Caller) -> None:
    fault = fleet.arm(Answer(500), 3001)
    assert [caller.get(STATUS).status for _ in range(20)] == [500] * 20
    fleet.clear(fault=fault)
    assert [caller.get(STATUS).status for _ in range(5)] == [200] * 5


# Chance


def test_the_same_seed_and_requests_give_the_same_pattern_in_two_fleets(
    fleet: Fleet, make_fleet: Callable[[], Fleet]
) -> None:
    again = make_fleet().start()
    for one in (fleet, again):
        one.arm(Answer(500), 3001, chance=0.5, seed=7)
    shown = pattern(fleet)
    assert shown == pattern(again)
    assert 5 < sum(shown) < 35
    assert [entry.seed for entry in entries(fleet, FaultArmed)] == [7]
    met = [entry.request for entry in entries(fleet, FaultMatched)]
    first = next(entry for entry in entries(again, FaultMatched)).request
    assert met[0] is not None
    assert first is not None
    assert [request - met[0] for request in met if request is not None] == [
        entry.request - first for entry in entries(again, FaultMatched) if entry.request is not None
    ]


def test_another_seed_or_instance_gives_another_pattern(fleet: Fleet) -> None:
    shown = []
    for number, seed in ((3001, 7), (3001, 8), (3002, 7)):
        fault = fleet.arm(Answer(500), number, chance=0.5, seed=seed)
        shown.append(tuple(pattern(fleet, number)))
        fleet.clear(fault=fault)
    assert len(set(shown)) == 3


def test_requests_that_a_fault_is_not_armed_for_do_not_change_the_pattern(fleet: Fleet) -> None:
    fault = fleet.arm(Answer(500), 3001, {Endpoint.HEALTH}, chance=0.5, seed=7)
    shown = pattern(fleet)
    fleet.clear(fault=fault)
    fleet.arm(Answer(500), 3001, {Endpoint.HEALTH}, chance=0.5, seed=7)
    between = []
    with Caller(fleet) as caller:
        for _ in range(40):
            assert caller.get(STATUS).status == 200
            between.append(caller.get("/health").status == 500)
    assert between == shown


def test_a_count_is_used_only_by_requests_that_chance_chose(fleet: Fleet) -> None:
    fleet.arm(Answer(500), 3001, times=3, chance=0.5, seed=7)
    shown = pattern(fleet)
    assert sum(shown) == 3
    assert not shown[0] or not shown[1] or not shown[2]


def test_a_certain_chance_is_met_by_every_request(fleet: Fleet) -> None:
    fleet.arm(Answer(500), 3001, chance=1, seed=0)
    assert all(pattern(fleet))


@pytest.mark.parametrize(
    ("chance", "seed", "sentence"),
    [
        (0.5, None, "a chance needs a seed, so that it can be replayed, and a seed a chance: give both"),
        (None, 1, "a chance needs a seed, so that it can be replayed, and a seed a chance: give both"),
        (0, 1, "a chance is more than 0 and at most 1, not 0"),
        (1.5, 1, "a chance is more than 0 and at most 1, not 1.5"),
        (-0.1, 1, "a chance is more than 0 and at most 1, not -0.1"),
    ],
)
def test_chance_is_one_that_can_be_drawn_and_replayed(
    fleet: Fleet, chance: float | None, seed: int | None, sentence: str
) -> None:
    with pytest.raises(FaultError) as told:
        fleet.arm(Answer(500), 3001, chance=chance, seed=seed)
    assert str(told.value) == sentence
    assert not entries(fleet, FaultArmed)
    assert truth(fleet).status == 200


def test_connections_are_refused_neither_by_chance_nor_reset_for_a_session(fleet: Fleet) -> None:
    with pytest.raises(FaultError, match="give no times, no session and no chance"):
        fleet.arm(Refuse(), 3001, chance=0.5, seed=1)
    with pytest.raises(FaultError, match="has not read which session is asked for"):
        fleet.arm(ResetOnAccept(), 3001, session_id=SESSION_ID)

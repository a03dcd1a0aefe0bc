"""Lies about which sessions are held: told alike on every route that could tell, and receipted only when told."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from fake_instances import Session, SessionStatus
from fake_instances.faults import (
    AnswersAs,
    DeployedDialect,
    Lie,
    Lists,
    ListsNothing,
    Miscounts,
    Misreports,
    Omits,
)
from fake_instances.journal import FaultExecuted, RequestArrived
from tests.fake_instances.support import API_KEY, LIST, SESSION, SESSION_ID, STATUS, Caller, entries, receipts

if TYPE_CHECKING:
    from fake_instances import Fleet

OTHER = Session("webjs_2_other", 2, "628444555666", connected_at="2024-11-23T00:00:00.000Z")
ELSEWHERE = Session("webjs_3_elsewhere", 3, "628777888999", connected_at="2024-11-20T00:00:00.000Z")
FAILED = replace(SESSION, status=SessionStatus.FAILED)
MOVED = replace(SESSION, phone_number="620", workspace_id=9)
SHOWN: list[tuple[Lie, list[Session]]] = [
    (Lists(ELSEWHERE), [SESSION, OTHER, ELSEWHERE]),
    (
        Lists(replace(OTHER, status=SessionStatus.DISCONNECTED)),
        [SESSION, replace(OTHER, status=SessionStatus.DISCONNECTED)],
    ),
    (Lists(MOVED), [OTHER, MOVED]),
    (Omits(SESSION_ID), [OTHER]),
    (Misreports(SESSION_ID, SessionStatus.FAILED), [FAILED, OTHER]),
    (ListsNothing(), []),
    (AnswersAs(3002), [ELSEWHERE]),
]
UNTRUE_OF_NOBODY: list[Lie] = [
    Lists(OTHER),
    Omits("unknown"),
    Misreports("unknown", SessionStatus.FAILED),
    Misreports(SESSION_ID, SessionStatus.CONNECTED),
    Miscounts(2, 2),
    AnswersAs(3001),
]


@pytest.fixture
def fleet(hosted: Fleet) -> Fleet:
    hosted.hold(OTHER, on=3001)
    hosted.hold(ELSEWHERE, on=3002)
    return hosted


def status_of(session_id: str) -> str:
    return f"/api/sessions/{session_id}/status?api_key={API_KEY}"


def count(sessions: list[Session]) -> dict[str, int]:
    connected = sum(one.connected for one in sessions)
    return {"total": len(sessions), "connected": connected, "disconnected": len(sessions) - connected}


def counts(shown: Any) -> dict[str, int]:
    return {name: shown[name] for name in ("total", "connected", "disconnected")}


def executed_for(fleet: Fleet, fault: int, target: str) -> bool:
    asked = [entry.request for entry in entries(fleet, RequestArrived) if entry.target == target]
    return any(entry.fault == fault and entry.request in asked for entry in entries(fleet, FaultExecuted))


@pytest.mark.parametrize(("lie", "shown"), SHOWN, ids=str)
def test_a_lie_is_told_alike_on_every_route(
    fleet: Fleet, caller: Caller, lie: Lie, shown: list[Session]
) -> None:
    fleet.arm(lie, 3001)
    listed = caller.get(LIST).json
    assert (listed["sessions"], listed["total"]) == ([one.listing() for one in shown], len(shown))
    detailed = caller.get("/health/detailed").json["sessions"]
    assert (detailed["details"], counts(detailed)) == ([one.listing() for one in shown], count(shown))
    assert counts(caller.get("/health").json["sessions"]) == count(shown)
    known = {one.session_id: one for one in shown}
    for session_id in (SESSION_ID, OTHER.session_id, ELSEWHERE.session_id, "unknown"):
        answer = caller.get(status_of(session_id))
        if session_id in known:
            assert (answer.status, answer.json) == (200, known[session_id].detail())
        else:
            assert (answer.status, answer.json) == (404, {"error": "Session not found"})
    assert fleet.holders(SESSION_ID) == (3001,)
    with Caller(fleet, 3002) as other:
        assert other.get(LIST).json["sessions"] == [ELSEWHERE.listing()]


@pytest.mark.parametrize(("lie", "shown"), SHOWN, ids=str)
def test_a_lie_has_a_receipt_on_each_route_whose_answer_it_changes(
    fleet: Fleet, caller: Caller, lie: Lie, shown: list[Session]
) -> None:
    held = [SESSION, OTHER]
    targets = [LIST, "/health/detailed", "/health", STATUS, status_of(ELSEWHERE.session_id)]
    fault = fleet.arm(lie, 3001)
    for target in targets:
        caller.get(target)
    held_by_id, shown_by_id = ({one.session_id: one for one in some} for some in (held, shown))
    differs = [shown != held] * 2 + [count(shown) != count(held)]
    differs += [held_by_id.get(one) != shown_by_id.get(one) for one in (SESSION_ID, ELSEWHERE.session_id)]
    assert [executed_for(fleet, fault, target) for target in targets] == differs
    assert [kind for kind, _ in receipts(fleet, fault)].count("matched") == len(targets)


@pytest.mark.parametrize("lie", UNTRUE_OF_NOBODY, ids=str)
def test_a_lie_that_happens_to_be_true_has_no_receipt(fleet: Fleet, caller: Caller, lie: Lie) -> None:
    fault = fleet.arm(lie, 3001)
    for target in (LIST, "/health/detailed", "/health", STATUS, status_of(OTHER.session_id)):
        assert caller.get(target).status == 200
    assert "executed" not in [kind for kind, _ in receipts(fleet, fault)]


def test_a_status_that_counts_the_same_has_no_receipt_where_only_counts_are_told(
    fleet: Fleet, caller: Caller
) -> None:
    fleet.set_status(SESSION_ID, SessionStatus.DISCONNECTED, on=3001)
    fault = fleet.arm(Misreports(SESSION_ID, SessionStatus.FAILED), 3001)
    assert counts(caller.get("/health").json["sessions"]) == {"total": 2, "connected": 1, "disconnected": 1}
    assert not executed_for(fleet, fault, "/health")
    assert caller.get(STATUS).json["status"] == "failed"
    assert executed_for(fleet, fault, STATUS)


def test_what_a_route_does_not_show_cannot_be_lied_about_there(fleet: Fleet, caller: Caller) -> None:
    activity = fleet.arm(Lists(replace(OTHER, last_activity="2025-01-01T00:00:00.000Z")), 3001)
    connected = fleet.arm(Miscounts(2, 0), 3001)
    for target in (LIST, status_of(OTHER.session_id), "/health"):
        caller.get(target)
    assert not executed_for(fleet, connected, LIST)
    assert executed_for(fleet, connected, "/health")
    assert not executed_for(fleet, activity, LIST)
    assert executed_for(fleet, activity, status_of(OTHER.session_id))


def test_miscounts_change_the_counts_and_nothing_else(fleet: Fleet, caller: Caller) -> None:
    fault = fleet.arm(Miscounts(9, 4), 3001)
    told = {"total": 9, "connected": 4, "disconnected": 5}
    assert counts(caller.get("/health").json["sessions"]) == told
    detailed = caller.get("/health/detailed").json["sessions"]
    assert (counts(detailed), len(detailed["details"]), detailed["connection_rate"]) == (told, 2, 44)
    listed = caller.get(LIST).json
    assert (listed["total"], len(listed["sessions"])) == (9, 2)
    assert [executed_for(fleet, fault, one) for one in ("/health", "/health/detailed", LIST)] == [True] * 3
    assert caller.get(STATUS).json["status"] == "connected"


def test_a_healthy_answer_with_more_connected_than_there_are_is_told_all_the_same(
    fleet: Fleet, caller: Caller
) -> None:
    fleet.arm(Miscounts(1, 3), 3001)
    assert counts(caller.get("/health").json["sessions"]) == {"total": 1, "connected": 3, "disconnected": 0}
    assert caller.get("/health/detailed").json["sessions"]["connection_rate"] == 100


def test_the_deployed_dialect_has_statistics_in_place_of_the_list(fleet: Fleet, caller: Caller) -> None:
    fault = fleet.arm(DeployedDialect(), 3001)
    told = caller.get("/health/detailed").json["sessions"]
    assert counts(told) == {"total": 2, "connected": 2, "disconnected": 0}
    details = told["details"]
    assert details["by_status"] == {"connected": 2}
    assert details["longest_uptime"].pop("uptime_hours") > 10_000
    assert details["longest_uptime"] == {"session_id": SESSION_ID, "connected_at": SESSION.connected_at}
    assert details["newest_session"] == {"session_id": OTHER.session_id, "connected_at": OTHER.connected_at}
    assert executed_for(fleet, fault, "/health/detailed")
    assert caller.get(LIST).json["sessions"] == [SESSION.listing(), OTHER.listing()]


def test_the_deployed_dialect_of_an_empty_instance_names_no_session(fleet: Fleet, caller: Caller) -> None:
    fleet.arm(ListsNothing(), 3001)
    fleet.arm(DeployedDialect(), 3001)
    told = caller.get("/health/detailed").json["sessions"]["details"]
    assert told == {"by_status": {}, "longest_uptime": None, "newest_session": None}


def test_lies_are_told_one_on_top_of_the_other(fleet: Fleet, caller: Caller) -> None:
    for lie in (
        AnswersAs(3002),
        Lists(SESSION),
        Misreports(SESSION_ID, SessionStatus.FAILED),
        Omits("webjs_3_elsewhere"),
    ):
        fleet.arm(lie, 3001)
    assert caller.get(LIST).json["sessions"] == [FAILED.listing()]
    assert caller.get(STATUS).json == FAILED.detail()
    assert caller.get(status_of(ELSEWHERE.session_id)).status == 404


def test_an_instance_that_answers_as_another_follows_it(fleet: Fleet, caller: Caller) -> None:
    fleet.arm(AnswersAs(3002), 3001)
    fleet.move(SESSION_ID, 3002)
    assert caller.get(STATUS).status == 200
    fleet.release(SESSION_ID, on=3002)
    assert caller.get(STATUS).status == 404

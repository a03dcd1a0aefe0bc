"""Lies about which sessions are held: told alike on every route, and receipted only where they change an answer."""

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
from tests.fake_instances.support import API_KEY, LIST, SESSION, SESSION_ID, STATUS, Caller, entries, kinds

if TYPE_CHECKING:
    from fake_instances import Fleet

OTHER = Session("webjs_2_other", 2, "628444555666", connected_at="2024-11-23T00:00:00.000Z")
ELSEWHERE = Session("webjs_3_elsewhere", 3, "628777888999", connected_at="2024-11-20T00:00:00.000Z")
HELD = [SESSION, OTHER]
FAILED = replace(SESSION, status=SessionStatus.FAILED)
ACTIVE = replace(OTHER, last_activity="2025-01-01T00:00:00.000Z")
MOVED = replace(SESSION, phone_number="620", workspace_id=9)
LIES: list[tuple[Lie, list[Session]]] = [
    (Lists(ELSEWHERE), [SESSION, OTHER, ELSEWHERE]),
    (Lists(MOVED), [OTHER, MOVED]),
    (Lists(ACTIVE), [SESSION, ACTIVE]),
    (Omits(SESSION_ID), [OTHER]),
    (Misreports(SESSION_ID, SessionStatus.FAILED), [FAILED, OTHER]),
    (ListsNothing(), []),
    (AnswersAs(3002), [ELSEWHERE]),
    # These happen to be true.
    (Lists(OTHER), HELD),
    (Omits("unknown"), HELD),
    (Misreports(SESSION_ID, SessionStatus.CONNECTED), HELD),
    (AnswersAs(3001), HELD),
]


@pytest.fixture
def fleet(fleet: Fleet) -> Fleet:
    fleet.hold(OTHER, on=3001)
    fleet.hold(ELSEWHERE, on=3002)
    return fleet


def status_of(session: Session) -> str:
    return f"/api/sessions/{session.session_id}/status?api_key={API_KEY}"


def count(sessions: list[Session]) -> dict[str, int]:
    connected = sum(one.connected for one in sessions)
    return {"total": len(sessions), "connected": connected, "disconnected": len(sessions) - connected}


def counts(shown: Any) -> dict[str, int]:
    return {name: shown[name] for name in ("total", "connected", "disconnected")}


def executed_for(fleet: Fleet, fault: int, target: str) -> bool:
    asked = [entry.request for entry in entries(fleet, RequestArrived) if entry.target == target]
    return any(entry.fault == fault and entry.request in asked for entry in entries(fleet, FaultExecuted))


@pytest.mark.parametrize(("lie", "shown"), LIES, ids=str)
def test_a_lie_is_told_on_every_route_and_has_a_receipt_where_it_changes_the_answer(
    fleet: Fleet, fresh: Caller, lie: Lie, shown: list[Session]
) -> None:
    def listed(sessions: list[Session]) -> list[dict[str, object]]:
        return [one.listing() for one in sessions]

    fault = fleet.arm(lie, 3001)
    answer = fresh.get(LIST).json
    assert (answer["sessions"], answer["total"]) == (listed(shown), len(shown))
    detailed = fresh.get("/health/detailed").json["sessions"]
    assert (detailed["details"], counts(detailed)) == (listed(shown), count(shown))
    assert counts(fresh.get("/health").json["sessions"]) == count(shown)
    differs = {
        LIST: listed(shown) != listed(HELD),
        "/health/detailed": listed(shown) != listed(HELD),
        "/health": count(shown) != count(HELD),
    }
    for session in (SESSION, OTHER, ELSEWHERE):
        told, true = (
            [one for one in sessions if one.session_id == session.session_id] for sessions in (shown, HELD)
        )
        answer = fresh.get(status_of(session))
        expected = (200, told[0].detail()) if told else (404, {"error": "Session not found"})
        assert (answer.status, answer.json) == expected
        differs[status_of(session)] = told != true
    assert {target: executed_for(fleet, fault, target) for target in differs} == differs
    assert kinds(fleet, fault).count("matched") == len(differs)
    assert fleet.holders(SESSION_ID) == (3001,)
    with Caller(fleet, 3002) as other:
        assert other.get(LIST).json["sessions"] == listed([ELSEWHERE])


def test_miscounts_change_the_counts_and_nothing_else(fleet: Fleet, fresh: Caller) -> None:
    fault = fleet.arm(Miscounts(9, 4), 3001)
    told = {"total": 9, "connected": 4, "disconnected": 5}
    assert counts(fresh.get("/health").json["sessions"]) == told
    detailed = fresh.get("/health/detailed").json["sessions"]
    assert (counts(detailed), len(detailed["details"]), detailed["connection_rate"]) == (told, 2, 44)
    listed = fresh.get(LIST).json
    assert (listed["total"], len(listed["sessions"])) == (9, 2)
    assert all(executed_for(fleet, fault, one) for one in ("/health", "/health/detailed", LIST))
    assert fresh.get(STATUS).json["status"] == "connected"


def test_a_miscount_that_a_route_does_not_show_has_no_receipt_there(fleet: Fleet, fresh: Caller) -> None:
    fault = fleet.arm(Miscounts(2, 3), 3001)
    fresh.get(LIST)
    assert counts(fresh.get("/health").json["sessions"]) == {"total": 2, "connected": 3, "disconnected": 0}
    assert fresh.get("/health/detailed").json["sessions"]["connection_rate"] == 100
    assert (executed_for(fleet, fault, LIST), executed_for(fleet, fault, "/health")) == (False, True)


def test_the_deployed_dialect_has_statistics_in_place_of_the_list(fleet: Fleet, fresh: Caller) -> None:
    fault = fleet.arm(DeployedDialect(), 3001)
    told = fresh.get("/health/detailed").json["sessions"]
    assert counts(told) == count(HELD)
    details = told["details"]
    assert details["by_status"] == {"connected": 2}
    assert details["longest_uptime"].pop("uptime_hours") > 10_000
    assert details["longest_uptime"] == {"session_id": SESSION_ID, "connected_at": SESSION.connected_at}
    assert details["newest_session"] == {"session_id": OTHER.session_id, "connected_at": OTHER.connected_at}
    assert executed_for(fleet, fault, "/health/detailed")
    assert fresh.get(LIST).json["sessions"] == [SESSION.listing(), OTHER.listing()]
    fleet.arm(ListsNothing(), 3001)
    told = fresh.get("/health/detailed").json["sessions"]["details"]
    assert told == {"by_status": {}, "longest_uptime": None, "newest_session": None}


def test_lies_are_told_one_on_top_of_the_other(fleet: Fleet, fresh: Caller) -> None:
    for lie in (
        AnswersAs(3002),
        Lists(SESSION),
        Misreports(SESSION_ID, SessionStatus.FAILED),
        Omits(ELSEWHERE.session_id),
    ):
        fleet.arm(lie, 3001)
    assert fresh.get(LIST).json["sessions"] == [FAILED.listing()]
    assert fresh.get(STATUS).json == FAILED.detail()
    assert fresh.get(status_of(ELSEWHERE)).status == 404

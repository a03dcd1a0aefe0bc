"""Lies: about sessions, told alike on every route; about messages, and what was really delivered.

A lie has a receipt only where it changes an answer.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from fake_instances import Session, SessionStatus
from fake_instances.faults import (
    Answer,
    AnswersAs,
    AnswersHollow,
    ClaimsSent,
    Close,
    DeniesSession,
    DeployedDialect,
    Hang,
    Lie,
    Lists,
    ListsNothing,
    Miscounts,
    Misreports,
    Omits,
    Reset,
    SendLie,
    SendsThenFails,
    Truncate,
)
from fake_instances.journal import FaultExecuted, MessageDelivered, RequestArrived
from tests.fake_instances.support import (
    API_KEY,
    LIST,
    MESSAGE,
    POSTED,
    SEND,
    SESSION,
    SESSION_ID,
    STATUS,
    Caller,
    ask,
    ended,
    entries,
    fired,
    kinds,
)

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


# About messages


def delivered(fleet: Fleet) -> list[int]:
    return [entry.request for entry in entries(fleet, MessageDelivered)]


def test_an_instance_that_denies_its_session_delivers_nothing(fleet: Fleet, fresh: Caller) -> None:
    fault = fleet.arm(DeniesSession(), 3001)
    answer = fresh.post(SEND, MESSAGE)
    assert (answer.status, answer.json) == (404, {"error": "Session not found"})
    assert fresh.get(STATUS).json["status"] == "connected"
    assert ended(fleet, fired(fleet, fault).request) == (404, "answered", len(answer.raw))
    assert (delivered(fleet), fleet.holders(SESSION_ID)) == ([], (3001,))


@pytest.mark.parametrize("held", [True, False], ids=["not connected", "not held"])
def test_an_instance_claims_to_have_sent_what_it_cannot_send(
    fleet: Fleet, fresh: Caller, *, held: bool
) -> None:
    if held:
        fleet.set_status(SESSION_ID, SessionStatus.DISCONNECTED, on=3001)
    else:
        fleet.release(SESSION_ID, on=3001)
    fault = fleet.arm(ClaimsSent(), 3001)
    answer = fresh.post(SEND, MESSAGE)
    assert answer.status == 200
    assert answer.json.keys() == {"success", "message_id", "timestamp"}
    assert answer.json["success"] is True
    assert fired(fleet, fault).target == SEND
    assert delivered(fleet) == []


@pytest.mark.parametrize("body", [b"{}", b"", b'{"success":false}', b"<html>"])
@pytest.mark.parametrize("really", [True, False], ids=["delivered", "not delivered"])
def test_a_hollow_answer_says_nothing_of_the_message(
    fleet: Fleet, fresh: Caller, body: bytes, *, really: bool
) -> None:
    fault = fleet.arm(AnswersHollow(body, really), 3001)
    answer = fresh.post(SEND, MESSAGE)
    assert (answer.status, answer.body) == (200, body)
    met = fired(fleet, fault)
    assert delivered(fleet) == ([met.request] if really else [])
    assert ended(fleet, met.request) == (200, "answered", len(answer.raw))


@pytest.mark.parametrize(
    ("by", "end"),
    [
        (Close(), "FIN"),
        (Reset(), "RST"),
        (Reset(7), "RST"),
        (Truncate(5), "FIN"),
        (Hang(), None),
        (Hang(7), None),
    ],
    ids=str,
)
def test_a_message_is_delivered_once_and_its_answer_is_lost_on_the_wire(
    fleet: Fleet, caller: Caller, by: Hang | Close | Reset | Truncate, end: str | None
) -> None:
    fault = fleet.arm(SendsThenFails(by=by), 3001)
    caller.send(ask("POST", SEND, POSTED))
    met = fired(fleet, fault)
    assert delivered(fleet) == [met.request]
    before = b""
    if end is None:
        before = b"" if by.swallows else caller.receive_head() + caller.take(7)
        assert caller.hears_nothing()
        fleet.clear()
    after, how = caller.until_the_end()
    data = before + after
    assert how == (end or "FIN")
    assert ended(fleet, met.request) == (200 if data else None, "closed", len(data))
    body = data.partition(b"\r\n\r\n")[2]
    if isinstance(by, Truncate):
        promised = int(data.partition(b"Content-Length: ")[2].split(b"\r\n")[0])
        assert promised - len(body) == 5
    else:
        assert (len(body), bool(data)) == ((0, False) if by.swallows else (7, True))
    assert delivered(fleet) == [met.request]


@pytest.mark.parametrize(
    "by",
    [Answer(502, b"<html>", "text/html; charset=utf-8"), Answer(404, b'{"error":"Session not found"}')],
    ids=str,
)
def test_a_message_is_delivered_once_and_answered_as_if_it_had_failed(
    fleet: Fleet, fresh: Caller, by: Answer
) -> None:
    fault = fleet.arm(SendsThenFails(by=by), 3001, times=1)
    answer = fresh.post(SEND, MESSAGE)
    assert (answer.status, answer.body) == (by.status, by.body)
    assert answer.headers["Content-Type"] == by.content_type
    assert delivered(fleet) == [fired(fleet, fault).request]
    assert fresh.post(SEND, MESSAGE).json["success"]
    assert len(delivered(fleet)) == 2


@pytest.mark.parametrize(
    ("lie", "held"),
    [
        (DeniesSession(), False),
        (AnswersHollow(delivered=True), False),
        (SendsThenFails(), False),
        (SendsThenFails(by=Answer(500)), False),
        (ClaimsSent(), True),
    ],
    ids=str,
)
def test_a_lie_that_would_be_true_is_not_told(
    fleet: Fleet, fresh: Caller, lie: SendLie, *, held: bool
) -> None:
    if not held:
        fleet.release(SESSION_ID, on=3001)
    fault = fleet.arm(lie, 3001)
    assert fresh.post(SEND, MESSAGE).status == (200 if held else 404)
    assert kinds(fleet, fault) == ["armed", "matched"]
    assert len(delivered(fleet)) == held

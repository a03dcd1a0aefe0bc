"""Lies about messages: what the sender is told, and what was really delivered."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fake_instances import SessionStatus
from fake_instances.faults import (
    Answer,
    AnswersHollow,
    ClaimsSent,
    Close,
    DeniesSession,
    Hang,
    Reset,
    SendLie,
    SendsThenFails,
    Truncate,
)
from fake_instances.journal import MessageDelivered
from tests.fake_instances.support import (
    MESSAGE,
    POSTED,
    SEND,
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

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
    receipts,
)

if TYPE_CHECKING:
    from fake_instances import Fleet


@pytest.fixture
def fleet(hosted: Fleet) -> Fleet:
    return hosted


def delivered(fleet: Fleet) -> list[int]:
    return [entry.request for entry in entries(fleet, MessageDelivered)]


def test_an_instance_that_denies_its_session_delivers_nothing(fleet: Fleet, caller: Caller) -> None:
    fault = fleet.arm(DeniesSession(), 3001)
    answer = caller.post(SEND, MESSAGE)
    assert (answer.status, answer.json) == (404, {"error": "Session not found"})
    assert caller.get(STATUS).json["status"] == "connected"
    assert ended(fleet, fired(fleet, fault).request) == (404, "answered", len(answer.raw))
    assert (delivered(fleet), fleet.holders(SESSION_ID)) == ([], (3001,))


@pytest.mark.parametrize("held", [True, False], ids=["not connected", "not held"])
def test_an_instance_claims_to_have_sent_what_it_cannot_send(
    fleet: Fleet, caller: Caller, *, held: bool
) -> None:
    if held:
        fleet.set_status(SESSION_ID, SessionStatus.DISCONNECTED, on=3001)
    else:
        fleet.release(SESSION_ID, on=3001)
    fault = fleet.arm(ClaimsSent(), 3001)
    answer = caller.post(SEND, MESSAGE)
    assert answer.status == 200
    assert answer.json.keys() == {"success", "message_id", "timestamp"}
    assert answer.json["success"] is True
    assert fired(fleet, fault).target == SEND
    assert delivered(fleet) == []


@pytest.mark.parametrize("body", [b"{}", b"", b'{"success":false}', b"null", b"<html>"])
@pytest.mark.parametrize("really", [True, False], ids=["delivered", "not delivered"])
def test_a_hollow_answer_says_nothing_of_the_message(
    fleet: Fleet, caller: Caller, body: bytes, *, really: bool
) -> None:
    fault = fleet.arm(AnswersHollow(body, really), 3001)
    answer = caller.post(SEND, MESSAGE)
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
        before = b"" if by.swallows else caller.receive_head() + caller._take(7)
        assert caller.hears_nothing()
        fleet.clear()
    behind, how = caller.until_the_end()
    data = before + behind
    assert how == (end or "FIN")
    assert ended(fleet, met.request) == (200 if data else None, "closed", len(data))
    body = data.partition(b"\r\n\r\n")[2]
    if isinstance(by, Truncate):
        promised = int(data.partition(b"Content-Length: ")[2].split(b"\r\n")[0])
        assert promised - len(body) == 5
    else:
        assert len(body) == (0 if by.swallows else 7)
        assert bool(data) is not by.swallows
    assert delivered(fleet) == [met.request]


@pytest.mark.parametrize(
    "by",
    [Answer(500), Answer.html(502), Answer.empty(504), Answer(404, b'{"error":"Session not found"}')],
    ids=str,
)
def test_a_message_is_delivered_once_and_answered_as_if_it_had_failed(
    fleet: Fleet, caller: Caller, by: Answer
) -> None:
    fault = fleet.arm(SendsThenFails(by=by), 3001, times=1)
    answer = caller.post(SEND, MESSAGE)
    assert (answer.status, answer.body, answer.headers["Content-Type"]) == (
        by.status,
        by.body,
        by.content_type,
    )
    met = fired(fleet, fault)
    assert delivered(fleet) == [met.request]
    assert caller.post(SEND, MESSAGE).json["success"]
    assert len(delivered(fleet)) == 2


@pytest.mark.parametrize(
    ("lie", "status"),
    [
        (DeniesSession(), 404),
        (AnswersHollow(), 404),
        (AnswersHollow(delivered=True), 404),
        (SendsThenFails(), 404),
        (SendsThenFails(by=Answer(500)), 404),
    ],
    ids=str,
)
def test_what_cannot_be_sent_is_told_as_it_is(
    fleet: Fleet, caller: Caller, lie: SendLie, status: int
) -> None:
    fleet.release(SESSION_ID, on=3001)
    fault = fleet.arm(lie, 3001)
    assert caller.post(SEND, MESSAGE).status == status
    assert [kind for kind, _ in receipts(fleet, fault)] == ["armed", "matched"]
    assert delivered(fleet) == []


def test_what_can_be_sent_needs_no_claim(fleet: Fleet, caller: Caller) -> None:
    fault = fleet.arm(ClaimsSent(), 3001)
    assert caller.post(SEND, MESSAGE).json["success"]
    assert [kind for kind, _ in receipts(fleet, fault)] == ["armed", "matched"]
    assert len(delivered(fleet)) == 1

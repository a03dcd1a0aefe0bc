"""What an instance's answers mean."""

from __future__ import annotations

import json

import pytest

from reference_impl.edges.answers import (
    Holding,
    Outcome,
    PostAnswer,
    Roster,
    detailed_list,
    json_object,
    judge_post,
    message_id_given,
    sessions_list,
)

LISTED = [
    {"session_id": "a", "status": "connected"},
    {"session_id": "no-status"},
    {"session_id": "b", "status": "qr_scanning"},
    {"session_id": "odd", "status": None},
    {"session_id": "twice", "status": "disconnected"},
    {"session_id": "twice", "status": "connected"},
]


@pytest.mark.parametrize(
    ("session_id", "holding"),
    [
        ("a", Holding.HELD),
        ("no-status", Holding.HELD),
        ("twice", Holding.HELD),
        ("b", Holding.NOT_CONNECTED),
        ("odd", Holding.NOT_CONNECTED),
        ("A", Holding.ABSENT),
        ("a ", Holding.ABSENT),
        ("aa", Holding.ABSENT),
        ("", Holding.ABSENT),
    ],
)
def test_only_exactly_the_session_and_only_connected_is_held(session_id: str, holding: Holding) -> None:
    assert Roster.of(LISTED).holding(session_id) is holding


@pytest.mark.parametrize("junk", [None, 5, "a", [], {}, {"session_id": 7}, {"session_id": None}])
def test_absence_from_a_list_with_junk_in_it_proves_nothing(junk: object) -> None:
    roster = Roster.of([junk, *LISTED])
    assert roster.holding("a") is Holding.HELD
    assert roster.holding("z") is Holding.UNKNOWN


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"5",
        b'"x"',
        b"\xff\xfe",
        b"[" * 200_000,
        b'{"a":' + b"9" * 5000 + b"}",
        b"<html>",
    ],
)
def test_what_is_no_json_object_is_none(body: bytes) -> None:
    assert json_object(body) is None


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"sessions": None},
        {"sessions": []},
        {"sessions": {}},
        {"sessions": {"total": 0, "connected": 0}},
        {"sessions": {"details": None}},
        {"sessions": {"details": {"by_status": {}, "longest_uptime": {"session_id": "a"}}}},
        {"sessions": {"details": "a"}},
    ],
)
def test_an_answer_without_the_documented_list_lists_nothing(answer: dict[str, object]) -> None:
    assert detailed_list(answer) is None


def test_an_empty_list_is_a_list() -> None:
    assert detailed_list({"sessions": {"details": []}}) == []
    assert sessions_list({"success": True, "sessions": []}) == []
    assert sessions_list({"success": True, "sessions": {}}) is None


def post(status: int, body: object = None, *, raw: bytes | None = None) -> PostAnswer:
    return PostAnswer(connected=True, status=status, body=json.dumps(body).encode() if raw is None else raw)


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (PostAnswer(), Outcome.NEVER_REACHED),
        (PostAnswer(connected=True), Outcome.UNCERTAIN),
        (PostAnswer(connected=True, status=200), Outcome.UNCERTAIN),
        (PostAnswer(connected=True, status=404), Outcome.NOT_THERE),
        (post(200, {"success": True, "message_id": "m"}), Outcome.SENT),
        (post(200, {"success": False}), Outcome.REFUSED),
        (post(200, {"success": "true"}), Outcome.UNCERTAIN),
        (post(200, {"success": 1}), Outcome.UNCERTAIN),
        (post(200, {}), Outcome.UNCERTAIN),
        (post(200, []), Outcome.UNCERTAIN),
        (post(200, raw=b""), Outcome.UNCERTAIN),
        (post(204, raw=b""), Outcome.UNCERTAIN),
        (post(200, raw=b"<html>sent</html>"), Outcome.UNCERTAIN),
        (post(404, {"error": "Session not found"}), Outcome.NOT_THERE),
        (post(400, {"error": "Session not connected. Please check session status."}), Outcome.NOT_CONNECTED),
        (post(400, {"error": "Invalid phone number format"}), Outcome.REFUSED),
        (post(400, {"error": 5}), Outcome.REFUSED),
        (post(400, raw=b"<html>Bad request</html>"), Outcome.REFUSED),
        (post(401, {"error": "Invalid API key"}), Outcome.REFUSED),
        (post(422, {}), Outcome.REFUSED),
        (post(429, {}), Outcome.REFUSED),
        (post(301, {}), Outcome.UNCERTAIN),
        (post(307, {"success": True}), Outcome.UNCERTAIN),
        (post(500, {"error": "Session not found"}), Outcome.UNCERTAIN),
        (post(502, {}), Outcome.UNCERTAIN),
        (post(503, {"success": True}), Outcome.UNCERTAIN),
    ],
)
def test_what_a_post_came_to(answer: PostAnswer, outcome: Outcome) -> None:
    assert judge_post(answer) is outcome


def test_a_message_id_is_a_text_or_nothing() -> None:
    assert message_id_given(post(200, {"success": True, "message_id": "m1"})) == "m1"
    assert message_id_given(post(200, {"success": True, "message_id": 5})) is None
    assert message_id_given(post(200, {"success": True})) is None

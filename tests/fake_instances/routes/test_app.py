"""The gateway's own routes: what they answer, to which callers, and in which order they check."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from fake_instances import Session, SessionStatus
from fake_instances.journal import MessageDelivered, RequestArrived
from tests.fake_instances.support import (
    API_KEY,
    LIST,
    MESSAGE,
    SEND,
    SESSION,
    SESSION_ID,
    STATUS,
    Caller,
    ask,
    entries,
)

if TYPE_CHECKING:
    from fake_instances import Fleet

ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
INVALID_KEY = {"error": "Invalid API key"}
NO_SESSION = {"error": "Session not found"}
NOT_CONNECTED = {"error": "Session not connected. Please check session status."}
MISSING = {"error": "Missing required fields", "required": ["session_id", "recipient_phone", "message"]}
BAD_PHONE = {"error": "Invalid phone number format"}
LISTED = {
    "session_id": SESSION_ID,
    "workspace_id": 1,
    "status": "connected",
    "phone_number": "628111222333",
    "connected_at": "2024-11-22T10:00:00.000Z",
}
OPEN = ["/", "/info", "/health", "/health/detailed", "/health/ready", "/nowhere"]
NEW = Session("webjs_new", 7, status=SessionStatus.QR_SCANNING)
KEYED = [
    ("GET", "/api/sessions"),
    ("GET", f"/api/sessions/{SESSION_ID}/status"),
    ("GET", "/api/sessions/unknown/status"),
    ("POST", "/api/sessions"),
    ("POST", f"/api/sessions/{SESSION_ID}/reconnect"),
    ("POST", "/api/sessions/unknown/reconnect"),
    ("DELETE", f"/api/sessions/{SESSION_ID}"),
    ("POST", SEND),
]


# The key


@pytest.mark.parametrize(("method", "target"), KEYED)
def test_a_wrong_key_or_one_in_the_wrong_place_is_refused_before_anything_is_looked_at(
    fleet: Fleet, fresh: Caller, method: str, target: str
) -> None:
    in_query, in_body = (f"{target}?api_key={{}}", b"{}"), (target, b'{"api_key":"%s"}')
    read, ignored = (in_query, in_body) if method == "GET" else (in_body, in_query)
    for key in ("wrong", "", API_KEY[:-1], API_KEY + "x", API_KEY.upper()):
        body = read[1] % key.encode() if b"%s" in read[1] else read[1]
        fresh.send(ask(method, read[0].format(key), body))
        assert (fresh.receive().status, fleet.sessions(3001)) == (401, (SESSION,))
    body = ignored[1] % API_KEY.encode() if b"%s" in ignored[1] else ignored[1]
    headers = f"X-API-Key: {API_KEY}", f"Authorization: Bearer {API_KEY}"
    fresh.send(ask(method, ignored[0].format(API_KEY), body, *headers))
    answer = fresh.receive()
    assert (answer.status, answer.json) == (401, INVALID_KEY)
    assert fleet.sessions(3001) == (SESSION,)


@pytest.mark.parametrize("key", ["é", "\ud800", 17, [API_KEY], None, True])
def test_a_key_that_is_none_is_refused(fresh: Caller, key: object) -> None:
    assert fresh.post(SEND, {**MESSAGE, "api_key": key}).json == INVALID_KEY


@pytest.mark.parametrize("key", ["%C3%A9", "%FF", "%00", "+", "%ED%A0%80"])
def test_a_key_of_any_characters_is_refused(fresh: Caller, key: str) -> None:
    assert fresh.get(f"/api/sessions?api_key={key}").json == INVALID_KEY


@pytest.mark.parametrize("target", OPEN)
def test_routes_that_need_no_key_look_at_none(fresh: Caller, target: str) -> None:
    for query in ("", "?api_key=wrong"):
        assert fresh.get(target + query).status == (404 if target == "/nowhere" else 200)


# What every answer carries


@pytest.mark.parametrize("target", [*OPEN, LIST, STATUS, "/api/sessions"])
def test_every_answer_has_the_headers_of_the_deployed_service(fresh: Caller, target: str) -> None:
    answer = fresh.get(target)
    headers = answer.headers
    assert headers["X-Powered-By"] == "Express"
    assert headers["Content-Type"] == "application/json; charset=utf-8"
    assert re.fullmatch(rf'W/"{len(answer.body):x}-[A-Za-z0-9+/]{{27}}"', headers["ETag"])
    assert (headers["Connection"], headers["Keep-Alive"]) == ("keep-alive", "timeout=5")
    assert "Server" not in headers


def test_an_answer_that_its_reader_knows_is_not_sent_again(fresh: Caller, fleet: Fleet) -> None:
    known = fresh.get(LIST).headers["ETag"]
    again = fresh.get(LIST, f"If-None-Match: {known}")
    assert (again.status, again.body, again.headers["ETag"]) == (304, b"", known)
    assert "Content-Length" not in again.headers
    fleet.set_status(SESSION_ID, SessionStatus.FAILED, on=3001)
    assert fresh.get(LIST, f"If-None-Match: {known}").json["sessions"][0]["status"] == "failed"


@pytest.mark.parametrize("body", [b"{broken", b'{"api_key":', b"\xff\xfe", b"{}{}", b"[" * 100_000])
@pytest.mark.parametrize("target", [SEND, "/api/sessions"])
def test_broken_json_is_refused_as_html(fresh: Caller, target: str, body: bytes) -> None:
    fresh.send(ask("POST", target, body))
    answer = fresh.receive()
    assert (answer.status, answer.headers["Content-Type"]) == (400, "text/html; charset=utf-8")
    assert b"<pre>SyntaxError: " in answer.body
    assert fresh.get(STATUS).status == 200


@pytest.mark.parametrize("body", [b"[]", b'"text"', b"17", b"null", b""])
def test_json_that_is_no_object_brings_no_key(fresh: Caller, body: bytes) -> None:
    fresh.send(ask("POST", SEND, body))
    assert fresh.receive().json == INVALID_KEY


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("GET", "/nowhere"),
        ("POST", "/health"),
        ("GET", SEND),
        ("PUT", "/api/sessions"),
        ("GET", "/api//sessions"),
        ("GET", "/HEALTH/x"),
        ("GET", "//health"),
        ("GET", f"/{STATUS}"),
    ],
)
def test_an_unknown_endpoint_is_answered_in_the_service_s_words(
    fleet: Fleet, fresh: Caller, method: str, target: str
) -> None:
    fresh.send(ask(method, target))
    answer = fresh.receive()
    assert (answer.status, entries(fleet, RequestArrived)[-1].target) == (404, target)
    assert list(answer.json) == ["error", "path", "method", "available_endpoints", "timestamp"]
    assert (answer.json["error"], answer.json["method"]) == ("Endpoint not found", method)
    assert answer.json["path"].lstrip("/") == target.partition("?")[0].lstrip("/")
    assert ISO.fullmatch(answer.json["timestamp"])
    assert "GET /api/sessions/:sessionId/status" in answer.json["available_endpoints"]


def test_options_and_a_trailing_slash_are_understood(fresh: Caller) -> None:
    assert fresh.get("/health/").status == 200
    assert fresh.get(f"/api/sessions/?api_key={API_KEY}").json["total"] == 1
    fresh.send(ask("OPTIONS", "/health"))
    assert set(fresh.receive().headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}


def test_a_mistake_of_ours_is_an_answer(fresh: Caller, fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fleet._instances[3001], "listing", lambda *_: {}["missing"])
    assert fresh.get(LIST).status == 500
    assert fresh.get(STATUS).status == 200


# Health


@pytest.mark.parametrize(("held", "rate"), [([], 0), ([SESSION], 100), ([NEW], 0), ([SESSION, NEW], 50)])
def test_health_counts_and_lists_sessions(
    fleet: Fleet, fresh: Caller, held: list[Session], rate: int
) -> None:
    fleet.reset()
    for session in held:
        fleet.hold(session, on=3001)
    connected = held.count(SESSION)
    counts = {"total": len(held), "connected": connected, "disconnected": len(held) - connected}
    health = fresh.get("/health").json
    assert list(health) == ["status", "uptime", "sessions", "memory", "timestamp"]
    assert (health["status"], health["sessions"], health["uptime"] >= 0) == ("healthy", counts, True)
    assert health["memory"].keys() == {"used", "total", "unit"}
    shown = fresh.get("/health/detailed").json
    names = "status uptime start_time timestamp sessions memory cpu node environment"
    assert list(shown) == names.split()
    listed = fresh.get(LIST).json["sessions"]
    assert [one["session_id"] for one in listed] == [one.session_id for one in held]
    assert shown["sessions"] == {**counts, "connection_rate": rate, "details": listed}
    assert list(shown["sessions"]) == [*counts, "connection_rate", "details"]
    assert shown["memory"].keys() == {"heap_used", "heap_total", "external", "rss", "unit"}
    assert shown["cpu"].keys() == {"user", "system"}
    assert shown["node"].keys() == {"version", "platform", "arch", "pid"}
    assert shown["environment"] == {"node_env": "production", "port": 3001, "laravel_url": ""}
    assert all(ISO.fullmatch(one) for one in (health["timestamp"], shown["start_time"], shown["timestamp"]))
    ready = fresh.get("/health/ready").json
    checks = {"active_sessions": connected, "session_count": len(held)}
    assert ready["checks"] == {"laravel_configured": True, "api_key_configured": True, **checks}
    assert ready["ready"] is True


# Sessions


def test_an_instance_lists_its_own_sessions_alone(fleet: Fleet, fresh: Caller) -> None:
    assert fresh.get(LIST).json == {"success": True, "sessions": [LISTED], "total": 1}
    assert fresh.get(STATUS).json == {**LISTED, "last_activity": "2024-11-22T10:05:00.000Z"}
    with Caller(fleet, 3002) as other:
        assert other.get(LIST).json == {"success": True, "sessions": [], "total": 0}
        assert other.get(STATUS).json == NO_SESSION


@pytest.mark.parametrize("status", list(SessionStatus))
def test_a_session_is_shown_in_every_state_and_sends_only_when_connected(
    fleet: Fleet, fresh: Caller, status: SessionStatus
) -> None:
    fleet.set_status(SESSION_ID, status, on=3001)
    assert fresh.get(STATUS).json["status"] == status.value
    assert fresh.get(LIST).json["sessions"][0]["status"] == status.value
    answer = fresh.post(SEND, MESSAGE)
    connected = status is SessionStatus.CONNECTED
    assert (answer.status, len(entries(fleet, MessageDelivered))) == ((200, 1) if connected else (400, 0))
    assert connected or answer.json == NOT_CONNECTED


def test_a_new_session_waits_for_its_qr_code_without_number_or_time(fleet: Fleet, fresh: Caller) -> None:
    answer = fresh.post("/api/sessions", {"session_id": "webjs_new", "workspace_id": 7, "api_key": API_KEY})
    assert answer.json == {"success": True, "session_id": "webjs_new", "status": "qr_scanning"}
    assert (fleet.sessions(3001)[1], fleet.holders("webjs_new")) == (NEW, ())
    listed = fresh.get(LIST).json["sessions"][1]
    assert listed == {
        "session_id": "webjs_new",
        "workspace_id": 7,
        "status": "qr_scanning",
        "phone_number": None,
    }
    detail = fresh.get(f"/api/sessions/webjs_new/status?api_key={API_KEY}").json
    assert detail == {**listed, "connected_at": None, "last_activity": None}


@pytest.mark.parametrize(
    "session_id", ["unknown", SESSION_ID.lower(), SESSION_ID[:-1], SESSION_ID + "x", "%20", "%C3%A9"]
)
def test_only_the_very_session_id_is_known(fresh: Caller, session_id: str) -> None:
    answer = fresh.get(f"/api/sessions/{session_id}/status?api_key={API_KEY}")
    assert (answer.status, answer.json) == (404, NO_SESSION)
    answer = fresh.post(f"/api/sessions/{session_id}/reconnect", {"api_key": API_KEY})
    assert (answer.status, answer.json) == (404, NO_SESSION)


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({}, 400),
        ({"session_id": "s"}, 400),
        ({"workspace_id": 1}, 400),
        ({"session_id": "", "workspace_id": 1}, 400),
        ({"session_id": "\ud800", "workspace_id": 7}, 200),
    ],
)
def test_a_new_session_needs_an_id_and_a_workspace(
    fresh: Caller, given: dict[str, object], status: int
) -> None:
    answer = fresh.post("/api/sessions", {**given, "api_key": API_KEY})
    assert answer.status == status
    if status == 400:
        assert answer.json == {"error": "Missing required fields", "required": ["session_id", "workspace_id"]}


def test_a_deleted_session_is_gone_and_deleting_it_again_is_no_error(fleet: Fleet, fresh: Caller) -> None:
    target, key = f"/api/sessions/{SESSION_ID}", {"api_key": API_KEY}
    first, second = (fresh.post(target, key, "DELETE") for _ in range(2))
    assert first.json == {"success": True, "message": "Session disconnected successfully"}
    assert second.json == {**first.json, "alreadyDisconnected": True}
    assert (first.status, second.status) == (200, 200)
    assert (fleet.holders(SESSION_ID), fresh.get(STATUS).status) == ((), 404)


# Sending


def test_a_message_is_delivered_over_the_session(fleet: Fleet, fresh: Caller) -> None:
    answer = fresh.post(SEND, MESSAGE)
    (delivered,) = entries(fleet, MessageDelivered)
    assert answer.json == {
        "success": True,
        "message_id": delivered.message_id,
        "timestamp": answer.json["timestamp"],
    }
    assert isinstance(answer.json["timestamp"], int)
    assert abs(answer.json["timestamp"] - delivered.at) < 5
    assert (delivered.instance, delivered.session_id) == (3001, SESSION_ID)
    assert (delivered.recipient, delivered.text) == (MESSAGE["recipient_phone"], MESSAGE["message"])
    assert delivered.request == entries(fleet, RequestArrived)[-1].request
    ids = {fresh.post(SEND, {**MESSAGE, "workspace_id": one}).json["message_id"] for one in (1, 2, None)}
    assert len(ids | {delivered.message_id}) == 4


@pytest.mark.parametrize("phone", ["628999888777", "+628999888777", "628999888777@c.us"])
def test_a_phone_number_may_be_written_in_three_ways(fresh: Caller, phone: str) -> None:
    answer = fresh.post(SEND, {**MESSAGE, "recipient_phone": phone})
    assert answer.json["message_id"].startswith("true_628999888777@c.us_3EB0")


@pytest.mark.parametrize(
    "phone", ["12345", "abc", "0" * 16, "628999888777@g.us", " 628999888777", "628999888777\n"]
)
def test_another_phone_number_is_refused(fresh: Caller, phone: str) -> None:
    answer = fresh.post(SEND, {**MESSAGE, "recipient_phone": phone})
    assert (answer.status, answer.json) == (400, BAD_PHONE)


@pytest.mark.parametrize("name", ["session_id", "recipient_phone", "message"])
def test_a_message_lacks_nothing_that_is_required(fresh: Caller, name: str) -> None:
    left = {have: value for have, value in MESSAGE.items() if have != name}
    for body in (left, *({**MESSAGE, name: value} for value in (None, "", 17, []))):
        answer = fresh.post(SEND, body)
        assert (answer.status, answer.json) == (400, MISSING)


def test_a_message_is_checked_for_its_key_its_fields_its_phone_and_its_session_in_this_order(
    fleet: Fleet, fresh: Caller
) -> None:
    fleet.set_status(SESSION_ID, SessionStatus.DISCONNECTED, on=3001)
    wrong = {"api_key": "wrong", "message": "", "recipient_phone": "abc", "session_id": "unknown"}
    told = []
    for mended in ({}, {"api_key": API_KEY}, {"message": "m"}, {"recipient_phone": "628999888777"}):
        wrong |= mended
        told.append(fresh.post(SEND, wrong).json)
    told.append(fresh.post(SEND, {**wrong, "session_id": SESSION_ID}).json)
    assert told == [INVALID_KEY, MISSING, BAD_PHONE, NO_SESSION, NOT_CONNECTED]


@pytest.mark.parametrize(
    "session_id",
    ["sales/east", "a b", "#1", "what?", "100%", "%2F", "a+b", "..", "'\"", "ümlaut-😀", "x" * 255],
)
def test_any_session_id_is_found_by_its_encoded_name(fleet: Fleet, fresh: Caller, session_id: str) -> None:
    fleet.hold(Session(session_id, 1, "628111222333"), 3001)
    named = quote(session_id, safe="")
    shown = fresh.get(f"/api/sessions/{named}/status?api_key={API_KEY}")
    assert (shown.status, shown.json["session_id"]) == (200, session_id)
    assert session_id in {one["session_id"] for one in fresh.get(LIST).json["sessions"]}
    assert fresh.post(SEND, {**MESSAGE, "session_id": session_id}).status == 200
    deleted = fresh.post(f"/api/sessions/{named}", {"api_key": API_KEY}, "DELETE")
    assert (deleted.status, fleet.holders(session_id)) == (200, ())


@pytest.mark.parametrize("named", ["sales/east", "%zz", "%", "%ff"])
def test_a_session_id_that_is_not_encoded_rightly_is_not_found(
    fleet: Fleet, fresh: Caller, named: str
) -> None:
    fleet.hold(Session("sales/east", 1, "628111222333"), 3001)
    expected = 404 if "/" in named else 400
    assert fresh.get(f"/api/sessions/{named}/status?api_key={API_KEY}").status == expected

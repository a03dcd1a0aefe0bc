"""The gateway's own routes: what they answer, to whom, and in which order they check."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from fake_instances import Fleet, InstanceAddress, Session, SessionStatus
from fake_instances.journal import MessageDelivered, RequestArrived
from tests.fake_instances.support import (
    API_KEY,
    LIST,
    MESSAGE,
    PATIENCE,
    SECRET,
    SEND,
    SESSION,
    SESSION_ID,
    STATUS,
    Caller,
    ask,
    entries,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

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
KEYED: list[tuple[str, str]] = [
    ("GET", "/api/sessions"),
    ("GET", f"/api/sessions/{SESSION_ID}/status"),
    ("GET", "/api/sessions/unknown/status"),
    ("POST", "/api/sessions"),
    ("POST", f"/api/sessions/{SESSION_ID}/reconnect"),
    ("POST", "/api/sessions/unknown/reconnect"),
    ("DELETE", f"/api/sessions/{SESSION_ID}"),
    ("POST", SEND),
]


@pytest.fixture(scope="module")
def running() -> Iterator[Fleet]:
    """Start one fleet for all tests here, which are many and change nothing but sessions."""
    addresses = [InstanceAddress(number, "127.0.0.1", 0) for number in (3001, 3002)]
    with Fleet(addresses, api_key=API_KEY, secret=SECRET) as started:
        yield started


@pytest.fixture
def fleet(running: Fleet) -> Fleet:
    """Put the fleet back as after start; instance 3001 holds the session connected."""
    assert running.settle(PATIENCE)
    running.reset()
    running.journal.forget()
    running.hold(SESSION, on=3001)
    return running


def without(value: dict[str, Any], *names: str) -> dict[str, Any]:
    assert set(names) <= value.keys()
    return {name: one for name, one in value.items() if name not in names}


# The key


@pytest.mark.parametrize(("method", "target"), KEYED)
def test_a_wrong_key_is_refused_before_anything_is_looked_at(
    fleet: Fleet, fresh: Caller, method: str, target: str
) -> None:
    for key in (None, "wrong", "", API_KEY[:-1], API_KEY + "x", API_KEY.upper()):
        if method == "GET":
            answer = fresh.get(target if key is None else f"{target}?api_key={key}")
        else:
            answer = fresh.post(target, {} if key is None else {"api_key": key}, method)
        assert (answer.status, answer.json) == (401, INVALID_KEY)
    assert fleet.sessions(3001) == (SESSION,)


@pytest.mark.parametrize("key", ["é", "\ud800", 17, [API_KEY], None, True])
def test_a_key_that_is_none_is_refused(fresh: Caller, key: object) -> None:
    answer = fresh.post(SEND, {**MESSAGE, "api_key": key})
    assert (answer.status, answer.json) == (401, INVALID_KEY)


@pytest.mark.parametrize("key", ["%C3%A9", "%FF", "%00", "+", "%ED%A0%80"])
def test_a_key_of_any_characters_is_refused(fresh: Caller, key: str) -> None:
    assert fresh.get(f"/api/sessions?api_key={key}").json == INVALID_KEY


@pytest.mark.parametrize(("method", "target"), KEYED)
def test_a_key_in_a_header_is_ignored(fresh: Caller, method: str, target: str) -> None:
    fresh.send(ask(method, target, b"{}", f"X-API-Key: {API_KEY}", f"Authorization: Bearer {API_KEY}"))
    assert fresh.receive().status == 401


@pytest.mark.parametrize(("method", "target"), KEYED)
def test_a_key_where_the_route_does_not_look_is_ignored(fresh: Caller, method: str, target: str) -> None:
    if method == "GET":
        fresh.send(ask(method, target, b'{"api_key":"%s"}' % API_KEY.encode()))
    else:
        fresh.send(ask(method, f"{target}?api_key={API_KEY}", b"{}"))
    assert fresh.receive().status == 401


@pytest.mark.parametrize("target", OPEN)
@pytest.mark.parametrize("query", ["", "?api_key=wrong"])
def test_routes_that_need_no_key_look_at_none(fresh: Caller, target: str, query: str) -> None:
    assert fresh.get(target + query).status == (404 if target == "/nowhere" else 200)


# What every answer carries


@pytest.mark.parametrize("target", [*OPEN, LIST, STATUS, "/api/sessions"])
def test_every_answer_is_dressed_as_the_deployed_service_dresses_it(fresh: Caller, target: str) -> None:
    answer = fresh.get(target)
    headers = answer.headers
    assert headers["X-Powered-By"] == "Express"
    assert headers["Content-Type"] == "application/json; charset=utf-8"
    assert re.fullmatch(rf'W/"{len(answer.body):x}-[A-Za-z0-9+/]{{27}}"', headers["ETag"])
    assert headers["Connection"] == "keep-alive"
    assert headers["Keep-Alive"] == "timeout=5"
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
    ],
)
def test_an_unknown_endpoint_is_told_in_the_service_s_words(fresh: Caller, method: str, target: str) -> None:
    fresh.send(ask(method, target))
    answer = fresh.receive()
    assert answer.status == 404
    assert list(answer.json) == ["error", "path", "method", "available_endpoints", "timestamp"]
    assert ISO.fullmatch(answer.json["timestamp"])
    shown = without(answer.json, "available_endpoints", "timestamp")
    assert shown == {"error": "Endpoint not found", "path": target, "method": method}
    assert "POST /api/messages/send" in answer.json["available_endpoints"]


@pytest.mark.parametrize("target", ["//health", f"/{LIST}", f"/{STATUS}"])
def test_a_doubled_slash_leads_nowhere(fleet: Fleet, fresh: Caller, target: str) -> None:
    assert fresh.get(target).json["error"] == "Endpoint not found"
    assert entries(fleet, RequestArrived)[-1].target == target


def test_a_trailing_slash_makes_no_difference(fresh: Caller) -> None:
    assert fresh.get("/health/").status == 200
    assert fresh.get(f"/api/sessions/?api_key={API_KEY}").json["total"] == 1


# Health


def test_health_counts_sessions(fleet: Fleet, fresh: Caller) -> None:
    fleet.hold(NEW, on=3001)
    shown = fresh.get("/health").json
    assert list(shown) == ["status", "uptime", "sessions", "memory", "timestamp"]
    assert shown["status"] == "healthy"
    assert shown["uptime"] >= 0
    assert shown["sessions"] == {"total": 2, "connected": 1, "disconnected": 1}
    assert shown["memory"].keys() == {"used", "total", "unit"}
    assert ISO.fullmatch(shown["timestamp"])


@pytest.mark.parametrize(("held", "rate"), [([], 0), ([SESSION], 100), ([NEW], 0), ([SESSION, NEW], 50)])
def test_detailed_health_lists_sessions(fleet: Fleet, fresh: Caller, held: list[Session], rate: int) -> None:
    fleet.reset()
    for session in held:
        fleet.hold(session, on=3001)
    shown = fresh.get("/health/detailed").json
    names = "status uptime start_time timestamp sessions memory cpu node environment"
    assert list(shown) == names.split()
    assert list(shown["sessions"]) == ["total", "connected", "disconnected", "connection_rate", "details"]
    assert shown["sessions"]["connection_rate"] == rate
    assert shown["sessions"]["details"] == fresh.get(LIST).json["sessions"]
    assert [one["session_id"] for one in shown["sessions"]["details"]] == [one.session_id for one in held]
    assert shown["memory"].keys() == {"heap_used", "heap_total", "external", "rss", "unit"}
    assert shown["cpu"].keys() == {"user", "system"}
    assert shown["node"].keys() == {"version", "platform", "arch", "pid"}
    assert shown["environment"] == {"node_env": "production", "port": 3001, "laravel_url": ""}
    assert ISO.fullmatch(shown["start_time"])


def test_readiness_is_told_with_its_checks(fleet: Fleet, fresh: Caller) -> None:
    fleet.hold(NEW, on=3001)
    shown = fresh.get("/health/ready").json
    assert shown["ready"] is True
    assert shown["checks"] == {
        "laravel_configured": True,
        "api_key_configured": True,
        "active_sessions": 1,
        "session_count": 2,
    }


# Sessions


def test_sessions_are_listed(fresh: Caller) -> None:
    assert fresh.get(LIST).json == {"success": True, "sessions": [LISTED], "total": 1}


def test_an_instance_lists_its_own_sessions_alone(fleet: Fleet) -> None:
    with Caller(fleet, 3002) as other:
        assert other.get(LIST).json == {"success": True, "sessions": [], "total": 0}
        assert other.get(STATUS).json == NO_SESSION


def test_a_session_s_status_shows_more_than_the_list(fresh: Caller) -> None:
    assert fresh.get(STATUS).json == {**LISTED, "last_activity": "2024-11-22T10:05:00.000Z"}


@pytest.mark.parametrize("status", list(SessionStatus))
def test_a_session_is_shown_in_every_state(fleet: Fleet, fresh: Caller, status: SessionStatus) -> None:
    fleet.set_status(SESSION_ID, status, on=3001)
    assert fresh.get(STATUS).json["status"] == status.value
    assert fresh.get(LIST).json["sessions"][0]["status"] == status.value


def test_before_connecting_a_session_has_no_number_and_the_list_no_time(fleet: Fleet, fresh: Caller) -> None:
    fleet.hold(NEW, on=3001)
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


def test_a_new_session_waits_for_its_qr_code(fleet: Fleet, fresh: Caller) -> None:
    answer = fresh.post("/api/sessions", {"session_id": "webjs_new", "workspace_id": 7, "api_key": API_KEY})
    assert answer.json == {"success": True, "session_id": "webjs_new", "status": "qr_scanning"}
    assert fleet.sessions(3001)[1] == NEW
    assert fleet.holders("webjs_new") == ()


def test_a_session_id_of_no_characters_breaks_nothing(fresh: Caller) -> None:
    answer = fresh.post("/api/sessions", {"session_id": "\ud800", "workspace_id": 7, "api_key": API_KEY})
    assert answer.status == 200


@pytest.mark.parametrize(
    "given", [{}, {"session_id": "s"}, {"workspace_id": 1}, {"session_id": "", "workspace_id": 1}]
)
def test_a_new_session_needs_an_id_and_a_workspace(fresh: Caller, given: dict[str, object]) -> None:
    answer = fresh.post("/api/sessions", {**given, "api_key": API_KEY})
    assert answer.status == 400
    assert answer.json == {"error": "Missing required fields", "required": ["session_id", "workspace_id"]}


def test_a_deleted_session_is_gone_and_deleting_it_again_is_no_error(fleet: Fleet, fresh: Caller) -> None:
    target, key = f"/api/sessions/{SESSION_ID}", {"api_key": API_KEY}
    first, second = (fresh.post(target, key, "DELETE") for _ in range(2))
    assert first.json == {"success": True, "message": "Session disconnected successfully"}
    assert second.json == {**first.json, "alreadyDisconnected": True}
    assert (first.status, second.status) == (200, 200)
    assert fleet.holders(SESSION_ID) == ()
    assert fresh.get(STATUS).status == 404


def test_an_unknown_session_cannot_reconnect(fresh: Caller) -> None:
    answer = fresh.post("/api/sessions/unknown/reconnect", {"api_key": API_KEY})
    assert (answer.status, answer.json) == (404, NO_SESSION)


# Sending


def test_a_message_is_delivered_over_the_session(fleet: Fleet, fresh: Caller) -> None:
    answer = fresh.post(SEND, MESSAGE)
    assert answer.status == 200
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


def test_every_message_has_an_id_of_its_own(fresh: Caller) -> None:
    assert len({fresh.post(SEND, MESSAGE).json["message_id"] for _ in range(10)}) == 10


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


@pytest.mark.parametrize("value", [None, "", 17, [], "absent"])
@pytest.mark.parametrize("name", ["session_id", "recipient_phone", "message"])
def test_a_message_lacks_nothing_that_is_required(fresh: Caller, name: str, value: object) -> None:
    body = without(MESSAGE, name) if value == "absent" else {**MESSAGE, name: value}
    answer = fresh.post(SEND, body)
    assert (answer.status, answer.json) == (400, MISSING)


@pytest.mark.parametrize("workspace", [2, None, "absent"])
def test_the_workspace_of_a_message_is_not_checked(fresh: Caller, workspace: object) -> None:
    body = (
        without(MESSAGE, "workspace_id") if workspace == "absent" else {**MESSAGE, "workspace_id": workspace}
    )
    assert fresh.post(SEND, body).status == 200


@pytest.mark.parametrize("status", [one for one in SessionStatus if one is not SessionStatus.CONNECTED])
def test_a_session_that_is_not_connected_sends_nothing(
    fleet: Fleet, fresh: Caller, status: SessionStatus
) -> None:
    fleet.set_status(SESSION_ID, status, on=3001)
    answer = fresh.post(SEND, MESSAGE)
    assert (answer.status, answer.json) == (400, NOT_CONNECTED)
    assert not entries(fleet, MessageDelivered)


def test_a_message_is_checked_for_its_key_its_fields_its_phone_and_its_session_in_this_order(
    fleet: Fleet, fresh: Caller
) -> None:
    fleet.set_status(SESSION_ID, SessionStatus.DISCONNECTED, on=3001)
    wrong = {"api_key": "wrong", "message": "", "recipient_phone": "abc", "session_id": "unknown"}
    told = []
    for mended in [{}, {"api_key": API_KEY}, {"message": "m"}, {"recipient_phone": "628999888777"}]:
        wrong |= mended
        told.append(fresh.post(SEND, wrong).json)
    told.append(fresh.post(SEND, {**wrong, "session_id": SESSION_ID}).json)
    assert told == [INVALID_KEY, MISSING, BAD_PHONE, NO_SESSION, NOT_CONNECTED]

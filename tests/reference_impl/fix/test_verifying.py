"""Every send verifies; whatever is no clear yes leads to a scan."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest
import requests

from tests.reference_impl.support import LONG_AGO, MARGIN, PATIENCE, SESSION, VERIFY_TIMEOUT

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.reference_impl.support import Act, Database, Handler, Stub, System

VERIFIED = "Session verified in assigned instance"
MISSED = "Session not found in assigned instance, attempting sync..."
MOVED = "Instance sync successful! Database updated"
NOWHERE = "Session not found in any Node.js instance"
IN_DOUBT = "Session could not be verified"


def drip(handler: Handler) -> None:
    """Answer correctly, a byte at a time, far slower than any deadline."""
    body = b'{"sessions":{"details":[{"session_id":"%s","status":"connected"}]}}' % SESSION.encode()
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body))
    for byte in body:
        handler.wfile.write(bytes([byte]))
        handler.wfile.flush()
        if handler.server.stub.released.wait(0.03):
            return


def endless(handler: Handler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while not handler.server.stub.released.is_set():
        handler.wfile.write(b" " * 65536)


def raw(payload: bytes) -> Act:
    return lambda handler: handler.answer(200, raw=payload)


def cut_off(handler: Handler) -> None:
    handler.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"sessions":{"details":[')
    handler.close_connection = True


def redirect_to(url: str) -> Act:
    return lambda handler: handler.answer(307, {}, Location=url + handler.path)


BROKEN = {
    "500": lambda handler: handler.answer(500, {"error": "x"}),
    "hang": lambda handler: handler.server.stub.hang(handler),
    "drip": drip,
    "endless": endless,
    "cut off": cut_off,
    "nothing": lambda handler: setattr(handler, "close_connection", True),
    "no HTTP": lambda handler: handler.wfile.write(b"hello\r\n\r\n"),
    "empty": raw(b""),
    "broken": raw(b'{"sessions":'),
    "list": raw(b"[]"),
    "null": raw(b"null"),
    "number": raw(b"3"),
    "no sessions": raw(b"{}"),
    "no details": raw(b'{"sessions":{"total":1}}'),
    "junk": raw(b'{"sessions":{"details":[null,5,{"session_id":7}]}}'),
    "bomb": raw(b"[" * 300_000),
    "latin": raw(b'{"sessions":{"details":[{"session_id":"\xe9"}]}}'),
}


def test_a_held_session_is_verified_and_the_row_left_alone(
    system: System, stubs: list[Stub], database: Database
) -> None:
    database.add(142, SESSION, stubs[2].url)
    stubs[2].hold()
    answer = system.send(text="hello")
    assert answer.json == {"success": True, "message_id": "m1", "instance_url": stubs[2].url}
    assert [message["message"] for message in stubs[2].delivered] == ["hello"]
    assert [method for method, _ in stubs[2].seen] == ["GET", "POST"]
    assert database.row()["updated_at"] == LONG_AGO
    assert system.log.fields(VERIFIED) == [{"session_id": SESSION, "instance_url": stubs[2].url}]
    assert not system.log.fields(MISSED)


def test_a_mismatched_row_is_repaired_and_the_message_delivered_once(
    system: System, stubs: list[Stub], database: Database
) -> None:
    database.add(142, SESSION, stubs[0].url)
    stubs[3].hold()
    assert system.send().status == 200
    assert [len(stub.delivered) for stub in stubs] == [0, 0, 0, 1]
    assert database.url() == stubs[3].url
    assert database.row()["updated_at"] > "2024"
    assert system.log.fields(MISSED) == [{"session_id": SESSION, "instance_url": stubs[0].url}]
    assert system.log.fields(MOVED) == [
        {"session_id": SESSION, "old_url": stubs[0].url, "new_url": stubs[3].url}
    ]
    stubs[3].sessions.clear()
    stubs[1].hold()
    assert system.send().json["instance_url"] == stubs[1].url


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_instance_is_given_up_in_time_and_hides_no_holder(
    system: System, stubs: list[Stub], database: Database, name: str
) -> None:
    database.add(142, SESSION, stubs[0].url)
    stubs[0].acts["/"] = BROKEN[name]
    stubs[1].acts["/"] = BROKEN[name]
    stubs[3].hold()
    answer = system.send()
    assert answer.json["instance_url"] == stubs[3].url
    # One verify timeout, the short wait for the assigned instance within the scan, and a margin.
    assert answer.seconds < 1.2 * VERIFY_TIMEOUT + MARGIN


def test_the_timeout_of_requests_is_no_deadline_for_the_same_drip(
    system: System, stubs: list[Stub], database: Database
) -> None:
    database.add(142, SESSION, stubs[0].url)
    stubs[0].acts["/"] = drip
    stubs[1].hold()
    assert system.send().seconds < 1.2 * VERIFY_TIMEOUT + MARGIN
    began = time.monotonic()
    # A byte each 30 ms: never half a second without one, so requests waits to the end.
    assert requests.get(stubs[0].url + "/health/detailed", timeout=VERIFY_TIMEOUT).ok
    assert time.monotonic() - began > 1.2 * VERIFY_TIMEOUT + MARGIN


@pytest.mark.parametrize("name", ["500", "hang", "drip", "junk"])
def test_what_could_not_be_asked_is_named_and_no_row_changed(
    system: System, stubs: list[Stub], database: Database, name: str
) -> None:
    database.add(142, SESSION, stubs[0].url)
    stubs[2].acts["/"] = BROKEN[name]
    answer = system.send()
    assert (answer.status, answer.json["code"]) == (503, "session_unverifiable")
    assert stubs[2].url in answer.json["error"]
    assert system.log.fields(IN_DOUBT) == [{"session_id": SESSION, "unasked": [stubs[2].url]}]
    assert not system.log.fields(NOWHERE)
    assert database.row()["updated_at"] == LONG_AGO


def test_a_session_found_nowhere_fails_without_a_post(
    system: System, stubs: list[Stub], database: Database
) -> None:
    database.add(142, SESSION, stubs[0].url)
    for stub in stubs:
        stub.hold("another-tenants-session")
    answer = system.send()
    assert (answer.status, answer.json["code"]) == (409, "session_not_found")
    assert "not found in any" in answer.json["error"]
    assert system.log.fields(NOWHERE) == [{"session_id": SESSION}]
    assert sum(stub.count("POST") for stub in stubs) == 0
    assert database.row()["updated_at"] == LONG_AGO


def test_similar_sessions_do_not_count(system: System, stubs: list[Stub], database: Database) -> None:
    database.add(142, SESSION, stubs[0].url)
    for similar in (SESSION + "2", "x" + SESSION, SESSION[:-1], SESSION.upper(), SESSION + " "):
        stubs[0].hold(similar)
        stubs[1].hold(similar)
    stubs[2].hold()
    assert system.send().json["instance_url"] == stubs[2].url


def test_a_session_listed_but_not_connected_is_not_held(
    system: System, stubs: list[Stub], database: Database
) -> None:
    database.add(142, SESSION, stubs[0].url)
    stubs[0].hold(status="disconnected")
    stubs[1].hold(status="qr_scanning")
    assert system.send().json["code"] == "session_not_found"
    assert stubs[1].url in system.send().json["error"]
    stubs[2].hold()
    assert system.send().json["instance_url"] == stubs[2].url
    assert database.url() == stubs[2].url


@pytest.mark.parametrize("url", [None, "", "http://127.0.0.1:1", "http://localhost:3001/x", "nonsense"])
def test_a_null_or_unconfigured_url_is_not_asked(
    system: System, stubs: list[Stub], database: Database, url: str | None
) -> None:
    database.add(142, SESSION, url)
    stubs[1].hold()
    assert system.send().json["instance_url"] == stubs[1].url
    assert system.log.fields(MISSED) == [{"session_id": SESSION, "instance_url": url}]
    assert system.log.fields(MOVED)[0]["old_url"] == url


def test_a_stored_trailing_slash_is_no_mismatch(
    system: System, stubs: list[Stub], database: Database
) -> None:
    database.add(142, SESSION, stubs[1].url + "/")
    stubs[1].hold()
    assert system.send().status == 200
    assert database.url() == stubs[1].url + "/"
    assert not system.log.fields(MISSED)


def test_the_deployed_dialect_is_asked_at_another_route(
    system: System, stubs: list[Stub], database: Database
) -> None:
    database.add(142, SESSION, stubs[0].url)
    for stub in stubs:
        stub.deployed = True
        stub.hold("someone-else")
    stubs[3].hold()
    assert system.send().json["instance_url"] == stubs[3].url
    assert system.send().json["instance_url"] == stubs[3].url
    assert len(system.log.fields(MISSED)) == 1
    stubs[3].sessions.clear()
    assert system.send().json["code"] == "session_not_found"


def test_both_questions_of_the_deployed_dialect_share_one_deadline(
    system: System, stubs: list[Stub], database: Database
) -> None:
    database.add(142, SESSION, stubs[0].url)
    stubs[0].deployed = True
    stubs[0].acts["/api/sessions"] = stubs[0].hang

    def late(handler: Handler) -> None:
        handler.server.stub.released.wait(0.6 * VERIFY_TIMEOUT)
        handler.server.stub.list_sessions(handler)

    stubs[0].acts["/health"] = late
    stubs[1].hold()
    answer = system.send()
    assert answer.status == 200
    assert answer.seconds < 1.2 * VERIFY_TIMEOUT + MARGIN


def test_ten_thousand_sessions_are_read(system: System, stubs: list[Stub], database: Database) -> None:
    database.add(142, SESSION, stubs[0].url)
    for number in range(10_000):
        stubs[0].hold(f"webjs_1_{number}_" + "x" * 100)
    stubs[1].sessions.update(stubs[0].sessions)
    stubs[1].hold()
    assert system.send().json["instance_url"] == stubs[1].url


def test_a_redirect_is_not_followed(system: System, stubs: list[Stub], database: Database) -> None:
    database.add(142, SESSION, stubs[0].url)
    stranger = stubs[2]
    for stub in stubs[:2]:
        stub.acts["/"] = redirect_to("http://localhost:" + stranger.url.rpartition(":")[2])
    stranger.hold()
    stranger.acts["/health"] = lambda handler: handler.answer(500, {})
    assert system.send().json["code"] == "session_unverifiable"
    assert stranger.count() == 1
    assert stranger.count("POST") == 0


def test_proxies_of_the_environment_are_not_used(
    system: System, stubs: list[Stub], database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)
    database.add(142, SESSION, stubs[0].url)
    stubs[0].hold()
    assert system.send().status == 200


def test_an_endless_answer_is_given_up_before_the_timeout(
    environment: dict[str, str], start: Callable[..., System], stubs: list[Stub], database: Database
) -> None:
    environment["VERIFY_TIMEOUT"] = "8"
    database.add(142, SESSION, stubs[0].url)
    stubs[0].acts["/"] = endless
    stubs[1].hold()
    assert start().send().seconds < 7


def test_an_instance_given_up_is_hung_up_on(system: System, stubs: list[Stub], database: Database) -> None:
    database.add(142, SESSION, stubs[0].url)
    stubs[1].hold()
    received: list[bytes] = []
    ended = threading.Event()

    def listen(handler: Handler) -> None:
        handler.connection.settimeout(PATIENCE)
        received.append(handler.connection.recv(1))
        handler.close_connection = True
        ended.set()

    stubs[0].acts["/"] = listen
    assert system.send().status == 200
    assert ended.wait(PATIENCE)
    assert received[0] == b""


def test_two_holders_keep_the_assigned_one(system: System, stubs: list[Stub], database: Database) -> None:
    database.add(142, SESSION, stubs[2].url)
    stubs[1].hold()
    stubs[2].hold()
    assert system.send().json["instance_url"] == stubs[2].url
    # Nor does a hiccup of the assigned one at its verification move the row.
    failures = iter([500])

    def hiccup(handler: Handler) -> None:
        for status in failures:
            handler.answer(status, {})
            return
        # A little later than the other holder.
        handler.server.stub.released.wait(0.03)
        handler.server.stub.list_sessions(handler)

    stubs[2].acts["/health"] = hiccup
    assert system.send().json["instance_url"] == stubs[2].url
    assert database.row()["updated_at"] == LONG_AGO

"""Delivered once or told the truth: what follows a POST that was not answered with success."""

from __future__ import annotations

import socket
import struct
from typing import TYPE_CHECKING

import pytest

from reference_impl.edges.instances import NotConfiguredError
from tests.reference_impl.fix.test_verifying import MISSED, redirect_to
from tests.reference_impl.support import MARGIN, SEND_TIMEOUT, SESSION

if TYPE_CHECKING:
    from tests.reference_impl.support import Act, Database, Handler, Stub, System

SEND = "/api/messages/send"


def posts(stubs: list[Stub]) -> list[int]:
    return [stub.count("POST") for stub in stubs]


def answers(status: int, body: object) -> Act:
    return lambda handler: handler.answer(status, body)


def test_a_session_that_moves_between_verification_and_post_is_followed(
    system: System, stubs: list[Stub], database: Database
) -> None:
    database.add(142, SESSION, stubs[0].url)
    stubs[0].hold()

    def move(handler: Handler) -> None:
        stubs[0].sessions.clear()
        stubs[1].hold()
        handler.server.stub.deliver(handler)

    stubs[0].acts[SEND] = move
    assert system.send().json["instance_url"] == stubs[1].url
    assert posts(stubs) == [1, 1, 0, 0]
    assert len(stubs[1].delivered) == 1
    assert database.url() == stubs[1].url
    assert not system.log.fields(MISSED)


def test_an_instance_that_lists_and_denies_the_session_does_not_hide_the_holder(
    system: System, stubs: list[Stub], database: Database
) -> None:
    database.add(142, SESSION, stubs[0].url)
    stubs[0].hold()
    stubs[0].acts[SEND] = answers(404, {"error": "Session not found"})
    stubs[3].hold()
    assert system.send().json["instance_url"] == stubs[3].url
    assert posts(stubs) == [1, 0, 0, 1]


def test_one_that_always_lists_and_always_denies_makes_the_send_fail_soon(
    system: System, stubs: list[Stub], database: Database
) -> None:
    database.add(142, SESSION, stubs[0].url)
    for stub in stubs[:2]:
        stub.hold()
        stub.acts[SEND] = answers(404, {"error": "Session not found"})
    answer = system.send()
    assert (answer.status, answer.json["code"]) == (502, "rejected_by_instance")
    assert 2 <= sum(posts(stubs)) <= 4
    stubs[1].sessions.clear()
    before = sum(posts(stubs))
    assert system.send().json["code"] == "rejected_by_instance"
    assert sum(posts(stubs)) <= before + 2


def test_not_connected_leads_to_one_other_instance_once(
    system: System, stubs: list[Stub], database: Database
) -> None:
    database.add(142, SESSION, stubs[0].url)
    for stub in stubs[:3]:
        stub.hold()
        stub.acts[SEND] = answers(400, {"error": "Session not connected. Please check session status."})
    assert system.send().json["code"] == "rejected_by_instance"
    assert sorted(posts(stubs)) == [0, 0, 1, 1]
    for stub in stubs[1:]:
        stub.sessions.clear()
    database.set_url(142, stubs[0].url)
    stubs[3].hold()
    assert system.send().json["instance_url"] == stubs[3].url


@pytest.mark.parametrize("status", [400, 401, 403, 422, 429])
def test_a_refusal_is_told_and_not_posted_again(
    system: System, stubs: list[Stub], database: Database, status: int
) -> None:
    database.add(142, SESSION, stubs[0].url)
    stubs[0].hold()
    stubs[1].hold()
    stubs[0].acts[SEND] = answers(status, {"error": "Invalid phone number format"})
    answer = system.send()
    assert (answer.status, answer.json["code"]) == (502, "rejected_by_instance")
    assert "Invalid phone number format" in answer.json["error"]
    assert posts(stubs) == [1, 0, 0, 0]


def reset(handler: Handler) -> None:
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.close_connection = True


def hang(handler: Handler) -> None:
    handler.server.stub.hang(handler)


def partial(handler: Handler) -> None:
    handler.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n{"success":true,')
    handler.close_connection = True


@pytest.mark.parametrize(
    "act",
    [
        hang,
        reset,
        partial,
        answers(500, {"error": "Session not found"}),
        answers(503, {}),
        answers(200, {}),
        lambda handler: handler.answer(200, raw=b""),
        lambda handler: handler.answer(204, raw=b""),
        lambda handler: handler.answer(200, raw=b"<html>"),
    ],
    ids=["hang", "reset", "partial", "500", "503", "hollow", "empty", "204", "html"],
)
def test_what_may_have_been_sent_is_not_sent_again(
    system: System, stubs: list[Stub], database: Database, act: Act
) -> None:
    database.add(142, SESSION, stubs[0].url)
    stubs[0].hold()
    stubs[1].hold()
    stubs[0].acts[SEND] = act
    answer = system.send()
    assert (answer.status, answer.json["code"]) == (504, "delivery_unknown")
    assert "not known" in answer.json["error"]
    assert posts(stubs) == [1, 0, 0, 0]
    assert answer.seconds < SEND_TIMEOUT + MARGIN


def test_a_404_whose_body_never_comes_is_still_a_404(
    system: System, stubs: list[Stub], database: Database
) -> None:
    database.add(142, SESSION, stubs[0].url)
    stubs[0].hold()
    stubs[1].hold()

    def denied(handler: Handler) -> None:
        handler.wfile.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 90\r\n\r\n")
        handler.server.stub.hang(handler)

    stubs[0].acts[SEND] = denied
    assert system.send().json["instance_url"] == stubs[1].url


def test_success_false_is_a_refusal(system: System, stubs: list[Stub], database: Database) -> None:
    database.add(142, SESSION, stubs[0].url)
    stubs[0].hold()
    stubs[0].acts[SEND] = answers(200, {"success": False, "error": "blocked"})
    assert system.send().json["code"] == "rejected_by_instance"


def test_a_redirected_post_goes_nowhere_else(system: System, stubs: list[Stub], database: Database) -> None:
    database.add(142, SESSION, stubs[0].url)
    stubs[0].hold()
    stubs[0].acts[SEND] = redirect_to(stubs[1].url)
    assert system.send().json["success"] is False
    assert posts(stubs) == [1, 0, 0, 0]


def test_a_connection_never_made_permits_another_post(
    system: System, stubs: list[Stub], database: Database
) -> None:
    database.add(142, SESSION, stubs[0].url)
    stubs[0].hold()

    def die_after_answering(handler: Handler) -> None:
        # Nobody listens any more, from now on; a mere close would wait for the server's own poll.
        handler.server.socket.shutdown(socket.SHUT_RDWR)
        stubs[1].hold()
        handler.server.stub.list_sessions(handler)

    stubs[0].acts["/health"] = die_after_answering
    assert system.send().json["instance_url"] == stubs[1].url
    assert posts(stubs) == [0, 1, 0, 0]


@pytest.mark.parametrize(
    "account_id", ["7", "999999999999999999999", "9223372036854775808", "abc", "-1", "142x", "٣"]
)
def test_an_unknown_account_is_told_and_no_instance_called(
    system: System, stubs: list[Stub], account_id: str
) -> None:
    answer = system.send(account_id)
    assert (answer.status, answer.json["code"]) == (404, "account_not_found")
    assert not [stub for stub in stubs if stub.seen]


@pytest.mark.parametrize("text", ["", None, 5, ["x"], {}, "\ud800"])
def test_an_invalid_message_reaches_no_instance(
    system: System, stubs: list[Stub], database: Database, text: object
) -> None:
    database.add(142, SESSION, stubs[0].url)
    answer = system.send(text=text)
    assert (answer.status, answer.json["code"], answer.json["success"]) == (422, "invalid_message", False)
    assert not [stub for stub in stubs if stub.seen]


def test_a_message_arrives_unchanged(system: System, stubs: list[Stub], database: Database) -> None:
    text = 'שלום "quoted" \n\t🎉\u0000' + "x" * 4000
    database.add(142, SESSION, stubs[0].url, workspace_id=7)
    stubs[0].hold()
    system.send(text=text)
    (message,) = stubs[0].delivered
    assert (message["message"], message["session_id"], message["workspace_id"]) == (text, SESSION, 7)
    assert (message["recipient_phone"], message["type"]) == ("628111", "text")


def test_an_account_without_a_session_fails(system: System, stubs: list[Stub], database: Database) -> None:
    database.add(5, None, stubs[0].url)
    assert system.send(5).json["code"] == "session_not_found"


def test_nothing_but_a_configured_instance_is_ever_called(system: System) -> None:
    for call in (system.parts.client.roster, lambda base: system.parts.client.post_message(base, {})):
        with pytest.raises(NotConfiguredError):
            system.parts.loop.run(call("http://127.0.0.1:9"))

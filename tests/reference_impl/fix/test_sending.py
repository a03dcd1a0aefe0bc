"""Sending where scenarios cannot look: connections, deadlines on the wire, and odd accounts."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from reference_impl.edges.answers import Outcome, PostAnswer
from reference_impl.edges.messages import Message, SendError, failure
from tests.reference_impl.support import LONG_AGO, MARGIN, PATIENCE, SEND, SESSION, VERIFY_TIMEOUT

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.reference_impl.support import Database, Handler, Stub, System


def endless(handler: Handler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while not handler.server.stub.released.is_set():
        handler.wfile.write(b" " * 65536)


@pytest.mark.parametrize("payload", [b"[" * 300_000, b'{"sessions":{"details":[{"session_id":"\xe9"}]}}'])
def test_an_answer_that_breaks_parsers_hides_no_holder(
    system: System, stubs: list[Stub], database: Database, payload: bytes
) -> None:
    database.add(142, SESSION, stubs[0].url)
    stubs[0].acts["/"] = lambda handler: handler.answer(200, raw=payload)
    stubs[1].hold()
    assert system.send().json["instance_url"] == stubs[1].url


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


def test_the_connection_to_a_silent_instance_is_closed(
    system: System, stubs: list[Stub], database: Database
) -> None:
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
    assert received == [b""]


def test_a_hiccup_of_the_assigned_instance_does_not_move_the_row(
    system: System, stubs: list[Stub], database: Database
) -> None:
    database.add(142, SESSION, stubs[2].url)
    stubs[1].hold()
    stubs[2].hold()
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


@pytest.mark.parametrize(
    "account_id", ["7", "999999999999999999999", "9223372036854775808", "abc", "-1", "142x", "٣"]
)
def test_an_unknown_account_calls_no_instance(system: System, stubs: list[Stub], account_id: str) -> None:
    answer = system.send(account_id)
    assert (answer.status, answer.json["code"]) == (404, "account_not_found")
    assert not [stub for stub in stubs if stub.seen]


def test_an_account_without_a_session_fails(system: System, stubs: list[Stub], database: Database) -> None:
    database.add(5, None, stubs[0].url)
    assert system.send(5).json["code"] == "session_not_found"


def test_only_configured_instances_are_ever_called(system: System) -> None:
    for call in (system.parts.client.roster, lambda base: system.parts.client.post_message(base, {})):
        with pytest.raises(LookupError):
            system.parts.loop.run(call("http://127.0.0.1:9"))


def test_half_a_surrogate_pair_is_an_invalid_message() -> None:
    with pytest.raises(SendError, match="must be texts"):
        Message.parse(b'{"recipient_phone":"6","message":"\\ud800"}')


def test_a_refusal_quotes_the_instance_bounded_and_without_the_key() -> None:
    body = b'{"error":"the key k3y is wrong ' + b"x" * 5000 + b'"}'
    error = failure(Outcome.REFUSED, PostAnswer(connected=True, status=401, body=body), "http://a", ("k3y",))
    assert "the key [redacted] is wrong" in str(error)
    assert len(str(error)) < 400

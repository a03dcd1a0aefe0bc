"""The receiver that stands in the place of a control plane: what it keeps of webhooks, and how it answers."""

from __future__ import annotations

import http.client
import socket
from typing import TYPE_CHECKING, Any

import pytest
import requests

from fake_instances.journal import Journal
from harness.attach import webhook_receiver
from harness.attach.webhook_receiver import Receiver
from harness.history import Noted, WebhookReceived
from tests.harness.support import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver(Journal(), "127.0.0.1") as opened:
        yield opened


def received(receiver: Receiver) -> list[WebhookReceived]:
    return [one for one in receiver._journal.entries() if isinstance(one, WebhookReceived)]


def post(receiver: Receiver, **body: Any) -> int:
    return requests.post(receiver.url, timeout=PATIENCE, **body).status_code


def test_a_webhook_is_kept_with_its_headers_in_order_and_its_exact_bytes(receiver: Receiver) -> None:
    body = '{ "event" : "session_ready" ,\n "data":{"session_id":"é"}}'.encode()
    connection = http.client.HTTPConnection(receiver.url.removeprefix("http://"), timeout=PATIENCE)
    connection.putrequest("POST", "/hook?x=1", skip_host=True, skip_accept_encoding=True)
    for name, value in (("X-B", "1"), ("x-a", "2"), ("X-B", "3"), ("Content-Length", str(len(body)))):
        connection.putheader(name, value)
    connection.endheaders(body)
    with connection.getresponse() as answer:
        assert (answer.status, answer.read()) == (200, b"{}")
    connection.close()
    (one,) = received(receiver)
    assert (one.body, one.path, one.header("X-B")) == (body, "/hook?x=1", ("1", "3"))
    assert one.headers[:2] == (("X-B", "1"), ("x-a", "2"))
    assert (one.event, one.data) == ("session_ready", {"session_id": "é"})


def test_webhooks_are_answered_as_set_and_the_session_is_asked_about_first(receiver: Receiver) -> None:
    receiver.status, receiver.status_for = 503, {"one": 401}
    receiver.ask_back = lambda session_id: f"state of {session_id}"
    for name, status in (("one", 401), ("other", 503)):
        assert post(receiver, json={"event": "session_ready", "data": {"session_id": name}}) == status
        assert post(receiver, json={"event": "qr_code_generated", "data": {"session_id": name}}) == 200
    receiver.behave()
    assert post(receiver, data=b"no JSON") == 200
    asked_back = [one.asked_back for one in received(receiver)]
    assert asked_back == ["state of one", None, "state of other", None, None]


def test_a_webhook_in_chunks_is_taken_like_any_other(receiver: Receiver) -> None:
    assert post(receiver, data=iter([b'{"event":', b'"session_', b'ready"}'])) == 200
    (one,) = received(receiver)
    assert (one.event, one.body) == ("session_ready", b'{"event":"session_ready"}')
    assert post(receiver, data=b"{}", headers={"Expect": "100-continue"}) == 200


def noted(receiver: Receiver) -> str:
    return "\n".join(one.text for one in receiver._journal.entries() if isinstance(one, Noted))


def test_what_is_no_whole_webhook_is_noted_and_turned_away(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    host, port = receiver.url.removeprefix("http://").split(":")
    head = b"POST /hook HTTP/1.1\r\nContent-Length: 9\r\n\r\n{"

    def answered(said: bytes, *, leave: bool = False) -> bytes:
        with socket.create_connection((host, int(port)), timeout=PATIENCE) as caller:
            caller.sendall(said)
            if leave:
                caller.shutdown(socket.SHUT_WR)
            return caller.recv(4096).partition(b"\r\n")[0]

    assert answered(b"no HTTP at all\r\n\r\n") == b"HTTP/1.1 400 Bad Request"
    assert answered(head, leave=True) == b"HTTP/1.1 408 Request Timeout"
    assert answered(b"GET /hook HTTP/1.1\r\n\r\n") == b"HTTP/1.1 404 Answered"
    monkeypatch.setattr(webhook_receiver, "WHOLE_SECONDS", 0.05)
    assert answered(head) == b"HTTP/1.1 408 Request Timeout"
    monkeypatch.setattr(webhook_receiver, "LARGEST", 40)
    assert answered(head) == b"HTTP/1.1 413 Payload Too Large"
    for told in (
        "it is no HTTP",
        "GET /hook is none, and is answered 404",
        "its sender left",
        "it was not whole after 0.05 s",
        "more than 40 bytes",
    ):
        assert told in noted(receiver)
    assert received(receiver) == []


def test_more_webhooks_than_are_kept_are_turned_away_until_the_next_scenario(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook_receiver, "MOST", 2000)
    assert [post(receiver, data=b"a" * 900) for _ in range(3)] == [200, 413, 413]
    assert "more than 2000 bytes came in all" in noted(receiver)
    receiver.behave()
    assert post(receiver, data=b"a" * 900) == 200
    assert len(received(receiver)) == 2


def test_connections_are_refused_and_taken_again_at_the_same_address(receiver: Receiver) -> None:
    url = receiver.url
    host, port = url.removeprefix("http://").split(":")
    receiver.refuse()
    with socket.socket() as caller:
        assert caller.connect_ex((host, int(port))) != 0
    receiver.listen()
    receiver.listen()
    assert receiver.url == url
    assert post(receiver, json={}) == 200

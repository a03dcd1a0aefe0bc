"""The receiver that stands in the place of a control plane: what it keeps of webhooks, and how it answers."""

from __future__ import annotations

import http.client
import socket
from typing import TYPE_CHECKING, Any

import pytest
import requests

from fake_instances.journal import Journal
from harness.attach.webhook_receiver import Receiver
from harness.history import WebhookReceived
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
        assert post(receiver, json={"data": {"session_id": name}}) == status
    receiver.behave()
    assert post(receiver, data=b"no JSON") == 200
    assert [one.asked_back for one in received(receiver)] == ["state of one", "state of other", None]
    assert post(receiver, data=iter([b"{}"])) == 411
    assert len(received(receiver)) == 3


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

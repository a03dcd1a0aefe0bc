"""The receiver that stands in the place of a control plane: what it keeps of webhooks, and how it answers."""

from __future__ import annotations

import http.client
import socket
from typing import TYPE_CHECKING

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
    assert one.body == body
    assert (one.path, one.header("X-B"), one.headers[:2]) == (
        "/hook?x=1",
        ("1", "3"),
        (("X-B", "1"), ("x-a", "2")),
    )
    assert (one.event, one.data) == ("session_ready", {"session_id": "é"})


def test_webhooks_are_answered_as_told_and_the_session_is_asked_about_first(receiver: Receiver) -> None:
    receiver.status, receiver.status_for = 503, {"one": 401}
    receiver.ask_back = lambda session_id: f"state of {session_id}"
    told = [
        requests.post(receiver.url, json={"data": {"session_id": name}}, timeout=PATIENCE).status_code
        for name in ("one", "other")
    ]
    assert told == [401, 503]
    assert [one.asked_back for one in received(receiver)] == ["state of one", "state of other"]
    receiver.behave()
    assert requests.post(receiver.url, data=b"no JSON", timeout=PATIENCE).status_code == 200
    assert (received(receiver)[-1].event, received(receiver)[-1].asked_back) == ("", None)


def test_connections_are_refused_and_taken_again_at_the_same_address(receiver: Receiver) -> None:
    url = receiver.url
    host, port = url.removeprefix("http://").split(":")
    receiver.refuse()
    with socket.socket() as caller:
        assert caller.connect_ex((host, int(port))) != 0
    receiver.listen()
    receiver.listen()
    assert receiver.url == url
    assert requests.post(url, json={}, timeout=PATIENCE).status_code == 200


def test_a_body_of_unknown_length_is_refused(receiver: Receiver) -> None:
    assert requests.post(receiver.url, data=iter([b"{}"]), timeout=PATIENCE).status_code == 411
    assert received(receiver) == []

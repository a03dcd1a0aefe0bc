"""How gateway instances are attached: the section of a target file, its hooks, and the receiver of webhooks."""

from __future__ import annotations

import http.client
import socket
from typing import TYPE_CHECKING, Any

import pytest
import requests

from fake_instances.journal import Journal
from harness.attach.gateway import delivered_from, filled
from harness.attach.webhook_receiver import Receiver
from harness.errors import TargetError
from harness.gateway_contract import Delivered, Hook
from harness.history import WebhookReceived
from harness.targets.reader import load_target, read_target
from tests.harness.support import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from harness.contract import Target

LAUNCH = '[launch]\ncommand = ["true"]\n'
INSTANCE = """
[instance]
command = ["node", "server.js", "--port", "{port}"]
env = { DATA_DIR = "{data}" }
connect = { url = "{url}/conformance/sessions", body = { id = "{session_id}" } }
keeps_sessions = true
patience = 7
"""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver(Journal(), "127.0.0.1") as opened:
        yield opened


def read(folder: Path, text: str, claims: str = '"instance"') -> Target:
    file = folder / "acme.toml"
    file.write_text(f'[implementation]\nname = "acme"\nclaims = [{claims}]\n{text}', "utf-8")
    return read_target(file)


def test_a_gateway_of_a_team_is_read_whole(tmp_path: Path) -> None:
    target = read(tmp_path, INSTANCE)
    gateway = target.gateway
    assert gateway is not None
    assert (target.command, target.image) == ((), "")
    assert gateway.command == ("node", "server.js", "--port", "{port}")
    assert (gateway.directory, gateway.environment) == (tmp_path, {"DATA_DIR": "{data}"})
    assert gateway.connect == Hook("POST", "{url}/conformance/sessions", {"id": "{session_id}"})
    assert gateway.reconnect.url == "{url}/api/sessions/{session_id}/reconnect"
    assert (gateway.restart, gateway.delivered) == (None, None)
    assert (gateway.keeps_sessions, gateway.patience, gateway.ready) == (True, 7, "/health")


def test_whoever_claims_instance_without_a_gateway_is_judged_by_the_fakes(tmp_path: Path) -> None:
    target = read(tmp_path, LAUNCH, '"core", "instance"')
    assert target.command == ("true",)
    assert target.gateway == load_target("fake-gateway").gateway
    assert target.gateway is not None
    assert "fake_instances" in target.gateway.command


def test_whoever_claims_no_instance_has_none(tmp_path: Path) -> None:
    assert read(tmp_path, LAUNCH, '"core"').gateway is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", None),
        (LAUNCH.replace('command = ["true"]', "ready_timeout = 1"), "launch.command: is missing"),
        (INSTANCE.replace("command =", "ready_timeout = 1 #"), "instance.command: is missing; add it"),
        (INSTANCE.replace("connect =", "end ="), "instance.connect: is missing; add it under [instance]"),
        (INSTANCE + "port = 1", "instance.port: unknown key"),
        (INSTANCE + 'directory = "no"', "instance.directory: there is no folder"),
        (
            INSTANCE + "restart = { path = '/' }",
            "instance.restart.path: unknown key; allowed: method, url, body",
        ),
        (
            INSTANCE + "restart = { method = 'PUT' }",
            "instance.restart.url: is missing; add it under [instance.restart]",
        ),
        (INSTANCE + "restart = { url = 'x', body = 1 }", "instance.restart.body: is 1 and must be a table"),
        (INSTANCE.replace('"{data}"', "1"), "instance.env.DATA_DIR: is 1 and must be a text"),
    ],
)
def test_a_mistake_in_the_section_is_told_by_its_key(tmp_path: Path, text: str, said: str | None) -> None:
    if said is None:
        assert read(tmp_path, text).gateway == load_target("fake-gateway").gateway
        return
    with pytest.raises(TargetError) as raised:
        read(tmp_path, text)
    assert said in str(raised.value)


def test_a_placeholder_by_itself_becomes_the_value_and_within_a_text_its_words() -> None:
    values: dict[str, object] = {"port": 3001, "session_id": "webjs_1"}
    assert filled("{port}", values) == 3001
    assert filled("http://h:{port}/{session_id}", values) == "http://h:3001/webjs_1"
    assert filled("{other}", values) == "{other}"
    assert filled(7, values) == 7


@pytest.mark.parametrize(
    "told",
    [
        [{"session_id": "s", "text": "hello"}],
        {"total": 1, "messages": [{"session_id": "s", "message": "hello", "to": "62"}]},
    ],
)
def test_what_went_out_is_read_from_a_list_wherever_it_stands(told: object) -> None:
    assert delivered_from(told) == (Delivered("s", "hello"),)


@pytest.mark.parametrize("told", [7, {}, {"a": [], "b": []}, [7], [{"session_id": "s"}], [{"text": "hello"}]])
def test_what_is_no_list_of_messages_is_told(told: Any) -> None:
    with pytest.raises(ValueError, match="must"):
        delivered_from(told)


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

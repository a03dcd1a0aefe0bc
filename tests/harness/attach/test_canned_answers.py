"""What a gateway that asks the control plane something is answered by its stand-in."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import requests

from fake_instances.journal import Journal
from harness.attach.webhook_receiver import Receiver
from harness.gateway_contract import Canned
from harness.history import Noted, WebhookReceived
from harness.targets.canned_answers import CannedAnswers
from tests.harness.support import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Iterator

ANSWERS = (
    Canned("GET", "/api/accounts", 200, [{"id": 7}]),
    Canned("GET", "/api/{kind}/{id}/of/{id}", 200, {"all": ["{kind}", {"id": "{id}", "is": "{other}"}]}),
    Canned("GET", "/api/settings", 200, {"hook": "{control_plane}/hook", "key": "{api_key}"}),
    Canned("POST", "/api/register", 201, {"registered": True}),
    Canned("PUT", "/api/a.b", 204, {}),
    Canned("HEAD", "/api/alive", 200, {}),
)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    canned = CannedAnswers(ANSWERS, {"api_key": "the-key"})
    with Receiver(Journal(), "127.0.0.1", canned) as opened:
        yield opened


def ask(receiver: Receiver, method: str, path: str) -> tuple[int, str]:
    body = {"event": "session_ready", "data": {}} if method == "POST" else None
    answer = requests.request(method, receiver.url + path, json=body, timeout=PATIENCE)
    return answer.status_code, answer.text


@pytest.mark.parametrize(
    ("method", "path", "status", "body"),
    [
        ("GET", "/api/accounts", 200, [{"id": 7}]),
        ("GET", "/api/accounts?page=2", 200, [{"id": 7}]),
        ("GET", "/api/s/a%2Fb/of/a%2Fb", 200, {"all": ["s", {"id": "a/b", "is": "{other}"}]}),
        ("GET", "/api/s/%7Bkind%7D/of/%7Bkind%7D", 200, {"all": ["s", {"id": "{kind}", "is": "{other}"}]}),
        ("GET", "/api/s/one/of/two", 404, {}),
        ("GET", "/api/accounts/", 404, {}),
        ("PUT", "/api/accounts", 404, {}),
        ("PUT", "/api/axb", 404, {}),
        ("POST", "/api/register", 201, {"registered": True}),
    ],
)
def test_the_answer_is_found_by_method_and_path(
    receiver: Receiver, method: str, path: str, status: int, body: object
) -> None:
    answered, text = ask(receiver, method, path)
    assert (answered, json.loads(text)) == (status, body)


def test_what_the_harness_gave_is_filled_in(receiver: Receiver) -> None:
    told = json.loads(ask(receiver, "GET", "/api/settings")[1])
    assert told == {"hook": f"{receiver.url}/hook", "key": "the-key"}


@pytest.mark.parametrize(
    ("method", "path", "status"), [("PUT", "/api/a.b", 204), ("HEAD", "/api/alive", 200)]
)
def test_an_answer_without_a_body_has_none(receiver: Receiver, method: str, path: str, status: int) -> None:
    assert ask(receiver, method, path) == (status, "")


def test_what_has_an_answer_is_noted_and_is_no_webhook(receiver: Receiver) -> None:
    ask(receiver, "POST", "/api/register?key=the-key")
    ask(receiver, "POST", "/hook")
    ask(receiver, "GET", "/unknown")
    entries = receiver._journal.entries()
    assert [one.path for one in entries if isinstance(one, WebhookReceived)] == ["/hook"]
    notes = [one.text for one in entries if isinstance(one, Noted)]
    assert "the control plane was asked POST /api/register: 201" in notes
    assert any("GET /unknown" in one and "[[instance.control_plane]]" in one for one in notes)
    assert not any("the-key" in one for one in notes)

"""How long a user waits for an answer."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
import requests

from fake_instances import Session
from harness.adapters.values import Call
from harness.contract import SendTarget, Settings
from harness.scenario import client
from tests.harness.support import target

if TYPE_CHECKING:
    from harness.attach.control_plane import ControlPlane

NO_ANSWER = requests.ReadTimeout("no whole answer")


@pytest.fixture
def waited() -> list[float]:
    return []


def sends(
    monkeypatch: pytest.MonkeyPatch, waited: list[float], implementation: Any, comes: Exception | None
) -> None:
    """Have a user send a message, to which this comes; None for an answer."""
    answer = requests.Response()
    answer.status_code, answer._content = 200, b"{}"

    def request(*_: object, patience: float, **__: object) -> requests.Response:
        waited.append(round(patience, 3))
        if comes is not None:
            raise comes
        return answer

    monkeypatch.setattr(client, "request", request)
    client.ask_to_send(cast("ControlPlane", implementation), 1, 142, "628", "hello")


def test_who_waited_in_vain_is_waited_for_shorter_until_there_is_an_answer(
    monkeypatch: pytest.MonkeyPatch, waited: list[float]
) -> None:
    settings = Settings(verify_timeout=0.5, send_timeout=1.5)
    implementation = SimpleNamespace(
        target=target("program"),
        settings=settings,
        base_url="http://127.0.0.1:1",
        adapted=None,
        silent=0,
        problem=None,
    )
    for comes in (NO_ANSWER, NO_ANSWER, NO_ANSWER, NO_ANSWER, None, NO_ANSWER):
        sends(monkeypatch, waited, implementation, comes)
    assert waited == [14, 6.7, 2.7, 2.7, 2.7, 14]


def test_who_is_refused_did_not_wait(monkeypatch: pytest.MonkeyPatch, waited: list[float]) -> None:
    implementation = SimpleNamespace(
        target=target("program"),
        settings=Settings(),
        base_url="http://127.0.0.1:1",
        adapted=None,
        silent=0,
        problem="gone",
    )
    for _ in range(2):
        sends(monkeypatch, waited, implementation, requests.ConnectionError("refused"))
    assert waited[0] == waited[1]


SHAPES = {
    "by number": ("number", "142", 142),
    "by text": ("text", "142", "142"),
    "by uuid": ("uuid", "00000000-0000-4000-8000-000000000142", "00000000-0000-4000-8000-000000000142"),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_path_headers_and_body_name_the_account_its_session_and_its_workspace(
    monkeypatch: pytest.MonkeyPatch, shape: str
) -> None:
    kind, in_path, in_body = SHAPES[shape]
    send = SendTarget(
        path="/w/{workspace_id}/s/{session_id}/{account_id}?to={recipient}",
        headers={"X-Session": "{session_id}", "X-Workspace": "no {workspace_id}", "X-Text": "{text}"},
        body={"of": [{"workspace": "{workspace_id}", "id": "{account_id}"}], "from": "+{phone_number}"},
    )
    made = target("program", send=send, ids=kind, headers={"X-Workspace": "another", "X-Key": "k"})
    asked: list[tuple[str, str, Any, Any]] = []

    def request(
        method: str, url: str, *, patience: float, body: object, headers: object
    ) -> requests.Response:
        assert patience
        asked.append((method, url, body, headers))
        raise requests.ConnectionError("refused")

    monkeypatch.setattr(client, "request", request)
    implementation = SimpleNamespace(
        target=made,
        settings=Settings(),
        base_url="http://h",
        adapted=None,
        silent=0,
        problem="gone",
    )
    session = Session("a/b?c%d e\u00fc", 9, "62811")
    client.ask_to_send(
        cast("ControlPlane", implementation), 1, 142, "628#1", "h\u00e9\nX-Evil: 1", session=session
    )
    ((method, url, body, headers),) = asked
    assert (method, url) == ("POST", f"http://h/w/9/s/a%2Fb%3Fc%25d%20e%C3%BC/{in_path}?to=628%231")
    assert body == {"of": [{"workspace": 9, "id": in_body}], "from": "+62811"}
    assert headers == {
        "X-Key": "k",
        "X-Session": "a%2Fb%3Fc%25d%20e%C3%BC",
        "X-Workspace": "no 9",
        "X-Text": "h%C3%A9%0AX-Evil%3A%201",
    }


@pytest.mark.parametrize(
    ("body", "sent"),
    [
        ('{"data": {"status": "sent", "id": 7}, "meta": {}}', True),
        ('{"data": {"status": "queued"}}', False),
        ('{"data": {"id": 7}}', False),
        ('{"data": "sent"}', False),
        ('{"data": [{"status": "sent"}]}', False),
        ("{}", False),
        ("sent", False),
    ],
)
def test_an_answer_has_at_least_what_says_that_it_was_sent(body: str, sent: object) -> None:
    send = SendTarget(succeeded_json={"data": {"status": "sent"}})
    assert client.tells_sent(target("program", send=send), 200, body.encode()) is sent


SESSION = Session("a/b", 9, "62811")
BY_SESSION = SendTarget(
    path="/s/{session_id}",
    headers={"X-Workspace": "{workspace_id}"},
    body={"to": "{recipient}", "text": "{text}"},
)

VALUES = {
    "account_id": 142, "session_id": "a/b", "workspace_id": 9, "phone_number": "62811",
    "recipient": "628", "text": "hi",
}  # fmt: skip


def test_an_adapter_is_given_the_whole_call_with_the_targets_headers() -> None:
    given: list[Any] = []

    def send(account_id: int, values: object, call: object, *, patience: float) -> requests.Response:
        assert (account_id, patience > 0, values) == (142, True, VALUES)
        given.append(call)
        raise requests.ConnectionError("refused")

    implementation = SimpleNamespace(
        target=target("program", send=BY_SESSION),
        settings=Settings(),
        adapted=SimpleNamespace(send=send),
        silent=0,
        problem="gone",
    )
    client.ask_to_send(cast("ControlPlane", implementation), 1, 142, "628", "hi", session=SESSION)

    assert given == [Call("POST", "/s/a%2Fb", {"to": "628", "text": "hi"}, {"X-Workspace": "9"})]

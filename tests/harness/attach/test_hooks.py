"""Hooks that answer something else than the contract says. test_same_verdict.py has those that answer rightly."""

from __future__ import annotations

import json

import pytest
import requests

from harness.attach import hooks
from harness.attach.hooks import HttpAccounts, HttpLog
from harness.errors import NotJudgedError
from tests.harness.attach.answering import answering
from tests.harness.support import target

ROWS = target(state_path="/rows", headers={"Authorization": "k"})
THE_ID = "00000000-0000-4000-8000-000000000142"
GET = "the hook GET /rows/142"


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (500, "", f"{GET} answered 500; it must answer 2xx"),
        (302, "", f"{GET} answered 302; it must answer 2xx"),
        (200, "<p>", f"{GET} answered what is not JSON"),
        (200, "[]", f"{GET} answered no JSON object"),
        (200, '{"status": "x"}', f"{GET} answered a row without assigned_instance_url, updated_at"),
        (404, "", "account 142 has no row to assign an instance in"),
    ],
)
def test_a_hook_for_rows_that_answers_something_else_judges_nobody(status: int, body: str, said: str) -> None:
    with answering(status, body) as (url, keys), pytest.raises(NotJudgedError) as raised:
        HttpAccounts(ROWS, lambda: url).assign(142, None)
    assert str(raised.value) == said
    assert keys == ["k"]


def test_rows_are_named_by_their_ids_as_the_table_has_them(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str, object]] = []

    def request(method: str, url: str, *, body: object, **_: object) -> requests.Response:
        asked.append((method, url, body))
        answer = requests.Response()
        answer.status_code = 200
        own = {"id": THE_ID, "status": "connected", "assigned_instance_url": None, "updated_at": None}
        answer._content = json.dumps(own).encode() if method == "GET" else b""
        return answer

    monkeypatch.setattr(hooks, "request", request)
    accounts = HttpAccounts(target(state_path="/rows", ids="uuid"), lambda: "http://h")
    accounts.put({"id": 142, "status": "connected"})
    accounts.assign(142, "http://two")
    path = f"http://h/rows/{THE_ID}"
    assert [one[:2] for one in asked] == [("PUT", path), ("GET", path), ("PUT", path)]
    assert asked[0][2] == {"id": THE_ID, "status": "connected"}
    assert asked[2][2] == {
        "id": THE_ID,
        "status": "connected",
        "assigned_instance_url": "http://two",
        "updated_at": None,
    }


def test_a_hook_for_the_log_that_answers_something_else_judges_nobody() -> None:
    log = target(log_path="/log?after={cursor}")
    with answering(200, '{"lines": "x"}') as (url, _), pytest.raises(NotJudgedError) as raised:
        HttpLog(log, lambda: url).position()
    assert str(raised.value) == 'the hook GET /log?after=0 must answer {"lines": ["…"], "cursor": 17}'


def test_a_hook_that_nothing_serves_judges_nobody() -> None:
    with pytest.raises(NotJudgedError, match=f"{GET} did not answer: ConnectionError"):
        HttpAccounts(ROWS, lambda: "http://127.0.0.1:1").get(142)


def test_a_hook_that_was_waited_for_in_vain_is_waited_for_shorter(monkeypatch: pytest.MonkeyPatch) -> None:
    waited = []

    def request(*_: object, patience: float, **__: object) -> requests.Response:
        waited.append(patience)
        raise requests.ReadTimeout("no whole answer")

    monkeypatch.setattr(hooks, "request", request)
    rows = HttpAccounts(ROWS, lambda: "http://127.0.0.1:1")
    for _ in range(2):
        with pytest.raises(NotJudgedError, match=f"{GET} did not answer: ReadTimeout"):
            rows.get(142)
    assert waited == [10, 2]


def test_nobody_can_hold_a_database_over_hooks() -> None:
    with pytest.raises(NotJudgedError, match="by which nobody can hold its database"):
        HttpAccounts(ROWS, lambda: "").held(142)

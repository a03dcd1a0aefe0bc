"""Rows and log lines through an implementation's own HTTP hooks."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask, request
from werkzeug.serving import make_server

from harness.attach.hooks import HttpAccounts, HttpLog
from harness.errors import NotJudgedError
from harness.incident import LONG_PAST
from tests.harness.support import target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROW = {
    "id": 142,
    "workspace_id": 1,
    "session_id": "webjs_1",
    "phone_number": "628",
    "status": "connected",
    "assigned_instance_url": "http://one",
    "updated_at": LONG_PAST,
}


class Kept:
    """What the hooks below keep, and who called."""

    def __init__(self) -> None:
        self.rows: dict[int, dict[str, Any]] = {}
        self.lines: list[str] = []
        self.answer: tuple[str, int] | None = None
        self.keys: set[str | None] = set()


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
def base_url(kept: Kept) -> Iterator[Callable[[], str]]:
    """Serve the hooks that the contract describes."""
    app = Flask("hooks")

    @app.before_request
    def answer() -> tuple[str, int] | None:
        kept.keys.add(request.headers.get("Authorization"))
        return kept.answer

    @app.put("/rows/<int:number>")
    def put(number: int) -> tuple[str, int]:
        kept.rows[number] = request.get_json()
        return "", 204

    @app.get("/rows/<int:number>")
    def get(number: int) -> Any:
        return kept.rows.get(number) or ("", 404)

    @app.delete("/rows")
    def empty() -> tuple[str, int]:
        kept.rows.clear()
        return "", 204

    @app.get("/log")
    def log() -> Any:
        return {"lines": kept.lines[int(request.args["after"]) :], "cursor": len(kept.lines)}

    server = make_server("127.0.0.1", 0, app)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield lambda: f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def accounts(base_url: Callable[[], str]) -> HttpAccounts:
    renamed = {"assigned_instance_url": "node_url"}
    return HttpAccounts(
        target("true", state_path="/rows", columns=renamed, headers={"Authorization": "k"}), base_url
    )


@pytest.fixture
def log(base_url: Callable[[], str]) -> HttpLog:
    return HttpLog(target("true", log_path="/log?after={cursor}"), base_url)


def test_a_row_goes_over_http_by_the_targets_own_names(accounts: HttpAccounts, kept: Kept) -> None:
    accounts.put(ROW)
    assert kept.rows[142]["node_url"] == "http://one"
    assert kept.rows[142]["updated_at"] == LONG_PAST.strftime("%Y-%m-%dT%H:%M:%SZ")
    row = accounts.get(142)
    assert row is not None
    assert row.assigned_instance_url == "http://one"
    assert accounts.get(143) is None
    assert kept.keys == {"k"}


def test_assigning_changes_the_url_and_nothing_else(accounts: HttpAccounts) -> None:
    accounts.put(ROW)
    before = accounts.get(142)
    accounts.assign(142, None)
    after = accounts.get(142)
    assert before is not None
    assert after is not None
    assert before.difference(after) == 'assigned_instance_url was "http://one" and is now null'


def test_removing_empties_the_table(accounts: HttpAccounts, kept: Kept) -> None:
    accounts.put(ROW)
    accounts.remove([142])
    assert kept.rows == {}


def test_a_row_that_is_not_there_cannot_be_assigned(accounts: HttpAccounts) -> None:
    with pytest.raises(NotJudgedError, match="account 7 has no row"):
        accounts.assign(7, "http://one")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (("", 500), "the hook GET /rows/142 answered 500; it must answer 2xx"),
        (("", 302), "the hook GET /rows/142 answered 302; it must answer 2xx"),
        (("<p>", 200), "the hook GET /rows/142 answered what is not JSON"),
        (("[]", 200), "the hook GET /rows/142 answered no JSON object"),
        (
            ('{"status": "connected"}', 200),
            "the hook GET /rows/142 answered a row without assigned_instance_url, updated_at",
        ),
    ],
)
def test_a_hook_that_answers_otherwise_judges_nobody(
    accounts: HttpAccounts, kept: Kept, answer: tuple[str, int], said: str
) -> None:
    kept.answer = answer
    with pytest.raises(NotJudgedError) as raised:
        accounts.get(142)
    assert str(raised.value) == said


def test_a_hook_that_nobody_serves_judges_nobody() -> None:
    accounts = HttpAccounts(target("true", state_path="/rows"), lambda: "http://127.0.0.1:1")
    with pytest.raises(NotJudgedError, match="the hook GET /rows/142 did not answer: ConnectionError"):
        accounts.get(142)


def test_the_log_is_read_from_a_position_on(log: HttpLog, kept: Kept) -> None:
    kept.lines = ["before"]
    start = log.position()
    kept.lines += ['Session verified in assigned instance {"session_id":"webjs_1"}', "else"]
    first, second = log.lines(start)
    assert (first.fields, second.text) == ({"session_id": "webjs_1"}, "else")
    assert log.lines(log.position()) == ()


def test_a_log_hook_that_answers_otherwise_judges_nobody(log: HttpLog, kept: Kept) -> None:
    kept.answer = ('{"lines": "x"}', 200)
    with pytest.raises(NotJudgedError, match="must answer"):
        log.position()

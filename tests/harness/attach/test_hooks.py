"""Rows and log lines through an implementation's own HTTP hooks."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask, request
from werkzeug.serving import make_server

from harness.attach.hooks import HttpAccounts, HttpLog
from harness.errors import NotJudgedError
from tests.harness.support import row, target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LINES = ["before", 'Session verified in assigned instance {"session_id":"webjs_1"}', "else"]
AT = "/rows/142"


class Served:
    """What the hooks answer, if not what is kept; and who called."""

    def __init__(self) -> None:
        self.url = ""
        self.answer: tuple[str, int] | None = None
        self.rows: dict[str, Any] = {}
        self.keys: set[str | None] = set()

    def take(self, path: str) -> Any:
        self.keys.add(request.headers.get("Authorization"))
        if self.answer is not None:
            return self.answer
        match request.method, path:
            case "PUT", _:
                self.rows[path] = request.get_json()
            case "DELETE", _:
                self.rows.clear()
            case _, "log":
                return {"lines": LINES[int(request.args["after"]) :], "cursor": len(LINES)}
            case _:
                return self.rows.get(path) or ("", 404)
        return "", 204


@pytest.fixture
def served() -> Iterator[Served]:
    made, app = Served(), Flask("hooks")
    app.add_url_rule("/<path:path>", view_func=made.take, methods=["GET", "PUT", "DELETE"])
    with make_server("127.0.0.1", 0, app) as server:
        made.url = f"http://127.0.0.1:{server.port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield made
        server.shutdown()
        thread.join()


@pytest.fixture
def accounts(served: Served) -> HttpAccounts:
    renamed, headers = {"assigned_instance_url": "node_url"}, {"Authorization": "k"}
    made = target(state_path="/rows", columns=renamed, headers=headers)
    return HttpAccounts(made, lambda: served.url)


@pytest.fixture
def log(served: Served) -> HttpLog:
    return HttpLog(target(log_path="/log?after={cursor}"), lambda: served.url)


def test_a_row_goes_over_http_by_the_targets_own_names(accounts: HttpAccounts, served: Served) -> None:
    accounts.put(row().columns)
    assert served.rows["rows/142"]["node_url"] == "http://one"
    before = accounts.get(142)
    accounts.assign(142, None)
    after = accounts.get(142)
    assert before is not None
    assert after is not None
    assert before.difference(after) == 'assigned_instance_url was "http://one" and is now null'
    accounts.remove([142])
    assert accounts.get(142) is None
    assert served.keys == {"k"}
    with pytest.raises(NotJudgedError, match="account 7 has no row"):
        accounts.assign(7, "http://one")


def test_the_log_is_read_from_a_position_on(log: HttpLog) -> None:
    first, second = log.lines(1)
    assert (first.fields, second.text) == ({"session_id": "webjs_1"}, "else")
    assert log.lines(log.position()) == ()


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (("", 500), f"the hook GET {AT} answered 500; it must answer 2xx"),
        (("", 302), f"the hook GET {AT} answered 302; it must answer 2xx"),
        (("<p>", 200), f"the hook GET {AT} answered what is not JSON"),
        (("[]", 200), f"the hook GET {AT} answered no JSON object"),
        (
            ('{"status": "x"}', 200),
            f"the hook GET {AT} answered a row without assigned_instance_url, updated_at",
        ),
    ],
)
def test_a_hook_that_answers_anything_else_judges_nobody(
    accounts: HttpAccounts, served: Served, answer: tuple[str, int], said: str
) -> None:
    served.answer = answer
    with pytest.raises(NotJudgedError) as raised:
        accounts.get(142)
    assert str(raised.value) == said


def test_a_log_hook_that_answers_anything_else_judges_nobody(log: HttpLog, served: Served) -> None:
    served.answer = ('{"lines": "x"}', 200)
    with pytest.raises(NotJudgedError, match="must answer"):
        log.position()


def test_a_hook_that_nothing_serves_judges_nobody() -> None:
    nowhere: Callable[[], str] = lambda: "http://127.0.0.1:1"  # noqa: E731
    accounts = HttpAccounts(target(state_path="/rows"), nowhere)
    with pytest.raises(NotJudgedError, match=f"the hook GET {AT} did not answer: ConnectionError"):
        accounts.get(142)

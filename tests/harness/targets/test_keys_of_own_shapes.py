"""The keys that make an adapter unnecessary: what they come to, and what is said of mistakes in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.attach.setup import check_running
from harness.contract import account_number
from harness.errors import TargetError
from harness.gateway_contract import Canned, Hook
from tests.harness.support import target
from tests.harness.targets.test_mistakes import mistake
from tests.harness.targets.test_target import GATEWAY, RUNNING, SMALLEST, read, with_line

CALLS = """
[[instance.create]]
url = "{url}/workspaces"
headers = { X-Key = "{api_key}" }
body = { workspace = { name = "of {workspace_id}" } }
keeps = { workspace = "data.id" }
[[instance.create]]
url = "{url}/workspaces/{workspace}/accounts"
"""
CANNED = """
[[instance.control_plane]]
path = "/api/sessions/{session}/settings"
body = { of = "{session}", urls = ["{control_plane}"] }
[[instance.control_plane]]
method = "POST"
path = "/api/register"
status = 201
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "mine.toml"


def test_programs_beside_it_are_commands_of_their_own(file: Path) -> None:
    also = 'also = [["php", "artisan", "schedule:work"], ["php", "artisan", "queue:work"]]'
    assert read(file, with_line("launch", also)).also == (
        ("php", "artisan", "schedule:work"),
        ("php", "artisan", "queue:work"),
    )


def test_a_hook_may_be_several_calls_of_which_later_ones_use_what_earlier_ones_keep(file: Path) -> None:
    gateway = read(file, GATEWAY + CALLS).gateway
    assert gateway is not None
    body, headers = {"workspace": {"name": "of {workspace_id}"}}, {"X-Key": "{api_key}"}
    second = Hook("POST", "{url}/workspaces/{workspace}/accounts")
    assert gateway.create == Hook(
        "POST", "{url}/workspaces", body, headers, {"workspace": "data.id"}, (second,)
    )


def test_answers_to_a_gateway_are_a_table_or_several(file: Path) -> None:
    gateway = read(file, GATEWAY + CANNED).gateway
    assert gateway is not None
    first = Canned(
        "GET",
        "/api/sessions/{session}/settings",
        200,
        {"of": "{session}", "urls": ["{control_plane}"]},
    )
    assert gateway.control_plane == (first, Canned("POST", "/api/register", 201, {}))
    one = read(file, GATEWAY + '[instance.control_plane]\npath = "/api/accounts"\nbody = []').gateway
    assert one is not None
    assert one.control_plane == (Canned("GET", "/api/accounts", 200, []),)


def test_own_columns_and_ids_are_read(file: Path) -> None:
    text = (
        'ids = "uuid"\nmigrated = true\ndefaults = { name = "{uuid}", most = 3, share = 0.5, active = true }'
    )
    made = read(file, with_line("state", text))
    assert (made.ids, made.migrated) == ("uuid", True)
    assert made.defaults == {"name": "{uuid}", "most": 3, "share": 0.5, "active": True}


@pytest.mark.parametrize("kind", ["number", "text", "uuid"])
def test_an_account_has_one_number_whatever_its_id_is(kind: str) -> None:
    assert account_number(target("true", ids=kind).account_id(1042)) == 1042


@pytest.mark.parametrize("stored", ["", None, "acc_1", "00000000-0000-4000-8000-00000000000x", "²", "9" * 40])
def test_what_is_no_id_of_an_account_is_nobodys(stored: object) -> None:
    assert account_number(stored) == -1


@pytest.mark.parametrize(
    ("line", "file_", "files", "shared"),
    [
        ('file = "logs/app.log"', "logs/app.log", (), True),
        ('file = "logs/app-*.log"', None, ("logs/app-*.log",), True),
        ('file = "{data}/app.log"', None, ("{data}/app.log",), False),
        ('files = ["{log_file}", "{data}/logs/x-*.log"]', None, ("{log_file}", "{data}/logs/x-*.log"), False),
        ('files = ["{log_file}", "worker.log"]', None, ("{log_file}", "worker.log"), True),
    ],
)
def test_what_is_launched_may_log_to_files_of_its_own_choice(
    file: Path, line: str, file_: str | None, files: tuple[str, ...], shared: object
) -> None:
    made = read(file, with_line("log", line))
    here = file.parent
    assert made.log_file == (None if file_ is None else here / file_)
    assert tuple(made.log_files) == tuple(one if one[0] == "{" else str(here / one) for one in files)
    assert made.shares_a_log is shared


def test_a_log_that_launches_share_is_not_judged_by_several_workers() -> None:
    shares = target("true", log_file=Path("/somewhere/app.log"))
    check_running(shares, in_workers=False)
    with pytest.raises(TargetError, match=r"run it without -n, or .*\{data\} in launch.env and in log.file"):
        check_running(shares, in_workers=True)


MISTAKES = [
    (
        with_line("launch", 'also = ["php", "artisan"]'),
        "launch.also: is ['php', 'artisan'] and must be a list of commands, each a list of texts, like [[",
    ),
    (with_line("launch", "also = [[]]"), "launch.also: is [[]] and must be a list of commands, each a list"),
    (with_line("launch", 'also = [["true"]]', RUNNING), "launch.also: is for what the harness launches"),
    (
        with_line("launch", 'also = [["true"]]').replace('command = ["true"]', 'image = "acme"'),
        "launch.also: is for launch.command",
    ),
    (
        with_line("launch", 'env = { NODE_1 = "{instnce_1}" }'),
        "launch.env: has {instnce_1}, which nothing fills in; did you mean {instance_1}?",
    ),
    (with_line("launch", 'env = { NODE_5 = "{instance_5}" }'), "launch.env: has {instance_5}, which nothing"),
    (
        with_line("send", 'body = { to = { who = ["{recipent}"] } }'),
        "send.body: has {recipent}, which nothing fills in; did you mean {recipient}?",
    ),
    (
        with_line("send", 'path = "/s/{session}/x"'),
        "send.path: has {session}, which nothing fills in; did you",
    ),
    (with_line("send", "headers = { A = 1 }"), "send.headers.A: is 1 and must be a text"),
    (with_line("state", 'ids = "ulid"'), "state.ids: 'ulid' is unknown; allowed: number, text, uuid"),
    (
        with_line("state", "defaults = { a = [] }"),
        "state.defaults.a: is [] and must be a text, a number, true or false",
    ),
    (
        with_line("state", 'columns = { session_id = "sid" }\ndefaults = { sid = "x" }'),
        "state.defaults.sid: is the contract's column session_id, which the harness writes by itself",
    ),
    (with_line("state", 'defaults = { a = "{uid}" }'), "state.defaults.a: has {uid}, which nothing fills in"),
    (
        with_line("health_check", 'via = "command"\ncommand = ["check", "{data_base_url}"]'),
        "health_check.command: has {data_base_url}, which nothing fills in; did you mean {database_url}?",
    ),
    (with_line("log", 'file = "logs/*/app.log"'), "log.file: has 'logs/*/app.log'; write files, such as"),
    (with_line("log", 'files = ["logs/"]'), "log.files: has 'logs/'; write files, such as"),
    (
        RUNNING.replace('"app.log"', '"{data}/app.log"'),
        "log.file: has a placeholder, and nothing is launched that it is filled for",
    ),
    (
        with_line("instance", 'restart = { url = "/", keeps = { url = "a" } }', GATEWAY),
        "instance.restart.keeps.url: is a placeholder that the harness fills in; take another name",
    ),
    (
        with_line("instance", 'restart = { url = "/", keeps = { id = "" } }', GATEWAY),
        "instance.restart.keeps.id: is ''; write a name of letters",
    ),
    (
        with_line("instance", "restart = []", GATEWAY),
        "instance.restart: is [] and must be a table, or a list of tables",
    ),
    (
        GATEWAY + CALLS.replace('url = "{url}/workspaces/', 'uri = "{url}/workspaces/'),
        "instance.create.uri: unknown key (did you mean url?); allowed: method, url, headers, body, keeps (table 2 ",
    ),
    (
        GATEWAY + CALLS.replace("/{workspace}/", "/{workspce}/"),
        "instance.create: has {workspce}, which nothing",
    ),
    (
        GATEWAY + CANNED.replace("201", "99"),
        "instance.control_plane.status: is 99 and must be a status from 200",
    ),
    (
        GATEWAY + CANNED.replace('"POST"', '"SEND"'),
        "instance.control_plane.method: 'SEND' is unknown; allowed: ",
    ),
    (
        GATEWAY + CANNED.replace("/register", "/register?x=1"),
        "instance.control_plane.path: is '/api/register?x=1'",
    ),
    (
        GATEWAY + CANNED.replace('["{control_plane}"]', '["{contrl_plane}"]'),
        "instance.control_plane.body: has {contrl_plane}, which nothing fills in; did you mean {control_plane}?",
    ),
]


@pytest.mark.parametrize(("text", "said"), MISTAKES, ids=[said[:40] for _, said in MISTAKES])
def test_a_mistake_is_reported_with_its_key_and_what_to_write(file: Path, text: str, said: str) -> None:
    assert mistake(file, text).startswith(said)


def test_a_mistake_in_one_of_several_tables_is_reported_with_its_line(file: Path) -> None:
    text = GATEWAY + CANNED.replace("201", "99")
    with pytest.raises(TargetError) as raised:
        read(file, text)
    line = next(number for number, one in enumerate(text.splitlines(), 1) if "99" in one)
    assert str(raised.value).startswith(f"{file}:{line}: ")


def test_braces_that_resemble_no_placeholder_stay_as_they_are(file: Path) -> None:
    made = read(file, SMALLEST.replace('["true"]', '["awk", "{print} {} {x}"]'))
    assert made.command == ("awk", "{print} {} {x}")

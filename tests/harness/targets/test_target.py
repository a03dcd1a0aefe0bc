"""Target files: what a valid one comes to, and what is said of each mistake."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.contract import SendTarget, Target
from harness.errors import TargetError
from harness.gateway_contract import Hook
from harness.targets.models import TargetFile
from harness.targets.reader import built_in_targets, load_target, read_target

if TYPE_CHECKING:
    from pathlib import Path

SMALLEST = """
[implementation]
name = "acme"
[launch]
command = ["true"]
"""

FULL = """
[implementation]
name = "Acme sync"
version = "1.4.0"
claims = ["core", "security"]

[launch]
command = ["php", "-S", "{host}:{port}"]
directory = "php"
databases = ["sqlite", "mysql"]
ready = "/up"
ready_timeout = 7
env = { APP_ENV = "testing" }
variables = { HMAC_SECRET = "WEBHOOK_SECRET" }

[http]
headers = { Authorization = "Bearer x" }

[webhook]
path = "/hooks"
asynchronous = true

[send]
method = "PUT"
path = "/send/{account_id}"
body = { to = "{recipient}", text = "{text}", kind = 1 }
succeeded = { status = [200, 201], json = { ok = true } }

[state]
via = "sql"
table = "accounts"
columns = { session_id = "sid" }

[log]
via = "stderr"

[timing]
settle_seconds = 1.5
"""
RUNNING = """
[implementation]
name = "acme"
[launch]
url = "http://127.0.0.1:8000/"
[log]
file = "app.log"
[timing]
verify_timeout = 1
send_timeout = 5
"""
GATEWAY = """
[implementation]
name = "acme"
claims = ["instance"]
[instance]
command = ["node", "server.js", "--port", "{port}"]
env = { DATA_DIR = "{data}" }
connect = { url = "{url}/conformance/sessions", body = { id = "{session_id}" } }
keeps_sessions = true
patience = 7
"""
SECTIONS = ", ".join(TargetFile.model_fields)
PROFILES = "core, security, resilience, health-check, monitoring, instance"
NO_LAUNCH = (
    'launch.command: is missing; write command = ["…"], image = "…" or url = "http://…" under [launch]'
)
VARIABLES = (
    "allowed: HOST, PORT, DATABASE_URL, NODE_INSTANCES, HMAC_SECRET, API_KEY, VERIFY_TIMEOUT, SEND_TIMEOUT, "
    "SIGNATURE_TTL, HEALTH_CHECK_INTERVAL, LOG_FILE"
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "mine.toml"


def read(file: Path, text: str) -> Target:
    file.write_text(text, "utf-8")
    return read_target(file)


def mistake(file: Path, text: str) -> str:
    """Return what is said of a file, without its name and the line, which is that of the key or its section."""
    with pytest.raises(TargetError) as raised:
        read(file, text)
    place, _, said = str(raised.value).partition(": ")
    number = place.removeprefix(str(file)).removeprefix(":")
    if number:
        parts = said.partition(":")[0].strip("[]").split(".")
        assert any(part in text.splitlines()[int(number) - 1] for part in parts)
    else:
        assert place == str(file)
    return said


def with_line(section: str, line: str, text: str = SMALLEST) -> str:
    """Return a file with one more line in a section."""
    if f"[{section}]" in text:
        return text.replace(f"[{section}]", f"[{section}]\n{line}")
    return f"{text}\n[{section}]\n{line}\n"


def test_a_full_file_is_read_as_written(file: Path) -> None:
    (file.parent / "php").mkdir()

    assert read(file, FULL) == Target(
        name="Acme sync",
        version="1.4.0",
        claims=("core", "security"),
        command=("php", "-S", "{host}:{port}"),
        directory=file.parent / "php",
        databases=("sqlite", "mysql"),
        ready="/up",
        ready_timeout=7.0,
        environment={"APP_ENV": "testing"},
        variables={"HMAC_SECRET": "WEBHOOK_SECRET"},
        headers={"Authorization": "Bearer x"},
        webhook_path="/hooks",
        asynchronous=True,
        send=SendTarget(
            method="PUT",
            path="/send/{account_id}",
            body={"to": "{recipient}", "text": "{text}", "kind": 1},
            succeeded_status=(200, 201),
            succeeded_json={"ok": True},
        ),
        table="accounts",
        columns={"session_id": "sid"},
        log="stderr",
        settle_seconds=1.5,
    )


def test_the_smallest_file_has_the_defaults_of_the_contract(file: Path) -> None:
    assert read(file, SMALLEST) == Target(
        name="acme", version="unknown", claims=("core",), command=("true",), directory=file.parent
    )


def test_rows_and_log_go_over_http_where_a_file_says_so(file: Path) -> None:
    hooks = '[state]\nvia = "http"\npath = "/rows"\n[log]\nvia = "http"\npath = "/log?after={cursor}"\n'
    target = read(file, SMALLEST + hooks)
    assert (target.state_path, target.log, target.log_path) == ("/rows", "http", "/log?after={cursor}")


def test_what_runs_already_brings_its_timeouts_and_its_log(file: Path) -> None:
    target = read(file, RUNNING)
    assert (target.url, target.verify_timeout, target.send_timeout) == ("http://127.0.0.1:8000", 1, 5)
    assert target.log_file == file.parent / "app.log"


def test_a_gateway_of_a_team_is_read_whole(file: Path) -> None:
    target = read(file, GATEWAY + '[instance.variables]\nHMAC_SECRET = "WEBHOOK_SECRET"\n')
    gateway = target.gateway
    assert gateway is not None
    assert (target.command, target.image) == ((), "")
    assert gateway.command == ("node", "server.js", "--port", "{port}")
    assert (gateway.directory, gateway.environment) == (file.parent, {"DATA_DIR": "{data}"})
    assert gateway.variables == {"HMAC_SECRET": "WEBHOOK_SECRET"}
    assert gateway.connect == Hook("POST", "{url}/conformance/sessions", {"id": "{session_id}"})
    assert gateway.reconnect.url == "{url}/api/sessions/{session_id}/reconnect"
    assert (gateway.restart, gateway.delivered) == (None, None)
    assert (gateway.keeps_sessions, gateway.patience, gateway.ready) == (True, 7, "/health")


def test_a_claim_of_instance_without_a_gateway_is_about_the_fakes(file: Path) -> None:
    target = read(file, with_line("implementation", 'claims = ["core", "instance"]'))
    assert target.command == ("true",)
    assert target.gateway == load_target("fake-gateway").gateway
    assert target.gateway is not None
    alone = read(file, '[implementation]\nname = "acme"\nclaims = ["instance"]')
    assert (alone.command, alone.gateway) == ((), target.gateway)


def test_a_target_that_does_not_claim_core_needs_no_log(file: Path) -> None:
    text = with_line("implementation", 'claims = ["security"]') + '[log]\nvia = "none"'
    assert read(file, text).log == "none"


def test_a_relative_path_gives_an_absolute_folder(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text(SMALLEST, "utf-8")
    monkeypatch.chdir(file.parent)
    assert load_target("mine.toml").directory == file.parent


# What is said of mistakes: the section, the line that is added to it, and the words.
LINES = [
    (
        "launch",
        'comand = "true"',
        (
            "launch.comand: unknown key (did you mean command?); allowed: "
            "command, image, url, network, directory, databases, ready, ready_timeout, env, variables"
        ),
    ),
    ("http", "qqq = 1", "http.qqq: unknown key; allowed: headers"),
    # Types
    ("implementation", "version = 1", "implementation.version: is 1 and must be a text"),
    (
        "implementation",
        'claims = "core"',
        "implementation.claims: is 'core' and must be a list of texts",
    ),
    ("launch", "databases = [1]", "launch.databases: is [1] and must be a list of texts"),
    ("launch", "env = []", "launch.env: is [] and must be a table"),
    ("launch", "env = { A = 1 }", "launch.env.A: is 1 and must be a text"),
    ("http", "headers = { A = true }", "http.headers.A: is True and must be a text"),
    ("webhook", 'asynchronous = "yes"', "webhook.asynchronous: is 'yes' and must be true or false"),
    *(
        (
            "timing",
            f"settle_seconds = {one}",
            f"timing.settle_seconds: is {shown} and must be a number of seconds",
        )
        for one, shown in (("-1", "-1"), ("true", "True"), ("nan", "nan"))
    ),
    (
        "timing",
        "verify_timeout = 0",
        "timing.verify_timeout: is 0 and must be a number of seconds above 0",
    ),
    ("send", 'path = ""', "send.path: is '' and must begin with a slash"),
    ("webhook", 'path = "http://x/y"', "webhook.path: is 'http://x/y' and must begin with a slash"),
    *(
        (
            "send",
            f"succeeded = {{ status = {one} }}",
            f"send.succeeded.status: is {one} and must be two numbers, like [200, 299]",
        )
        for one in ("200", "[200]")
    ),
    ("send", "succeeded = { json = 1 }", "send.succeeded.json: is 1 and must be a table"),
    ("send", "succeeded = { body = {} }", "send.succeeded.body: unknown key; allowed: status, json"),
    # Names
    (
        "implementation",
        'claims = ["core", "scurity"]',
        f"implementation.claims: 'scurity' is unknown; allowed: {PROFILES}",
    ),
    ("implementation", "claims = []", f"implementation.claims: is empty; allowed: {PROFILES}"),
    (
        "launch",
        'databases = ["oracle"]',
        "launch.databases: 'oracle' is unknown; allowed: sqlite, postgresql, mysql",
    ),
    ("launch", 'network = "bridge"', "launch.network: 'bridge' is unknown; allowed: host, published"),
    ("state", 'via = "redis"', "state.via: 'redis' is unknown; allowed: sql, http"),
    (
        "state",
        'columns = { url = "u" }',
        (
            "state.columns.url: no such column in the contract; allowed: id, workspace_id, session_id, "
            "phone_number, status, assigned_instance_url, updated_at"
        ),
    ),
    # What goes together
    (
        "launch",
        'image = "acme/sync"',
        "launch.image: launch.command is there too; keep one of command, image, url",
    ),
    (
        "health_check",
        'via = "command"',
        'health_check.command: is missing; write command = ["php", "artisan", "…"]',
    ),
    (
        "health_check",
        'command = ["true"]',
        """health_check.command: is only for via = "command", and via is 'http'""",
    ),
    ("state", 'via = "http"', 'state.path: is missing; write path = "/conformance/accounts"'),
    ("state", 'path = "/rows"', """state.path: is only for via = "http", and via is 'sql'"""),
    (
        "state",
        'via = "http"\npath = "/rows"\ntable = "a"',
        """state.table: is only for via = "sql", and via is 'http'""",
    ),
    (
        "state",
        'via = "http"\npath = "/rows"\ncolumns = {}',
        """state.columns: is only for via = "sql", and via is 'http'""",
    ),
    (
        "log",
        'via = "http"\npath = "/log"',
        "log.path: is '/log' and must have {cursor} in it, like /conformance/log?after={cursor}",
    ),
    (
        "log",
        'via = "none"',
        'log.via: core is claimed and cannot be judged without a log; write via = "file", "http" or "stderr"',
    ),
    (
        "log",
        'file = "app.log"',
        "log.file: is only for launch.url: what is launched is given its file as LOG_FILE",
    ),
    (
        "launch.variables",
        'HMAC_SECERT = "A"',
        "launch.variables.HMAC_SECERT: no such variable in the contract (did you mean HMAC_SECRET?); "
        + VARIABLES,
    ),
    *(
        (
            "launch.variables",
            f"API_KEY = {one}",
            f'launch.variables.API_KEY: is {one} and must be the name of a variable, such as "ACME_API_KEY"',
        )
        for one in ("1", "'A-B'")
    ),
    (
        "launch.variables",
        "HOST = 'A'\nAPI_KEY = 'A'",
        "launch.variables.API_KEY: is 'A', which HOST is called already; give each its own name",
    ),
    (
        "launch.variables",
        "API_KEY = 'PORT'",
        "launch.variables.API_KEY: is 'PORT', which PORT is called already; give each its own name",
    ),
    (
        "launch",
        'env = { A = "a" }\nvariables = { HOST = "A" }',
        "launch.variables.HOST: is 'A', which launch.env sets too; keep one",
    ),
]
TEXTS = [
    ("[lunch]\ncommand = ['true']", f"[lunch]: unknown section (did you mean launch?); allowed: {SECTIONS}"),
    ("[qqq]", f"[qqq]: unknown section; allowed: {SECTIONS}"),
    ("launch = 1", "launch: is a section: write [launch] and its keys below"),
    ("[implementation]\n[launch]", "implementation.name: is missing; add it under [implementation]"),
    ('[implementation]\nname = "x"', NO_LAUNCH),
    (SMALLEST.replace('["true"]', "[]"), NO_LAUNCH),
    (
        SMALLEST.replace('["true"]', '["", "x"]'),
        "launch.command: its first word is the program and must not be empty",
    ),
    *(
        (
            RUNNING.replace("http://127.0.0.1:8000/", url),
            f"launch.url: is {url!r} and must be where it listens, such as http://127.0.0.1:8000",
        )
        for url in (
            "127.0.0.1:8000",
            "ftp://x",
            "http://",
            "http://x:0",
            "http://x:y",
            "http://x?a",
            "http://a@b",
        )
    ),
    *(
        (
            with_line("launch", f"{key} = {{}}", RUNNING),
            f"launch.{key}: is for what the harness launches, and launch.url runs already",
        )
        for key in ("env", "variables")
    ),
    (
        RUNNING.replace('file = "app.log"', ""),
        'log.file: is missing; write the file to which it logs, file = "…", or via = "http"',
    ),
    (
        RUNNING.replace('file = "app.log"', 'via = "stderr"'),
        """log.via: is 'stderr', which only a launched program has; write via = "file" or "http\"""",
    ),
    (
        with_line("log", 'via = "http"\npath = "/log?after={cursor}"', RUNNING),
        """log.file: is only for via = "file", and via is 'http'""",
    ),
    (with_line("launch", "ready_timeout = 1", GATEWAY), NO_LAUNCH),
    (
        GATEWAY.replace("command =", "ready_timeout = 1 #"),
        "instance.command: is missing; add it under [instance]",
    ),
    (GATEWAY.replace("connect =", "end ="), "instance.connect: is missing; add it under [instance]"),
    (
        GATEWAY + "restart = { path = '/' }",
        "instance.restart.path: unknown key; allowed: method, url, body",
    ),
    (
        GATEWAY + "restart = { method = 'PUT' }",
        "instance.restart.url: is missing; add it under [instance.restart]",
    ),
    (GATEWAY + "restart = { url = 'x', body = 1 }", "instance.restart.body: is 1 and must be a table"),
    (
        GATEWAY + "[instance.variables]\nLOG_FILE = 'A'\n",
        "instance.variables.LOG_FILE: no such variable in the contract; allowed: HOST, PORT, HMAC_SECRET, API_KEY",
    ),
]


@pytest.mark.parametrize(
    ("text", "said"), [*TEXTS, *((with_line(section, line), said) for section, line, said in LINES)]
)
def test_a_mistake_is_reported_with_its_key_and_what_is_allowed(file: Path, text: str, said: str) -> None:
    assert mistake(file, text) == said


def test_a_mistake_is_reported_with_its_line(file: Path) -> None:
    text = SMALLEST + '[launch.variables]\nHOST = "A"\nAPI_KEY = 1'
    with pytest.raises(TargetError) as raised:
        read(file, text)
    assert str(raised.value).startswith(f"{file}:{text.count(chr(10)) + 1}: ")


@pytest.mark.parametrize(("section", "text"), [("launch", SMALLEST), ("instance", GATEWAY)])
def test_a_folder_must_exist(file: Path, section: str, text: str) -> None:
    assert mistake(file, with_line(section, 'directory = "php"', text)) == (
        f"{section}.directory: there is no folder {file.parent / 'php'}; it is relative to this file"
    )


VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats() | st.text("a/{}:", max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=4,
).filter(lambda value: "null" not in json.dumps(value))
KEYS = [
    (name, key)
    for name, field in TargetFile.model_fields.items()
    for key in getattr(field.annotation, "model_fields", {"connect": None, "command": None})
]


@given(st.sampled_from(KEYS), VALUES)
def test_any_value_of_any_key_is_read_or_reported_in_words_of_the_harness(
    tmp_path_factory: pytest.TempPathFactory, key: tuple[str, str], value: Any
) -> None:
    written = json.dumps(value).replace(": ", " = ").replace("NaN", "nan").replace("Infinity", "inf")
    said = ""
    try:
        read(tmp_path_factory.getbasetemp() / "any.toml", with_line(key[0], f"{key[1]} = {written}"))
    except TargetError as problem:
        said = str(problem)
    assert not any(words in said for words in ("Input should", "validation error", "pydantic"))


def test_a_file_that_is_no_toml_is_reported_with_its_line(file: Path) -> None:
    assert "line 2" in mistake(file, "[launch]\ncommand = oops")


def test_a_file_that_cannot_be_read_is_reported(tmp_path: Path) -> None:
    with pytest.raises(TargetError, match="Is a directory"):
        read_target(tmp_path)


def test_the_built_in_targets_are_valid_and_run_with_this_python() -> None:
    assert built_in_targets() == ("before-fix", "fake-gateway", "reference")
    for name in built_in_targets():
        target = load_target(name)
        assert target.name == name
        for launched in (target, target.gateway):
            if launched is not None and launched.command:
                assert launched.command[0] in {"{python}", sys.executable}


@pytest.mark.parametrize(
    ("name", "hint"), [("referense", " (did you mean reference?)"), ("qqq", ""), ("mine.toml", "")]
)
def test_an_unknown_name_is_reported_with_those_that_exist(
    name: str, hint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(TargetError) as raised:
        load_target(name)

    assert str(raised.value) == (
        f"there is no target {name!r}{hint}: give before-fix, fake-gateway, reference, or the path of a target file"
    )

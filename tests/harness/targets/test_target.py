"""Target files: what a valid one comes to, and every mistake by its words."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from harness.contract import SendTarget, Target
from harness.errors import TargetError
from harness.targets.file import built_in_targets, load_target, read_target

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


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "mine.toml"


def mistake(file: Path, text: str) -> str:
    """Give what is said of a file, without its name and without the line, which is the key's or its section's."""
    file.write_text(text, "utf-8")
    with pytest.raises(TargetError) as raised:
        read_target(file)
    place, _, said = str(raised.value).partition(": ")
    number = place.removeprefix(str(file)).removeprefix(":")
    if number:
        parts = said.partition(":")[0].strip("[]").split(".")
        assert any(part in text.splitlines()[int(number) - 1] for part in parts)
    else:
        assert place == str(file)
    return said


def test_rows_and_log_go_over_http_where_a_file_says_so(file: Path) -> None:
    hooks = '[state]\nvia = "http"\npath = "/rows"\n[log]\nvia = "http"\npath = "/log?after={cursor}"\n'
    file.write_text(SMALLEST + hooks, "utf-8")
    read = read_target(file)
    assert (read.state_path, read.log, read.log_path) == ("/rows", "http", "/log?after={cursor}")


def with_line(section: str, line: str) -> str:
    """Give the smallest file with one more line in a section."""
    if f"[{section}]" in SMALLEST:
        return SMALLEST.replace(f"[{section}]", f"[{section}]\n{line}")
    return f"{SMALLEST}\n[{section}]\n{line}\n"


def test_a_full_file_is_read_as_written(file: Path) -> None:
    (file.parent / "php").mkdir()
    file.write_text(FULL, "utf-8")

    assert read_target(file) == Target(
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
    file.write_text(SMALLEST, "utf-8")

    target = read_target(file)

    made = Target(name="acme", version="unknown", claims=("core",), command=("true",), directory=file.parent)
    assert target == made
    assert (target.databases, target.ready, target.table) == (("sqlite",), "/health", "whatsapp_accounts")
    assert target.send.succeeded_status == (200, 299)


def test_a_relative_path_gives_an_absolute_folder(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text(SMALLEST, "utf-8")
    monkeypatch.chdir(file.parent)

    target = load_target("mine.toml")

    assert target.directory == file.parent


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "[lunch]\ncommand = ['true']",
            (
                "[lunch]: unknown section (did you mean launch?); allowed: "
                "implementation, launch, http, webhook, send, state, health_check, monitoring, log, timing, instance"
            ),
        ),
        (
            "[qqq]",
            (
                "[qqq]: unknown section; allowed: "
                "implementation, launch, http, webhook, send, state, health_check, monitoring, log, timing, instance"
            ),
        ),
        ("launch = 1", "launch: is a section: write [launch] and its keys below"),
        (
            with_line("launch", 'comand = "true"'),
            (
                "launch.comand: unknown key (did you mean command?); allowed: "
                "command, image, url, network, directory, databases, ready, ready_timeout, env, variables"
            ),
        ),
        (with_line("http", "qqq = 1"), "http.qqq: unknown key; allowed: headers"),
        (
            with_line("implementation", "version = 1"),
            "implementation.version: is 1 and must be a text",
        ),
        (
            with_line("implementation", 'claims = "core"'),
            "implementation.claims: is 'core' and must be a list of texts",
        ),
        (
            SMALLEST.replace('["true"]', "[1]"),
            "launch.command: is [1] and must be a list of texts",
        ),
        (
            SMALLEST.replace('["true"]', '"true"'),
            "launch.command: is 'true' and must be a list of texts",
        ),
        (with_line("launch", "env = []"), "launch.env: is [] and must be a table"),
        (with_line("launch", "env = { A = 1 }"), "launch.env.A: is 1 and must be a text"),
        (with_line("http", "headers = { A = true }"), "http.headers.A: is True and must be a text"),
        (
            with_line("webhook", 'asynchronous = "yes"'),
            "webhook.asynchronous: is 'yes' and must be true or false",
        ),
        (
            with_line("timing", "settle_seconds = -1"),
            "timing.settle_seconds: is -1 and must be a number of seconds",
        ),
        (
            with_line("timing", "settle_seconds = true"),
            "timing.settle_seconds: is True and must be a number of seconds",
        ),
        (
            with_line("launch", "ready_timeout = nan"),
            "launch.ready_timeout: is nan and must be a number of seconds",
        ),
        ("[implementation]\n[launch]", "implementation.name: is missing; add it under [implementation]"),
        (
            '[implementation]\nname = "x"',
            'launch.command: is missing; write command = ["…"], image = "…" or url = "http://…" under [launch]',
        ),
        (
            SMALLEST.replace('["true"]', "[]"),
            'launch.command: is missing; write command = ["…"], image = "…" or url = "http://…" under [launch]',
        ),
        (
            SMALLEST.replace('["true"]', '["", "x"]'),
            "launch.command: its first word is the program and must not be empty",
        ),
        (
            with_line("implementation", 'claims = ["core", "scurity"]'),
            (
                "implementation.claims: 'scurity' is unknown; allowed: "
                "core, security, resilience, health-check, monitoring, instance"
            ),
        ),
        (
            with_line("implementation", "claims = []"),
            (
                "implementation.claims: is empty; allowed: "
                "core, security, resilience, health-check, monitoring, instance"
            ),
        ),
        (
            with_line("launch", 'databases = ["oracle"]'),
            "launch.databases: 'oracle' is unknown; allowed: sqlite, postgresql, mysql",
        ),
        (with_line("launch", 'ready = "up"'), "launch.ready: is 'up' and must begin with a slash"),
        (
            with_line("webhook", 'path = "http://x/y"'),
            "webhook.path: is 'http://x/y' and must begin with a slash",
        ),
        (with_line("send", 'path = ""'), "send.path: is '' and must begin with a slash"),
        (
            with_line("send", "succeeded = { status = 200 }"),
            "send.succeeded.status: is 200 and must be the first and last status, [200, 299]",
        ),
        (
            with_line("send", "succeeded = { status = [200] }"),
            "send.succeeded.status: is [200] and must be the first and last status, [200, 299]",
        ),
        (
            with_line("send", "succeeded = { json = 1 }"),
            "send.succeeded.json: is 1 and must be a table",
        ),
        (
            with_line("send", "succeeded = { body = {} }"),
            "send.succeeded.body: unknown key; allowed: status, json",
        ),
        (with_line("state", 'via = "redis"'), "state.via: 'redis' is unknown; allowed: sql, http"),
        (
            with_line("launch", 'image = "acme/sync"'),
            "launch.image: launch.command is there too; keep one of command, image, url",
        ),
        (
            with_line("launch", 'network = "bridge"'),
            "launch.network: 'bridge' is unknown; allowed: host, published",
        ),
        (
            with_line("health_check", 'via = "command"'),
            'health_check.command: is missing; write command = ["php", "artisan", "…"]',
        ),
        (
            with_line("health_check", 'command = ["true"]'),
            """health_check.command: is only for via = "command", and via is 'http'""",
        ),
        (
            with_line("health_check", 'via = "cron"'),
            "health_check.via: 'cron' is unknown; allowed: http, command",
        ),
        (
            with_line("monitoring", 'path = "counts"'),
            "monitoring.path: is 'counts' and must begin with a slash",
        ),
        (
            with_line("state", 'via = "http"'),
            'state.path: is missing; write path = "/conformance/accounts"',
        ),
        (
            with_line("state", 'path = "/rows"'),
            """state.path: is only for via = "http", and via is 'sql'""",
        ),
        (
            with_line("state", 'via = "http"\npath = "/rows"\ntable = "accounts"'),
            """state.table: is only for via = "sql", and via is 'http'""",
        ),
        (
            with_line("state", 'via = "http"\npath = "/rows"\ncolumns = { status = "state" }'),
            """state.columns: is only for via = "sql", and via is 'http'""",
        ),
        (
            with_line("state", 'via = "http"\npath = "/rows"\ntable = "a"\ncolumns = {}'),
            """state.table: is only for via = "sql", like state.columns, and via is 'http'""",
        ),
        (
            with_line("state", 'via = "http"\npath = "rows"'),
            "state.path: is 'rows' and must begin with a slash",
        ),
        (
            with_line("log", 'via = "http"\npath = "/log"'),
            'log.path: has no {cursor}; write path = "/conformance/log?after={cursor}"',
        ),
        (
            with_line("state", 'columns = { url = "u" }'),
            (
                "state.columns.url: no such column in the contract; allowed: id, workspace_id, session_id, "
                "phone_number, status, assigned_instance_url, updated_at"
            ),
        ),
        (
            with_line("state", "columns = { id = 1 }"),
            "state.columns.id: is 1 and must be a text",
        ),
        (with_line("log", 'via = "fax"'), "log.via: 'fax' is unknown; allowed: file, http, stderr, none"),
        (
            with_line("log", 'via = "none"'),
            'log.via: core is claimed and cannot be judged without a log; write via = "file", "http" or "stderr"',
        ),
    ],
)
def test_a_mistake_is_told_by_its_key_and_by_what_is_allowed(file: Path, text: str, said: str) -> None:
    assert mistake(file, text) == said


def test_a_folder_that_is_not_there_is_told(file: Path) -> None:
    assert mistake(file, with_line("launch", 'directory = "php"')) == (
        f"launch.directory: there is no folder {file.parent / 'php'}; it is relative to this file"
    )


def test_a_target_that_does_not_claim_core_needs_no_log(file: Path) -> None:
    text = SMALLEST.replace("[launch]", 'claims = ["security"]\n[launch]') + '[log]\nvia = "none"'
    file.write_text(text, "utf-8")

    assert read_target(file).log == "none"


def test_a_file_that_is_no_toml_is_told_with_its_line(file: Path) -> None:
    assert "line 2" in mistake(file, "[launch]\ncommand = oops")


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
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
def test_an_unknown_name_is_told_with_what_there_is(
    name: str, hint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(TargetError) as raised:
        load_target(name)

    assert str(raised.value) == (
        f"there is no target {name!r}{hint}: give before-fix, fake-gateway, reference, or the path of a target file"
    )

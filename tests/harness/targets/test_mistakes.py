"""What is said of each mistake in a target file: the line, the key, and what is allowed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.errors import TargetError
from harness.targets.gateways import Instance
from harness.targets.models import COLUMNS, LOG, TargetFile
from harness.targets.reader import read_target
from harness.targets.variables import OF_A_CONTROL_PLANE
from tests.harness.targets.test_target import GATEWAY, RUNNING, SMALLEST, read, with_line

if TYPE_CHECKING:
    from pathlib import Path

SECTIONS = ", ".join(TargetFile.model_fields)
LAUNCH = "also, network, directory, databases, ready, ready_timeout, env, variables"
PROFILES = "core, security, resilience, health-check, monitoring, instance"
NO_LAUNCH = (
    'launch.command: is missing; write command = ["…"], image = "…" or url = "http://…" under [launch]'
)
HOOKS = 'via = "http"\npath = "/rows"\n'
OTHER_LOGS = 'write via = "file", "http" or "stderr"'
BY_A_COMMAND = "is for [launch]: four gateway instances are launched, each by instance.command"
ITS_OWN = "give each its own name"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "mine.toml"


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


LINES = [
    (
        "launch",
        'comand = "true"',
        "unknown key (did you mean command?); allowed: command, image, url, " + LAUNCH,
    ),
    ("http", "qqq = 1", "unknown key; allowed: headers"),
    ("send", "succeeded = { body = {} }", ".body: unknown key; allowed: status, json"),
    # Types
    ("implementation", "version = 1", "is 1 and must be a text"),
    ("implementation", 'claims = "core"', "is 'core' and must be a list of texts"),
    ("launch", "env = { A = 1 }", ".A: is 1 and must be a text"),
    ("webhook", 'asynchronous = "yes"', "is 'yes' and must be true or false"),
    ("timing", "settle_seconds = -1", "is -1 and must be a number of seconds"),
    ("timing", "settle_seconds = nan", "is nan and must be a number of seconds"),
    ("timing", "verify_timeout = 0", "is 0 and must be a number of seconds above 0"),
    ("send", 'path = ""', "is '' and must begin with a slash"),
    ("send", "succeeded = { status = 200 }", ".status: is 200 and must be two numbers, like [200, 299]"),
    ("send", "succeeded = { status = [200] }", ".status: is [200] and must be two numbers, like [200, 299]"),
    ("send", "succeeded = { json = 1 }", ".json: is 1 and must be a table"),
    # Names
    ("implementation", 'claims = ["core", "scurity"]', f"'scurity' is unknown; allowed: {PROFILES}"),
    ("implementation", "claims = []", f"is empty; allowed: {PROFILES}"),
    ("launch", 'databases = ["oracle"]', "'oracle' is unknown; allowed: sqlite, postgresql, mysql"),
    ("launch", 'network = "bridge"', "'bridge' is unknown; allowed: host, published"),
    (
        "state",
        'columns = { url = "u" }',
        f".url: no such column in the contract; allowed: {', '.join(COLUMNS)}",
    ),
    # What goes together
    ("launch", 'image = "acme"', "launch.command is there too; keep one of command, image, url"),
    ("health_check", 'command = ["true"]', """is only for via = "command", and via is 'http'"""),
    ("state", 'path = "/rows"', """is only for via = "http", and via is 'sql'"""),
    ("state", HOOKS + 'table = "a"', """is only for via = "sql", and via is 'http'"""),
    ("state", HOOKS + "columns = {}", """is only for via = "sql", and via is 'http'"""),
    ("log", 'via = "http"\npath = "/log"', f"is '/log' and must have {{cursor}} in it, like {LOG}"),
    ("log", 'via = "none"', f"core is claimed and cannot be judged without a log; {OTHER_LOGS}"),
    (
        "launch.variables",
        "QQQ = 'A'",
        f"no such variable in the contract; allowed: {', '.join(OF_A_CONTROL_PLANE)}",
    ),
    (
        "launch.variables",
        "PORT = 'A-B'",
        "is 'A-B' and must be the name of a variable, such as \"ACME_PORT\"",
    ),
    ("launch.variables", "PORT = 1", 'is 1 and must be the name of a variable, such as "ACME_PORT"'),
    ("launch.variables", "HOST = 'A'\nPORT = 'A'", f"is 'A', which HOST is called already; {ITS_OWN}"),
    ("launch.variables", "HOST = 'PORT'", f"is 'PORT', which PORT is called already; {ITS_OWN}"),
    ("launch", 'env.A = "a"\nvariables.HOST = "A"', "is 'A', which launch.env sets too; keep one"),
]
TEXTS = [
    ("[lunch]\ncommand = ['true']", f"[lunch]: unknown section (did you mean launch?); allowed: {SECTIONS}"),
    ("[qqq]", f"[qqq]: unknown section; allowed: {SECTIONS}"),
    ("launch = 1", "launch: is a section: write [launch] and its keys below"),
    ("[implementation]\n[launch]", "implementation.name: is missing; add it under [implementation]"),
    ('[implementation]\nname = "x"', NO_LAUNCH),
    (SMALLEST.replace('["true"]', "[]"), NO_LAUNCH),
    (with_line("launch", "ready_timeout = 1", GATEWAY), NO_LAUNCH),
    (
        SMALLEST.replace('["true"]', '["", "x"]'),
        "launch.command: its first word is the program and must not be empty",
    ),
    (
        with_line("health_check", 'via = "command"'),
        'health_check.command: is missing; write command = ["php", "artisan", "…"]',
    ),
    (
        with_line("state", 'via = "http"'),
        'state.path: is missing; write path = "/conformance/accounts"',
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
    (
        with_line("launch", "env = {}", RUNNING),
        "launch.env: is for what the harness launches, and launch.url runs already",
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
        with_line("log", f'via = "http"\npath = "{LOG}"', RUNNING),
        """log.file: is only for via = "file", and via is 'http'""",
    ),
    (
        GATEWAY.replace("command =", "ready_timeout = 1 #"),
        "instance.command: is missing; add it under [instance]",
    ),
    (
        GATEWAY + 'also = [["node", "worker.js"]]',
        (
            "instance.also: is for [launch]: have instance.command start what runs beside an instance, "
            "and end it with it"
        ),
    ),
    (GATEWAY + 'image = "acme"', f"instance.image: {BY_A_COMMAND}, which may run an image"),
    (
        GATEWAY + 'url = "http://[::1]:1"',
        f"instance.url: {BY_A_COMMAND}; one that runs already cannot be restarted",
    ),
    (GATEWAY.replace("connect =", "end ="), "instance.connect: is missing; add it under [instance]"),
    (
        GATEWAY + "restart = { path = '/' }",
        "instance.restart.path: unknown key; allowed: method, url, headers, body, keeps",
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


@pytest.mark.parametrize(("section", "line", "said"), LINES)
def test_a_mistake_in_a_line_is_reported_with_its_key_and_what_is_allowed(
    file: Path, section: str, line: str, said: str
) -> None:
    key = f"{section}.{line.splitlines()[-1].partition(' ')[0]}"
    assert mistake(file, with_line(section, line)) == key + (said if said[0] == "." else f": {said}")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("3001", "is 3001 and must be a text, or a list of four texts"),
        ('["http://a", "http://b"]', "has 2 texts; write one for all instances, or one for each of the four"),
        ('"gateway:{port}"', "has 'gateway:{port}'; write URLs such as"),
        ('"http://{name}:{port}"', "has 'http://{name}:{port}'; write URLs such as"),
    ],
)
def test_a_url_by_which_no_instance_can_name_itself_is_reported(file: Path, value: str, said: str) -> None:
    told = mistake(file, with_line("instance", f"claims_as = {value}", GATEWAY))
    assert told.startswith(f"instance.claims_as: {said}")


@pytest.mark.parametrize(("text", "said"), TEXTS)
def test_a_mistake_in_a_file_is_reported_with_its_key_and_what_is_allowed(
    file: Path, text: str, said: str
) -> None:
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
    st.booleans() | st.integers(-9, 9) | st.floats() | st.text("a/{}:", max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=4,
)
KEYS = [
    (name, key)
    for name, field in TargetFile.model_fields.items()
    for key in getattr(field.annotation, "model_fields", Instance.model_fields)
]


@settings(deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
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

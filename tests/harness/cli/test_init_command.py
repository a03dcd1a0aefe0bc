"""What `instance-sync init` writes, asks and refuses."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fake_instances import Session
from harness.cli.main import main
from harness.scenario.client import sender_values
from harness.targets.reader import read_target
from tests.harness.support import target

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Answer questions with these, in turn; each must have been asked for in the end."""
    given: list[str] = []
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("click.termui.visible_prompt_func", lambda _question: given.pop(0))
    yield given
    assert given == []


def test_a_command_is_split_into_words(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--name", 'Acme "sync"\x7f', "--command", "php -S {host}:{port} 'index 1.php'"]
    assert main(["init", *words, "--claims", "core, security", "--send-path", "/s/{account_id}"]) == 0
    assert capsys.readouterr().out == (
        "acme-sync.toml is written. Next: instance-sync doctor --target acme-sync.toml\n"
    )
    target = read_target(Path("acme-sync.toml"))
    assert (target.name, target.claims) == ('Acme "sync"\x7f', ("core", "security"))
    assert target.command == ("php", "-S", "{host}:{port}", "index 1.php")
    assert (target.log, target.send.path) == ("file", "/s/{account_id}")
    assert target.webhook_path == "/api/whatsapp/webhooks/webjs"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (
            ["--image", "acme/sync:1", "--log", "stderr"],
            {"image": "acme/sync:1", "network": "host", "log": "stderr", "claims": ("core",)},
        ),
        (
            ["--url", "http://127.0.0.1:8000", "--log", "http"],
            {"url": "http://127.0.0.1:8000", "log_path": "/conformance/log?after={cursor}"},
        ),
        (
            ["--url", "http://127.0.0.1:8000", "--log-file", "logs/a.log"],
            {"log": "file", "verify_timeout": 3, "send_timeout": 30},
        ),
    ],
    ids=["image", "url", "log file"],
)
def test_options_alone_write_a_file(words: list[str], expected: dict[str, object]) -> None:
    assert main(["init", "--name", "a", "--output", "b.toml", *words]) == 0
    target = read_target(Path("b.toml"))
    assert {name: getattr(target, name) for name in expected} == expected


def test_the_file_may_be_changed_as_its_comments_say() -> None:
    Path("app").mkdir()
    assert main(["init", "--name", "a", "--command", "b", "--directory", "app"]) == 0
    file = Path("a.toml")
    assert read_target(file).directory == Path("app").absolute()
    lines = file.read_text("utf-8").splitlines()
    assert "# How the harness reads and writes rows: via" in "\n".join(lines)
    kept = [one for one in lines if not one.startswith(("table =", "columns ="))]
    changed = "\n".join(kept).replace('via = "sql"', 'via = "http"\npath = "/conformance/accounts"')
    file.write_text(changed, "utf-8")
    assert read_target(file).state_path == "/conformance/accounts"


def test_the_help_names_what_a_path_of_messages_may_have(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "--help"]) == 0
    told = capsys.readouterr().out
    values = sender_values(target("program"), 1, Session("s", 2, "3"))
    assert [one for one in values if f"{{{one}}}" not in told] == []


def test_the_log_file_of_a_running_implementation_is_asked_for(answers: list[str]) -> None:
    answers += ["url", "127.0.0.1:1", "http://127.0.0.1:1", "core,monitoring", "stderr", "file", "a.log"]
    assert main(["init", "--name", "a"]) == 0
    assert read_target(Path("a.toml")).log_file == Path("a.log").absolute()


def test_an_answer_that_cannot_be_used_is_asked_for_again_and_the_others_are_kept(
    answers: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    Path("acme.toml").write_text("mine", "utf-8")
    Path("app").mkdir()
    answers += [
        "Acme",
        "acme.toml",
        "no/ours.toml",
        "ours.toml",
        "docker",
        "command",
        "node 'server.js",
        "node server.js",
    ]
    answers += ["nowhere", "app", "core,securty", "core, security", "syslog", "file"]

    assert main(["init"]) == 0

    target = read_target(Path("ours.toml"))
    assert (target.command, target.directory) == (("node", "server.js"), Path("app").absolute())
    assert (target.name, target.claims, target.log) == ("Acme", ("core", "security"), "file")
    assert [line for line in capsys.readouterr().out.splitlines() if line.startswith("Error: ")] == [
        "Error: acme.toml exists, and is not overwritten",
        "Error: there is no folder no",
        "Error: 'docker' is not one of 'command', 'image', 'url'.",
        'Error: "node \'server.js": No closing quotation',
        "Error: there is no folder nowhere",
        "Error: 'securty' is not one of 'core', 'security', 'resilience', 'health-check', 'monitoring', 'instance'.",
        "Error: 'syslog' is not one of 'file', 'stderr', 'http'.",
    ]
    assert Path("acme.toml").read_text("utf-8") == "mine"


def test_an_interruption_leaves_no_file(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def leave(_question: str) -> str:
        raise EOFError

    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("click.termui.visible_prompt_func", leave)
    assert main(["init", "--name", "a"]) == 130
    assert capsys.readouterr().err == "\ninstance-sync: interrupted; nothing was written\n"
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "--name is missing, and there is no terminal to ask at"),
        (["--name", "a"], "--command, --image or --url is missing, and there is no terminal to ask at"),
        (["--name", "a", "--command", "b", "--url", "http://c"], "--command and --url are given; keep one"),
        (["--name", "a", "--command", "b 'c"], '"b \'c": No closing quotation'),
        (["--name", "a", "--command", "''"], "\"''\" names no program"),
        (["--name", "a", "--command", "b", "--log-file", "c"], "--log-file is for --url"),
        (["--name", "a", "--url", "http://x"], None),
        (["--name", "a", "--url", "x", "--log", "http"], "'x' is not where it listens"),
        (["--name", "a", "--url", "http://h", "--directory", "."], "--directory is for what the harness"),
        (["--name", "a", "--url", "http://h", "--log", "http", "--log-file", "b"], "--log-file is for --log"),
        (["--name", "a", "--command", "b", "--claims", "cor"], "'cor' is not one of 'core'"),
        (["--name", "a", "--command", "b", "--directory", "no"], "there is no folder no; it is relative to"),
        (
            ["--name", "a", "--command", "b", "--output", "no/a.toml"],
            "no/a.toml cannot be written: there is no folder no",
        ),
    ],
)
def test_a_wrong_option_is_reported_and_nothing_is_written(
    words: list[str], said: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["init", *words]) == 4
    assert (said or "--log-file is missing, and there is no terminal") in capsys.readouterr().err
    assert list(Path().iterdir()) == []


def test_no_file_is_overwritten(capsys: pytest.CaptureFixture[str]) -> None:
    Path("a.toml").write_text("mine", "utf-8")
    assert main(["init", "--name", "a", "--command", "b"]) == 4
    assert "a.toml exists, and is not overwritten; choose another with --output" in capsys.readouterr().err
    assert Path("a.toml").read_text("utf-8") == "mine"

"""What `instance-sync init` writes, asks and refuses."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.cli import init
from harness.targets.reader import read_target

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
    monkeypatch.setattr("builtins.input", lambda _question: given.pop(0))
    yield given
    assert given == []


def test_flags_alone_write_a_file_for_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--name", 'Acme "sync"\x7f', "--command", "php -S {host}:{port} 'index 1.php'"]
    assert init.main([*words, "--claims", "core, security", "--send-path", "/s/{account_id}"]) == 0
    assert capsys.readouterr().out == (
        "acme-sync.toml is written. Next: instance-sync doctor --target acme-sync.toml\n"
    )
    target = read_target(Path("acme-sync.toml"))
    assert (target.name, target.claims) == ('Acme "sync"\x7f', ("core", "security"))
    assert target.command == ("php", "-S", "{host}:{port}", "index 1.php")
    assert (target.log, target.send.path) == ("file", "/s/{account_id}")
    assert target.webhook_path == "/api/whatsapp/webhooks/webjs"


def test_flags_alone_write_a_file_for_an_image() -> None:
    assert init.main(["--name", "a", "--image", "acme/sync:1", "--log", "stderr"]) == 0
    target = read_target(Path("a.toml"))
    assert (target.image, target.network, target.log, target.claims) == (
        "acme/sync:1",
        "host",
        "stderr",
        ("core",),
    )


def test_flags_alone_write_a_file_for_what_runs_already() -> None:
    words = [
        "--name",
        "a",
        "--url",
        "http://127.0.0.1:8000",
        "--log-file",
        "logs/a.log",
        "--output",
        "b.toml",
    ]
    assert init.main(words) == 0
    target = read_target(Path("b.toml"))
    assert (target.url, target.log_file) == ("http://127.0.0.1:8000", Path("logs/a.log").absolute())
    assert (target.verify_timeout, target.send_timeout) == (3, 30)


def test_the_file_may_be_changed_as_it_says_itself() -> None:
    Path("app").mkdir()
    assert init.main(["--name", "a", "--command", "b", "--directory", "app"]) == 0
    file = Path("a.toml")
    assert read_target(file).directory == Path("app").absolute()
    lines = file.read_text("utf-8").splitlines()
    assert "# How the harness reads and writes rows: via" in "\n".join(lines)
    kept = [one for one in lines if not one.startswith(("table =", "columns ="))]
    changed = "\n".join(kept).replace('via = "sql"', 'via = "http"\npath = "/conformance/accounts"')
    file.write_text(changed, "utf-8")
    assert read_target(file).state_path == "/conformance/accounts"


def test_a_log_by_http_has_its_path() -> None:
    assert init.main(["--name", "a", "--url", "http://127.0.0.1:8000", "--log", "http"]) == 0
    assert read_target(Path("a.toml")).log_path == "/conformance/log?after={cursor}"


def test_what_no_flag_says_is_asked_for(answers: list[str]) -> None:
    answers += ["", "Acme", "", "node server.js", "", "", "stderr"]
    assert init.main([]) == 0
    target = read_target(Path("acme.toml"))
    assert (target.name, target.command, target.claims) == ("Acme", ("node", "server.js"), ("core",))
    assert target.log == "stderr"


def test_the_file_of_what_runs_already_is_asked_for(answers: list[str]) -> None:
    answers += ["url", "127.0.0.1:1", "http://127.0.0.1:1", "core,monitoring", "stderr", "file", "a.log"]
    assert init.main(["--name", "a"]) == 0
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

    assert init.main([]) == 0

    target = read_target(Path("ours.toml"))
    assert (target.command, target.directory) == (("node", "server.js"), Path("app").absolute())
    assert (target.name, target.claims, target.log) == ("Acme", ("core", "security"), "file")
    assert capsys.readouterr().err.splitlines() == [
        "acme.toml exists, and is not written over",
        "there is no folder no",
        "'docker' is unknown; there are: command, image, url",
        '"node \'server.js": No closing quotation',
        "there is no folder nowhere",
        "'securty' is unknown; there are: core, security, resilience, health-check, monitoring, instance",
        "'syslog' is unknown; there are: file, stderr, http",
    ]
    assert Path("acme.toml").read_text("utf-8") == "mine"


def test_whoever_leaves_leaves_no_file(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def leave(_question: str) -> str:
        raise EOFError

    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", leave)
    assert init.main(["--name", "a"]) == 130
    assert capsys.readouterr().err == "\ninstance-sync: interrupted; nothing was written\n"
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "--name is missing, and there is no terminal to ask at"),
        (["--name", "a"], "--command, --image or --url is missing, and there is no terminal to ask at"),
        (["--name", "a", "--command", "b", "--url", "c"], "--command and --url are given; keep one"),
        (["--name", "a", "--command", "b 'c"], '--command: "b \'c": No closing quotation'),
        (["--name", "a", "--command", "''"], "--command: \"''\" names no program"),
        (["--name", "a", "--command", "b", "--log-file", "c"], "--log-file is for --url"),
        (["--name", "a", "--url", "http://x"], None),
        (["--name", "a", "--url", "x", "--log", "http"], "--url: 'x' is not where it listens"),
        (["--name", "a", "--url", "http://h", "--directory", "."], "--directory is for what the harness"),
        (["--name", "a", "--url", "http://h", "--log", "http", "--log-file", "b"], "--log-file is for --log"),
        (["--name", "a", "--command", "b", "--claims", "cor"], "--claims: 'cor' is unknown"),
        (["--name", "a", "--command", "b", "--directory", "no"], "there is no folder no; it is relative to"),
        (
            ["--name", "a", "--command", "b", "--output", "no/a.toml"],
            "no/a.toml cannot be written: there is no folder no",
        ),
    ],
)
def test_what_cannot_be_used_is_told_and_nothing_is_written(
    words: list[str], said: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert init.main(words) == 4
    assert (said or "--log-file is missing, and there is no terminal") in capsys.readouterr().err
    assert list(Path().iterdir()) == []


def test_no_file_is_written_over(capsys: pytest.CaptureFixture[str]) -> None:
    Path("a.toml").write_text("mine", "utf-8")
    assert init.main(["--name", "a", "--command", "b"]) == 4
    assert "a.toml exists, and is not written over; choose another with --output" in capsys.readouterr().err
    assert Path("a.toml").read_text("utf-8") == "mine"

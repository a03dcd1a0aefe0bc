"""What the doctor says of attachments that are right, and of those that are wrong in one way each."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from harness.attach import remedies
from harness.attach.drivers.program import free_port
from harness.attach.rows_by_sql import SqlAccounts
from harness.cli.main import main
from harness.exit_codes import ExitCode
from harness.history import UserAnswered
from harness.targets.reader import BUILT_IN, load_target

if TYPE_CHECKING:
    from pathlib import Path

ROOM = ["--fleet-address", "127.0.0.63", "--fleet-ports", "free"]
LAUNCHED = """
[implementation]
name = "acme"
claims = ["core", "health-check", "monitoring"]
[launch]
command = ["{python}", "-m", "reference_impl"]
"""
EVERYTHING = [
    "the start",
    "its clock",
    "rows",
    "webhooks",
    "rows and webhooks",
    "messages",
    "instances",
    "its log",
    "the health check",
    "monitoring",
    "metrics",
    "a clean start",
]
GATEWAYS = [
    "gateways",
    "their URL",
    "their signature",
    "their headers",
    "their /health",
    "their /health/detailed",
    "messages",
    "what went out",
    "a reconnect",
]
FIVE_MINUTES_AHEAD = (
    "import time; now = time.time; time.time = lambda: now() + 400; "
    "import reference_impl.__main__ as them; them.main()"
)
ENDS_WITH_A_MESSAGE = (
    "import os, reference_impl.fix.sender as s; s.Sender.send = lambda *_: os._exit(7); "
    "import reference_impl.__main__ as them; them.main()"
)
EVERY_CALL_IS_PRINTED = (
    "import waitress.server as w; make = w.create_server; "
    "w.create_server = lambda app, **more: make(lambda asked, begin: "
    "(print(asked['PATH_INFO'], flush=True), app(asked, begin))[1], **more); "
    "import reference_impl.__main__ as them; them.main()"
)


def examined(file: Path, capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, str]:
    """Examine a target; return the exit code, and everything that was said, each thing on one line."""
    status = main(["doctor", "--target", str(file), *ROOM, *options])
    return status, re.sub(r"\n {15}", " ", capsys.readouterr().out)


def changes(said: str) -> dict[str, str]:
    """Return what is to change, by the name of the finding."""
    return dict(
        re.findall(r"^✗ (.+)\n(?:    (?:tried|came back) .*\n)*    change +(.+)$", said, re.MULTILINE)
    )


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "acme.toml"


def test_of_one_that_is_attached_correctly_everything_is_tried_and_good(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(LAUNCHED, "utf-8")
    status, said = examined(file, capsys)
    assert re.findall(r"^✓ (.+)$", said, re.MULTILINE) == EVERYTHING, said
    assert said.endswith(f"\nready to be judged: instance-sync verify --target {file} {' '.join(ROOM)}\n")
    assert status == 0


def test_a_gateway_is_examined_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--target", "fake-gateway", *ROOM]) == 0
    seen = re.findall(r"^✓ (.+)$", capsys.readouterr().out, re.MULTILINE)
    assert seen == GATEWAYS


def test_a_gateway_that_names_itself_otherwise_learns_where_to_say_so(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    known = (BUILT_IN / "fake-gateway.toml").read_text("utf-8")
    stated = known.replace(
        "\n[instance]\n", '\n[instance]\nclaims_as = "http://gateway.internal:{port}"\n', 1
    )
    file.write_text(stated, "utf-8")
    status, said = examined(file, capsys)
    assert re.findall(r"^✗ (.+)$", said, re.MULTILINE) == ["their URL"], said
    assert "claims_as: it names itself by its own address, so leave that out" in said
    assert status == ExitCode.INCOMPLETE


BROKEN = {
    "a program that ends": ("command = [", 'command = ["false"]\n#', {"the start": "what its last output names"}),
    "a program that is not there": (
        "command = [", 'command = ["./none"]\n#', {"the start": "launch.command: its first word"}),
    "another ready path": (
        "[launch]", '[launch]\nready = "/up"\nready_timeout = 5', {"the start": "launch.ready must be a path"}),
    "another table": ("", '[state]\ntable = "accounts"', {"the start": "[state] what its table is called"}),
    "hooks that are not there": (
        "", '[state]\nvia = "http"\npath = "/nowhere"', {"rows": "state.path must name hooks"}),
    "another webhook path": (
        "", '[webhook]\npath = "/webhooks"', {"webhooks": "webhook.path must be the path"}),
    "another secret": (
        "[launch]", '[launch]\nenv = { HMAC_SECRET = "another" }',
        {"webhooks": "launch.env must not set HMAC_SECRET"}),
    "a clock that is off": (
        '"-m", "reference_impl"', f'"-c", "{FIVE_MINUTES_AHEAD}"',
        {"its clock": "set both clocks", "webhooks": "its clock first"}),
    "another send path": (
        "", '[send]\npath = "/messages/{account_id}"',
        {"messages": "send.method and send.path", "instances": "messages first"}),
    "another body": (
        "", '[send]\nbody = { to = "{recipient}" }',
        {"messages": "send.body must be what it takes", "instances": "messages first"}),
    "another success": (
        "", "[send]\nsucceeded = { json = { sent = true } }", {"messages": "send.succeeded must describe"}),
    "other instances": (
        "[launch]", '[launch]\nenv = { NODE_INSTANCES = "http://127.0.0.1:9" }',
        {"messages": "what the next finding says", "instances": "launch.env must not set NODE_INSTANCES"}),
    "a port that it does not take": (
        "[launch]", '[launch]\nready_timeout = 1\nvariables = { PORT = "LISTEN_PORT" }',
        {"the start": "it must listen on HOST and LISTEN_PORT"}),
    "a log with other things in it": (
        '"-m", "reference_impl"]',
        f'"-c", "{EVERY_CALL_IS_PRINTED}"]\nenv = {{ LOG_FILE = "/dev/null" }}\n[log]\nvia = "stderr"',
        {"its log": "what [log] names must be where it logs its events"}),
    "another key": (
        "[launch]", '[launch]\nenv = { API_KEY = "another" }',
        {"messages": "what it answers says why", "instances": "launch.env must not set API_KEY"}),
    "a port of its own": (
        "[launch]", '[launch]\nready_timeout = 1\nenv = { PORT = "9" }',
        {"the start": "launch.env must not set PORT"}),
    "a program that ends when it is told something": (
        '"-m", "reference_impl"]', f'"-c", "{ENDS_WITH_A_MESSAGE}"]',
        {"its running": "what makes it end or lose rows"}),
    "no log": (
        "[launch]", '[launch]\nenv = { LOG_FILE = "/dev/null" }',
        {"its log": "launch.env must not set LOG_FILE"}),
    "another path of the check": (
        "", '[health_check]\npath = "/check"',
        {"the health check": "health_check.path must be where it answers: POST /check"}),
}  # fmt: skip


@pytest.mark.parametrize("broken", BROKEN)
def test_each_broken_attachment_is_reported_by_its_cause(
    broken: str, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where, what, causes = BROKEN[broken]
    file.write_text(LAUNCHED.replace(where, what) if where else LAUNCHED + what, "utf-8")

    status, said = examined(file, capsys)

    told = changes(said)
    assert told.keys() == causes.keys(), said
    for name, cause in causes.items():
        assert cause in told[name], said
    assert status == 2
    assert said.endswith(f"\n{len(causes)} to change; nothing was judged\n")


# Of what runs already


@pytest.fixture
def running(file: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the target file of something that is said to run at a port where nothing listens."""
    monkeypatch.setenv("API_KEY", "a-key-that-it-was-started-with")
    monkeypatch.setenv("HMAC_SECRET", "a-secret-that-it-was-started-with")
    port = free_port("127.0.0.1")
    file.write_text(
        f'[implementation]\nname = "acme"\n[launch]\nurl = "http://127.0.0.1:{port}"\n[log]\nfile = "a.log"\n',
        "utf-8",
    )
    return file


def test_a_port_where_nothing_listens_is_reported(running: Path, capsys: pytest.CaptureFixture[str]) -> None:
    database = f"sqlite:///{running.parent / 'a.db'}"
    SqlAccounts(database, load_target("reference")).close()
    status, said = examined(running, capsys, "--database", database)
    assert changes(said).keys() == {"the start"}
    assert "is it running there? launch.url and launch.ready say where it is asked" in said
    assert status == 2


def test_what_is_wrong_with_the_command_itself_is_a_usage_error(
    running: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor", "--target", str(running), *ROOM]) == 4
    assert "a target with launch.url has a database already" in capsys.readouterr().err
    assert main(["doctor", "--target", "nowhere.toml"]) == 4
    assert "there is no target 'nowhere.toml'" in capsys.readouterr().err
    assert main(["doctor", "--no-such-option"]) == 4


@pytest.mark.parametrize(
    ("asked", "delivered", "change"),
    [
        (False, False, "send.path must be where it takes messages"),
        (True, False, "it must answer within its timeouts: it took the message"),
        (True, True, "it must answer within its timeouts: it took the message"),
    ],
)
def test_who_gives_no_answer_took_the_message_or_not(*, asked: bool, delivered: bool, change: str) -> None:
    silent = UserAnswered(call=1, status=None, body="", told_sent=False, seconds=30.0, problem="ReadTimeout")
    assert remedies.of_message(silent, asked=asked, delivered=delivered).startswith(change)

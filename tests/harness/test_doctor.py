"""What the doctor says of attachments that are right, and of those that are wrong in one way each."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from harness import doctor_command
from harness.accounts import SqlAccounts
from harness.drivers.program import free_port
from harness.target import load_target

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
FIVE_MINUTES_AHEAD = (
    "import time; now = time.time; time.time = lambda: now() + 400; "
    "import reference_impl.__main__ as them; them.main()"
)


def examined(file: Path, capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, str]:
    """Examine a target; give the exit code, and everything that was said, each thing on one line."""
    status = doctor_command.main(["--target", str(file), *ROOM, *options])
    return status, re.sub(r"\n {15}", " ", capsys.readouterr().out)


def changes(said: str) -> dict[str, str]:
    """Give what is to change, by the name of the finding."""
    return dict(
        re.findall(r"^✗ (.+)\n(?:    (?:tried|came back) .*\n)*    change +(.+)$", said, re.MULTILINE)
    )


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "acme.toml"


def test_of_one_that_is_attached_rightly_everything_is_tried_and_found_well(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(LAUNCHED, "utf-8")
    status, said = examined(file, capsys)
    assert re.findall(r"^✓ (.+)$", said, re.MULTILINE) == EVERYTHING, said
    assert said.endswith("\nready to be judged: instance-sync verify\n")
    assert status == 0


def test_a_gateway_is_examined_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert doctor_command.main(["--target", "fake-gateway", *ROOM]) == 0
    assert re.findall(r"^[✓✗] (.+)$", capsys.readouterr().out, re.MULTILINE) == ["gateways"]


BROKEN = {
    "a program that ends": ("command = [", 'command = ["false"]\n#', {"the start": "[launch], until"}),
    "a program that is not there": (
        "command = [", 'command = ["./none"]\n#', {"the start": "[launch], until"}),
    "another ready path": (
        "[launch]", '[launch]\nready = "/up"\nready_timeout = 2', {"the start": "[launch], until"}),
    "another table": ("", '[state]\ntable = "accounts"', {"the start": "[launch], until"}),
    "hooks that are not there": (
        "", '[state]\nvia = "http"\npath = "/nowhere"', {"rows": "state.path must name hooks"}),
    "another webhook path": (
        "", '[webhook]\npath = "/webhooks"', {"webhooks": "webhook.path must be the path"}),
    "another secret": (
        "[launch]", '[launch]\nenv = { HMAC_SECRET = "another" }',
        {"webhooks": "it must take its secret from HMAC_SECRET"}),
    "a clock that is off": (
        '"-m", "reference_impl"', f'"-c", "{FIVE_MINUTES_AHEAD}"',
        {"its clock": "set both clocks", "webhooks": "its clock first"}),
    "another send path": (
        "", '[send]\npath = "/messages/{account_id}"',
        {"messages": "send.method, send.path and send.body", "instances": "send.path first"}),
    "another body": (
        "", '[send]\nbody = { to = "{recipient}" }',
        {"messages": "send.method, send.path and send.body", "instances": "it must call the instances"}),
    "another success": (
        "", "[send]\nsucceeded = { json = { sent = true } }", {"messages": "send.succeeded must describe"}),
    "other instances": (
        "[launch]", '[launch]\nenv = { NODE_INSTANCES = "http://127.0.0.1:9" }',
        {"messages": "send.method, send.path", "instances": "that NODE_INSTANCES names, now http://127.0.0.63:"}),
    "another key": (
        "[launch]", '[launch]\nenv = { API_KEY = "another" }',
        {"messages": "what it answers says why", "instances": "it must take the key from API_KEY"}),
    "no log": (
        "[launch]", '[launch]\nenv = { LOG_FILE = "/dev/null" }',
        {"its log": "it must append to the file that LOG_FILE names"}),
    "another path of the check": (
        "", '[health_check]\npath = "/check"',
        {"the health check": "health_check.path or command must be where"}),
    "another path of what is counted": (
        "", '[monitoring]\npath = "/counts"', {"monitoring": "monitoring.path must be where"}),
}  # fmt: skip


@pytest.mark.parametrize("broken", BROKEN)
def test_each_broken_attachment_is_told_by_its_cause(
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
    """Give the target file of what would run at a port at which nothing does."""
    monkeypatch.setenv("API_KEY", "a-key-that-it-was-started-with")
    monkeypatch.setenv("HMAC_SECRET", "a-secret-that-it-was-started-with")
    port = free_port("127.0.0.1")
    file.write_text(
        f'[implementation]\nname = "acme"\n[launch]\nurl = "http://127.0.0.1:{port}"\n[log]\nfile = "a.log"\n',
        "utf-8",
    )
    return file


def test_a_port_where_nothing_listens_is_told(running: Path, capsys: pytest.CaptureFixture[str]) -> None:
    database = f"sqlite:///{running.parent / 'a.db'}"
    SqlAccounts(database, load_target("reference")).close()
    status, said = examined(running, capsys, "--database", database)
    assert changes(said).keys() == {"the start"}
    assert "is it running there? launch.url and launch.ready say where it is asked" in said
    assert status == 2


def test_what_is_wrong_with_the_command_itself_is_a_usage_error(
    running: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert doctor_command.main(["--target", str(running), *ROOM]) == 4
    assert "a target with launch.url has a database already" in capsys.readouterr().err
    assert doctor_command.main(["--target", "nowhere.toml"]) == 4
    assert "there is no target 'nowhere.toml'" in capsys.readouterr().err
    assert doctor_command.main(["--no-such-option"]) == 4

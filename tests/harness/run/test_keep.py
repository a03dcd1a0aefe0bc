"""A run that stops at the first failure, with everything alive: what it says, and that nothing is left behind."""

from __future__ import annotations

import os
import pty
import re
import shlex
import signal
import subprocess
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest
import requests

from fake_instances import Session
from harness.contract import SendTarget
from harness.gateway_contract import NUMBERS
from harness.history import UserSends
from harness.run.asked import keep
from tests.harness.commands import COMMAND, assert_nothing_is_left, run, running_of, started
from tests.harness.run.test_not_attached import foreign
from tests.harness.support import PATIENCE, target

if TYPE_CHECKING:
    from harness.scenario.world import World

WORDS = ["verify", "--keep", "--target", "before-fix", "--requirement", "SCAN-02", "--fleet-ports", "free"]


def shown_until(descriptor: int, words: str) -> str:
    shown = b""
    while words.encode() not in shown:
        part = os.read(descriptor, 4096)
        assert part, shown.decode()
        shown += part
    return shown.decode()


def assert_all_is_alive(shown: str) -> None:
    """Repeat the last step by the line that stands there, and ask an instance with the secrets of the file."""
    (line,) = re.findall(r"curl -i -X .*", shown)
    again = subprocess.run(line, shell=True, capture_output=True, text=True, timeout=PATIENCE, check=True)
    assert '"code":"rejected_by_instance"' in again.stdout
    (file,) = re.findall(r"\. (/\S+secrets\.env)", shown)
    (asked,) = re.findall(r'curl -s "http://[^"]*"', shown)[:1]
    answer = subprocess.run(f". {file}; {asked}", shell=True, capture_output=True, text=True, check=True)
    assert '"status":"healthy"' in answer.stdout
    with open(file) as secrets:  # noqa: PTH123
        values = re.findall(r"=(\w+)", secrets.read())
    assert len(values) == 2
    assert [one for one in values if one in shown] == []


def test_enter_ends_it_with_the_verdict(host: str, folder: Path) -> None:
    here, there = pty.openpty()
    with subprocess.Popen(
        [str(COMMAND), *WORDS, "--fleet-address", host],
        stdin=there,
        stdout=there,
        stderr=there,
        start_new_session=True,
        env={**os.environ, "TMPDIR": str(folder)},
    ) as process:
        os.close(there)
        shown = shown_until(here, "Enter or Ctrl-C ends the run")
        for words in (
            "kept: The repair is logged",
            "implementation  http://",
            "database        sqlite:",
            "its row",
        ):
            assert words in shown
        assert_all_is_alive(shown.replace("\r", ""))
        os.write(here, b"\n")
        rest = shown_until(here, "verdict ")
        assert process.wait(PATIENCE) == 1, rest
    os.close(here)
    assert_nothing_is_left(host, folder)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda one: one.name)
def test_without_a_terminal_a_signal_ends_it_with_the_verdict(
    number: signal.Signals, host: str, folder: Path
) -> None:
    with started([str(COMMAND), *WORDS, "--fleet-address", host], folder) as process:
        assert process.stdout is not None
        shown = shown_until(process.stdout.fileno(), "ends the run, and removes all of this")
        assert f"kill -INT {process.pid} ends the run" in shown
        assert running_of(folder)
        process.send_signal(number)
        rest, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1, rest
    assert "verdict         non-conformant: failed: SCAN-02" in rest
    assert_nothing_is_left(host, folder)


def test_a_run_without_failures_does_not_stop(host: str, folder: Path) -> None:
    words = ["verify", "--keep", "--requirement", "SCAN-02", "--fleet-ports", "free", "--fleet-address", host]
    ended = run([str(COMMAND), *words], folder)
    assert ended.returncode == 2, ended.stdout
    assert "kept:" not in ended.stdout


def test_several_workers_cannot_stop(folder: Path) -> None:
    ended = run([str(COMMAND), "verify", "--keep", "-n", "2"], folder)
    assert ended.returncode == 4
    assert "--keep stops in the middle of a run, which several workers cannot: take -n 0" in ended.stderr


def test_nothing_listens_any_more(host: str, folder: Path) -> None:
    with started([str(COMMAND), *WORDS, "--fleet-address", host], folder) as process:
        assert process.stdout is not None
        shown = shown_until(process.stdout.fileno(), "ends the run, and removes all of this")
        (url,) = re.findall(r"implementation  (http://\S+)", shown)
        assert requests.get(f"{url}/health", timeout=PATIENCE).ok
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE)
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{url}/health", timeout=PATIENCE)


def test_the_last_steps_of_gateways_can_be_repeated(host: str, folder: Path) -> None:
    file = foreign(folder)
    words = ["verify", "--keep", "--target", str(file), "--requirement", "INSTANCE-04", "--unchecked"]
    with started([str(COMMAND), *words, "--fleet-address", host], folder) as process:
        assert process.stdout is not None
        shown = shown_until(process.stdout.fileno(), "ends the run, and removes all of this")
        assert re.search(
            r"^session {9}\S+ of workspace [0-9]+, phone [0-9]+, connected on none$", shown, re.MULTILINE
        )
        (line,) = re.findall(r"(curl -i -K \S+)   # the message", shown)
        again = subprocess.run(
            shlex.split(line), capture_output=True, text=True, timeout=PATIENCE, check=True
        )
        assert '{"success": true}' in again.stdout
        assert len(re.findall(r'curl -s "http://[^"]*\?api_key=\$API_KEY"', shown)) == len(NUMBERS)
        (secrets,) = re.findall(r"\. (/\S+secrets\.env)", shown)
        values = re.findall(r"=(\w+)", Path(secrets).read_text("utf-8"))
        assert [one for one in values if one in shown] == []
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1, rest
    assert_nothing_is_left(host, folder)


def test_the_line_for_a_message_names_the_session_as_the_target_has_it() -> None:
    send = SendTarget(
        path="/s/{session_id}", headers={"X-Workspace": "{workspace_id}"}, body={"text": "{text}"}
    )
    made = target("program", send=send, headers={"X-Key": "never shown"})
    implementation = SimpleNamespace(target=made, adapted=None, base_url="http://h")
    account = SimpleNamespace(id=142, session=Session("a/b", 9, "62811"))
    last = UserSends(call=1, account_id=142, session_id="a/b", assigned=None, recipient="628", text="hé")
    world = SimpleNamespace(implementation=implementation, accounts=(account,))

    words = shlex.split(keep._message(cast("World", world), last))

    headers = [after for word, after in pairwise(words) if word == "-H"]
    assert words[:5] == ["curl", "-i", "-X", "POST", "http://h/s/a%2Fb"]
    assert headers == ["Content-Type: application/json", "X-Key: …", "X-Workspace: 9"]
    assert words[-2:] == ["-d", '{"text": "hé"}']

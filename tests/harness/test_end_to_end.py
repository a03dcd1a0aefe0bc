"""The commands as a user runs them: what they print, how they end, and what they leave behind."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from harness import suite

if TYPE_CHECKING:
    from collections.abc import Callable

FEATURES = suite.features_root()
COMMAND = Path(sys.executable).with_name("instance-sync")
PATIENCE = 60.0
PORTS = (3001, 3002, 3003, 3004)


@pytest.fixture
def host(worker_id: str) -> str:
    """Give a loopback address that no other worker, and no other run of ours, uses."""
    return f"127.0.0.{60 + int(worker_id.removeprefix('gw') or 0)}" if worker_id != "master" else "127.0.0.59"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give the folder in which a run under test makes its temporary files."""
    made = tmp_path / "temporary"
    made.mkdir()
    return made


def features(host: str, *arguments: str) -> list[str]:
    own = ["-q", "-p", "no:cacheprovider", "--fleet-host", host]
    return [sys.executable, "-m", "pytest", str(FEATURES), *own, *arguments]


def run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "TMPDIR": str(folder)}
    return subprocess.run(
        command, capture_output=True, text=True, timeout=PATIENCE, env=environment, check=False
    )


def listening(host: str) -> list[int]:
    """Give the instances' ports on which something listens."""
    found = []
    for port in PORTS:
        with socket.socket() as probe:
            if probe.connect_ex((host, port)) == 0:
                found.append(port)
    return found


def running_of(folder: Path) -> list[str]:
    """Give the processes that were started with a folder of the run under test."""
    told = []
    for process in psutil.process_iter(["cmdline", "environ"]):
        command, environment = process.info["cmdline"] or [], process.info["environ"] or {}
        if environment.get("TMPDIR") == str(folder) and process.status() != psutil.STATUS_ZOMBIE:
            told.append(" ".join(command))
    return told


def wait_for(condition: Callable[[], bool]) -> bool:
    """Wait for what announces itself to nobody: the end of processes that are not our children."""
    deadline = time.monotonic() + PATIENCE
    while not (held := condition()) and time.monotonic() < deadline:
        threading.Event().wait(0.02)
    return held


def assert_nothing_is_left(host: str, folder: Path) -> None:
    assert wait_for(lambda: not running_of(folder)), running_of(folder)
    assert listening(host) == []
    assert list(folder.glob("instance-sync-*")) == []


def test_one_requirement_passes_and_the_verdict_says_what_was_left_out(host: str, folder: Path) -> None:
    ended = run(features(host, "--requirement", "TIMELINE-01"), folder)

    assert ended.returncode == 2
    assert "1 run, 1 passed" in ended.stdout
    assert re.search(r"verdict +incomplete: nothing failed, but not judged: MANUAL-01", ended.stdout)
    assert_nothing_is_left(host, folder)


def test_the_incident_convicts_the_implementation_without_the_fix(host: str, folder: Path) -> None:
    ended = run(features(host, "--target", "before-fix", "--requirement", "TIMELINE-01"), folder)

    assert ended.returncode == 1
    assert re.search(r"verdict +non-conformant: failed: TIMELINE-01", ended.stdout)
    for words in (
        "TIMELINE-01 (must, core): When the incident's five steps",
        'expected  instance 3002 delivers "Your order has been shipped." exactly once',
        "observed  no instance delivered it; instance 3001 was posted the message and answered 404",
        "caller → instance 3001: POST /api/messages/send → 404",
        "webhook session_reconnected is lost",
    ):
        assert words in ended.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--target", "refrence"], "there is no target 'refrence' (did you mean reference?)"),
        (["--requirement", "SCAN-99"], "there is no requirement SCAN-99"),
        (["--requirement", "HEALTH-01"], "no scenario carries requirement HEALTH-01 yet"),
        (["-m", "SCNA-01"], "there is no requirement SCNA-01; did you mean SCAN-01?"),
        (["--fleet-ports", "3001"], "--fleet-ports '3001': write document, free, or four different ports"),
        (["--no-such-option"], "unrecognized arguments: --no-such-option"),
    ],
)
def test_a_wrong_name_is_an_error_and_judges_nothing(
    host: str, folder: Path, arguments: list[str], words: str
) -> None:
    ended = run(features(host, *arguments), folder)

    assert ended.returncode == 4
    assert words in ended.stderr
    assert "verdict" not in ended.stdout


def test_a_filter_that_matches_nothing_is_never_a_success(host: str, folder: Path) -> None:
    ended = run(features(host, "-k", "nothing_of_this_name"), folder)

    assert ended.returncode == 2
    assert re.search(r"verdict +incomplete: no scenario ran", ended.stdout)


def test_a_port_in_use_is_named_with_its_process_and_a_way_out(host: str, folder: Path) -> None:
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind((host, 3003))
        taken.listen()
        ended = run(features(host, "--requirement", "TIMELINE-01"), folder)
        assert listening(host) == [3003]

    told = " ".join(ended.stdout.split())
    assert ended.returncode == 2
    assert f"port 3003 on {host} is in use by" in told
    assert f"(pid {os.getpid()})" in told
    assert "--fleet-ports free" in told
    assert_nothing_is_left(host, folder)


def test_an_implementation_that_does_not_come_up_is_told_with_its_last_output(
    host: str, folder: Path, tmp_path: Path
) -> None:
    program = "import sys; print('the database is not migrated'); sys.exit(7)"
    target = tmp_path / "broken.toml"
    target.write_text(
        f"[implementation]\nname = 'broken'\n[launch]\ncommand = ['{{python}}', '-c', \"{program}\"]\n"
    )

    ended = run(features(host, "--target", str(target), "--requirement", "SCAN-02"), folder)

    assert ended.returncode == 2
    assert "exited with status 7" in ended.stdout
    assert "the database is not migrated" in ended.stdout
    assert re.search(r"verdict +incomplete", ended.stdout)
    assert_nothing_is_left(host, folder)


@pytest.mark.parametrize("workers", [[], ["-n", "1"]], ids=["alone", "with-workers"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda one: one.name)
def test_a_run_that_is_cut_short_leaves_nothing(
    host: str, folder: Path, workers: list[str], number: signal.Signals
) -> None:
    command = features(host, "-p", "no:randomly", *workers)
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        env={**os.environ, "TMPDIR": str(folder)},
    ) as cut:
        assert wait_for(lambda: any("guard.py" in one for one in running_of(folder)))
        assert listening(host) == list(PORTS)
        if number is signal.SIGINT:
            os.killpg(cut.pid, number)  # as a terminal does
        else:
            cut.send_signal(number)
        output, _ = cut.communicate(timeout=PATIENCE)

    if number is signal.SIGINT:
        assert cut.returncode == 2
        assert re.search(r"verdict +incomplete: the run was interrupted", output)
    else:
        assert cut.returncode != 0
    assert_nothing_is_left(host, folder)


def test_the_story_is_told_with_true_values(host: str, folder: Path) -> None:
    ended = run([str(COMMAND), "reproduce", "--fleet-host", host], folder)

    assert ended.returncode == 0, ended.stderr
    for words in (
        "session_id             webjs_1_1763798326_U9tUyl0b",
        f"curl -s http://{host}:3001/health/detailed",
        '{"total":0,"connected":0}   <- the row points here',
        '{"total":1,"connected":1}   <- the session is here',
        f"POST http://{host}:3001/api/messages/send  ->  404",
        f"POST http://{host}:3002/api/messages/send  ->  200",
        "Instance sync successful! Database updated",
        f"assigned_instance_url  http://{host}:3002",
        "Auto-syncing assigned_instance_url from webhook header",
    ):
        assert words in ended.stdout
    assert ended.stdout.count("instance 3002 delivers") == 1
    assert "\x1b" not in ended.stdout
    assert_nothing_is_left(host, folder)


def test_the_story_cannot_begin_while_a_port_is_in_use(host: str, folder: Path) -> None:
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind((host, 3004))
        taken.listen()
        ended = run([str(COMMAND), "reproduce", "--fleet-host", host], folder)

    assert ended.returncode == 2
    assert f"port 3004 on {host} is in use" in ended.stderr
    assert "--fleet-ports free" in ended.stderr
    assert_nothing_is_left(host, folder)


def test_pausing_needs_a_terminal(host: str, folder: Path) -> None:
    ended = run([str(COMMAND), "reproduce", "--pause", "--fleet-host", host], folder)

    assert ended.returncode == 4
    assert "needs a terminal" in ended.stderr


def test_verify_judges_from_any_folder(host: str, folder: Path) -> None:
    command = [str(COMMAND), "verify", "-q", "--fleet-host", host, "--requirement", "SCAN-02"]
    environment = {**os.environ, "TMPDIR": str(folder)}
    ended = subprocess.run(
        command, capture_output=True, text=True, timeout=PATIENCE, env=environment, cwd=folder, check=False
    )

    assert ended.returncode == 2
    assert "1 run, 1 passed" in ended.stdout
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("command", ["", "reproduce", "verify"])
def test_help_has_examples(command: str, folder: Path) -> None:
    ended = run([str(COMMAND), *([command] if command else []), "--help"], folder)

    assert ended.returncode == 0
    assert "example" in ended.stdout
    assert "instance-sync reproduce" in ended.stdout or "instance-sync verify" in ended.stdout

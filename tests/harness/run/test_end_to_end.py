"""The commands as a user runs them: what they print, how they end, and what they leave behind."""

from __future__ import annotations

import os
import re
import socket
from typing import TYPE_CHECKING

import pytest

from tests.database_servers import postgresql
from tests.harness.commands import COMMAND, assert_nothing_is_left, features, listening, run

if TYPE_CHECKING:
    from pathlib import Path


def test_gateway_instances_are_judged_without_a_control_plane(host: str, folder: Path) -> None:
    ended = run(features(host, "--target", "fake-gateway", "--requirement", "INSTANCE-07"), folder)

    assert ended.returncode == 2
    assert "1 run, 1 passed" in ended.stdout
    assert re.search(r"instance +MUST 1 passed\n", ended.stdout)
    assert "not claimed" not in ended.stdout
    assert_nothing_is_left(host, folder)


def test_on_a_database_server_the_verdict_is_the_same(host: str, folder: Path) -> None:
    """Everything, on every server, is in test_same_verdict."""
    with postgresql() as url:
        options = ["--database", url, "--requirement", "SCAN-02", "--requirement", "WEBHOOK-05"]
        ended = run(features(host, *options), folder)

    assert ended.returncode == 2
    assert re.search(r"core +MUST 2 passed\n", ended.stdout)


def test_the_incident_convicts_the_implementation_without_the_fix(host: str, folder: Path) -> None:
    ended = run(features(host, "--target", "before-fix", "--requirement", "TIMELINE-01"), folder)

    assert ended.returncode == 1
    assert re.search(r"verdict +non-conformant: failed: TIMELINE-01", ended.stdout)
    for words in (
        "TIMELINE-01 (must, core): When the incident's five steps",
        'expected  instance 3002 delivers "Your order has been shipped." exactly once',
        'observed  no instance delivered it; instance 3001 was posted "Your order has been shipped." and answered',
        "instance 3001 → implementation: 404 to POST /api/messages/send",
        "webhook session_reconnected is lost",
    ):
        assert words in ended.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--target", "refrence"], "there is no target 'refrence' (did you mean reference?)"),
        (["--requirement", "SCAN-99"], "there is no requirement SCAN-99"),
        (["--requirement", "AUTH-10"], "no scenario carries requirement AUTH-10"),
        (["--profile", "securty"], "invalid choice: 'securty' (choose from 'core', 'security', 'resilience'"),
        (
            ["--target", "before-fix", "--profile", "security"],
            "the target does not claim the profile security, only core; what it claims",
        ),
        (["--level", "MUST"], "invalid choice: 'MUST' (choose from 'must', 'should', 'self')"),
        (["--rerun-failed", "--report", "/nowhere/at/all"], "run once with --report /nowhere/at/all"),
        (["--report", "/dev/null/reports"], "--report /dev/null/reports: cannot write there"),
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


@pytest.mark.parametrize(
    "filters",
    [
        ["-k", "nothing_of_this_name"],
        ["--requirement", "SCAN-01", "--level", "should"],
        ["--list", "-k", "nothing_of_this_name"],
        ["-n", "2", "-k", "nothing_of_this_name"],
    ],
)
def test_a_filter_that_matches_nothing_is_never_a_success(
    host: str, folder: Path, filters: list[str]
) -> None:
    ended = run(features(host, *filters), folder)

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


def test_an_implementation_that_does_not_come_up_is_reported_once_with_its_last_output(
    host: str, folder: Path, tmp_path: Path
) -> None:
    program, target = tmp_path / "program.py", tmp_path / "broken.toml"
    program.write_text("import sys; print('the database is not migrated'); sys.exit(7)", "utf-8")
    target.write_text(
        f"[implementation]\nname = 'broken'\n[launch]\ncommand = ['{{python}}', '{program}']\n", "utf-8"
    )

    ended = run(features(host, "--target", str(target), "--requirement", "SEND-02"), folder)

    assert ended.returncode == 2
    assert ended.stdout.count("exited with status 7") == 1
    assert ended.stdout.count("the database is not migrated") == 1
    assert re.search(r"verdict +incomplete: not attached", ended.stdout)
    assert_nothing_is_left(host, folder)


CRASHES_AFTER_A_SEND = """
import os
from reference_impl.__main__ import build
from reference_impl.fix.sender import Sender
from reference_impl.server import serve
send = Sender.send
def crash(self, account_id, message):
    sent = send(self, account_id, message)
    if message.text == "warm-up":
        return sent
    print("out of memory", flush=True)
    os._exit(9)
Sender.send = crash
serve(build)
"""


def test_an_implementation_that_does_all_and_crashes_is_convicted(
    host: str, folder: Path, tmp_path: Path
) -> None:
    program, target = tmp_path / "program.py", tmp_path / "crashes.toml"
    program.write_text(CRASHES_AFTER_A_SEND, "utf-8")
    target.write_text(
        f"[implementation]\nname = 'crashes'\n[launch]\ncommand = ['{{python}}', '{program}']\n", "utf-8"
    )

    ended = run(features(host, "--target", str(target), "--requirement", "SCAN-02"), folder)

    assert ended.returncode == 1
    assert re.search(r"expected +the implementation goes on running", ended.stdout)
    assert re.search(
        r"observed +crashes exited with status 9; its last output:\s+out of memory", ended.stdout
    )
    assert_nothing_is_left(host, folder)


def test_a_test_that_cannot_be_collected_is_never_a_success(host: str, folder: Path, tmp_path: Path) -> None:
    broken = tmp_path / "test_broken.py"
    broken.write_text("import no_such_module\n", "utf-8")

    ended = run(
        features(host, str(broken), "--continue-on-collection-errors", "--requirement", "SCAN-02"), folder
    )

    assert ended.returncode != 0
    assert "no_such_module" in ended.stdout


def test_the_story_is_reported_with_true_values(host: str, folder: Path) -> None:
    ended = run([str(COMMAND), "reproduce", "--fleet-address", host], folder)

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
        ended = run([str(COMMAND), "reproduce", "--fleet-address", host], folder)

    assert ended.returncode == 2
    assert f"port 3004 on {host} is in use" in ended.stderr
    assert "--fleet-ports free" in ended.stderr
    assert_nothing_is_left(host, folder)


def test_pausing_needs_a_terminal(host: str, folder: Path) -> None:
    ended = run([str(COMMAND), "reproduce", "--pause", "--fleet-address", host], folder)

    assert ended.returncode == 4
    assert "needs a terminal" in ended.stderr


def test_verify_judges_from_any_folder(host: str, folder: Path) -> None:
    command = [str(COMMAND), "verify", "-q", "--fleet-address", host, "--requirement", "SCAN-02"]
    ended = run(command, folder, cwd=folder)

    assert ended.returncode == 2
    assert "1 run, 1 passed" in ended.stdout
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("command", ["", "reproduce", "verify", "requirements"])
def test_help_has_examples(command: str, folder: Path) -> None:
    ended = run([str(COMMAND), *([command] if command else []), "--help"], folder)

    assert ended.returncode == 0
    assert "example" in ended.stdout
    assert f"instance-sync {command or 'verify'}" in ended.stdout


def test_a_failing_run_shows_a_cause_and_ends_with_the_verdict(host: str, folder: Path) -> None:
    failing = ["--target", "before-fix", "--requirement", "WEBHOOK-02", "--requirement", "WEBHOOK-04"]

    short = run(features(host, *failing), folder)
    long = run(features(host, *failing, "-vv"), folder)

    lines = short.stdout.splitlines()
    assert lines[-1] == "verdict         non-conformant: failed: WEBHOOK-02"
    assert "1 cause" in lines
    assert "FAILURES" not in short.stdout
    assert len(lines) < 60
    assert "health-check" not in short.stdout, "what it was not narrowed to"
    assert "FAILURES" in long.stdout
    assert long.stdout.splitlines()[-1] == lines[-1]


def test_a_gate_decides_the_exit_code_and_nothing_else(host: str, folder: Path) -> None:
    failing = ["--target", "before-fix", "--requirement", "WEBHOOK-02"]

    ended = run(features(host, *failing, "--gate", "core"), folder)
    refused = run(features(host, *failing, "--gate", "security"), folder)

    assert (ended.returncode, refused.returncode) == (1, 4)
    assert ended.stdout.splitlines()[-1].startswith(
        "gate            core: non-conformant, and so exit code 1"
    )
    assert "--gate security: the target does not claim this profile, only core" in refused.stderr

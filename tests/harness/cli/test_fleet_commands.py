"""`instance-sync fleet`: each command does what it says to a running fleet, or explains why it cannot."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING

import pytest
import requests

from fake_instances import Fleet, Session
from fake_instances.addresses import InstanceAddress
from fake_instances.control.orders import ORDERS
from fake_instances.control.server import ControlServer
from fake_instances.faults import ALL
from fake_instances.journal import WebhookAnswered
from fake_instances.webhooks.retries import PATIENT
from harness.cli import main as cli
from tests.harness.commands import COMMAND
from tests.harness.support import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SESSION = "webjs_1_1763798326_U9tUyl0b"
KEY = "test-api-key"


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    """Return two running instances; the second holds the session."""
    addresses = [InstanceAddress(number, "127.0.0.1", 0) for number in (3001, 3002)]
    with Fleet(addresses, api_key=KEY, secret="test-secret") as running:
        running.hold(Session(SESSION, 1, "62811801641"), 3002)
        yield running


@pytest.fixture
def url(fleet: Fleet) -> Iterator[str]:
    """Return the base URL of the control API."""
    with ControlServer(fleet) as server:
        yield server.url


@pytest.fixture
def order(url: str, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Return what runs a command and returns the lines that it printed."""

    def run(*words: str) -> str:
        assert cli.main(["fleet", *words, "--control", url]) == 0
        return capsys.readouterr().out

    return run


def health(fleet: Fleet, number: int) -> requests.Response:
    return requests.get(fleet.url(number) + "/health/detailed", timeout=PATIENCE)


def test_the_status_shows_instances_faults_and_what_is_not_finished(
    order: Callable[..., str], fleet: Fleet
) -> None:
    order("fault", "3001", "drip", "size=10", "every=0.5", "--times", "2")
    order("migrate", SESSION, "3001", "--silent", "--handover", "split-brain")
    lines = order("status").splitlines()
    assert lines == [
        f"3001  {fleet.url(3001)}  running, 1 of 1 sessions connected",
        "      fault 1: drips 10 bytes of its answer every 0.5 s (2 more)",
        f"3002  {fleet.url(3002)}  running, 1 of 1 sessions connected",
        "control plane: none: webhooks go nowhere",
        "webhooks that did not get through are tried again: never",
        f"session {SESSION} is on its way to 3001: finish {SESSION}",
    ]


def test_the_status_as_json_is_what_the_control_api_answers(order: Callable[..., str], url: str) -> None:
    assert json.loads(order("status", "--json")) == requests.get(url + "/status", timeout=PATIENCE).json()


def test_a_session_is_held_listed_moved_and_released(order: Callable[..., str], fleet: Fleet) -> None:
    assert order("hold", "another", "3001", "--workspace", "7", "--phone", "628123") == "held by 3001\n"
    assert order("sessions", "3001") == "another  connected  workspace 7  628123\n"
    assert order("migrate", SESSION, "3001", "--silent", "--handover", "gap") == "held by no instance\n"
    assert order("finish", SESSION) == "held by 3001\n"
    assert order("release", "another", "3001") == "held by no instance\n"
    assert [one.session_id for one in fleet.sessions(3001)] == [SESSION]
    assert order("sessions", "3002") == "no session\n"


def test_a_move_waits_for_an_answer(order: Callable[..., str], fleet: Fleet) -> None:
    shown = order("migrate", SESSION, "3001", "--silent", "--after-answer-of", "3002")
    assert shown == "it moves after that answer\n"
    assert fleet.holders(SESSION) == (3002,)
    assert health(fleet, 3002).ok
    assert fleet.holders(SESSION) == (3001,)


def test_a_fault_is_armed_and_cleared(order: Callable[..., str], fleet: Fleet) -> None:
    words = ("fault", "3001", "answer", "status=503", "body=not now", "--endpoint", "health_detailed")
    assert order(*words) == "fault 1: instance 3001 answers 503 with not now\n"
    assert (health(fleet, 3001).status_code, health(fleet, 3002).status_code) == (503, 200)
    assert order("clear", "3002") == "done\n"
    assert health(fleet, 3001).status_code == 503
    assert order("clear", "--number", "1") == "done\n"
    assert health(fleet, 3001).status_code == 200
    assert order("settle") == "done\n"
    within = order("fault", "3001", "sends-then-fails", "by.kind=reset", "by.after=3")
    assert within.endswith("delivers the message and then resets the connection 3 bytes into the body\n")


def test_every_kind_of_fault_is_listed(order: Callable[..., str]) -> None:
    listed = [line.split()[0] for line in order("faults").splitlines() if not line.startswith(" ")]
    assert listed == list(ALL)


@pytest.mark.parametrize(
    ("action", "state", "back"),
    [
        ("stop", "stopped", "start"),
        ("kill", "stopped", "start"),
        ("restart", "running", "restart"),
        ("pause", "paused", "resume"),
    ],
)
def test_an_instance_is_stopped_and_started(
    order: Callable[..., str], fleet: Fleet, action: str, state: str, back: str
) -> None:
    assert order(action, "3002").startswith(f"3002  {fleet.url(3002)}  {state}, ")
    assert order(back, "3002").startswith(f"3002  {fleet.url(3002)}  running, ")
    assert health(fleet, 3002).json()["sessions"]["total"] == 1


def test_an_instance_comes_back_without_sessions(order: Callable[..., str]) -> None:
    assert "0 of 0 sessions" in order("restart", "3002", "--without-sessions")


@pytest.fixture
def received(order: Callable[..., str]) -> Iterator[list[str | None]]:
    """Return the X-Instance-Url of every webhook that a control plane gets, which answers 204."""
    locations: list[str | None] = []

    class Taker(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            locations.append(self.headers["X-Instance-Url"])
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Taker) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        assert order("control-plane", f"http://127.0.0.1:{server.server_port}") == "done\n"
        yield locations
        server.shutdown()


def test_a_webhook_is_sent_altered_and_replayed(
    order: Callable[..., str], received: list[str | None], fleet: Fleet
) -> None:
    assert order("webhook", "3002", SESSION) == "webhook 1: 204\n"
    assert order("webhook", SESSION, "3002", "claim=http://evil.example") == "webhook 2: 204\n"
    assert order("replay", "2") == "webhook 3: 204\n"
    assert order("replay", "2", "claim=x") == "webhook 4: 204\n"
    assert received == [fleet.url(3002), "http://evil.example", "http://evil.example", "x"]


def test_webhooks_are_kept_back_and_released(
    order: Callable[..., str], received: list[str | None], fleet: Fleet
) -> None:
    order("fault", "3001", "hold-webhook", "--times", "1")
    order("migrate", SESSION, "3001")
    assert "webhooks kept back: 1" in order("status")
    assert received == []
    assert order("kept") == f"webhook 1: session_reconnected of session {SESSION}, from 3001\n"
    assert order("release-webhooks") == "webhook 1: 204\n"
    assert received == [fleet.url(3001)]
    assert order("release-webhooks") == "no webhook was kept back\n"


def test_a_retry_policy_is_chosen(order: Callable[..., str], fleet: Fleet) -> None:
    assert order("retries", "patient") == "webhooks are tried again: patient\n"
    assert fleet.announcer.policy == PATIENT
    assert "tried again: patient" in order("status")


def test_a_session_connects_and_is_announced(
    order: Callable[..., str], received: list[str | None], fleet: Fleet
) -> None:
    assert order("connect", "new", "3001") == "held by 3001\n"
    assert fleet.journal.wait_for(WebhookAnswered, timeout=PATIENCE).status == 204
    assert received == [fleet.url(3001)]
    assert order("set-status", "new", "3001", "disconnected") == "held by no instance\n"
    assert order("sessions", "3001").startswith("new  disconnected  ")


def test_the_journal_is_read_from_anywhere_in_it(order: Callable[..., str], fleet: Fleet) -> None:
    before = fleet.journal.last
    health(fleet, 3001)
    lines = order("journal", "--after", str(before), "--kind", "RequestArrived").splitlines()
    assert len(lines) == 1
    assert lines[0].endswith(
        " 3001 RequestArrived request=1 endpoint=health_detailed method=GET target=/health/detailed"
    )


def test_the_journal_is_followed_until_sigterm(url: str, fleet: Fleet) -> None:
    command = [str(COMMAND), "fleet", "journal", "--follow", "--kind", "RequestArrived", "--control", url]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, process_group=0
    ) as follower:
        try:
            assert follower.stdout is not None
            for number in (1, 2):
                health(fleet, 3001)
                assert f"request={number} " in follower.stdout.readline()
            # Not SIGINT, which a shell that runs the tests in the background makes them ignore.
            follower.send_signal(signal.SIGTERM)
            assert follower.wait(PATIENCE) == 130
        finally:
            follower.kill()


def test_a_reset_clears_faults_and_sessions(order: Callable[..., str], fleet: Fleet) -> None:
    order("fault", "3001", "refuse")
    assert order("reset") == "done\n"
    assert health(fleet, 3001).json()["sessions"]["total"] == 0
    assert fleet.holders(SESSION) == ()


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["migrate", "unknown", "3001", "--silent"], "no instance holds session unknown connected"),
        (["fault", "3001", "drip", "size"], "'size': write each parameter once, as name=value"),
        (["fault", "3001", "drip", "size=1", "size=2"], "'size=2': write each parameter once"),
        (["fault", "x", "hang"], "'x' is not a valid integer"),
        (["nonsense"], "there is no command nonsense"),
    ],
)
def test_an_order_that_cannot_be_carried_out_is_a_usage_error_with_the_reason(
    url: str, capsys: pytest.CaptureFixture[str], words: list[str], shown: str
) -> None:
    assert cli.main(["fleet", *words, "--control", url]) == 4
    printed = capsys.readouterr()
    assert (printed.out, shown in printed.err) == ("", True)


def test_the_message_says_how_to_start_a_fleet_when_none_runs(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as refusing:
        nowhere = f"http://127.0.0.1:{refusing.getsockname()[1]}"
    assert cli.main(["fleet", "status", "--control", nowhere]) == 3
    assert "start one with python -m fake_instances" in capsys.readouterr().err


def test_an_instance_is_not_taken_for_a_control_api(fleet: Fleet, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["fleet", "status", "--control", fleet.url(3001)]) == 3
    assert "is not the control API" in capsys.readouterr().err


def test_every_command_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    for name, declared in ORDERS.items():
        assert cli.main(["fleet", name, "--help"]) == 0
        shown = capsys.readouterr().out
        assert declared.summary in " ".join(shown.split())
        assert "--control URL" in shown


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["fault", "3001", "deni"], "denies-session"),
        (["migrate", "webjs_"], SESSION),
        (["migrate", SESSION, "300"], "3001 3002"),
        (["retries", "pat"], "patient"),
        (["release-"], "release-webhooks"),
        (["fault", "3001", "hang", "--endpoint", "health_r"], "health_ready"),
    ],
)
def test_a_shell_completes_what_the_fleet_has(
    url: str,
    capfdbinary: pytest.CaptureFixture[bytes],
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    found: str,
) -> None:
    line = ["instance-sync", "fleet", *words]
    monkeypatch.setenv("INSTANCE_SYNC_CONTROL", url)
    monkeypatch.setenv("_INSTANCE_SYNC_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", " ".join(line))
    monkeypatch.setenv("COMP_CWORD", str(len(line) - 1))
    assert cli.main([]) == 0
    assert capfdbinary.readouterr().out.decode().replace("plain,", "").split() == found.split()

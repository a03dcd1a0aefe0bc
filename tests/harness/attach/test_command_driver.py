"""Launching programs, and ending them whatever they do: small programs that the test writes."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests

from harness.attach.drivers import command, program
from harness.attach.drivers.command import CommandImplementation, launch
from harness.attach.drivers.guarded import output_file
from harness.attach.drivers.program import GRACE_SECONDS, free_port
from harness.contract import Settings
from harness.errors import LaunchError
from tests.harness.support import PATIENCE, can_listen, launch_of, runs, target, until

if TYPE_CHECKING:
    from collections.abc import Iterator

# What serves: it says its process id first, answers any path with its environment, and says "200" unless told.
SERVE = """
import http.server, json, os, socketserver, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps(dict(os.environ)).encode()
        if self.path == "/crash":
            os._exit(9)
        self.send_response(int(os.environ.get("STATUS", "200")))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass
class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True
    handle_error = lambda *_: None  # who asked may have waited long enough, and gone
def serve():
    print("pid", os.getpid(), flush=True)
    Server((os.environ["HOST"], int(os.environ["PORT"])), Handler).serve_forever()
"""
SERVER = SERVE + "serve()\n"
DEAF = "import os, signal\nprint('pid', os.getpid(), flush=True)\nwhile True: signal.pause()\n"
STUBBORN = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
SILENT = """
import os, socket
print("pid", os.getpid(), flush=True)
listener = socket.create_server((os.environ["HOST"], int(os.environ["PORT"])))
kept = []
while True: kept.append(listener.accept())
"""


class Workshop:
    """Writes a program and launches it through the driver."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.started: list[CommandImplementation] = []

    def launch(
        self, program: str, settings: Settings | None = None, **values: object
    ) -> CommandImplementation:
        file = self.folder / "program.py"
        file.write_text(program, "utf-8")
        made = target("{python}", "-I", "-S", str(file), directory=self.folder, **values)
        started = launch(made, launch_of(self.folder, settings=settings), self.folder)
        self.started.append(started)
        return started

    def fail(self, program: str, **values: object) -> str:
        with pytest.raises(LaunchError) as raised:
            self.launch(program, **values)
        return str(raised.value)

    @property
    def pids(self) -> list[int]:
        """The process ids that programs said."""
        lines = output_file(self.folder).read_text("utf-8").splitlines()
        return [int(line.split()[1]) for line in lines if line.startswith("pid ")]


@pytest.fixture
def workshop(tmp_path: Path) -> Iterator[Workshop]:
    made = Workshop(tmp_path)
    yield made
    for started in made.started:
        started.kill()


@pytest.fixture
def short_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a program that ignores SIGTERM have 0.2 seconds instead of five."""
    monkeypatch.setattr(
        command, "command_program", lambda *given: replace(program.command_program(*given), grace=0.2)
    )


def port_of(implementation: CommandImplementation) -> int:
    return int(implementation.base_url.rsplit(":", 1)[1])


def environment_of(implementation: CommandImplementation) -> dict[str, str]:
    shown: dict[str, str] = requests.get(implementation.base_url, timeout=PATIENCE).json()
    return shown


# Coming up


def test_a_program_is_given_what_the_contract_says(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VERIFY_TIMEOUT", "99")
    monkeypatch.setenv("LOG_FILE", "/somewhere")
    own = {"OWN": "{host}:{port} {log_file} {database_url} {other}", "API_KEY": "own"}
    shown = environment_of(implementation := workshop.launch(SERVER, environment=own))
    folder, port = workshop.folder, port_of(implementation)

    wanted = {
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "DATABASE_URL": f"sqlite:///{folder}/accounts.db",
        "NODE_INSTANCES": "http://127.0.0.1:3001,http://127.0.0.1:3002",
        "HMAC_SECRET": "the-hmac-secret",
        "LOG_FILE": f"{folder}/sync.log",
        "VERIFY_TIMEOUT": "0.8",
        "SEND_TIMEOUT": "2",
        "SIGNATURE_TTL": "300",
        "HEALTH_CHECK_INTERVAL": "0",
        "OWN": f"127.0.0.1:{port} {folder}/sync.log sqlite:///{folder}/accounts.db {{other}}",
        "API_KEY": "own",
    }
    assert {name: shown.get(name) for name in wanted} == wanted
    without = environment_of(workshop.launch(SERVER, Settings(verify_timeout=None), log="stderr"))
    assert not {"VERIFY_TIMEOUT", "LOG_FILE"} & without.keys()


def test_a_program_named_by_a_path_is_found_from_the_targets_folder(workshop: Workshop) -> None:
    script = workshop.folder / "bin" / "serve"
    script.parent.mkdir()
    script.write_text(f"#!{sys.executable}\n{SERVER}", "utf-8")
    script.chmod(0o755)
    workshop.launch("", command=("bin/serve",))


# Not coming up


def test_a_program_that_exits_first_is_reported_with_status_command_and_last_output_without_secrets(
    workshop: Workshop,
) -> None:
    secrets = "print(e['API_KEY'], e['HMAC_SECRET'], flush=True)"
    said = workshop.fail(
        f"import sys\nfrom os import environ as e\nfor n in range(40): print('line', n)\n{secrets}\n"
        "print('x', file=sys.stderr)\nsys.exit(7)"
    )

    first, command, label, *output = said.splitlines()
    assert first.startswith("made-up exited with status 7 after 0.")
    assert first.endswith("/health answered 200")
    assert command.startswith(f"  command: {sys.executable} -I -S ")
    assert label == "  its last output:"
    assert output == [*(f"    line {number}" for number in range(17, 40)), "    [secret] [secret]", "    x"]


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("no-such-program", "status 127 .*no-such-program: No such file or directory"),
        ("{python} -c __import__('os').kill(__import__('os').getpid(),9)", "status 137 .*it printed nothing"),
    ],
)
def test_a_program_that_does_not_run_is_reported_as_by_a_shell(
    workshop: Workshop, command: str, said: str
) -> None:
    assert re.search(rf"(?s)made-up exited with {said}", workshop.fail("", command=tuple(command.split())))


@pytest.mark.parametrize(
    ("program", "status", "answer"),
    [(SERVER, "503", "it answered 503"), (DEAF, "", "nothing listened"), (SILENT, "", "ReadTimeout")],
    ids=["answers 503", "does not listen", "never answers"],
)
def test_a_program_that_is_never_ready_is_reported_with_its_answer_and_ended(
    workshop: Workshop, program: str, status: str, answer: str
) -> None:
    said = workshop.fail(program, ready="/up", ready_timeout=0.5, environment={"STATUS": status})

    (first, *_, last) = said.splitlines()
    assert first.startswith("made-up is not ready: waited 0.5 s for GET http://127.0.0.1:")
    assert first.endswith(f"/up to answer 200; {answer}")
    (pid,) = workshop.pids
    assert last == f"    pid {pid}"
    assert not runs(pid)


# Ending


def test_a_crash_is_known_as_soon_as_a_caller_can_see_it(workshop: Workshop) -> None:
    implementation = workshop.launch(SERVER)
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{implementation.base_url}/crash", timeout=PATIENCE)
    (pid,) = workshop.pids
    assert implementation.problem == f"made-up exited with status 9; its last output:\n    pid {pid}"
    implementation.stop()


@pytest.mark.usefixtures("short_grace")
@pytest.mark.parametrize("stubborn", ["", STUBBORN], ids=["plain", "ignores SIGTERM"])
@pytest.mark.parametrize("family", ["alone", "child", "child alone"])
def test_a_program_ends_with_all_that_it_started_and_its_port_is_free(
    workshop: Workshop, stubborn: str, family: str
) -> None:
    child = {
        "alone": "",
        "child": f"if os.fork() == 0: exec({DEAF!r})",
        "child alone": "os.fork() and os._exit(0)",
    }
    implementation = workshop.launch(f"{stubborn}{SERVE}{child[family]}\nserve()\n")
    expected = 2 if family == "child" else 1
    until(lambda: len(workshop.pids) == expected, "every process has said its id")
    assert implementation.problem is None

    implementation.stop()
    implementation.stop()

    assert not any(runs(pid) for pid in workshop.pids)
    assert can_listen("127.0.0.1", port_of(implementation))
    status = 0 if family == "child alone" else 137 if stubborn else 143
    assert f"exited with status {status}" in str(implementation.problem)
    assert output_file(workshop.folder).exists()


def test_a_kill_ends_program_and_child_at_once(workshop: Workshop) -> None:
    implementation = workshop.launch(f"{STUBBORN}\n{SERVE}\nif os.fork() == 0: exec({DEAF!r})\nserve()")
    until(lambda: len(workshop.pids) == 2, "both have said their process ids")

    began = time.monotonic()
    implementation.kill()

    assert time.monotonic() - began < GRACE_SECONDS
    until(lambda: not any(runs(pid) for pid in workshop.pids), "both are gone")
    assert can_listen("127.0.0.1", port_of(implementation))
    assert "exited with status 137" in str(implementation.problem)


def test_a_process_that_leaves_its_group_and_keeps_the_port_is_reported(workshop: Workshop) -> None:
    implementation = workshop.launch(f"{SERVE}\nif os.fork() == 0:\n    os.setsid()\n    serve()\nos.wait()")
    (pid,) = workshop.pids
    try:
        with pytest.raises(LaunchError) as raised:
            implementation.stop()
    finally:
        os.kill(pid, signal.SIGKILL)
    holder = f"process {pid} (python), which left its group: end it by that id"
    assert str(raised.value) == (
        f"made-up was stopped, but port {port_of(implementation)} is still in use by {holder}"
    )


# When the process that launched it is killed

KEEPER = """
import json, sys
from pathlib import Path
from harness.attach.drivers.command import launch
from tests.harness.support import launch_of, target
folder = Path(sys.argv[1])
made = launch(target("{python}", "-I", "-S", sys.argv[2], directory=folder), launch_of(folder), folder)
print(json.dumps(made.base_url), flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_program_does_not_outlive_the_process_that_launched_it(tmp_path: Path, number: int) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    program = tmp_path / "program.py"
    program.write_text(SERVER, "utf-8")
    keeper = subprocess.Popen(
        [sys.executable, "-c", KEEPER, str(scratch), str(program)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[3],
    )
    with keeper:
        assert keeper.stdout is not None
        try:
            port = int(json.loads(keeper.stdout.readline()).rsplit(":", 1)[1])
            (pid,) = Workshop(scratch).pids
            assert runs(pid)
        finally:
            keeper.send_signal(number)

    until(lambda: not runs(pid), "the program is gone")
    until(lambda: not scratch.exists(), "its folder is gone")
    assert can_listen("127.0.0.1", port)


def test_a_free_port_is_given_once(monkeypatch: pytest.MonkeyPatch) -> None:
    offered = iter([4001, 4001, 4002])
    monkeypatch.setattr(program, "_given", set())
    monkeypatch.setattr(socket.socket, "bind", lambda *_: None)
    monkeypatch.setattr(socket.socket, "getsockname", lambda *_: ("127.0.0.1", next(offered)))

    assert [free_port("127.0.0.1"), free_port("127.0.0.1")] == [4001, 4002]

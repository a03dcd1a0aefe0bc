"""`python -m fake_instances`: a fleet by hand, in a process of its own."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import psutil
import pytest
import requests

from tests.fake_instances.support import PATIENCE, ControlPlane

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def run() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start fleets by hand; all are ended."""
    started: list[subprocess.Popen[str]] = []

    def start(*words: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "fake_instances", *words]
        started.append(
            subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, process_group=0
            )
        )
        return started[-1]

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


def introduced(process: subprocess.Popen[str], instances: int = 2) -> list[str]:
    assert process.stdout is not None
    return [process.stdout.readline() for _ in range(instances + 2)]


@pytest.mark.parametrize(("by", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
@pytest.mark.parametrize("host", [[], ["--processes"]], ids=["threads", "processes"])
def test_a_fleet_runs_until_it_is_told_to_end_and_leaves_nothing(
    run: Callable[..., subprocess.Popen[str]], host: list[str], by: signal.Signals, code: int
) -> None:
    process = run(
        "--fleet-ports",
        "0,0",
        "--control-port",
        "0",
        "--incident",
        "--sessions",
        "4",
        "--fleet-seed",
        "7",
        *host,
    )
    *instances, control, seed = introduced(process)
    assert seed.split() == ["seed", "7"]
    status = requests.get(control.split()[1], timeout=PATIENCE).json()
    assert [one["sessions"]["total"] for one in status["instances"]] == [2, 3]
    assert [one["url"] in line for one, line in zip(status["instances"], instances, strict=True)] == [
        True,
        True,
    ]
    children = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(by)
    assert process.wait(PATIENCE) == code
    assert process.stderr is not None
    assert process.stderr.read() == ""
    assert not [child for child in children if child.is_running()]


def test_options_may_have_the_names_that_they_had_before(run: Callable[..., subprocess.Popen[str]]) -> None:
    words = ["--ports=0", "--address", "127.0.0.1", "--seed", "7", "--url", "http://instance-3001:3001"]
    process = run(*words, "--control-port", "0")
    assert process.stdout is not None
    assert "http://instance-3001:3001" in process.stdout.readline()


def test_an_instance_on_any_port_has_a_number_of_its_own(run: Callable[..., subprocess.Popen[str]]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = run("--fleet-ports", f"{port},0,0", "--control-port", "0")
    told = [line.split()[1] for line in introduced(process, 3)[:3]]
    assert told == [str(port), "3001", "3002"]


def test_one_of_four_names_itself_as_it_is_told(run: Callable[..., subprocess.Popen[str]]) -> None:
    with contextlib.closing(ControlPlane()) as plane:
        words = [
            "--fleet-ports",
            "0",
            "--control-port",
            "0",
            "--instance-url",
            "http://instance-3001:3001/",
            "--incident",
        ]
        instance, control, _ = introduced(run(*words, "--control-plane", plane.url), 1)
        assert instance.split()[:3] == ["instance", "3001", "http://instance-3001:3001"]
        base = control.split()[1].removesuffix("/status")
        session = {"session_id": "webjs_1_1763798326_U9tUyl0b", "instance": 3001}
        requests.post(f"{base}/sessions/connect", json=session, timeout=PATIENCE).raise_for_status()
        assert plane.take().header("X-Instance-Url") == "http://instance-3001:3001"


def test_each_instance_or_none_is_told_its_url(run: Callable[..., subprocess.Popen[str]]) -> None:
    process = run("--fleet-ports", "0,0", "--instance-url", "http://instance-3001:3001")
    _, told = process.communicate(timeout=PATIENCE)
    assert process.returncode == 4
    assert told == (
        "python -m fake_instances: --instance-url was given 1 times: "
        "give one for each port of --fleet-ports, or none\n"
    )


def test_the_same_seed_makes_up_the_same_sessions(run: Callable[..., subprocess.Popen[str]]) -> None:
    told = []
    for seed in ("7", "7", "8"):
        process = run("--fleet-ports", "0", "--control-port", "0", "--sessions", "3", "--fleet-seed", seed)
        control = introduced(process, 1)[1].split()[1].removesuffix("/status")
        told.append(requests.get(f"{control}/instances/3001/sessions", timeout=PATIENCE).json())
    assert told[0] == told[1] != told[2]


def test_a_port_in_use_is_told_in_one_sentence(run: Callable[..., subprocess.Popen[str]]) -> None:
    first = run("--fleet-ports", "0", "--control-port", "0")
    port = introduced(first, 1)[0].rsplit(":", 1)[1].split()[0]
    _, told = run("--fleet-ports", port, "--control-port", "0").communicate(timeout=PATIENCE)
    assert told.startswith(f"python -m fake_instances: port {port} on localhost is in use by ")
    assert told.endswith("; free it, or choose others with --fleet-ports\n")


@pytest.mark.parametrize(
    "words",
    [
        ["--fleet-ports", "x"],
        ["--sessions", "-1"],
        ["--fleet-ports", "3001,3001"],
        ["--no"],
        ["--control-port", "99999"],
        ["--retries", "often"],
        ["--retry-unit", "0"],
        ["--retry-unit", "x"],
        ["--fleet-ports", "0", "--instance-url", "instance-3001:3001"],
        ["--fleet-ports", "0", "--instance-url", "http://instance-3001:port"],
        ["--fleet-ports", "0", "--instance-url", "http://instance-3001:3001/path"],
    ],
)
def test_a_wrong_option_is_a_usage_error(run: Callable[..., subprocess.Popen[str]], words: list[str]) -> None:
    process = run(*words)
    _, told = process.communicate(timeout=PATIENCE)
    assert process.returncode == 4
    assert told.startswith("python -m fake_instances: ")

"""The implementation as the harness launches it: a process, the environment, HTTP on the wire."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tests.reference_impl.support import PATIENCE, SESSION, WEBHOOK, event, signed

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.reference_impl.support import Database, Process, Stub


def test_health_names_the_process(launch: Callable[..., Process]) -> None:
    process = launch()
    answer = process.request("GET", "/health")
    assert (answer.status, answer.json) == (200, {"status": "ok", "pid": process.process.pid})


@pytest.mark.parametrize("module", ["reference_impl", "reference_impl.before_fix"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_at_once_while_sends_hang(
    *,
    environment: dict[str, str],
    launch: Callable[..., Process],
    stubs: list[Stub],
    database: Database,
    module: str,
    number: int,
) -> None:
    environment["SEND_TIMEOUT"] = str(6 * PATIENCE)
    database.add(142, SESSION, stubs[0].url)
    stubs[0].hold()
    stubs[0].acts["/api/messages"] = stubs[0].hang
    process = launch(module)
    with ThreadPoolExecutor(1) as pool:
        hung = pool.submit(
            process.request, "POST", "/api/accounts/142/messages", b'{"recipient_phone":"6","message":"x"}'
        )
        stubs[0].wait_for(1, "POST")
        process.process.send_signal(number)
        assert process.process.wait(PATIENCE) == 0
        with pytest.raises(ConnectionError):
            hung.result(PATIENCE)
    with socket.socket() as again:
        again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        again.bind(("127.0.0.1", process.port))
        again.listen()
    assert process.process.stderr is not None
    assert "Stopped" in process.process.stderr.read().splitlines()[-1]


@pytest.fixture
def listening(launch: Callable[..., Process], stubs: list[Stub], database: Database) -> Process:
    database.add(142, SESSION, stubs[0].url)
    stubs[1].hold()
    return launch()


@pytest.mark.parametrize("first", [0, 1])
def test_two_location_headers_are_refused(
    listening: Process, stubs: list[Stub], database: Database, first: int
) -> None:
    body = event()
    lines = [f"{name}: {value}" for name, value in signed(body).items()]
    lines += [f"X-Instance-Url: {stubs[1].url}", f"X-Instance-Url: {stubs[first].url}"]
    lines += ["Connection: close", f"Content-Length: {len(body)}", "Host: x"]
    raw = "\r\n".join([f"POST {WEBHOOK} HTTP/1.1", *lines, "", ""]).encode() + body
    assert listening.exchange(raw).startswith(b"HTTP/1.1 200")
    assert database.url() == stubs[0].url


def test_a_location_header_with_an_underscore_does_not_count(
    listening: Process, stubs: list[Stub], database: Database
) -> None:
    body = event()
    headers = {**signed(body), "X_Instance_Url": stubs[1].url}
    assert listening.request("POST", WEBHOOK, body, headers).status == 200
    assert database.url() == stubs[0].url


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nothing", 404), ("GET", WEBHOOK, 405), ("POST", "/api/accounts/x/y/messages", 404)],
)
def test_every_error_is_json(listening: Process, method: str, path: str, status: int) -> None:
    answer = listening.request(method, path)
    assert (answer.status, answer.json["success"]) == (status, False)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "eighty"),
        ("VERIFY_TIMEOUT", "soon"),
        ("NODE_INSTANCES", "nonsense"),
        ("HMAC_SECRET", ""),
        ("DATABASE_URL", "nonsense"),
        ("DATABASE_URL", "sqlite:////nowhere/at/all.db"),
        ("DATABASE_URL", "sqlite://"),
        ("DATABASE_URL", "postgresql://user:pass-word@127.0.0.1:1/none"),
        ("LOG_FILE", "/nowhere/at/all.log"),
        ("HOST", "256.256.256.256"),
        ("PORT", "in use"),
    ],
)
def test_a_bad_setting_is_one_line_and_status_2(
    environment: dict[str, str], stubs: list[Stub], name: str, value: str
) -> None:
    if value == "in use":
        value = stubs[0].url.rpartition(":")[2]
    ended = subprocess.run(
        [sys.executable, "-m", "reference_impl"],
        env={**os.environ, **environment, name: value},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert ended.returncode == 2
    assert len(ended.stderr.splitlines()) == 1
    assert name in ended.stderr.partition(": ")[0]
    assert "allowed is" in ended.stderr
    assert "pass-word" not in ended.stderr

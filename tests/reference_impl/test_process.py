"""The implementation as the harness launches it: a process, the environment, HTTP on the wire."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tests.reference_impl.support import PATIENCE, SEND_TIMEOUT, SESSION, WEBHOOK, event, signed

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.reference_impl.support import Database, Process, Stub


def test_health_tells_the_process(launch: Callable[..., Process]) -> None:
    process = launch()
    answer = process.request("GET", "/health")
    assert (answer.status, answer.json) == (200, {"status": "ok", "pid": process.process.pid})


@pytest.mark.parametrize("module", ["reference_impl", "reference_impl.before_fix"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_promptly_though_sends_hang(
    launch: Callable[..., Process], stubs: list[Stub], database: Database, module: str, number: int
) -> None:
    database.add(142, SESSION, stubs[0].url)
    stubs[0].hold()
    stubs[0].acts["/api/messages"] = stubs[0].hang
    process = launch(module)
    with ThreadPoolExecutor(1) as pool:
        hung = pool.submit(
            process.request, "POST", "/api/accounts/142/messages", b'{"recipient_phone":"6","message":"x"}'
        )
        stubs[0].wait_for(1, "POST")
        began = time.monotonic()
        process.process.send_signal(number)
        assert process.process.wait(PATIENCE) == 0
        assert time.monotonic() - began < 1
        with pytest.raises(ConnectionError):
            hung.result(PATIENCE)
    with socket.socket() as again:
        again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        again.bind(("127.0.0.1", process.port))
        again.listen()
    assert process.process.stderr is not None
    assert process.process.stderr.read() == ""


def test_a_webhook_answered_outlives_a_kill(
    launch: Callable[..., Process], stubs: list[Stub], database: Database
) -> None:
    database.add(142, SESSION, stubs[0].url)
    stubs[1].hold()
    process = launch()
    body = event(phone_number="628999")
    assert process.request("POST", WEBHOOK, body, signed(body, claim=stubs[1].url)).status == 200
    process.process.kill()
    process.process.wait(PATIENCE)
    assert (database.url(), database.row()["phone_number"]) == (stubs[1].url, "628999")
    again = launch()
    message = b'{"recipient_phone":"628111","message":"hello"}'
    answer = again.request("POST", "/api/accounts/142/messages", message)
    assert answer.json["instance_url"] == stubs[1].url


def test_eight_hung_sends_leave_threads_for_others(
    launch: Callable[..., Process], stubs: list[Stub], database: Database
) -> None:
    database.add(142, SESSION, stubs[0].url)
    database.add(1, "other", stubs[1].url)
    stubs[0].hold()
    stubs[1].hold("other")
    stubs[0].acts["/api/messages"] = stubs[0].hang
    process = launch()
    message = b'{"recipient_phone":"628111","message":"hello"}'
    with ThreadPoolExecutor(8) as pool:
        hung = [pool.submit(process.request, "POST", "/api/accounts/142/messages", message) for _ in range(8)]
        stubs[0].wait_for(8, "POST")
        answer = process.request("POST", "/api/accounts/1/messages", message)
        assert answer.status == 200
        assert answer.seconds < SEND_TIMEOUT / 2
        assert {one.result(PATIENCE).status for one in hung} == {504}


@pytest.fixture
def listening(launch: Callable[..., Process], stubs: list[Stub], database: Database) -> Process:
    database.add(142, SESSION, stubs[0].url)
    stubs[1].hold()
    return launch()


@pytest.mark.parametrize("size", [1024 * 1024, 5 * 1024 * 1024])
def test_a_body_too_large_is_refused_declared_or_chunked(
    listening: Process, stubs: list[Stub], database: Database, size: int
) -> None:
    body = event(padding="x" * size)
    headers = signed(body, claim=stubs[1].url)
    assert listening.request("POST", WEBHOOK, body, headers).status == 413
    pieces = (body[at : at + 65536] for at in range(0, len(body), 65536))
    chunked = {**headers, "Transfer-Encoding": "chunked"}
    assert listening.request("POST", WEBHOOK, pieces, chunked, chunked=True).status == 413
    assert database.url() == stubs[0].url


def test_a_chunked_body_is_as_good_as_any(listening: Process, stubs: list[Stub], database: Database) -> None:
    body = event()
    chunked = {**signed(body, claim=stubs[1].url), "Transfer-Encoding": "chunked"}
    assert listening.request("POST", WEBHOOK, iter([body[:9], body[9:]]), chunked, chunked=True).status == 200
    assert database.url() == stubs[1].url


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


def test_a_location_header_with_an_underscore_is_none(
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
    ],
)
def test_a_bad_setting_is_one_line_and_status_2(environment: dict[str, str], name: str, value: str) -> None:
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


def test_a_port_in_use_is_told(environment: dict[str, str], stubs: list[Stub]) -> None:
    environment["PORT"] = stubs[0].url.rpartition(":")[2]
    ended = subprocess.run(
        [sys.executable, "-m", "reference_impl"],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert ended.returncode == 2
    assert "HOST, PORT: " in ended.stderr
    assert "in use" in ended.stderr

"""An answer is read within a time and a size, and as nothing but what it is."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

from harness.attach.drivers.program import free_port
from harness.attach.http import TooLargeError, request
from tests.harness.attach.answering import answering
from tests.harness.support import until

PROGRAM = Path(__file__).parents[1] / "hostile" / "program.py"
LARGE = ["endless", "two-gigabytes", "endless-chunks", "unpacks-at-once"]
SLOW = ["drips", "drips-headers", "continues", "never"]
BROKEN = [
    "length-beyond",
    "chunk-beyond",
    "endless-chunk-size",
    "no-gzip",
    "no-http",
    "nothing",
    "many-headers",
]


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def asked(how: str, patience: float = 0.5) -> requests.Response:
    """Return what a hostile program answers."""
    port = free_port("127.0.0.1")
    with subprocess.Popen(
        [sys.executable, str(PROGRAM), f"send:{how}"],
        env={**os.environ, "HOST": "127.0.0.1", "PORT": str(port)},
    ) as program:
        try:
            until(lambda: _listens(port), "the program listens")
            return request("POST", f"http://127.0.0.1:{port}/messages", patience=patience, body={})
        finally:
            program.kill()


@pytest.mark.parametrize("how", LARGE)
def test_an_answer_that_is_too_large_is_none(how: str) -> None:
    with pytest.raises(TooLargeError):
        asked(how, patience=20)


@pytest.mark.parametrize("how", SLOW)
def test_an_answer_has_one_deadline_however_often_something_comes(how: str) -> None:
    began = time.monotonic()
    with pytest.raises(requests.Timeout):
        asked(how)
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_answer_is_none(how: str) -> None:
    with pytest.raises(requests.RequestException):
        asked(how, patience=5)


@pytest.mark.parametrize("how", ["unknown-charset", "charset-with-nul"])
def test_a_text_is_utf_8_whatever_it_is_called(how: str) -> None:
    assert asked(how, patience=5).text == "{}"


@pytest.mark.parametrize("how", ["redirect-slashes", "redirect-port", "redirect-dot"])
def test_no_redirect_is_followed(how: str) -> None:
    assert asked(how, patience=5).status_code == 302


def _resolved_to(monkeypatch: pytest.MonkeyPatch, *ports: int) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)) for port in ports]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)


def test_every_address_of_a_host_shares_one_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    with contextlib.ExitStack() as opened:
        # Nobody accepts, and there is room for no further connection: whoever connects waits.
        full = opened.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        port = full.getsockname()[1]
        for _ in range(4):
            waiting = opened.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(("127.0.0.1", port))
        _resolved_to(monkeypatch, *[port] * 20)
        began = time.monotonic()
        with pytest.raises(requests.Timeout):
            request("GET", "http://several:1/", patience=0.5)
        assert time.monotonic() - began < 5


def test_an_address_that_refuses_is_not_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(204) as (url, _):
        _resolved_to(monkeypatch, free_port("127.0.0.1"), int(url.rpartition(":")[2]))
        assert request("GET", "http://several:1/", patience=5).status_code == 204


def test_what_is_written_has_the_same_deadline() -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf, pytest.raises(requests.Timeout):
        request("POST", f"http://127.0.0.1:{deaf.getsockname()[1]}/", patience=0.5, body="x" * 20_000_000)

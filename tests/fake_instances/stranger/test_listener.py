"""The stranger: it records every byte, answers as an instance, and stops completely."""

from __future__ import annotations

import json
import socket
import threading
from typing import TYPE_CHECKING, Any

import psutil
import pytest
import requests

from fake_instances import Journal, Session, SessionStatus
from fake_instances.journal import Entry, StrangerReceived, StrangerTouched
from fake_instances.stranger.leaks import bytes_received
from fake_instances.stranger.listener import Stranger
from tests.fake_instances.support import (
    MESSAGE,
    PATIENCE,
    SEND,
    SESSION,
    SESSION_ID,
    STATUS,
    Caller,
    ask,
    observe,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

BAD_REQUEST = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"
POST = ask("POST", SEND, json.dumps(MESSAGE).encode())
TLS_HELLO = b"\x16\x03\x01\x00\xc4\x01\x00\x00\xc0\x03\x03" + bytes(range(256))
AWAY = Session("webjs_1_1763798326_elsewhere", 7, "628444", status=SessionStatus.DISCONNECTED)
KNOWN = (SESSION, AWAY)


class Intruder(Caller):
    """A connection to the stranger."""

    def __init__(self, stranger: Stranger) -> None:
        self._socket = socket.create_connection((stranger.host, stranger.port), timeout=PATIENCE)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._read = b""

    @property
    def address(self) -> str:
        host, port = self._socket.getsockname()
        return f"{host}:{port}"


@pytest.fixture
def journal() -> Journal:
    return Journal()


@pytest.fixture
def stranger(journal: Journal) -> Iterator[Stranger]:
    with Stranger(journal, sessions=lambda: KNOWN) as started:
        yield started


@pytest.fixture
def intruder(stranger: Stranger) -> Iterator[Intruder]:
    with Intruder(stranger) as connected:
        yield connected


def received(journal: Journal) -> list[bytes]:
    """Return what each connection sent, in the order in which they were made."""
    return [stream for _, stream in sorted(bytes_received(journal.entries()).items())]


def touched(journal: Journal) -> list[StrangerTouched]:
    return [entry for entry in journal.entries() if isinstance(entry, StrangerTouched)]


def left_behind(stranger: Stranger) -> list[object]:
    """Return the threads and sockets of the stranger that this process still has."""
    threads = [one.name for one in threading.enumerate() if one.name.startswith("stranger ")]
    sockets = [
        (one.status, one.laddr.port)
        for one in psutil.Process().net_connections("tcp")
        if one.laddr.port == stranger.port
    ]
    return [*threads, *sockets]


# What is recorded


SENT = {
    "request": POST,
    "unfinished body": POST[:-5],
    "unfinished head": POST[:20],
    "pipelined": ask("GET", STATUS) + POST + ask("GET", "/x")[:9],
    "after the last request": ask("GET", "/", None, "Connection: close") + POST,
    "TLS": TLS_HELLO,
    "garbage": b"garbage\r\n\r\n" + POST,
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9),
}


@pytest.mark.parametrize("at_once", [False, True], ids=["byte by byte", "at once"])
@pytest.mark.parametrize("data", SENT.values(), ids=SENT)
def test_every_byte_is_recorded_in_order(
    journal: Journal, stranger: Stranger, intruder: Intruder, data: bytes, *, at_once: bool
) -> None:
    intruder.send(*([data] if at_once else [data[i : i + 1] for i in range(len(data))]))
    stranger.stop()
    assert received(journal) == [data]


def test_bytes_are_recorded_as_they_arrive_and_before_they_are_answered(
    journal: Journal, intruder: Intruder
) -> None:
    silent: list[bool] = []

    def listen(entry: Entry) -> None:
        if isinstance(entry, StrangerReceived):
            silent.append(intruder.hears_nothing())

    observe(journal, listen)
    intruder.send(POST[:30])
    journal.wait_for(StrangerReceived, timeout=PATIENCE, data=POST[:30])
    intruder.send(POST[30:])
    assert intruder.receive().json["success"]
    assert received(journal) == [POST]
    assert len(silent) >= 2
    assert all(silent)


@pytest.mark.parametrize(
    ("last", "answered"),
    [(ask("GET", "/", None, "Connection: close"), b"HTTP/1.1 200 OK\r\n"), (TLS_HELLO, BAD_REQUEST)],
    ids=["last request", "not HTTP"],
)
def test_what_comes_after_the_last_answer_is_recorded_too(
    journal: Journal, stranger: Stranger, intruder: Intruder, last: bytes, answered: bytes
) -> None:
    intruder.send(last)
    assert intruder.rest().startswith(answered)
    intruder.send(POST)
    journal.wait_for(StrangerReceived, timeout=PATIENCE, data=POST)
    assert intruder.rest() == b""
    stranger.stop()
    assert received(journal) == [last + POST]


def test_what_a_caller_sent_who_left_abruptly_is_recorded(
    journal: Journal, stranger: Stranger, intruder: Intruder
) -> None:
    with journal._changed:  # the stranger cannot read yet
        intruder.send(POST)
        intruder.leave(abruptly=True)
    stranger.stop()
    assert received(journal) == [POST]


def test_an_answer_can_be_a_continue_a_head_or_one_that_nobody_reads(journal: Journal) -> None:
    held = [SESSION] * 150_000  # more than the buffers of both sides together
    with Stranger(journal, sessions=lambda: held) as stranger, Intruder(stranger) as intruder:
        head = ask("POST", SEND, b"{}", "Expect: 100-continue").removesuffix(b"{}")
        intruder.send(head)
        assert intruder.receive_head() == b"HTTP/1.1 100 Continue\r\n\r\n"
        intruder.send(b"{}" + ask("HEAD", STATUS))
        assert intruder.receive().json["success"]
        assert int(intruder.receive(bodiless=True).headers["Content-Length"]) > 0
        request = ask("GET", "/api/sessions")
        intruder.send(request)
        journal.wait_for(StrangerReceived, timeout=PATIENCE, data=request)
        intruder.send(POST)
        stopping = threading.Thread(target=stranger.stop)
        stopping.start()
        stopping.join(PATIENCE)
        assert not stopping.is_alive()
        assert received(journal) == [head + b"{}" + ask("HEAD", STATUS) + request + POST]


# What it answers


@pytest.mark.parametrize("location", ["", "/", "/a/path", "/a?query="])
def test_it_answers_as_an_instance_under_any_path_of_a_location(stranger: Stranger, location: str) -> None:
    def answer(method: str, path: str, **body: object) -> Any:
        got = requests.request(method, stranger.url + location + path, json=body or None, timeout=PATIENCE)
        assert got.status_code == 200
        return got.json()

    status = answer("GET", f"/api/sessions/{SESSION_ID}/status?api_key=any")
    assert status == SESSION.detail()
    sessions = answer("GET", "/api/sessions")
    ids = [(one["session_id"], one["status"]) for one in sessions["sessions"]]
    assert ids == [(SESSION_ID, "connected"), (AWAY.session_id, "connected")]
    assert (sessions["success"], sessions["total"]) == (True, 2)
    health = answer("GET", "/health")
    assert health["status"] == "healthy"
    assert health["sessions"] == {"total": 2, "connected": 2, "disconnected": 0}
    detailed = answer("GET", "/health/detailed")["sessions"]
    assert (detailed["details"], detailed["connected"]) == (sessions["sessions"], 2)
    first, second = (answer("POST", SEND, **MESSAGE) for _ in range(2))
    assert first["success"] is True
    assert first["message_id"] != second["message_id"]
    assert isinstance(first["timestamp"], int)
    assert answer("GET", "/elsewhere") == {"success": True}
    for session_id in ("unheard-of", "with space/and ✓", AWAY.session_id):
        status = answer("GET", f"/api/sessions/{requests.utils.quote(session_id, safe='')}/status")
        assert (status["session_id"], status["status"]) == (session_id, "connected")


# Starting and stopping


def test_stopping_wakes_silent_connections_and_leaves_nothing(journal: Journal, stranger: Stranger) -> None:
    with Intruder(stranger) as silent, Intruder(stranger) as halfway, Intruder(stranger) as served:
        halfway.send(POST[:40])
        assert served.get(STATUS).status == 200
        journal.wait_for(StrangerReceived, timeout=PATIENCE, data=POST[:40])
        assert left_behind(stranger)
        stopping = threading.Thread(target=stranger.stop)
        stopping.start()
        assert [one.rest() for one in (silent, halfway, served)] == [b"", b"", b""]
        stopping.join(PATIENCE)
        assert not stopping.is_alive()
    assert not [one for one in left_behind(stranger) if one[0] not in {"TIME_WAIT", "FIN_WAIT2"}]
    with pytest.raises(ConnectionRefusedError):
        Intruder(stranger)


def test_who_waits_to_be_accepted_when_it_stops_is_recorded(journal: Journal, stranger: Stranger) -> None:
    with journal._changed:  # the first connection cannot be recorded, so the next are not accepted
        callers = [Intruder(stranger) for _ in range(5)]
        for number, caller in enumerate(callers):
            caller.send(b"caller %d" % number)
        assert stranger._stopper is not None
        stranger._stopper[0].close()
    stranger.stop()
    assert received(journal) == [b"caller %d" % number for number in range(5)]
    for caller in callers:
        caller.leave()


def test_it_starts_again_on_its_port_and_counts_on(journal: Journal, stranger: Stranger) -> None:
    url = stranger.url
    for number in (1, 2):
        with Intruder(stranger) as intruder:
            assert intruder.get("/health").status == 200
            stranger.stop()
            stranger.stop()
        assert stranger.start() is stranger
        assert stranger.start() is stranger
        assert stranger.url == url
        assert [made.connection for made in touched(journal)] == list(range(1, number + 1))


def test_a_port_that_is_taken_is_an_error_and_leaves_no_thread(journal: Journal, stranger: Stranger) -> None:
    before = threading.active_count()
    second = Stranger(journal, port=stranger.port)
    with pytest.raises(OSError, match="in use"):
        second.start()
    second.stop()
    assert threading.active_count() == before


def test_it_listens_on_ipv6(journal: Journal) -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this system has no IPv6")
    with Stranger(journal, "::1") as stranger:
        assert stranger.url == f"http://[::1]:{stranger.port}"
        assert requests.get(f"{stranger.url}/health", timeout=PATIENCE).json()["status"] == "healthy"
    assert touched(journal)[0].peer.startswith("[::1]:")

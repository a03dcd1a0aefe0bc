"""The stranger: it keeps every byte, it is believed, and it ends when told to."""

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
    """Give what each connection sent, in the order in which they were made."""
    return [stream for _, stream in sorted(bytes_received(journal.entries()).items())]


def touched(journal: Journal) -> list[StrangerTouched]:
    return [entry for entry in journal.entries() if isinstance(entry, StrangerTouched)]


def left_behind(stranger: Stranger) -> list[object]:
    """Give the threads and sockets of the stranger that this process still has."""
    threads = [one.name for one in threading.enumerate() if one.name.startswith("stranger ")]
    sockets = [
        (one.status, one.laddr.port)
        for one in psutil.Process().net_connections("tcp")
        if one.laddr.port == stranger.port
    ]
    return [*threads, *sockets]


# What is recorded


@pytest.mark.parametrize("at_once", [False, True], ids=["byte by byte", "at once"])
@pytest.mark.parametrize(
    "data",
    [
        POST,
        POST[:-5],
        POST[:20],
        ask("GET", STATUS) + POST + ask("GET", "/x")[:9],
        ask("GET", "/", None, "Connection: close") + POST,
        TLS_HELLO,
        b"garbage\r\n\r\n" + POST,
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9),
    ],
    ids=[
        "request",
        "unfinished body",
        "unfinished head",
        "pipelined",
        "after the last request",
        "TLS",
        "garbage",
        "HTTP/2",
    ],
)
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

    journal.observe(listen)
    intruder.send(POST[:30])
    journal.wait_for(StrangerReceived, timeout=PATIENCE, data=POST[:30])
    intruder.send(POST[30:])
    assert intruder.receive().json["success"]
    assert received(journal) == [POST]
    assert len(silent) >= 2
    assert all(silent)


def test_a_connection_that_sends_nothing_is_recorded(journal: Journal, intruder: Intruder) -> None:
    made = journal.wait_for(StrangerTouched, timeout=PATIENCE)
    assert (made.connection, made.peer) == (1, intruder.address)
    assert received(journal) == []


def test_two_connections_at_once_are_kept_apart(journal: Journal, stranger: Stranger) -> None:
    one, other = ask("GET", "/one"), ask("GET", "/other")
    with Intruder(stranger) as first, Intruder(stranger) as second:
        first.send(one[:8])
        second.send(other[:8])
        journal.wait_for(StrangerReceived, timeout=PATIENCE, data=other[:8])
        first.send(one[8:])
        assert first.receive().status == 200
        second.send(other[8:])
        assert second.receive().status == 200
        assert received(journal) == [one, other]
        assert [(made.connection, made.peer) for made in touched(journal)] == [
            (1, first.address),
            (2, second.address),
        ]


def test_requests_over_one_connection_are_answered_and_recorded_as_one(
    journal: Journal, intruder: Intruder
) -> None:
    asked = [ask("GET", STATUS), POST, ask("HEAD", STATUS), ask("GET", "/health")]
    for request in asked:
        intruder.send(request)
        answer = intruder.receive(bodiless=request.startswith(b"HEAD"))
        assert answer.headers["Connection"] == "keep-alive"
    assert received(journal) == [b"".join(asked)]
    assert len(touched(journal)) == 1


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


def test_a_caller_who_asks_first_is_told_to_continue(journal: Journal, intruder: Intruder) -> None:
    head, body = ask("POST", SEND, b"{}", "Expect: 100-continue").removesuffix(b"{}"), b"{}"
    intruder.send(head)
    assert intruder.receive_head() == b"HTTP/1.1 100 Continue\r\n\r\n"
    intruder.send(body)
    assert intruder.receive().json["success"]
    assert received(journal) == [head + body]


def test_what_was_received_is_not_shown_by_accident(journal: Journal) -> None:
    entry = journal.record(StrangerReceived(connection=1, data=b"an-api-key"))
    assert "an-api-key" not in repr(entry)
    assert entry.to_json()["data"] == "an-api-key"


# What it answers


@pytest.mark.parametrize("claim", ["", "/", "/a/path", "/a?query="])
def test_it_is_believed_whatever_the_claim_has_behind_the_host(stranger: Stranger, claim: str) -> None:
    def answer(method: str, path: str, **body: object) -> Any:
        got = requests.request(method, stranger.url + claim + path, json=body or None, timeout=PATIENCE)
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


@pytest.mark.parametrize("session_id", ["unheard-of", "with space/and ✓", AWAY.session_id])
def test_it_holds_any_session_connected(stranger: Stranger, session_id: str) -> None:
    quoted = requests.utils.quote(session_id, safe="")
    status = requests.get(f"{stranger.url}/api/sessions/{quoted}/status", timeout=PATIENCE).json()
    assert (status["session_id"], status["status"]) == (session_id, "connected")


def test_sessions_are_asked_for_anew_each_time(journal: Journal) -> None:
    held: list[Session] = []
    with Stranger(journal, sessions=lambda: held) as stranger, Intruder(stranger) as intruder:
        assert intruder.get("/api/sessions").json["total"] == 0
        held.append(SESSION)
        assert intruder.get("/api/sessions").json["total"] == 1


def test_a_head_is_answered_without_a_body(intruder: Intruder) -> None:
    length = intruder.get(STATUS).headers["Content-Length"]
    intruder.send(ask("HEAD", STATUS))
    assert intruder.receive(bodiless=True).headers["Content-Length"] == length
    assert intruder.hears_nothing()


@pytest.mark.parametrize("name", ["localhost", "127.1", "2130706433"])
def test_it_is_reached_by_other_spellings_of_its_address(stranger: Stranger, name: str) -> None:
    with socket.create_connection((name, stranger.port), timeout=PATIENCE) as connection:
        connection.sendall(ask("GET", "/health"))
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 OK\r\n")


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


def test_stopping_wakes_an_answer_that_nobody_reads(journal: Journal) -> None:
    request = ask("GET", "/api/sessions")
    many = [SESSION] * 150_000  # more than the buffers of both sides together
    with Stranger(journal, sessions=lambda: many) as stranger, Intruder(stranger) as deaf:
        deaf.send(request)
        journal.wait_for(StrangerReceived, timeout=PATIENCE, data=request)
        deaf.send(POST)
        stopping = threading.Thread(target=stranger.stop)
        stopping.start()
        stopping.join(PATIENCE)
        assert not stopping.is_alive()
        assert received(journal) == [request + POST]


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


def test_connections_that_ended_are_forgotten(journal: Journal, stranger: Stranger) -> None:
    with Intruder(stranger) as gone:
        assert gone.get("/health").status == 200
    (thread,) = stranger._live.values()
    thread.join(PATIENCE)
    with Intruder(stranger) as present:
        assert present.get("/health").status == 200
        assert thread not in stranger._live.values()
        assert len(stranger._live) == 1
    assert len(touched(journal)) == 2


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

"""A caller that shows what really arrives on the wire, and a control plane that shows what a webhook really is."""

from __future__ import annotations

import json
import select
import socket
import struct
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from fake_instances import Session
from fake_instances.journal import (
    FaultArmed,
    FaultCleared,
    FaultExecuted,
    FaultMatched,
    RequestArrived,
    RequestCompleted,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from fake_instances import Fleet, Journal
    from fake_instances.journal import AnyEntry, Entry

API_KEY = "an-api-key-of-the-tests"
SECRET = "a-shared-secret-of-the-tests"
SESSION_ID = "webjs_1_1763798326_U9tUyl0b"
SESSION = Session(
    SESSION_ID,
    1,
    "628111222333",
    connected_at="2024-11-22T10:00:00.000Z",
    last_activity="2024-11-22T10:05:00.000Z",
)
PATIENCE = 10.0
"""Seconds after which what should come will not come."""
A_MOMENT = 0.03
"""Seconds for which nothing must arrive where nothing should."""
LIST = f"/api/sessions?api_key={API_KEY}"
STATUS = f"/api/sessions/{SESSION_ID}/status?api_key={API_KEY}"
SEND = "/api/messages/send"
MESSAGE = {
    "workspace_id": 1,
    "session_id": SESSION_ID,
    "recipient_phone": "628999888777",
    "message": "héllo ✓",
    "type": "text",
    "api_key": API_KEY,
}
POSTED = json.dumps(MESSAGE).encode()


def observe(journal: Journal, observer: Callable[[Entry], object]) -> None:
    """Show every later entry to `observer`, in order, while the instance waits and before others can read it."""
    record = journal.record

    def observed(entry: AnyEntry) -> AnyEntry:
        with journal._changed:
            observer(record(entry))
        return entry

    journal.record = observed  # type: ignore[method-assign]


def address_of(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    return parts.hostname, parts.port


def ask(method: str, target: str, body: bytes | None = None, *headers: str, version: str = "1.1") -> bytes:
    """Give the bytes of a request."""
    lines = [f"{method} {target} HTTP/{version}", "Host: gateway", *headers]
    if body is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + (body or b"")


@dataclass(frozen=True)
class Received:
    """An answer as it arrived."""

    raw: bytes
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Caller:
    """One connection to an instance."""

    def __init__(self, fleet: Fleet, number: int = 3001) -> None:
        self._socket = socket.create_connection(address_of(fleet.url(number)), timeout=PATIENCE)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._read = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()

    def send(self, *pieces: bytes) -> None:
        for piece in pieces:
            self._socket.sendall(piece)

    def get(self, target: str, *headers: str) -> Received:
        self.send(ask("GET", target, None, *headers))
        return self.receive()

    def post(self, target: str, value: object, method: str = "POST") -> Received:
        self.send(ask(method, target, json.dumps(value).encode()))
        return self.receive()

    def receive(self, *, bodiless: bool = False) -> Received:
        """Read one answer, of exactly as many bytes as it says."""
        head = self.receive_head()
        first, *lines = head.decode("latin-1").rstrip().split("\r\n")
        pairs = [(name, value) for name, _, value in (line.partition(": ") for line in lines)]
        assert len({name.lower() for name, _ in pairs}) == len(pairs), f"a header stands twice in {pairs}"
        headers = dict(pairs)
        body = self.take(0 if bodiless else int(headers.get("Content-Length", "0")))
        return Received(head + body, int(first.split(" ", 2)[1]), headers, body)

    def receive_head(self) -> bytes:
        while b"\r\n\r\n" not in self._read:
            self._more()
        return self.take(self._read.index(b"\r\n\r\n") + 4)

    def rest(self) -> bytes:
        """Read on until the instance ends the connection in order; a reset raises ConnectionResetError."""
        while data := self._socket.recv(65536):
            self._read += data
        return self.take(len(self._read))

    def until_the_end(self) -> tuple[bytes, str]:
        """Read on until the connection ends; give what came before, and whether FIN or RST ended it."""
        try:
            return self.rest(), "FIN"
        except ConnectionResetError:
            return self.take(len(self._read)), "RST"

    def pieces(self, count: int) -> list[tuple[float, bytes]]:
        """Read this many bytes as they come: each piece with the moment of its arrival."""
        pieces: list[tuple[float, bytes]] = []
        while count > 0:
            data = self._socket.recv(65536)
            assert data, f"the instance ended the connection after {pieces!r}"
            pieces.append((time.monotonic(), data))
            count -= len(data)
        return pieces

    def is_cut(self) -> bool:
        """Wait for the connection to end either way, with nothing before it."""
        try:
            return self.rest() == b""
        except ConnectionResetError:
            return True

    def hears_nothing(self) -> bool:
        """Say whether nothing arrives and the connection stays open."""
        return not self._read and not select.select([self._socket], [], [], A_MOMENT)[0]

    def put_back(self, data: bytes) -> None:
        """Have these bytes read again, before what follows."""
        self._read = data + self._read

    def error(self) -> int:
        """Return the error that the system noted of the connection, 0 if none."""
        return self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)

    def leave(self, *, abruptly: bool = False) -> None:
        if abruptly:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()

    def take(self, count: int) -> bytes:
        while len(self._read) < count:
            self._more()
        taken, self._read = self._read[:count], self._read[count:]
        return taken

    def _more(self) -> None:
        data = self._socket.recv(65536)
        assert data, f"the instance ended the connection after {self._read!r}"
        self._read += data


class ControlPlane:
    """A listening socket: webhooks wait until a test takes them, so that each answer is the test's own."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(PATIENCE)
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"

    def take(self, answer: bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}") -> Request:
        """Receive a webhook whole, and answer it."""
        connection, _ = self.listener.accept()
        with connection, connection.makefile("rb") as stream:
            connection.settimeout(PATIENCE)
            first = stream.readline().decode().rstrip("\r\n")
            pairs: list[tuple[str, str]] = []
            while line := stream.readline().decode("latin-1").rstrip("\r\n"):
                name, _, value = line.partition(": ")
                pairs.append((name, value))
            body = stream.read(int(dict(pairs)["Content-Length"]))
            connection.sendall(answer)
        return Request(first, pairs, body)

    def close(self) -> None:
        self.listener.close()


@dataclass(frozen=True)
class Request:
    """A webhook as it arrived."""

    first: str
    pairs: list[tuple[str, str]]
    body: bytes

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.pairs]

    def header(self, name: str) -> str:
        return dict(self.pairs)[name]


def entries(fleet: Fleet, kind: type[AnyEntry]) -> list[AnyEntry]:
    return [entry for entry in fleet.journal.entries() if isinstance(entry, kind)]


def eventually(fleet: Fleet, condition: Callable[[], bool]) -> None:
    """Wait until a condition holds that changes only where something is recorded."""
    assert fleet.journal.wait_until(condition, timeout=PATIENCE), "it did not come to pass"


def truth(fleet: Fleet, target: str = STATUS) -> Received:
    """Give the true answer to a request, by a connection of its own."""
    with Caller(fleet) as other:
        return other.get(target)


def receipts(fleet: Fleet, fault: int) -> list[tuple[str, int | None]]:
    """Give the receipts of a fault, each with the request that it is about."""
    return [
        (type(entry).__name__.removeprefix("Fault").lower(), getattr(entry, "request", None))
        for entry in fleet.journal.entries()
        if isinstance(entry, FaultArmed | FaultMatched | FaultExecuted | FaultCleared)
        and entry.fault == fault
    ]


def kinds(fleet: Fleet, fault: int) -> list[str]:
    return [kind for kind, _ in receipts(fleet, fault)]


def fired(fleet: Fleet, fault: int) -> RequestArrived:
    """Wait until a fault is carried out; give the request that met it, when that was one and the newest."""
    executed = fleet.journal.wait_for(FaultExecuted, timeout=PATIENCE, fault=fault)
    assert receipts(fleet, fault)[:3] == [
        ("armed", None),
        ("matched", executed.request),
        ("executed", executed.request),
    ]
    arrived = next(entry for entry in entries(fleet, RequestArrived) if entry.request == executed.request)
    assert arrived.sequence < executed.sequence
    return arrived


def ended(fleet: Fleet, request: int) -> tuple[int | None, str, int]:
    """Wait until a request has ended: its status, how it ended, and how many bytes went out."""
    completed = fleet.journal.wait_for(RequestCompleted, timeout=PATIENCE, request=request)
    return completed.status, completed.ending, completed.sent

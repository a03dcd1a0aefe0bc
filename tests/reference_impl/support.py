"""Stub instances, and the implementation in this process or in one of its own."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import sqlite3
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from reference_impl.edges.signature import sign

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    from reference_impl.server import Parts

SECRET = "a-shared-secret-of-the-tests"
API_KEY = "an-api-key-of-the-tests"
SESSION = "webjs_1_1763798326_U9tUyl0b"
PATIENCE = 10.0
SEND = "/api/messages/send"
VERIFY_TIMEOUT = 0.5
SEND_TIMEOUT = 0.7
MARGIN = 0.7
"""Seconds by which a busy machine may be slower than the settings say."""
LONG_AGO = "2020-01-01 00:00:00.000000"
CREATE = """CREATE TABLE whatsapp_accounts (
    id INTEGER PRIMARY KEY, workspace_id INTEGER, session_id TEXT UNIQUE, phone_number TEXT, status TEXT,
    assigned_instance_url TEXT, updated_at TIMESTAMP)"""
WEBHOOK = "/api/whatsapp/webhooks/webjs"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: StubServer

    def do_GET(self) -> None:
        stub = self.server.stub
        self.body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        stub.note(self.command, self.path)
        usual = stub.deliver if self.command == "POST" else stub.list_sessions
        acts = (act for prefix, act in list(stub.acts.items()) if self.path.startswith(prefix))
        next(acts, usual)(self)
        stub.note_answer()

    def do_POST(self) -> None:
        self.do_GET()

    def answer(self, status: int, body: object = None, *, raw: bytes | None = None, **headers: str) -> None:
        payload = json.dumps(body).encode() if raw is None else raw
        self.send_response(status)
        self.send_header("Content-Length", str(len(payload)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, *_: object) -> None:
        pass


class StubServer(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, stub: Stub) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.stub = stub

    def handle_error(self, *_: object) -> None:
        """Say nothing: a client that gave up is part of the tests."""


class Stub:
    """A small gateway instance. ``acts`` replaces its answers on paths that begin so."""

    def __init__(self) -> None:
        self.sessions: dict[str, str] = {}
        self.deployed = False
        self.acts: dict[str, Callable[[Handler], None]] = {}
        self.seen: list[tuple[str, str]] = []
        self.delivered: list[dict[str, Any]] = []
        self.answered = 0
        self.released = threading.Event()
        self.server = StubServer(self)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self._arrived = threading.Condition()
        self._thread = threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def note(self, method: str, path: str) -> None:
        with self._arrived:
            self.seen.append((method, path))
            self._arrived.notify_all()

    def note_answer(self) -> None:
        with self._arrived:
            self.answered += 1
            self._arrived.notify_all()

    def wait_for_answers(self, count: int) -> None:
        with self._arrived:
            assert self._arrived.wait_for(lambda: self.answered >= count, PATIENCE)

    def wait_for(self, count: int, method: str = "GET") -> None:
        with self._arrived:
            assert self._arrived.wait_for(lambda: self.count(method) >= count, PATIENCE)

    def count(self, method: str = "GET") -> int:
        return len([one for one, _ in self.seen if one == method])

    def hold(self, session_id: str = SESSION, status: str = "connected") -> None:
        self.sessions[session_id] = status

    def hang(self, handler: Handler) -> None:
        self.released.wait(PATIENCE)
        handler.close_connection = True

    def list_sessions(self, handler: Handler) -> None:
        listed = [{"session_id": one, "status": status} for one, status in self.sessions.items()]
        if handler.path.startswith("/api/sessions"):
            assert f"api_key={API_KEY}" in handler.path
            handler.answer(200, {"success": True, "sessions": listed, "total": len(listed)})
            return
        details: object = listed
        if self.deployed:
            details = {"by_status": {}, "longest_uptime": None, "newest_session": None}
        handler.answer(200, {"status": "healthy", "sessions": {"total": len(listed), "details": details}})

    def deliver(self, handler: Handler) -> None:
        message = json.loads(handler.body)
        assert message["api_key"] == API_KEY
        status = self.sessions.get(message["session_id"])
        if status is None:
            handler.answer(404, {"error": "Session not found"})
        elif status != "connected":
            handler.answer(400, {"error": "Session not connected. Please check session status."})
        else:
            self.delivered.append(message)
            handler.answer(200, {"success": True, "message_id": f"m{len(self.delivered)}", "timestamp": 1})

    def close(self) -> None:
        self.released.set()
        self.server.shutdown()
        self._thread.join(PATIENCE)
        self.server.server_close()


@dataclass
class Database:
    path: Path

    def connect(self) -> contextlib.closing[sqlite3.Connection]:
        return contextlib.closing(sqlite3.connect(self.path, timeout=30, isolation_level=None))

    def add(self, account_id: int, session_id: str | None, url: str | None) -> None:
        row = (account_id, 1, session_id, "62811801641", "connected", url, LONG_AGO)
        with self.connect() as connection:
            connection.execute("INSERT INTO whatsapp_accounts VALUES (?,?,?,?,?,?,?)", row)

    def set_url(self, account_id: int, url: str | None) -> None:
        statement = "UPDATE whatsapp_accounts SET assigned_instance_url=? WHERE id=?"
        with self.connect() as connection:
            connection.execute(statement, (url, account_id))

    def row(self, account_id: int = 142) -> dict[str, Any]:
        with self.connect() as connection:
            connection.row_factory = sqlite3.Row
            found = connection.execute("SELECT * FROM whatsapp_accounts WHERE id=?", (account_id,)).fetchone()
        return dict(found)

    def url(self, account_id: int = 142) -> Any:
        return self.row(account_id)["assigned_instance_url"]


@dataclass
class Answer:
    status: int
    json: dict[str, Any]
    seconds: float


def signed(body: bytes, timestamp: int | str | None = None, location: str | None = None) -> dict[str, str]:
    stamp = str(int(time.time()) if timestamp is None else timestamp)
    headers = {"X-HMAC-Signature": sign(SECRET, stamp, body), "X-Timestamp": stamp}
    return headers if location is None else {**headers, "X-Instance-Url": location}


def event(name: str = "session_ready", **data: object) -> bytes:
    about = {"workspace_id": 1, "session_id": SESSION, **data}
    return json.dumps({"event": name, "data": about}, separators=(",", ":")).encode()


@dataclass
class System:
    """The implementation in this process, called without a network."""

    parts: Parts
    database: Database
    log_file: Path
    app: Any

    def log_lines(self) -> list[str]:
        return self.log_file.read_text("utf-8").splitlines()

    def logged(self, text: str) -> list[dict[str, Any]]:
        return [json.loads(line[line.index("{") :]) for line in self.log_lines() if text in line]

    def post(self, path: str, body: bytes, headers: dict[str, str] | None = None) -> Answer:
        began = time.monotonic()
        response = self.app.test_client().post(path, data=body, headers=headers or {})
        return Answer(response.status_code, response.get_json(), time.monotonic() - began)

    def send(self, account_id: int | str = 142, text: object = "hello", **more: object) -> Answer:
        message = {"recipient_phone": "628111", "message": text, **more}
        return self.post(f"/api/accounts/{account_id}/messages", json.dumps(message).encode())

    def webhook(self, body: bytes, location: str | None = None, timestamp: int | None = None) -> Answer:
        return self.post(WEBHOOK, body, signed(body, timestamp, location))


@dataclass
class Process:
    """The implementation in a process of its own, called over the network."""

    process: subprocess.Popen[str]
    port: int

    def request(self, method: str, path: str, body: Any = None, headers: Any = None) -> Answer:
        began = time.monotonic()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        with contextlib.closing(connection):
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return Answer(response.status, json.loads(response.read()), time.monotonic() - began)

    def exchange(self, raw: bytes) -> bytes:
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as connection:
            connection.sendall(raw)
            received = b""
            while chunk := connection.recv(65536):
                received += chunk
            return received

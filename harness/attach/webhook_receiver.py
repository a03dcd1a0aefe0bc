"""The stand-in for a control plane: it receives webhooks, records each with its exact bytes, and answers."""

from __future__ import annotations

import socket
import socketserver
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Self

from harness.history import Noted, WebhookReceived

if TYPE_CHECKING:
    from collections.abc import Callable

    from fake_instances.journal import Journal

_SILENCE_SECONDS = 10.0


class Receiver:
    """A webhook receiver. A context manager; its port stays reserved while it refuses connections.

    Attributes:
        status: the status that webhooks are answered with.
        status_for: another status for the webhooks of some sessions, by session id.
        holder: returns the instance that a session was connected on, for the record, or None if that is unknown.
        ask_back: asked for the state of a webhook's session before the webhook is answered; None to ask nobody.

    """

    def __init__(self, journal: Journal, host: str) -> None:
        self.status = 200
        self.status_for: dict[str, int] = {}
        self.ask_back: Callable[[str], str | None] | None = None
        self.holder: Callable[[str], int | None] = lambda _session_id: None
        self._journal = journal
        self._host = host
        self._port = 0
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None
        self._reserved: socket.socket | None = None

    def __enter__(self) -> Self:
        self.listen()
        return self

    def __exit__(self, *_: object) -> None:
        self._close()
        self._free_port()

    @property
    def url(self) -> str:
        """The base URL of the control plane."""
        return f"http://{self._host}:{self._port}"

    def listen(self) -> None:
        """Accept connections, if it does not already."""
        if self._server is not None:
            return
        self._server = _Server(self, (self._host, self._port))
        self._port = self._server.server_port
        self._free_port()
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), name="receiver of webhooks", daemon=True
        )
        self._thread.start()
        self._journal.record(Noted(text=f"the control plane listens at {self.url}"))

    def refuse(self) -> None:
        """Have the system refuse connections from now on."""
        self._close()
        self._reserved = socket.socket()
        self._reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._reserved.bind((self._host, self._port))
        self._journal.record(Noted(text="the control plane refuses connections"))

    def behave(self) -> None:
        """Accept every webhook again."""
        self.status, self.ask_back = 200, None
        self.status_for.clear()
        self.listen()

    def take(self, path: str, headers: tuple[tuple[str, str], ...], body: bytes) -> int:
        """Record a webhook, and return the status to answer."""
        webhook = WebhookReceived(path=path, headers=headers, body=body, answered=self.status)
        session_id = str(webhook.data.get("session_id", ""))
        webhook = replace(
            webhook,
            answered=self.status_for.get(session_id, self.status),
            instance=self.holder(session_id),
            asked_back=None if self.ask_back is None else self.ask_back(session_id),
        )
        return self._journal.record(webhook).answered

    def _close(self) -> None:
        server, self._server = self._server, None
        if server is not None and self._thread is not None:
            server.shutdown()
            self._thread.join()
            server.server_close()

    def _free_port(self) -> None:
        if self._reserved is not None:
            self._reserved.close()
            self._reserved = None


class _Server(ThreadingHTTPServer):
    request_queue_size = 128

    def __init__(self, receiver: Receiver, address: tuple[str, int]) -> None:
        self.receiver = receiver
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        # Without looking up the name of the address, which takes long if no name server answers.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]

    def handle_error(self, *_: object) -> None:
        """Ignore a sender that left in the middle of its webhook."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    timeout = _SILENCE_SECONDS

    def do_POST(self) -> None:
        length, status = self.headers.get("Content-Length", ""), 411
        if length.isdecimal():
            body = self.rfile.read(int(length))
            status = self.server.receiver.take(self.path, tuple(self.headers.items()), body)
        self.close_connection = True
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Connection", "close")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        """Print nothing: the journal has it."""

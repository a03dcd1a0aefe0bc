"""The stand-in for a control plane: it receives webhooks, records each with its exact bytes, and answers."""

from __future__ import annotations

import socket
import socketserver
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self, TypeAlias

from fake_instances.addresses import family_of, url_of
from fake_instances.http.protocol import Reader, Request, render
from harness.gateway_contract import LOCATION_EVENTS
from harness.history import Noted, WebhookReceived
from harness.targets.canned_answers import CannedAnswers
from harness.wording import visible

if TYPE_CHECKING:
    from collections.abc import Callable

    from fake_instances.journal import Journal

    Headers: TypeAlias = tuple[tuple[str, str], ...]

WHOLE_SECONDS = 10.0
"""How long a webhook may take to arrive, from its first byte to its last."""
LARGEST = 16 * 1024 * 1024
"""The bytes of the largest webhook that is taken, its headers included."""
MOST = 2 * LARGEST
"""The bytes of all webhooks that are taken while one scenario runs: each is kept as long."""
_PIECE = 64 * 1024
_SHOWN = 200
"""Characters of a path that are noted."""
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_BODILESS = frozenset({204, 205, 304})
_STATUS = {408: "408 Request Timeout", 413: "413 Payload Too Large"}


class Receiver:
    """A webhook receiver. A context manager; its port stays reserved while it refuses connections.

    Webhooks that carry no location are always accepted: how one of those fares says nothing about a location. What
    has a canned answer is no webhook.

    Attributes:
        status: the status that location webhooks are answered with.
        status_for: another status for those of some sessions, by session id.
        holder: returns the instance that a session was connected on, for the record, or None if that is unknown.
        means: returns what a webhook means in the contract's terms: its path, headers and body.
        ask_back: asked for the state of a session before its location webhook is answered; None to ask nobody.

    """

    def __init__(self, journal: Journal, host: str, canned: CannedAnswers | None = None) -> None:
        self._canned = canned or CannedAnswers()
        self.status = 200
        self.status_for: dict[str, int] = {}
        self.ask_back: Callable[[str], str | None] | None = None
        self.holder: Callable[[str], int | None] = lambda _session_id: None
        self.means: Callable[[str, Headers, bytes], tuple[str, Headers, bytes]] = lambda *came: came
        self._journal = journal
        self._host = host
        self._port = 0
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None
        self._reserved: socket.socket | None = None
        self._came = 0
        self._counting = threading.Lock()

    def __enter__(self) -> Self:
        self.listen()
        return self

    def __exit__(self, *_: object) -> None:
        self._close()
        self._free_port()

    @property
    def url(self) -> str:
        """The base URL of the control plane."""
        return url_of(self._host, self._port)

    def listen(self) -> None:
        """Accept connections, if it does not already."""
        if self._server is not None:
            return
        self._server = _Server(self, (self._host, self._port))
        self._port = self._server.port
        self._free_port()
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), name="receiver of webhooks", daemon=True
        )
        self._thread.start()
        self._journal.record(Noted(text=f"the control plane listens at {self.url}"))

    def refuse(self) -> None:
        """Have the system refuse connections from now on."""
        self._close()
        self._reserved = socket.socket(family_of(self._host))
        self._reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._reserved.bind((self._host, self._port))
        self._journal.record(Noted(text="the control plane refuses connections"))

    def behave(self) -> None:
        """Accept every webhook again, as if none had come."""
        with self._counting:
            self._came = 0
        self.status, self.ask_back = 200, None
        self.status_for.clear()
        self.listen()

    def take(self, path: str, headers: tuple[tuple[str, str], ...], body: bytes) -> int:
        """Record a webhook, and return the status to answer."""
        meant, raw = self.means(path, headers, body), dict[str, Any]()
        if meant != (path, headers, body):
            raw = {"raw_path": path, "raw_headers": headers, "raw_body": body}
            path, headers, body = meant
        webhook = WebhookReceived(path=path, headers=headers, body=body, answered=200, **raw)
        session_id = str(webhook.data.get("session_id", ""))
        webhook = replace(webhook, instance=self.holder(session_id))
        if webhook.event in LOCATION_EVENTS:
            webhook = replace(
                webhook,
                answered=self.status_for.get(session_id, self.status),
                asked_back=None if self.ask_back is None else self.ask_back(session_id),
            )
        return self._journal.record(webhook).answered

    def answer(self, method: str, path: str) -> tuple[int, bytes] | None:
        """Return the canned status and body for a request, which is noted; None if there is none."""
        found = self._canned.find(method, path, {"control_plane": self.url})
        if found is not None:
            shown = visible(path.partition("?")[0][:_SHOWN])
            self._journal.record(Noted(text=f"the control plane was asked {method} {shown}: {found[0]}"))
        return found

    def has_room(self, size: int) -> bool:
        """Count so many bytes that came, and return whether there was room for them."""
        with self._counting:
            self._came += size
            return self._came <= MOST

    def turn_away(self, why: str) -> None:
        """Record that something came which is no whole webhook."""
        self._journal.record(Noted(text=f"the control plane could not take a webhook: {why}"))

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


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, receiver: Receiver, address: tuple[str, int]) -> None:
        self.receiver = receiver
        self.address_family = family_of(address[0])
        super().__init__(address, _Handler)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server_address[1])

    def handle_error(self, *_: object) -> None:
        """Ignore a sender that left in the middle of its webhook."""


class _Handler(socketserver.BaseRequestHandler):
    """Takes one webhook, however it is framed, and answers it."""

    request: socket.socket
    server: _Server

    def handle(self) -> None:
        receiver = self.server.receiver
        try:
            webhook = self._read()
        except _NotTakenError as problem:
            receiver.turn_away(str(problem))
            self._answer(problem.status)
            return
        if webhook is None:
            return
        status, path, body = 404, webhook.target.decode("latin-1"), b"{}"
        if canned := receiver.answer(
            webhook.method, path
        ):  # a gateway that asks for its accounts at its start
            status, body = canned
        elif webhook.method == "POST":
            status = receiver.take(path, tuple(webhook.headers), bytes(webhook.body))
        else:
            receiver.turn_away(
                f"{webhook.method} {path[:_SHOWN]} is none, and is answered {status}; [[instance.control_plane]] can "
                "say what else"
            )
        bodiless = webhook.method == "HEAD" or status in _BODILESS
        self._answer(_STATUS.get(status, f"{status} Answered"), b"" if bodiless else body)

    def _read(self) -> Request | None:
        """Read one request; None if the sender left before it said anything."""
        reader, size, deadline = Reader(), 0, time.monotonic() + WHOLE_SECONDS
        while not reader.complete:
            self.request.settimeout(max(0.001, deadline - time.monotonic()))
            try:
                data = self.request.recv(_PIECE)
            except TimeoutError:
                raise _NotTakenError(f"it was not whole after {WHOLE_SECONDS:g} s", _STATUS[408]) from None
            if not data:
                if size:
                    raise _NotTakenError(f"its sender left after {size} bytes", _STATUS[408])
                return None
            size += len(data)
            if size > LARGEST:
                raise _NotTakenError(f"it has more than {LARGEST} bytes", _STATUS[413])
            if not self.server.receiver.has_room(len(data)):
                raise _NotTakenError(f"more than {MOST} bytes came in all, in one scenario", _STATUS[413])
            reader.feed(data)
            if reader.broken:
                raise _NotTakenError(f"it is no HTTP: {data[:80]!r}", "400 Bad Request")
            if reader.expects_continue:
                self.request.sendall(_CONTINUE)
                reader.expects_continue = False
        return reader.complete.popleft()

    def _answer(self, status: str, body: bytes = b"{}") -> None:
        headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        self.request.sendall(render(status, headers, body, keep_alive=False))


class _NotTakenError(Exception):
    """What came is no whole webhook."""

    def __init__(self, why: str, status: str) -> None:
        self.status = status
        super().__init__(why)

"""A listener that is none of the instances, to show what leaves for a host that is none of them.

Every byte sent to it is recorded, HTTP or not, before anything is answered. To HTTP it answers as an instance that
holds every session connected and delivers every message, so that an implementation goes on and leaks more.
"""

from __future__ import annotations

import contextlib
import json
import re
import secrets
import selectors
import socket
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Self
from urllib.parse import unquote_to_bytes

from fake_instances.addresses import url_of
from fake_instances.http.protocol import Reader, Request, render
from fake_instances.journal import Journal, StrangerReceived, StrangerTouched
from fake_instances.sessions import Session, SessionStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_BAD_REQUEST = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_STATUS = re.compile(rb"/api/sessions/([^/?#&]+)/status")
_QUIET_SECONDS = 0.05  # after a stop, nothing more is on its way when nothing came for so long
_DRAIN_SECONDS = 1.0  # ... and a caller that goes on sending is cut off


class Stranger:
    """Records what it receives and answers as an instance would, with any key. May be started again.

    It may be reached under any name that leads to `host`. With port 0 the system chooses one, which then stays.
    `sessions` returns the sessions to list, at each request for a list; any other session is held too.
    """

    def __init__(
        self,
        journal: Journal,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        sessions: Callable[[], Iterable[Session]] = tuple,
    ) -> None:
        self.host = host
        self.port = port
        self._journal = journal
        self._sessions = sessions
        self._connections = 0
        self._live: dict[socket.socket, threading.Thread] = {}  # the acceptor's own, while there is one
        self._acceptor: threading.Thread | None = None
        # Closing the first wakes every thread, for they all wait on the second too.
        self._stopper: tuple[socket.socket, socket.socket] | None = None
        self._started_at = time.monotonic()

    @property
    def url(self) -> str:
        """The base URL, by the address that it listens on."""
        return url_of(self.host, self.port)

    # Running

    def start(self) -> Self:
        """Listen.

        Raises:
            OSError: the address is not one of this machine's, or its port is taken.
        """
        if self._acceptor is not None:
            return self
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        listener = socket.create_server((self.host, self.port), family=family, backlog=512)
        self.port = listener.getsockname()[1]
        self._stopper = socket.socketpair()
        self._acceptor = self._thread("listener", self._accept, listener, self._stopper[1])
        self._acceptor.start()
        return self

    def stop(self) -> None:
        """Close the listener and end every connection. What was sent until then is recorded; no thread is left."""
        if self._acceptor is None or self._stopper is None:
            return
        self._stopper[0].close()
        self._acceptor.join()
        for connection in self._live:
            # Only the sending half: from a socket shut for reading, Linux may lose what it received already.
            with contextlib.suppress(OSError):  # its own thread closed it meanwhile
                connection.shutdown(socket.SHUT_WR)
        for thread in self._live.values():
            thread.join()
        self._stopper[1].close()
        self._live.clear()
        self._acceptor = self._stopper = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    # Connections

    def _thread(self, role: str, work: Callable[..., None], *args: object) -> threading.Thread:
        return threading.Thread(target=work, args=args, name=f"stranger {self.port} {role}", daemon=True)

    def _accept(self, listener: socket.socket, stop: socket.socket) -> None:
        with listener:
            listener.setblocking(False)
            for _ in _readable(listener, until=stop):
                self._accept_waiting(listener, stop)
            self._accept_waiting(listener, stop)

    def _accept_waiting(self, listener: socket.socket, stop: socket.socket) -> None:
        """Accept every connection that is already made, so that a stop loses none."""
        with contextlib.suppress(OSError):  # nobody waits any more
            while True:
                accepted, address = listener.accept()
                self._connections += 1
                peer = url_of(*address[:2]).removeprefix("http://")
                self._journal.record(StrangerTouched(connection=self._connections, peer=peer))
                self._live = {one: thread for one, thread in self._live.items() if thread.is_alive()}
                serving = self._thread("connection", self._serve, accepted, stop, self._connections)
                self._live[accepted] = serving
                serving.start()

    def _serve(self, connection: socket.socket, stop: socket.socket, number: int) -> None:
        """Record everything that arrives, even after the last answer."""
        with connection, contextlib.suppress(OSError):
            connection.setblocking(True)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            reader = Reader()
            for data in _arriving(connection, until=stop):
                self._journal.record(StrangerReceived(connection=number, data=data))
                reader.feed(data)
                self._answer_all(connection, reader)

    def _answer_all(self, connection: socket.socket, reader: Reader) -> None:
        """Answer what is whole by now. A caller that takes no more answers may still send."""
        with contextlib.suppress(OSError):
            while reader.complete:
                request = reader.complete.popleft()
                connection.sendall(self._answer(request))
                if not request.keep_alive:
                    connection.shutdown(socket.SHUT_WR)
                    return
            if reader.broken:
                connection.sendall(_BAD_REQUEST)
                connection.shutdown(socket.SHUT_WR)
            elif reader.expects_continue:
                reader.expects_continue = False
                connection.sendall(_CONTINUE)

    # Answers

    def _answer(self, request: Request) -> bytes:
        body = json.dumps(self._told(request), ensure_ascii=False, separators=(",", ":")).encode()
        headers = [
            ("X-Powered-By", "Express"),
            ("Content-Type", "application/json; charset=utf-8"),
            ("Content-Length", str(len(body))),
        ]
        shown = b"" if request.method == "HEAD" else body
        return render("200 OK", headers, shown, keep_alive=request.keep_alive)

    def _told(self, request: Request) -> dict[str, object]:
        """Return what an instance would say. A location may have a path, so a route may be anywhere in the target."""
        if found := _STATUS.search(request.target):
            session_id = unquote_to_bytes(found[1]).decode("utf-8", "replace")
            known = (one for one in self._held() if one.session_id == session_id)
            return next(known, Session(session_id, 1)).detail()
        if b"/api/messages/send" in request.target:
            message_id = f"true_0@c.us_3EB0{secrets.token_hex(8).upper()}"
            return {"success": True, "message_id": message_id, "timestamp": int(time.time())}
        listed = [session.listing() for session in self._held()]
        if b"/api/sessions" in request.target:
            return {"success": True, "sessions": listed, "total": len(listed)}
        if b"/health" in request.target:
            counts: dict[str, object] = {"total": len(listed), "connected": len(listed), "disconnected": 0}
            if b"/health/detailed" in request.target:
                counts |= {"connection_rate": 100, "details": listed}
            uptime = time.monotonic() - self._started_at
            return {"status": "healthy", "uptime": uptime, "sessions": counts}
        return {"success": True}

    def _held(self) -> list[Session]:
        return [replace(session, status=SessionStatus.CONNECTED) for session in self._sessions()]


def _readable(one: socket.socket, *, until: socket.socket) -> Iterator[None]:
    """Wait, again and again, for something to read; end when there is something on `until`."""
    with selectors.DefaultSelector() as selector:
        selector.register(one, selectors.EVENT_READ)
        selector.register(until, selectors.EVENT_READ)
        while not any(key.fileobj is until for key, _ in selector.select()):
            yield


def _arriving(connection: socket.socket, *, until: socket.socket) -> Iterator[bytes]:
    """Yield what arrives, chunk by chunk, to its end; after a stop only what is already on its way.

    Raises:
        OSError: the other side broke off, or was silent after a stop.
    """
    for _ in _readable(connection, until=until):
        if not (data := connection.recv(65536)):
            return
        yield data
    connection.settimeout(_QUIET_SECONDS)
    deadline = time.monotonic() + _DRAIN_SECONDS
    while time.monotonic() < deadline and (data := connection.recv(65536)):
        yield data

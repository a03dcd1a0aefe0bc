"""Serves one instance's WSGI application over HTTP/1.1 and carries out wire faults: the only owner of sockets.

One thread a connection, so that any number of hung requests starves nobody; one `sendall` an answer; a registry
of live connections, so that stopping really stops. The protocol itself is read by httptools.
"""

from __future__ import annotations

import contextlib
import math
import selectors
import socket
import threading
import time
from dataclasses import dataclass
from errno import EADDRINUSE
from typing import TYPE_CHECKING, Any, Protocol

import psutil

from fake_instances.errors import PortInUseError
from fake_instances.faults import ArmedFault, Delay, Hang
from fake_instances.http1 import Reader, Request, environ_of, html_error, render

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

EXCHANGE = "fake_instances.exchange"
"""The key of the WSGI environment under which the application finds its Exchange."""


@dataclass(slots=True)
class Exchange:
    """One request and what becomes of it: the application says which fault it met, the server how it ended."""

    number: int
    armed: ArmedFault | None = None


class Watcher(Protocol):
    """Who is told how each request ends. Called from the connection's own thread."""

    def answering(self, exchange: Exchange, status: int) -> None:
        """Take note that the answer is ready and about to go out."""

    def completed(self, exchange: Exchange, status: int | None, ending: str, sent: int) -> None:
        """Take note that the server is done with a request (see `fake_instances.journal.RequestCompleted`)."""

    def executed(self, exchange: Exchange, armed: ArmedFault) -> None:
        """Take note that the wire fault which the request met is being carried out."""


class _Connection:
    """One live connection. `drop` may be called from any thread; everything else from its own."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._reader = Reader()
        self._dropped = False
        self.hung_on: int | None = None

    def next_request(self) -> Request | None:
        """Read on until a whole request is there; None when the caller closed, or sent what is not HTTP."""
        while not self._reader.complete:
            if self._reader.broken:
                self.send(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
                return None
            if self._reader.expects_continue:
                self._reader.expects_continue = False
                self.send(b"HTTP/1.1 100 Continue\r\n\r\n")
            try:
                if not self._receive():
                    return None
            except OSError:
                return None
        return self._reader.complete.popleft()

    def send(self, data: bytes) -> bool:
        try:
            self._socket.sendall(data)
        except OSError:
            return False
        return True

    def wait_until_closed(self, timeout: float = math.inf) -> bool:
        """Wait, answering nothing, until the caller closes or the connection is dropped; False when time is up."""
        deadline = time.monotonic() + timeout
        try:
            while (left := deadline - time.monotonic()) > 0:
                self._socket.settimeout(None if left == math.inf else left)
                if not self._receive():
                    return True
        except TimeoutError:
            pass
        except OSError:
            return True
        self._socket.settimeout(None)
        return False

    def _receive(self) -> bool:
        data = self._socket.recv(65536)
        self._reader.feed(data)
        return bool(data)

    @property
    def ending(self) -> str:
        """How an unanswered request ended: by our doing, or because the caller left."""
        return "closed" if self._dropped else "caller left"

    def drop(self) -> None:
        """End the connection from outside; whatever waits on it wakes."""
        self._dropped = True
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


class InstanceServer:
    """Listens on one address and serves one application until told to stop. May be started again."""

    def __init__(self, application: WSGIApplication, watcher: Watcher, host: str, port: int) -> None:
        self.host = host
        self.port = port
        self._application = application
        self._watcher = watcher
        self._lock = threading.Lock()
        self._live: dict[_Connection, threading.Thread] = {}
        self._exchanges = 0
        self._released: set[int] = set()
        self._listener: socket.socket | None = None
        self._reserved: socket.socket | None = None
        self._acceptor: threading.Thread | None = None
        self._waker: socket.socket | None = None

    def listen(self) -> None:
        """Start accepting connections. With port 0 the system chooses one, which then stays.

        Raises:
            PortInUseError: another process has the port.
        """
        if self._listener is not None:
            return
        listener, self._reserved = self._reserved or self._bind(), None
        try:
            listener.listen(512)
        except OSError as problem:
            listener.close()
            raise self._explained(problem) from None
        self.port = listener.getsockname()[1]
        wake_here, self._waker = socket.socketpair()
        self._listener = listener
        self._acceptor = threading.Thread(
            target=self._accept,
            args=(listener, wake_here),
            name=f"instance {self.port} listener",
            daemon=True,
        )
        self._acceptor.start()

    def refuse(self) -> None:
        """Close the listener and drop every connection: from here on the system refuses new ones.

        The port stays reserved, by a socket that does not listen, so that nobody takes it meanwhile.
        """
        self._close()
        if self._reserved is None:
            self._reserved = self._bind()

    def stop(self) -> None:
        """Close the listener, drop every connection and give the port back."""
        self._close()
        reserved, self._reserved = self._reserved, None
        if reserved is not None:
            reserved.close()

    def _bind(self) -> socket.socket:
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        bound = socket.socket(family, socket.SOCK_STREAM)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            bound.bind((self.host, self.port))
        except OSError as problem:
            bound.close()
            raise self._explained(problem) from None
        return bound

    def _explained(self, problem: OSError) -> Exception:
        if problem.errno == EADDRINUSE:
            return PortInUseError(self.host, self.port, process_on(self.host, self.port))
        return problem

    def _close(self) -> None:
        listener, acceptor, waker = self._listener, self._acceptor, self._waker
        self._listener = self._acceptor = self._waker = None
        if listener is not None and acceptor is not None and waker is not None:
            waker.close()
            acceptor.join()
        with self._lock:
            live = dict(self._live)
        for connection in live:
            connection.drop()
        for thread in live.values():
            if thread is not threading.current_thread():
                thread.join()

    def release_hung(self, fault: int) -> None:
        """Drop the connections that hang because of this armed fault."""
        with self._lock:
            self._released.add(fault)
            hung = [connection for connection in self._live if connection.hung_on == fault]
        for connection in hung:
            connection.drop()

    def _accept(self, listener: socket.socket, wake: socket.socket) -> None:
        with listener, wake, selectors.DefaultSelector() as selector:
            selector.register(listener, selectors.EVENT_READ)
            selector.register(wake, selectors.EVENT_READ)
            while True:
                if any(key.fileobj is wake for key, _ in selector.select()):
                    return
                with contextlib.suppress(OSError):
                    accepted, _ = listener.accept()
                    self._start(accepted)

    def _start(self, accepted: socket.socket) -> None:
        accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = _Connection(accepted)
        thread = threading.Thread(
            target=self._serve, args=(connection,), name=f"instance {self.port} connection", daemon=True
        )
        with self._lock:
            self._live[connection] = thread
        thread.start()

    def _serve(self, connection: _Connection) -> None:
        try:
            while (request := connection.next_request()) is not None:
                if not self._answer(connection, request):
                    return
        finally:
            connection.close()
            with self._lock:
                del self._live[connection]

    def _answer(self, connection: _Connection, request: Request) -> bool:
        """Carry out one request and say whether the connection goes on."""
        with self._lock:
            self._exchanges += 1
            exchange = Exchange(self._exchanges)
        if request.oversized:
            connection.send(
                render("413 Payload Too Large", *html_error("PayloadTooLargeError"), keep_alive=False)
            )
            return False
        status, headers, body = self._call(request, exchange)
        armed = exchange.armed
        if armed is not None and isinstance(armed.fault, Hang):
            return self._hang(connection, exchange, armed)
        if request.method == "HEAD":
            body = b""
        data = render(status, headers, body, keep_alive=request.keep_alive)
        if armed is not None and isinstance(armed.fault, Delay):
            self._watcher.executed(exchange, armed)
            if connection.wait_until_closed(armed.fault.seconds):
                self._watcher.completed(exchange, None, connection.ending, 0)
                return False
        self._watcher.answering(exchange, int(status[:3]))
        went_out = connection.send(data)
        ending = "answered" if went_out else connection.ending
        self._watcher.completed(exchange, int(status[:3]), ending, len(data) if went_out else 0)
        return went_out and request.keep_alive

    def _hang(self, connection: _Connection, exchange: Exchange, armed: ArmedFault) -> bool:
        self._watcher.executed(exchange, armed)
        with self._lock:
            connection.hung_on = armed.number
            if armed.number in self._released:  # while the request was on its way here
                connection.drop()
        connection.wait_until_closed()
        self._watcher.completed(exchange, None, connection.ending, 0)
        return False

    def _call(self, request: Request, exchange: Exchange) -> tuple[str, list[tuple[str, str]], bytes]:
        answer: list[tuple[str, list[tuple[str, str]]]] = []

        def start_response(status: str, headers: list[tuple[str, str]], _problem: object = None, /) -> Any:
            answer[:] = [(status, headers)]

        environ = environ_of(request, self.host, self.port)
        environ[EXCHANGE] = exchange
        chunks = self._application(environ, start_response)
        try:
            body = b"".join(chunks)
        finally:
            if hasattr(chunks, "close"):
                chunks.close()
        status, headers = answer[0]
        return status, headers, body


def process_on(host: str, port: int) -> str | None:
    """Name the process that listens on an address, as "name (pid n)", or None where the system does not tell."""
    try:
        for connection in psutil.net_connections("tcp"):
            if connection.status != psutil.CONN_LISTEN or not connection.pid or not connection.laddr:
                continue
            ip, listened = connection.laddr
            if listened == port and ip in {host, "0.0.0.0", "::"}:  # noqa: S104 - read, not bound
                return f"{psutil.Process(connection.pid).name()} (pid {connection.pid})"
    except psutil.Error:
        return None
    return None

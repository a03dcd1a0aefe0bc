"""Serves one instance's WSGI application over HTTP/1.1 and carries out wire faults: the only owner of sockets.

One thread answers requests that only read and meet no fault, which is quickest. A connection that may meet a fault,
or that asks for a change, gets its own thread permanently, so that hung requests starve nobody. A registry of live
connections makes stopping complete.
"""

from __future__ import annotations

import contextlib
import math
import selectors
import socket
import threading
import time
from errno import EADDRINUSE
from functools import partial
from typing import TYPE_CHECKING, Any

import psutil

from fake_instances.addresses import LOCALHOST, LOOPBACK
from fake_instances.errors import PortInUseError
from fake_instances.faults import CloseIdle, Delay, KeepIdle, Truncate
from fake_instances.http.binding import bound
from fake_instances.http.connection import Connection
from fake_instances.http.protocol import EXCHANGE, Exchange, Request, environ_of, html_error, render
from fake_instances.http.wire_faults import Answer, misbehave

if TYPE_CHECKING:
    from collections.abc import Callable

    from _typeshed.wsgi import WSGIApplication

    from fake_instances.faults import WireFault
    from fake_instances.faults.book import Met
    from fake_instances.http.protocol import Headers
    from fake_instances.instance import Instance


class InstanceServer:
    """Listens on one address and serves one application until it is stopped. May be started again.

    `first` is the number of the first request.
    """

    def __init__(
        self, application: WSGIApplication, instance: Instance, host: str, port: int, *, first: int = 1
    ) -> None:
        self.host = host
        self.port = port
        self._application = application
        self._instance = instance
        self._lock = threading.Lock()
        self._live: dict[Connection, threading.Thread] = {}
        self._exchanges = first - 1
        self._released: set[int] = set()
        self._listeners: list[socket.socket] = []
        self._reserved: list[socket.socket] = []
        self._attendant: threading.Thread | None = None
        self._waker: socket.socket | None = None
        self._running = threading.Event()
        self._running.set()

    def listen(self) -> int:
        """Start accepting connections, and return the port. With port 0 the system chooses one, which then stays.

        Raises:
            PortInUseError: another process has the port.
        """
        if not self._listeners:
            listeners, self._reserved = self._reserved or self._bind(), []
            try:
                for listener in listeners:
                    listener.listen(512)
            except OSError as problem:
                for listener in listeners:
                    listener.close()
                raise self._explained(problem) from None
            self.port = listeners[0].getsockname()[1]
            wake_here, self._waker = socket.socketpair()
            self._listeners = listeners
            self._attendant = self._thread("listener", self._attend, listeners, wake_here)
            self._attendant.start()
        return self.port

    def _thread(self, role: str, work: Callable[..., None], *args: object) -> threading.Thread:
        return threading.Thread(target=work, args=args, name=f"instance {self.port} {role}", daemon=True)

    def refuse(self) -> None:
        """Close the listener and drop every connection: from here on the system refuses new ones.

        A socket that does not listen reserves the port, so that nobody takes it meanwhile.
        """
        self._close()
        self._reserve()

    def retire(self) -> None:
        """Do the same, except that connections go on whose request is being carried out."""
        self._close(finish=True)
        self._reserve()

    def stop(self) -> None:
        """Close the listener, drop every connection and free the port."""
        self._close()
        self._running.set()
        reserved, self._reserved = self._reserved, []
        for one in reserved:
            one.close()

    def kill(self) -> None:
        """End at once: for threads the same as `stop`, since the system closes what a killed process had open."""
        self.stop()

    def pause(self) -> None:
        """Stand still: the system takes connections and bytes in, and nobody reads or answers them."""
        self._running.clear()

    def resume(self) -> None:
        """Go on after `pause`."""
        self._running.set()

    def release(self, fault: int) -> None:
        """Drop the connections that this armed fault holds up, or is about to."""
        with self._lock:
            self._released.add(fault)
            held = [connection for connection in self._live if connection.held_by == fault]
        for connection in held:
            connection.drop()

    # Listening

    def _reserve(self) -> None:
        if not self._reserved:
            self._reserved = self._bind()

    def _bind(self) -> list[socket.socket]:
        try:
            return bound(self.host, self.port)
        except OSError as problem:
            raise self._explained(problem) from None

    def _explained(self, problem: OSError) -> Exception:
        if problem.errno == EADDRINUSE:
            return PortInUseError(self.host, self.port, process_on(self.host, self.port))
        return problem

    def _close(self, *, finish: bool = False) -> None:
        listeners, attendant, waker = self._listeners, self._attendant, self._waker
        self._listeners, self._attendant, self._waker = [], None, None
        if waker is not None:
            waker.close()
        if not finish:
            self._drop_all()
        self._running.set()  # not before: what waits while it stands still is not answered
        if attendant is not None and attendant is not threading.current_thread():
            attendant.join()
        for listener in listeners:
            listener.close()
        for thread in () if finish else self._drop_all():
            if thread is not threading.current_thread():
                thread.join()

    def _drop_all(self) -> list[threading.Thread]:
        with self._lock:
            live = dict(self._live)
        for connection in live:
            connection.drop()
        return list(live.values())

    # One thread for requests that only read and meet no fault

    def _attend(self, listeners: list[socket.socket], wake: socket.socket) -> None:
        with wake, selectors.DefaultSelector() as selector:
            for listener in (*listeners, wake):
                selector.register(listener, selectors.EVENT_READ)
            idle: dict[Connection, float] = {}  # the one that is closed first, first
            while True:
                left = max(0.0, next(iter(idle.values())) - time.monotonic()) if idle else None
                ready = [key.fileobj for key, _ in selector.select(left)]
                if wake in ready:
                    break
                self._running.wait()
                for one in ready:
                    if isinstance(one, Connection):
                        idle.pop(one, None)
                        if self._advance(one, selector) and one.idle_until < math.inf:
                            idle[one] = one.idle_until
                    elif isinstance(one, socket.socket):
                        self._accept(one, selector)
                self._close_idle(idle, selector)
            for key in list(selector.get_map().values()):
                if isinstance(key.fileobj, Connection):
                    self._forget(key.fileobj)

    def _close_idle(self, idle: dict[Connection, float], selector: selectors.BaseSelector) -> None:
        now = time.monotonic()
        while idle and next(iter(idle.values())) <= now:
            connection = next(iter(idle))
            del idle[connection]
            selector.unregister(connection)
            self._forget(connection)

    def _accept(self, listener: socket.socket, selector: selectors.BaseSelector) -> None:
        with contextlib.suppress(OSError):
            accepted, _ = listener.accept()
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = Connection(accepted, self._running.wait)
            if self._instance.calm():
                with self._lock:
                    self._live[connection] = threading.current_thread()
                selector.register(connection, selectors.EVENT_READ)
            else:
                self._start(connection, partial(self._admit, connection))

    def _advance(self, connection: Connection, selector: selectors.BaseSelector) -> bool:
        """Read what has come and answer it, as long as nothing has to wait; return whether it is attended further."""
        going_on = connection.receive_at_once()
        while going_on and connection.has_reading_request and self._instance.calm():
            outcome = self._answer_at_once(connection)
            if not isinstance(outcome, bool):
                selector.unregister(connection)
                self._start(connection, outcome)
                return False
            going_on = outcome
        if going_on and not connection.has_request and not connection.wants_answer:
            return True
        selector.unregister(connection)
        if going_on:
            self._start(connection)
        else:
            self._forget(connection)
        return False

    def _answer_at_once(self, connection: Connection) -> bool | Callable[[], bool]:
        """Carry out one request; say whether the connection goes on, or return what is left to do if that waits."""
        request = connection.take_request()
        exchange = self._number()
        if request.oversized:
            return partial(self._turn_away, connection)
        answer = self._call(request, exchange)
        if exchange.delay is not None or exchange.wire is not None:  # armed a moment ago
            return partial(self._carry_out, connection, request, exchange, answer)
        self._instance.answering(exchange.number, answer.code)
        data = answer.render()
        taken = connection.send_at_once(data)
        finish = partial(self._finish, connection, exchange, answer, data)
        return finish(taken) if taken in {None, len(data)} else partial(finish, taken)

    # A thread for each connection that may have to wait

    def _start(self, connection: Connection, first: Callable[[], bool] | None = None) -> None:
        thread = self._thread("connection", self._serve, connection, first)
        with self._lock:
            self._live[connection] = thread
        thread.start()

    def _serve(self, connection: Connection, first: Callable[[], bool] | None) -> None:
        try:
            self._running.wait()
            if first is not None and not first():
                return
            while (request := connection.next_request()) is not None:
                if not self._answer(connection, request):
                    return
        finally:
            self._forget(connection)

    def _forget(self, connection: Connection) -> None:
        connection.close()
        with self._lock:
            del self._live[connection]

    def _admit(self, connection: Connection) -> bool:
        if (met := self._instance.accepted()) is None:
            return True
        self._instance.executed(None, met)
        connection.reset()
        return False

    def _answer(self, connection: Connection, request: Request) -> bool:
        """Carry out one request and say whether the connection goes on."""
        exchange = self._number()
        if request.oversized:
            return self._turn_away(connection)
        return self._carry_out(connection, request, exchange, self._call(request, exchange))

    def _number(self) -> Exchange:
        with self._lock:
            self._exchanges += 1
            return Exchange(self._exchanges)

    def _turn_away(self, connection: Connection) -> bool:
        connection.send(
            render("413 Payload Too Large", *html_error("PayloadTooLargeError"), keep_alive=False)
        )
        return False

    def _carry_out(
        self, connection: Connection, request: Request, exchange: Exchange, answer: Answer
    ) -> bool:
        if exchange.delay is not None and not self._delay(connection, exchange, exchange.delay):
            return False
        if exchange.wire is not None:
            met, fault = exchange.wire
            if not (isinstance(fault, Truncate) and _bodiless(request, answer)):
                return self._misbehave(connection, exchange, met, fault, answer)
        self._instance.answering(exchange.number, answer.code)
        return self._finish(connection, exchange, answer, answer.render(), 0)

    def _finish(
        self, connection: Connection, exchange: Exchange, answer: Answer, data: bytes, taken: int | None
    ) -> bool:
        """Send the rest of an answer of which `taken` bytes went out, or None when the caller was gone."""
        went_out = taken is not None and (taken == len(data) or connection.send(data[taken:]))
        ending = "answered" if went_out else connection.ending
        self._instance.completed(exchange.number, answer.code, ending, len(data) if went_out else 0)
        if went_out and answer.keep_alive:
            connection.rest()
            return True
        return False

    def _delay(self, connection: Connection, exchange: Exchange, met: Met) -> bool:
        assert isinstance(met.fault, Delay)  # noqa: S101 - the application hands over nothing else
        self._instance.executed(exchange.number, met)
        if connection.wait_until_closed(met.fault.seconds):
            self._instance.completed(exchange.number, None, connection.ending, 0)
            return False
        return True

    def _misbehave(
        self, connection: Connection, exchange: Exchange, met: Met, fault: WireFault, answer: Answer
    ) -> bool:
        if answer.keep_alive or not isinstance(
            fault, CloseIdle | KeepIdle
        ):  # which end nothing that ends anyway
            self._instance.executed(exchange.number, met, fault)
        with self._lock:
            connection.held_by = met.number
            if met.number in self._released:  # while the request was on its way here
                connection.drop()
        status: int | None = None

        def begin() -> None:
            nonlocal status
            status = answer.code
            self._instance.answering(exchange.number, answer.code)

        sent, whole = misbehave(connection, fault, answer, begin)
        with self._lock:
            connection.held_by = None
        ending = "answered" if whole else connection.ending
        self._instance.completed(exchange.number, status, ending, sent)
        if whole and answer.keep_alive and not isinstance(fault, CloseIdle):
            connection.rest()
            return True
        return False

    def _call(self, request: Request, exchange: Exchange) -> Answer:
        given: list[tuple[str, Headers]] = []

        def start_response(status: str, headers: Headers, _problem: object = None, /) -> Any:
            given[:] = [(status, headers)]

        environ = environ_of(request, self.host, self.port)
        environ[EXCHANGE] = exchange
        chunks = self._application(environ, start_response)
        try:
            body = b"".join(chunks)
        finally:
            if hasattr(chunks, "close"):
                chunks.close()
        status, headers = given[0]
        return Answer(status, headers, b"" if request.method == "HEAD" else body, request.keep_alive)


def _bodiless(request: Request, answer: Answer) -> bool:
    return request.method == "HEAD" or answer.code in {204, 304}


def process_on(host: str, port: int) -> str | None:
    """Name the process that listens on an address, as "name (pid n)", or None when the system does not say."""
    addresses = LOOPBACK if host == LOCALHOST else (host,)
    try:
        for connection in psutil.net_connections("tcp"):
            if connection.status != psutil.CONN_LISTEN or not connection.pid or not connection.laddr:
                continue
            ip, listened = connection.laddr
            if listened == port and ip in {*addresses, "0.0.0.0", "::"}:  # noqa: S104 - read, not bound
                return f"{psutil.Process(connection.pid).name()} (pid {connection.pid})"
    except psutil.Error:
        return None
    return None

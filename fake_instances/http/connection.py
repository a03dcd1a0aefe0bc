"""One connection of an instance: it reads requests, sends, stays silent, and ends in order or by a reset."""

from __future__ import annotations

import contextlib
import fcntl
import math
import socket
import struct
import termios
import threading
import time
from typing import TYPE_CHECKING

from fake_instances.http.protocol import KEEP_ALIVE_SECONDS, Reader, Request

if TYPE_CHECKING:
    from collections.abc import Callable

_FLUSH_SECONDS = 5.0
_FLUSH_CHECK_SECONDS = 0.001
_LINGER_ZERO = struct.pack("ii", 1, 0)
_READING = frozenset({"GET", "HEAD"})


class Connection:
    """One live connection. `drop` may be called from any thread; everything else from its own.

    `held_by` is the number of the armed fault that keeps it from going on, if one does. `ready` is called, and may
    wait, before anything is read or sent. `idle_until` is when it is closed unless something comes before, on the
    monotonic clock; one that `stays` has no such end.
    """

    def __init__(self, connection: socket.socket, ready: Callable[[], object]) -> None:
        self._socket = connection
        self._reader = Reader()
        self._ready = ready
        self._dropped = False
        self._closing = threading.Lock()
        self._closed = False
        self.held_by: int | None = None
        self.idle_until = math.inf
        self.stays = False

    def next_request(self) -> Request | None:
        """Read on until a whole request is there; None when the caller closed, or sent what is not HTTP.

        None as well when nothing came for too long after an answer.
        """
        while not self._reader.complete:
            if self._reader.broken:
                self.send(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
                return None
            if self._reader.expects_continue:
                self._reader.expects_continue = False
                self.send(b"HTTP/1.1 100 Continue\r\n\r\n")
            try:
                if not self._receive_in_time():
                    return None
            except OSError:
                return None
        return self.take_request()

    def rest(self) -> None:
        """Begin to wait for the next request, after an answer."""
        self.idle_until = math.inf if self.stays else time.monotonic() + KEEP_ALIVE_SECONDS

    @property
    def has_request(self) -> bool:
        """Whether a whole request is there."""
        return bool(self._reader.complete)

    @property
    def has_reading_request(self) -> bool:
        """Whether a whole request is there and the oldest one only reads, so that its answer never waits."""
        return self.has_request and self._reader.complete[0].method in _READING

    @property
    def wants_answer(self) -> bool:
        """Whether what was read so far has to be answered before there is a whole request."""
        return self._reader.broken or self._reader.expects_continue

    def take_request(self) -> Request:
        """Take the oldest whole request that is there."""
        return self._reader.complete.popleft()

    def fileno(self) -> int:
        """Return its descriptor, for a selector."""
        return self._socket.fileno()

    def receive_at_once(self) -> bool:
        """Read what has come, without waiting; False when the caller closed, or the connection was dropped."""
        try:
            return self._receive(socket.MSG_DONTWAIT)
        except BlockingIOError:
            return True
        except OSError:
            return False

    def send_at_once(self, data: bytes) -> int | None:
        """Send what the system takes without waiting; return how many bytes, or None when the caller is gone."""
        self._ready()
        try:
            return self._socket.send(data, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return 0
        except OSError:
            return None

    def send(self, data: bytes) -> bool:
        """Send it all; False when the caller is gone, or the connection was dropped."""
        self._ready()
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

    @property
    def ending(self) -> str:
        """How an unanswered request ended: closed by the instance, or because the caller left."""
        return "closed" if self._dropped else "caller left"

    def drop(self) -> None:
        """End the connection from outside, and wake what waits on it."""
        self._dropped = True
        with self._closing, contextlib.suppress(OSError):
            if not self._closed:
                self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """End the connection in order (FIN), after everything that was sent before."""
        self._drain()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._end()

    def end(self) -> None:
        """End the connection in order, by decision of the instance."""
        self._dropped = True
        self.close()

    def reset(self) -> None:
        """End the connection by a reset (RST), after the caller's side has taken what was sent before.

        A lingering time of zero makes the system send it when the descriptor is closed; nothing else refers to it.
        """
        self._dropped = True
        self._flush()
        with contextlib.suppress(OSError):
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)
        self._end()

    def _end(self) -> None:
        with self._closing:
            self._closed = True
            self._socket.close()

    def _receive_in_time(self) -> bool:
        if self.idle_until == math.inf:
            return self._receive()
        self._socket.settimeout(max(0.001, self.idle_until - time.monotonic()))
        try:
            return self._receive()
        except TimeoutError:
            self._ready()  # what stands still closes nothing
            return False
        finally:
            self._socket.settimeout(None)

    def _receive(self, flags: int = 0) -> bool:
        data = self._socket.recv(65536, flags)
        self.idle_until = math.inf
        self._ready()
        if self._dropped:  # while it stood still
            return False
        self._reader.feed(data)
        return bool(data)

    def _drain(self) -> None:
        # The system resets a connection that is closed while unread bytes wait.
        with contextlib.suppress(OSError):
            self._socket.setblocking(False)
            while self._socket.recv(65536):
                pass

    def _flush(self) -> None:
        # A reset discards what the system has not yet handed over.
        deadline = time.monotonic() + _FLUSH_SECONDS
        with contextlib.suppress(OSError):
            while self._unsent() and time.monotonic() < deadline:
                if self.wait_until_closed(_FLUSH_CHECK_SECONDS):
                    return

    def _unsent(self) -> int:
        answer = fcntl.ioctl(self._socket.fileno(), termios.TIOCOUTQ, b"\0" * 4)
        return int(struct.unpack("i", answer)[0])

"""Two processes that call each other's methods over one connection."""

from __future__ import annotations

import contextlib
import itertools
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection

_CALLS_AT_ONCE = 64


class PeerGoneError(ConnectionError):
    """The other process has ended, so it cannot be asked any more."""


class Peer:
    """The other end of a connection: it calls methods of what is served here, and this end those over there.

    Values are pickled: both ends must be this program. `on_gone` is called once, when the other end has closed.
    """

    def __init__(self, connection: Connection, on_gone: Callable[[], object] = lambda: None) -> None:
        self._connection = connection
        self._target: Future[object] = Future()
        self._on_gone = on_gone
        self._sending = threading.Lock()
        self._numbers = itertools.count()
        self._waiting: dict[int, Future[Any]] = {}
        self._gone = False
        self._calling = threading.local()
        self._callers = ThreadPoolExecutor(_CALLS_AT_ONCE, "peer", self._mark)
        self._reader = threading.Thread(target=self._read, name="peer reader", daemon=True)
        self._reader.start()

    def serve(self, target: object) -> None:
        """Carry out calls from the other end by this target; those that came before wait until now."""
        self._target.set_result(target)

    def call(self, method: str, *args: object, timeout: float | None = None) -> Any:
        """Call a method of the other end's target and return what it returns, or raise what it raises.

        Raises:
            PeerGoneError: the other process ended before it answered.
            TimeoutError: it did not answer within `timeout` seconds.
        """
        answer: Future[Any] = Future()
        number = next(self._numbers)
        self._waiting[number] = answer
        if self._gone or not self._send((number, method, args)):
            self._waiting.pop(number, None)
            raise PeerGoneError(f"{method} was not called: the other process has ended")
        return answer.result(timeout)

    def tell(self, method: str, *args: object) -> None:
        """Call a method at the other end without waiting for it."""
        self._send((None, method, args))

    def close(self) -> None:
        """Close this end and wait until none of its threads runs."""
        with contextlib.suppress(OSError):
            self._connection.close()
        if threading.current_thread() is not self._reader:
            self._reader.join()
        if not getattr(self._calling, "here", False):  # a call from there cannot wait for its own end
            self._callers.shutdown(wait=True)

    def _mark(self) -> None:
        self._calling.here = True

    def join(self) -> None:
        """Wait until the other end has closed."""
        self._reader.join()

    def _read(self) -> None:
        while True:
            try:
                number, method, args = self._connection.recv()
            except (EOFError, OSError, TypeError):  # TypeError: closed from this end while it was read
                break
            if method is None:
                self._settle(number, args)
            else:
                self._callers.submit(self._carry_out, number, method, args)
        self._gone = True
        for number in tuple(self._waiting):
            self._settle(number, (False, PeerGoneError("the other process ended before it answered")))
        self._callers.shutdown(wait=False)
        self._on_gone()

    def _settle(self, number: int, outcome: tuple[bool, Any]) -> None:
        answer = self._waiting.pop(number, None)
        if answer is None:
            return
        well, value = outcome
        if well:
            answer.set_result(value)
        else:
            answer.set_exception(value)

    def _carry_out(self, number: int | None, method: str, args: tuple[object, ...]) -> None:
        try:
            outcome = True, getattr(self._target.result(), method)(*args)
        except Exception as problem:  # noqa: BLE001 - raised again at the other end
            outcome = False, problem
        if number is not None:
            self._send((number, None, outcome))

    def _send(self, message: tuple[object, ...]) -> bool:
        try:
            with self._sending:
                self._connection.send(message)
        except OSError:
            return False
        return True

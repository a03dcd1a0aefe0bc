"""Sends webhooks: late, several times or again after a failure, as ordered.

Each goes out from its own thread. For every try the journal has first what goes out and then what came back.
"""

from __future__ import annotations

import contextlib
import http.client
import itertools
import math
import socket
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import urlsplit

from fake_instances.errors import FleetError
from fake_instances.journal import Journal, WebhookAnswered, WebhookSent
from fake_instances.webhooks.message import PATH, Webhook, on_wire
from fake_instances.webhooks.retries import NEVER, Failure, Outcome, RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Callable

ANSWER_TIMEOUT = 10.0
"""Seconds the deployed notifier waits for the control plane's whole answer."""
_TOGETHER_SECONDS = 2.0
LONGEST_KEPT = 64 * 1024
"""Bytes of an answer that are kept in the journal."""
LONGEST_READ = 4 * 1024 * 1024
"""Bytes of an answer that are read; one with more counts as none."""
_PART = LONGEST_KEPT


@dataclass(eq=False)
class Delivery:
    """A webhook on its way, or kept back, and how it is sent."""

    webhook: Webhook
    delay: float = 0.0
    """Seconds after which it goes out."""
    delayed_by: int | None = None
    """The number of the fault that makes it late."""
    copies: int = 1
    """How many times it goes out, each when the one before has ended."""
    at_once: bool = False
    """Whether the copies go out at the same moment instead, each over a connection of its own."""
    policy: RetryPolicy = NEVER
    """When it is tried again."""
    again: Callable[[Delivery], Webhook] | None = None
    """Makes the webhook for another try; without it there is none, even if the policy has one."""
    going_out: Callable[[], object] = lambda: None
    """Called each time a connection is made, before the webhook's bytes go over it."""
    numbers: tuple[int, ...] = ()
    """One for each copy."""
    cut: threading.Event = field(default_factory=threading.Event)
    """Set when nothing of it is sent any more, beyond the try that is on its way."""
    end: Future[WebhookAnswered] = field(default_factory=Future)
    """What the control plane answered in the end, or why it was never sent."""

    @property
    def number(self) -> int:
        """The number of its first copy."""
        return self.numbers[0]

    def wait(self, timeout: float | None = None) -> WebhookAnswered:
        """Wait until the last try of the last copy was answered or given up, and return that entry.

        `timeout` is in seconds; without it, as long as the webhook can take.

        Raises:
            TimeoutError: neither happened in time.
            FleetError: the webhook was dropped before it went out.
        """
        tries, waited = (1, 0.0) if self.again is None else self.policy.longest
        longest = self.delay + self.copies * (tries * ANSWER_TIMEOUT + waited)
        patience = longest + 5 if timeout is None else timeout
        try:
            return self.end.result(patience)
        except TimeoutError:
            raise TimeoutError(
                f"webhook {self.webhook.event} was neither answered nor given up in {patience:g} s"
            ) from None

    def rest(self, seconds: float) -> bool:
        """Wait before more of it is sent; False, at once, when nothing more is to be sent."""
        return not self.cut.wait(seconds)


Translate: TypeAlias = "Callable[[Webhook, str], tuple[Webhook, str]]"


def unchanged(webhook: Webhook, url: str) -> tuple[Webhook, str]:
    """Let a webhook go out as it is, to where it goes."""
    return webhook, url


class Notifier:
    """Sends the webhooks of a fleet, each from its own thread, and records every try and its end.

    `address` returns the base URL or full webhook URL of the control plane as it is now. It is called before a
    webhook that is late, or is tried again.
    """

    def __init__(self, journal: Journal, address: Callable[[], str | None]) -> None:
        self._journal = journal
        self._address = address
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._threads: dict[Delivery, threading.Thread] = {}
        self._late: set[Delivery] = set()
        self._sockets: dict[int, socket.socket] = {}
        self._sent: dict[int, Webhook] = {}
        self.translate: Translate = unchanged
        """Makes of each webhook, and of where it goes, what goes out instead."""

    def prepare(self, delivery: Delivery) -> Delivery:
        """Assign a webhook its numbers, without sending it."""
        with self._lock:
            delivery.numbers = tuple(itertools.islice(self._numbers, delivery.copies))
        return delivery

    def start(self, delivery: Delivery, url: str) -> Delivery:
        """Start sending to a control plane's base URL or full webhook URL, and return at once."""
        thread = threading.Thread(
            target=self._deliver, args=(delivery, url), name=f"webhook {delivery.number}", daemon=True
        )
        with self._lock:
            self._threads[delivery] = thread
            if delivery.delay > 0:
                self._late.add(delivery)
        thread.start()
        return delivery

    def sent(self) -> dict[int, Webhook]:
        """Return every webhook that went out, as it did in its last try, by number."""
        with self._lock:
            return dict(self._sent)

    def forget(self) -> None:
        """Forget which webhooks went out."""
        with self._lock:
            self._sent.clear()

    def lose(self, delivery: Delivery, reason: str) -> None:
        """Record that a webhook which did not go out yet never will."""
        self._journal.record(delivery.webhook.lost(reason, delivery.number))
        delivery.end.set_exception(FleetError(f"webhook {delivery.webhook.event} was never sent: {reason}"))

    def lose_late(self, reason: str, which: Callable[[Delivery], bool] = lambda _: True) -> None:
        """Drop the webhooks that are to go out later; all of them, or those that `which` chooses."""
        with self._lock:
            chosen = [delivery for delivery in self._late if which(delivery)]
            self._late.difference_update(chosen)
        for delivery in sorted(chosen, key=lambda one: one.number):
            delivery.cut.set()
            self.lose(delivery, reason)

    def cut(self, reason: str) -> None:
        """Send nothing more: drop what is late, and try nothing again."""
        self.lose_late(reason)
        with self._lock:
            under_way = tuple(self._threads)
        for delivery in under_way:
            delivery.cut.set()

    def join(self, timeout: float) -> bool:
        """Wait until nothing is on its way any more; False when something still is after `timeout` seconds."""
        deadline = time.monotonic() + timeout
        with self._lock:
            threads = tuple(self._threads.values())
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in threads)

    def stop(self, patience: float) -> None:
        """Send nothing more; let each try on its way end within `patience` seconds, then give it up."""
        self.cut("stopped")
        if self.join(patience):
            return
        with self._lock:
            waiting = tuple(self._sockets.values())
        for waited_on in waiting:
            with contextlib.suppress(OSError):
                waited_on.shutdown(socket.SHUT_RDWR)
        self.join(patience)

    def _deliver(self, delivery: Delivery, url: str) -> None:
        try:
            if delivery.delay > 0:
                delivery.rest(delivery.delay)
                with self._lock:
                    if delivery not in self._late:
                        return
                    self._late.discard(delivery)
                url = self._address() or url
            if delivery.at_once:
                delivery.end.set_result(self._send_together(delivery, url))
                return
            answered = self._send(delivery, delivery.number, url)
            for number in delivery.numbers[1:]:
                if delivery.cut.is_set():
                    break
                answered = self._send(delivery, number, url)
            delivery.end.set_result(answered)
        finally:
            with self._lock:
                self._threads.pop(delivery, None)

    def _send_together(self, delivery: Delivery, url: str) -> WebhookAnswered:
        """Send every copy at the same moment: each waits, connected, until all are."""
        gate = threading.Barrier(len(delivery.numbers))
        with ThreadPoolExecutor(len(delivery.numbers)) as senders:
            return list(
                senders.map(lambda number: self._send(delivery, number, url, gate), delivery.numbers)
            )[-1]

    def _send(
        self, delivery: Delivery, number: int, url: str, gate: threading.Barrier | None = None
    ) -> WebhookAnswered:
        webhook, again = delivery.webhook, delivery.again
        attempt = 1
        while True:
            outcome, answered = self._try(delivery, webhook, url, number, attempt, gate)
            if gate is not None:
                gate.abort()  # so that nobody waits for one that could not connect
            wait = delivery.policy.wait(attempt, outcome)
            if wait is None or again is None or not delivery.rest(wait):
                return answered
            webhook = again(delivery)
            if delivery.cut.is_set():
                return answered
            url = self._address() or url
            attempt += 1

    def _try(  # noqa: PLR0913, PLR0917 - what one try is
        self,
        delivery: Delivery,
        webhook: Webhook,
        url: str,
        number: int,
        attempt: int,
        gate: threading.Barrier | None,
    ) -> tuple[Outcome, WebhookAnswered]:
        with self._lock:
            self._sent[number] = webhook
        webhook, url = self.translate(webhook, url)
        self._journal.record(
            WebhookSent(
                instance=webhook.instance,
                webhook=number,
                attempt=attempt,
                event=webhook.event,
                session_id=webhook.session_id,
                headers=webhook.headers,
                body=webhook.body,
            )
        )

        def connected(connection: socket.socket) -> None:
            with self._lock:
                self._sockets[number] = connection
            if gate is not None:
                with contextlib.suppress(threading.BrokenBarrierError):
                    gate.wait(_TOGETHER_SECONDS)
            delivery.going_out()

        outcome, reason, body = _post(webhook, url, connected)
        with self._lock:
            self._sockets.pop(number, None)
        status = None if isinstance(outcome, Failure) else outcome
        return outcome, self._journal.record(
            WebhookAnswered(
                instance=webhook.instance,
                webhook=number,
                attempt=attempt,
                status=status,
                reason=reason,
                body=body,
            )
        )


class _Connection(socket.socket):
    """A connection that cannot be read after a deadline on the monotonic clock, however often something comes."""

    deadline = math.inf

    def recv_into(self, *into: Any) -> int:
        self.settimeout(self.left())
        return super().recv_into(*into)

    def left(self) -> float:
        if (left := self.deadline - time.monotonic()) <= 0:
            raise TimeoutError("timed out")
        return left


def _post(
    webhook: Webhook, url: str, connected: Callable[[socket.socket], None]
) -> tuple[Outcome, str | None, bytes]:
    deadline = time.monotonic() + ANSWER_TIMEOUT
    try:
        parts = urlsplit(url)
        path = PATH if parts.path in {"", "/"} else parts.path
        address = (parts.hostname or "", parts.port or 80)
        opened = socket.create_connection(address, timeout=ANSWER_TIMEOUT)
        with _Connection(opened.family, opened.type, opened.proto, opened.detach()) as connection:
            connection.deadline = deadline
            connected(connection)
            connection.settimeout(connection.left())
            connection.sendall(on_wire(webhook, path, parts.netloc))
            with contextlib.closing(http.client.HTTPResponse(connection, method="POST")) as response:
                response.begin()
                return response.status, None, _beginning(response)
    except (OSError, ValueError, OverflowError, http.client.HTTPException) as problem:
        told = f"{type(problem).__name__}: {problem}" if str(problem) else type(problem).__name__
        return _kind(problem), told, b""


def _beginning(response: http.client.HTTPResponse) -> bytes:
    """Return what is kept of an answer. The rest is read too, for it must come, as far as any sound answer goes."""
    kept, length = b"", 0
    while part := response.read(_PART):
        kept = kept or part[:LONGEST_KEPT]
        length += len(part)
        if length > LONGEST_READ:
            raise ValueError(f"an answer of more than {LONGEST_READ} bytes")
    if response.length:
        raise http.client.IncompleteRead(b"", response.length)
    return kept


def _kind(problem: Exception) -> Failure:
    match problem:
        case ConnectionRefusedError():
            return Failure.REFUSED
        case TimeoutError():
            return Failure.TIMEOUT
        case ConnectionError() | http.client.IncompleteRead():
            return Failure.RESET
        case _:
            return Failure.OTHER

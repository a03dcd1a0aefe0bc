"""Builds, signs and sends the webhooks of an instance (contract, section 5).

Building is pure: a Webhook is a value, and each way of getting one wrong is a method that gives a changed copy.
Sending records first what goes out and then what came back.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import http.client
import json
import socket
import threading
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from fake_instances.journal import Journal, WebhookAnswered, WebhookSent

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PATH = "/api/whatsapp/webhooks/webjs"
ANSWER_TIMEOUT = 10.0
"""Seconds the deployed notifier waits for the control plane's answer."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """One webhook, ready to send: headers in wire order (a name may stand twice) and the exact body bytes."""

    instance: int
    event: str
    session_id: str | None
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    body: bytes = field(repr=False)

    def header(self, name: str) -> str | None:
        """Give the first value of a header, or None."""
        return next((value for have, value in self.headers if have.lower() == name.lower()), None)

    def without(self, *names: str) -> Webhook:
        """Give a copy that lacks these headers."""
        gone = {name.lower() for name in names}
        return replace(self, headers=tuple(pair for pair in self.headers if pair[0].lower() not in gone))

    def with_header(self, name: str, value: str) -> Webhook:
        """Give a copy whose header has this value, in the place it had; not signed anew."""
        if self.header(name) is None:
            return replace(self, headers=(*self.headers, (name, value)))
        changed = tuple((have, value if have.lower() == name.lower() else old) for have, old in self.headers)
        return replace(self, headers=changed)

    def with_second(self, name: str, value: str) -> Webhook:
        """Give a copy that carries a header once more, behind the others; not signed anew."""
        return replace(self, headers=(*self.headers, (name, value)))

    def with_body(self, body: bytes) -> Webhook:
        """Give a copy with another body; not signed anew."""
        return replace(self, body=body)

    def signed(self, secret: str, timestamp: str | None = None) -> Webhook:
        """Give a copy signed over its timestamp, or another one, and its body as they are now."""
        stamp = self.header("X-Timestamp") or "" if timestamp is None else timestamp
        stamped = self.with_header("X-Timestamp", stamp)
        return stamped.with_header("X-HMAC-Signature", sign(secret, stamp, self.body))


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """Give the signature of a webhook: 64 lowercase hex digits over the timestamp's text and the raw body."""
    return hmac.new(secret.encode(), timestamp.encode("latin-1") + body, hashlib.sha256).hexdigest()


def build(  # noqa: PLR0913 - a webhook has this many independent parts
    *,
    instance: int,
    url: str,
    secret: str,
    event: str,
    session_id: str,
    workspace_id: int,
    timestamp: str,
    fields: Mapping[str, object] | None = None,
) -> Webhook:
    """Make the genuine webhook that an instance with this URL sends for an event."""
    data = {"workspace_id": workspace_id, "session_id": session_id, **(fields or {})}
    body = json.dumps({"event": event, "data": data}, ensure_ascii=False, separators=(",", ":")).encode()
    headers = (
        ("Accept", "application/json, text/plain, */*"),
        ("Content-Type", "application/json"),
        ("X-HMAC-Signature", sign(secret, timestamp, body)),
        ("X-Timestamp", timestamp),
        ("X-Instance-Url", url),
        ("User-Agent", "WhatsApp-WebJS-Service/1.0"),
    )
    return Webhook(instance, event, session_id, headers, body)


class Delivery:
    """A webhook on its way. `wait` gives what the control plane answered."""

    def __init__(self, webhook: Webhook) -> None:
        self.webhook = webhook
        self.number = 0
        self._done = threading.Event()
        self._answer: WebhookAnswered | None = None

    def wait(self, timeout: float = ANSWER_TIMEOUT + 5) -> WebhookAnswered:
        """Wait until the webhook was answered or given up, and give that entry.

        Raises:
            TimeoutError: neither happened within `timeout` seconds.
        """
        if not self._done.wait(timeout) or self._answer is None:
            raise TimeoutError(
                f"webhook {self.webhook.event} was neither answered nor given up in {timeout:g} s"
            )
        return self._answer

    def finish(self, answer: WebhookAnswered) -> None:
        """Say how the webhook ended."""
        self._answer = answer
        self._done.set()


class Notifier:
    """Sends the webhooks of a fleet to one control plane, each from a thread of its own."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._lock = threading.Lock()
        self._numbers = 0
        self._threads: set[threading.Thread] = set()
        self._sockets: dict[threading.Thread, socket.socket] = {}

    def send(self, webhook: Webhook, url: str) -> Delivery:
        """Start sending to a control plane's base URL or full webhook URL, and return at once."""
        delivery = Delivery(webhook)
        with self._lock:
            self._numbers += 1
            delivery.number = self._numbers
            thread = threading.Thread(
                target=self._deliver, args=(delivery, url), name=f"webhook {delivery.number}", daemon=True
            )
            self._threads.add(thread)
        thread.start()
        return delivery

    def join(self, timeout: float) -> bool:
        """Wait until nothing is on its way any more; False when something still is after `timeout` seconds."""
        deadline = time.monotonic() + timeout
        with self._lock:
            threads = tuple(self._threads)
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in threads)

    def stop(self, patience: float) -> None:
        """Let what is on its way end within `patience` seconds, then give up waiting for answers."""
        if self.join(patience):
            return
        with self._lock:
            waiting = tuple(self._sockets.values())
        for waited_on in waiting:
            with contextlib.suppress(OSError):
                waited_on.shutdown(socket.SHUT_RDWR)
        self.join(patience)

    def _connected(self, connection: socket.socket) -> None:
        with self._lock:
            self._sockets[threading.current_thread()] = connection

    def _deliver(self, delivery: Delivery, url: str) -> None:
        webhook = delivery.webhook
        self._journal.record(
            WebhookSent(
                instance=webhook.instance,
                webhook=delivery.number,
                event=webhook.event,
                session_id=webhook.session_id,
                headers=webhook.headers,
                body=webhook.body,
            )
        )
        status, reason = _post(webhook, url, self._connected)
        answered = self._journal.record(
            WebhookAnswered(instance=webhook.instance, webhook=delivery.number, status=status, reason=reason)
        )
        with self._lock:
            self._threads.discard(threading.current_thread())
            self._sockets.pop(threading.current_thread(), None)
        delivery.finish(answered)


def _post(
    webhook: Webhook, url: str, connected: Callable[[socket.socket], None]
) -> tuple[int | None, str | None]:
    parts = urlsplit(url)
    path = PATH if parts.path in {"", "/"} else parts.path
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=ANSWER_TIMEOUT)
    try:
        connection.connect()
        connected(connection.sock)
        connection.putrequest("POST", path, skip_host=True, skip_accept_encoding=True)
        for name, value in webhook.headers:
            connection.putheader(name, value.encode("latin-1", "replace"))
        connection.putheader("Connection", "close")
        connection.putheader("Content-Length", str(len(webhook.body)))
        connection.putheader("Accept-Encoding", "gzip, compress, deflate, br")
        connection.putheader("Host", parts.netloc)
        connection.endheaders(webhook.body)
        response = connection.getresponse()
        response.read()
    except (OSError, ValueError, http.client.HTTPException) as problem:
        return None, f"{type(problem).__name__}: {problem}" if str(problem) else type(problem).__name__
    else:
        return response.status, None
    finally:
        connection.close()

"""Builds, signs and alters the webhooks of an instance (contract, section 5). Pure.

A Webhook is a value. Each way of getting one wrong is a method that returns a changed copy; `altered` applies all
that an Alteration names. Any text of a webhook goes out as it is: see `encoded`.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from fake_instances.errors import FaultError
from fake_instances.journal import WebhookLost

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fake_instances.faults import Alteration
    from fake_instances.sessions import Session

PATH = "/api/whatsapp/webhooks/webjs"


@dataclass(frozen=True, slots=True)
class Webhook:
    """One webhook, ready to send: headers in wire order (a name may occur twice) and the exact body bytes."""

    instance: int
    event: str
    session_id: str | None
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    body: bytes = field(repr=False)
    chunk: int = 0
    """Bytes of each chunk in which the body goes out; 0 for a body that goes out whole, with its length."""

    def header(self, name: str) -> str | None:
        """Return the first value of a header, or None."""
        return next((value for have, value in self.headers if have.lower() == name.lower()), None)

    def without(self, *names: str) -> Webhook:
        """Return a copy that lacks these headers."""
        gone = {name.lower() for name in names}
        return replace(self, headers=tuple(pair for pair in self.headers if pair[0].lower() not in gone))

    def with_header(self, name: str, value: str) -> Webhook:
        """Return a copy whose header has this value, in the place it had; not signed anew."""
        if self.header(name) is None:
            return replace(self, headers=(*self.headers, (name, value)))
        changed = tuple((have, value if have.lower() == name.lower() else old) for have, old in self.headers)
        return replace(self, headers=changed)

    def lost(self, reason: str, number: int | None = None) -> WebhookLost:
        """Return the entry that it was not sent, and will not be. `number` is its own where it has one."""
        return WebhookLost(
            instance=self.instance,
            event=self.event,
            session_id=self.session_id,
            reason=reason,
            webhook=number,
        )

    def with_second(self, name: str, value: str) -> Webhook:
        """Return a copy that carries a header once more, after the others; not signed anew."""
        return replace(self, headers=(*self.headers, (name, value)))

    def with_body(self, body: bytes) -> Webhook:
        """Return a copy with another body; not signed anew."""
        return replace(self, body=body)

    def in_chunks(self, size: int) -> Webhook:
        """Return a copy whose body goes out in chunks of so many bytes, and without a declared length."""
        return replace(self, chunk=size)

    def signed(self, secret: str, timestamp: str | None = None) -> Webhook:
        """Return a copy signed over its timestamp, or another one, and its body as they are now."""
        stamp = self.header("X-Timestamp") or "" if timestamp is None else timestamp
        stamped = self.with_header("X-Timestamp", stamp)
        return stamped.with_header("X-HMAC-Signature", sign(secret, stamp, self.body))


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """Return the signature of a webhook: 64 lowercase hex digits over the timestamp's text and the raw body."""
    key = secret.encode("utf-8", "surrogatepass")
    return hmac.new(key, encoded(timestamp) + body, hashlib.sha256).hexdigest()


def encoded(text: str) -> bytes:
    """Return the bytes in which a header's text goes out, and is signed.

    Text that fits Latin-1 goes out in it; other text goes out whole in UTF-8. Nothing is left out or escaped, not
    even an end of line.
    """
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


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


def fields_of(session: Session, event: str, moment: float) -> dict[str, object]:
    """Return the fields of an event of a session at a moment, in Unix seconds."""
    if event == "session_ready":
        return {
            "phone_number": session.phone_number,
            "status": "connected",
            "platform": "android",
            "extraction_method": "client_info",
        }
    if event == "session_reconnected":
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(moment))
        return {"status": "connected", "timestamp": f"{stamp}.{int(moment * 1000) % 1000:03d}Z"}
    return {}


def altered(webhook: Webhook, alteration: Alteration, secret: str) -> Webhook:
    """Return a copy that differs as `alteration` says. `secret` is the shared one, for signing again.

    In this order: the body and the timestamp; the signature over them; the location; the signature's text; its
    flipped digit; other headers; those that are sent twice; those that are missing.

    Raises:
        FaultError: the signature has no such digit as the one to flip.
    """
    now = webhook
    if alteration.body is not None:
        now = now.with_body(alteration.body)
    if alteration.timestamp is not None:
        now = now.with_header("X-Timestamp", alteration.timestamp)
    if alteration.signed and (alteration.body, alteration.timestamp, alteration.secret) != (None, None, None):
        now = now.signed(secret if alteration.secret is None else alteration.secret)
    if alteration.claim is not None:
        now = now.with_header("X-Instance-Url", alteration.claim)
    if alteration.signature is not None:
        now = now.with_header("X-HMAC-Signature", alteration.signature)
    if alteration.flipped_digit is not None:
        now = now.with_header("X-HMAC-Signature", _flipped(now, alteration.flipped_digit))
    for name, value in alteration.headers:
        now = now.with_header(name, value)
    for name, value in alteration.second:
        now = now.with_second(name, value)
    return now.without(*alteration.without)


def _flipped(webhook: Webhook, place: int) -> str:
    digits = list(webhook.header("X-HMAC-Signature") or "")
    if not -len(digits) <= place < len(digits):
        raise FaultError(f"digit {place} cannot be flipped in a signature of {len(digits)} digits")
    digits[place] = "1" if digits[place] == "0" else "0"
    return "".join(digits)


def on_wire(webhook: Webhook, path: str, host: str) -> bytes:
    """Return the bytes of the request that brings a webhook, every header as it is.

    The webhook's own headers are followed by Connection, Content-Length (or Transfer-Encoding, where its body goes
    out in chunks), Accept-Encoding and Host, unless it has them already.
    """
    length = ("Content-Length", str(len(webhook.body)))
    usual = (
        ("Connection", "close"),
        ("Transfer-Encoding", "chunked") if webhook.chunk else length,
        ("Accept-Encoding", "gzip, compress, deflate, br"),
        ("Host", host),
    )
    added = tuple(pair for pair in usual if webhook.header(pair[0]) is None)
    lines = [f"POST {path} HTTP/1.1".encode()]
    lines += [encoded(name) + b": " + encoded(value) for name, value in (*webhook.headers, *added)]
    body = _chunked(webhook.body, webhook.chunk) if webhook.chunk else webhook.body
    return b"\r\n".join([*lines, b"", body])


def _chunked(body: bytes, size: int) -> bytes:
    pieces = (body[start : start + size] for start in range(0, len(body), size))
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"

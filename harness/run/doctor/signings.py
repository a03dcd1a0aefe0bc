"""Mistakes in signing a webhook with the right secret: whoever makes one of them has that secret. Pure."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from harness.json_text import json_of

if TYPE_CHECKING:
    from collections.abc import Iterator

_PREFIX = "sha256="


def stamps(moment: float) -> Iterator[str]:
    """Return the ways in which a moment in Unix seconds may be written, the right one first."""
    yield str(int(moment))
    yield str(int(moment * 1000))
    yield datetime.fromtimestamp(int(moment), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def signatures(secret: str, timestamp: str, body: bytes) -> Iterator[str]:
    """Return signatures of a webhook over what may be taken for its message, in forms that may be taken for hex."""
    for message in _messages(timestamp.encode(), body):
        yield from _forms(secret, message)


def _messages(timestamp: bytes, body: bytes) -> Iterator[bytes]:
    bodies = [body]
    try:
        value = json_of(body)
    except ValueError:
        value = None
    if value is not None:
        data = value.get("data") if isinstance(value, dict) else None
        for one in (value, data) if data is not None else (value,):
            bodies += [
                _json(one, ensure_ascii=ascii_only, separators=separators, sort_keys=sort)
                for ascii_only in (False, True)
                for separators in ((",", ":"), (", ", ": "))
                for sort in (False, True)
            ]
            bodies += [_json(one, indent=2), _json(one, indent=4), _as_php_writes_it(one)]
    for one in dict.fromkeys(bodies):
        yield timestamp + one
        yield one
        for between in (b"", b".", b"\n", b":", b"|"):
            yield one + between + timestamp
            yield timestamp + between + one


def _forms(secret: str, message: bytes) -> Iterator[str]:
    for algorithm in (hashlib.sha256, hashlib.sha1, hashlib.sha512):
        digest = hmac.new(secret.encode(), message, algorithm).digest()
        yield digest.hex()
        yield digest.hex().upper()
        yield base64.b64encode(digest).decode()
        yield f"{algorithm().name}={digest.hex()}"
    yield hashlib.sha256(secret.encode() + message).hexdigest()
    yield hashlib.sha256(message + secret.encode()).hexdigest()


def knows(secret: str, timestamp: str, body: bytes, given: str) -> bool:
    """Return whether a signature was made with this secret, in any of these ways."""
    return any(
        hmac.compare_digest(one.encode(), given.encode()) for one in signatures(secret, timestamp, body)
    )


@dataclass(frozen=True, slots=True)
class Way:
    """A way to sign a webhook: the words for what is other than it must be, and the two headers."""

    how: str
    stamp: str
    signature: str


def few_to_try(secret: str, moment: float, body: bytes) -> Iterator[Way]:
    """Return the ways by which a control plane is asked what it takes: the common mistakes."""
    seconds, milliseconds, date = stamps(moment)
    # First those of this very moment: who counts in milliseconds may allow only some.
    for how, stamp in (
        ("with X-Timestamp in milliseconds", milliseconds),
        ("with X-Timestamp as an ISO 8601 date", date),
    ):
        yield from _with_and_without_prefix(how, secret, stamp, stamp.encode() + body)
    yield from _of_one_stamp(secret, seconds, body)


def name_of(secret: str, stamp: str, body: bytes, given: str) -> str:
    """Return how a webhook is signed with this secret, where that is a common mistake; empty where it is none."""
    return next((way.how for way in _of_one_stamp(secret, stamp, body) if way.signature == given), "")


def _of_one_stamp(secret: str, stamp: str, body: bytes) -> Iterator[Way]:
    at = stamp.encode()
    right = at + body
    yield Way("with sha256= before the hex", stamp, _PREFIX + _hmac(secret, right).hex())
    for how, message in _other_messages(at, body):
        yield from _with_and_without_prefix(f"over {how}", secret, stamp, message)
    yield Way("in base64", stamp, base64.b64encode(_hmac(secret, right)).decode())
    yield Way("in capital hex", stamp, _hmac(secret, right).hex().upper())
    yield Way("by SHA-1", stamp, _hmac(secret, right, "sha1").hex())
    yield Way("by SHA-512", stamp, _hmac(secret, right, "sha512").hex())


def _with_and_without_prefix(how: str, secret: str, stamp: str, message: bytes) -> Iterator[Way]:
    made = _hmac(secret, message).hex()
    yield Way(how, stamp, made)
    yield Way(f"{how}, with sha256= before the hex", stamp, _PREFIX + made)


def _other_messages(at: bytes, body: bytes) -> Iterator[tuple[str, bytes]]:
    yield "the body alone", body
    yield "the body followed by X-Timestamp", body + at
    yield "X-Timestamp, a dot and the body", at + b"." + body
    yield "X-Timestamp, a line feed and the body", at + b"\n" + body
    yield "X-Timestamp, a colon and the body", at + b":" + body
    try:
        value = json_of(body)
    except ValueError:
        return
    of_javascript = _json(value, separators=(",", ":"), ensure_ascii=False)
    for written in (of_javascript, _json(value), _as_php_writes_it(value)):
        if written != body:
            yield "X-Timestamp and the body parsed and written anew", at + written


def _as_php_writes_it(value: object) -> bytes:
    return _json(value, separators=(",", ":")).replace(b"/", b"\\/")


def _json(value: object, **options: Any) -> bytes:
    # Half a surrogate pair is no text of UTF-8.
    return json.dumps(value, **options).encode(errors="replace")


def _hmac(secret: str, message: bytes, algorithm: str = "sha256") -> bytes:
    return hmac.new(secret.encode(), message, algorithm).digest()

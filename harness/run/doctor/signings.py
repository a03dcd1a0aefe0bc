"""Mistakes in signing a webhook with the right secret: whoever makes one of them has that secret. Pure."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

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
                json.dumps(one, ensure_ascii=ascii_only, separators=separators, sort_keys=sort).encode()
                for ascii_only in (False, True)
                for separators in ((",", ":"), (", ", ": "))
                for sort in (False, True)
            ]
            bodies += [json.dumps(one, indent=2).encode(), json.dumps(one, indent=4).encode()]
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


def few_to_try(secret: str, moment: float, body: bytes) -> Iterator[tuple[str, str]]:
    """Return the timestamps and signatures by which a control plane is asked what it takes: the common mistakes."""
    for stamp in stamps(moment):
        named = hmac.new(secret.encode(), stamp.encode() + body, hashlib.sha256).hexdigest()
        yield stamp, named
        yield stamp, _PREFIX + named
    seconds = str(int(moment))
    at = seconds.encode()
    for message in (body, body + at, at + b"." + body, at + b"\n" + body, at + b":" + body):
        made = hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()
        yield seconds, made
        yield seconds, _PREFIX + made
    digest = hmac.new(secret.encode(), at + body, hashlib.sha256).digest()
    yield seconds, base64.b64encode(digest).decode()
    yield seconds, digest.hex().upper()
    yield seconds, hmac.new(secret.encode(), at + body, hashlib.sha1).hexdigest()
    yield seconds, hmac.new(secret.encode(), at + body, hashlib.sha512).hexdigest()

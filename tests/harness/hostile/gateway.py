"""A gateway instance that is hostile to whoever judges it, in the way that its one argument names.

Run as `python -m tests.harness.hostile.gateway KIND`, with the variables of an instance and `CONTROL_PLANE`, where
webhooks go. It is ready at once, and does its mischief where its kind says. Only the standard library.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
import threading
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tests.harness.hostile.program import ANSWERS, FINE, for_ever, read, sized

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

HOWS = (
    "endless",
    "unpacks-large",
    "drips",
    "never",
    "deep",
    "deep-and-closed",
    "redirect-in-a-loop",
    "odd-numbers",
    "surrogates",
    "escapes",
    "three-megabytes",
    "three-megabytes-of-lists",
)
"""Of all ways to answer, those that are tried of gateways: the rest is for who reads HTTP, which is the same."""
PLACES = ("health", "send", "connect")
_ESCAPES = "\x1b]0;pwned\x07\x9b2J\u202e"
_MEGABYTE = b"a" * 1024 * 1024


def webhook(body: bytes, *headers: str) -> Iterable[bytes]:
    """Return a webhook as a gateway sends it, but that its signature is wrong."""
    usual = ("X-HMAC-Signature: " + "0" * 64, "X-Timestamp: 1", f"Content-Length: {len(body)}")
    return [started(*usual, *headers), body]


def started(*headers: str) -> bytes:
    """Return how a webhook begins."""
    path = urlsplit(os.environ["CONTROL_PLANE"]).path.rstrip("/") + "/api/whatsapp/webhooks/webjs"
    return "\r\n".join([f"POST {path} HTTP/1.1", "Host: x", *headers, "", ""]).encode()


def told(session: str, **data: object) -> bytes:
    """Return the body of a session_ready."""
    return json.dumps({"event": "session_ready", "data": {"session_id": session, **data}}).encode()


WEBHOOKS: dict[str, Callable[[str], Iterable[Iterable[bytes]]]] = {
    "ten-thousand": lambda session: (webhook(told(session, turn=turn)) for turn in range(10_000)),
    "of-50-megabytes": lambda session: (webhook(told(session, more="a" * 50_000_000)) for _ in range(5)),
    "of-3-megabytes": lambda session: (webhook(told(session, more="a" * 3_000_000)) for _ in range(50)),
    "without-end": lambda _: [for_ever(_MEGABYTE, start=started("Content-Length: 9000000000"))],
    "in-chunks-without-end": lambda _: [
        for_ever(b"100000\r\n" + _MEGABYTE + b"\r\n", start=started("Transfer-Encoding: chunked"))
    ],
    "headers-without-end": lambda _: [for_ever(b"X-More: 1\r\n", start=started()[:-2])],
    "drips": lambda _: [for_ever(b" ", 0.1, started("Content-Length: 100000"))],
    "deep": lambda session: [webhook(told(session)[:-1] + b',"more":' + b"[" * 100_000)],
    "of-escapes": lambda session: [
        webhook(told(session, phone_number=_ESCAPES, status=_ESCAPES), "X-Instance-Url: \x1b[2J\x07http://x")
    ],
    "no-http": lambda _: [[b"\x00\xff\x1b[2J" * 100]],
}
"""What is sent to the control plane when a session connects, by kind."""

KINDS = (
    *(f"gateway-{place}:{how}" for place in PLACES for how in HOWS),
    *(f"gateway-webhooks:{how}" for how in WEBHOOKS),
)
_sessions: list[str] = []


def announce(how: str, session: str) -> None:
    """Send the webhooks of a kind, one after another, as long as somebody takes them."""
    place = urlsplit(os.environ["CONTROL_PLANE"])
    for parts in WEBHOOKS[how](session):
        with contextlib.suppress(OSError), socket.create_connection((place.hostname, place.port)) as receiver:
            for part in parts:
                receiver.sendall(part)
            receiver.settimeout(5)
            receiver.recv(65536)


def answer(connection: socket.socket, where: str, how: str) -> None:
    """Answer one request."""
    with connection, contextlib.suppress(OSError):
        line, body = read(connection)
        place = next((one for one in PLACES if f"/{one}" in line), "")
        if place == "connect":
            session = json.loads(body)["session_id"]
            _sessions.append(session)
            if where == "gateway-webhooks":
                threading.Thread(target=announce, args=(how, session), daemon=True).start()
        if where == f"gateway-{place}":
            for part in ANSWERS[how]():
                connection.sendall(part)
        elif place == "health":
            connection.sendall(b"".join(sized(json.dumps({"sessions": {"sessions": _sessions}}).encode())))
        else:
            connection.sendall(FINE)


def serve(kind: str) -> None:
    """Serve for ever."""
    where, _, how = kind.partition(":")
    with socket.create_server((os.environ["HOST"], int(os.environ["PORT"])), backlog=64) as listener:
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=answer, args=(connection, where, how), daemon=True).start()


if __name__ == "__main__":
    serve(sys.argv[1])

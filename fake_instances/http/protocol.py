"""HTTP/1.1 itself, without a socket: received bytes become requests, answers become bytes to send.

httptools reads the protocol; nothing here waits or misbehaves.
"""

from __future__ import annotations

import io
import sys
import time
from collections import deque
from dataclasses import dataclass, field
from email.utils import formatdate
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import httptools

if TYPE_CHECKING:
    from fake_instances.faults import Met, WireFault

Headers = list[tuple[str, str]]
"""Headers in wire order."""

KEEP_ALIVE_SECONDS = 5
"""Seconds after an answer in which the next request may begin; then the connection is closed, as Node does."""

BODY_LIMIT = 50 * 1024 * 1024
"""Bytes of a request body that the deployed gateway accepts."""

HEADERS = "fake_instances.headers"
"""The key of the WSGI environment that has the headers as they were sent."""
BODY = "fake_instances.body"
"""The key of the WSGI environment that has the whole body."""
EXCHANGE = "fake_instances.exchange"
"""The key of the WSGI environment that has the request's Exchange."""

_HTML_ERROR = (
    '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>Error</title>\n</head>\n'
    "<body>\n<pre>{}</pre>\n</body>\n</html>\n"
)
_KEPT = f"Connection: keep-alive\r\nKeep-Alive: timeout={KEEP_ALIVE_SECONDS}\r\n\r\n"
_CLOSED = "Connection: close\r\n\r\n"


@dataclass(slots=True)
class Request:
    """One whole request, as it was sent. `oversized` when its body was more than the gateway accepts."""

    method: str = ""
    target: bytes = b""
    version: str = "1.1"
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytearray = field(default_factory=bytearray)
    keep_alive: bool = True
    oversized: bool = False


@dataclass(slots=True)
class Exchange:
    """What becomes of a request: the application notes what the server is to carry out.

    `met` are the faults that the request met; `wire` is the wire fault to carry out, with the armed fault that it
    belongs to; `delay` is an armed Delay.
    """

    number: int
    met: tuple[Met, ...] = ()
    wire: tuple[Met, WireFault] | None = None
    delay: Met | None = None


class Reader:
    """Turns received bytes into whole requests. After bytes that are not HTTP (`broken`), nothing more is read."""

    def __init__(self) -> None:
        self.complete: deque[Request] = deque()
        self.expects_continue = False
        self.broken = False
        self._request = Request()
        self._offered: list[tuple[str, str]] = []
        self._parser = httptools.HttpRequestParser(self)

    def feed(self, data: bytes) -> None:
        """Take in received bytes; every request they complete is put in `complete`."""
        while data and not self.broken:
            try:
                self._parser.feed_data(data)
            except httptools.HttpParserUpgrade as offer:
                data = self._decline() + data[offer.args[0] :]
            except httptools.HttpParserError:
                self.broken = True
            else:
                return

    def _decline(self) -> bytes:
        """Take back a request that offers another protocol, and return its head without the offer.

        The parser stops there. Node ignores the offer and reads on; a client may offer h2c with every request.
        """
        request = self.complete.pop()
        self.broken = request.method == "CONNECT"
        self._offered = request.headers
        self._parser = httptools.HttpRequestParser(self)
        lines = [f"{request.method} {request.target.decode('latin-1')} HTTP/{request.version}"]
        lines += [f"{name}: {value}" for name, value in request.headers if name.lower() != "upgrade"]
        return "\r\n".join([*lines, "", ""]).encode("latin-1")

    def on_message_begin(self) -> None:
        """Begin a request (called, like all that follows, by the parser)."""
        self._request = Request()

    def on_url(self, url: bytes) -> None:
        """Take a piece of the target."""
        self._request.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header."""
        self._request.headers.append((name.decode("latin-1"), value.decode("latin-1")))

    def on_headers_complete(self) -> None:
        """Take what the head says of the request."""
        request = self._request
        request.method = self._parser.get_method().decode("ascii")
        request.version = self._parser.get_http_version()
        for name, value in request.headers:
            if name.lower() == "expect" and value.lower() == "100-continue":
                self.expects_continue = True

    def on_body(self, data: bytes) -> None:
        """Take a piece of the body."""
        if len(self._request.body) + len(data) > BODY_LIMIT:
            self._request.oversized = True
        else:
            self._request.body += data

    def on_message_complete(self) -> None:
        """End a request."""
        self.expects_continue = False
        self._request.headers, self._offered = self._offered or self._request.headers, []
        self._request.keep_alive = self._parser.should_keep_alive()
        self.complete.append(self._request)


def environ_of(request: Request, host: str, port: int) -> dict[str, Any]:
    """Return the WSGI environment of a request that came to this address."""
    path, _, query = request.target.partition(b"?")
    body = bytes(request.body)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path.decode("latin-1"),  # as it was sent: Express routes first and decodes after
        "QUERY_STRING": query.decode("latin-1"),
        "REQUEST_URI": request.target.decode("latin-1"),
        "SERVER_NAME": host,
        "SERVER_PORT": str(port),
        "SERVER_PROTOCOL": f"HTTP/{request.version}",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        HEADERS: tuple(request.headers),
        BODY: body,
    }
    for name, value in request.headers:
        key = _key_of(name)
        if key is None:
            continue
        known = environ.get(key)
        environ[key] = value if known is None or key == "CONTENT_TYPE" else f"{known},{value}"
    return environ


@lru_cache(maxsize=256)
def _key_of(name: str) -> str | None:
    """Return the key of the environment for a header; None for one that is left out."""
    key = name.upper().replace("-", "_")
    if key in {"CONTENT_LENGTH", "TRANSFER_ENCODING", "UPGRADE"}:
        return None
    return key if key == "CONTENT_TYPE" else f"HTTP_{key}"


@lru_cache(maxsize=1)
def _date(second: int) -> str:
    return formatdate(second, usegmt=True)


def render(status: str, headers: Headers, body: bytes, *, keep_alive: bool) -> bytes:
    """Return the bytes of an answer."""
    lines = [f"{name}: {value}\r\n" for name, value in headers]
    if not any(name == "Date" for name, _ in headers):  # a conditional answer brings its own
        lines.append(f"Date: {_date(int(time.time()))}\r\n")
    ending = _KEPT if keep_alive else _CLOSED
    return f"HTTP/1.1 {status}\r\n{''.join(lines)}{ending}".encode("latin-1") + body


def html_error(error: str) -> tuple[Headers, bytes]:
    """Return the headers and the body of an error page."""
    body = _HTML_ERROR.format(error).encode()
    return [("Content-Type", "text/html; charset=utf-8"), ("Content-Length", str(len(body)))], body

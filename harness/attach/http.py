"""The one place from which the harness calls anything over HTTP: implementations, instances, hooks, a fleet.

What answers is not trusted. The whole answer must come within a time, however often something of it comes, and may
have only so many bytes, unpacked ones too. No redirect is followed. Where no such answer comes, each function raises
requests.RequestException.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import json
import socket
import time
import zlib
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

import requests
from requests.structures import CaseInsensitiveDict

from harness.history import HARNESS
from harness.json_text import json_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from _typeshed import WriteableBuffer

LARGEST = 4 * 1024 * 1024
"""Bytes that an answer may have, as it comes and unpacked. What is sound has a few thousand."""
_HEALTH_SECONDS = 5.0
_PART = 64 * 1024
_ANY_PACKING = 47
"""What zlib calls gzip or deflate, whichever it is."""


class TooLargeError(requests.RequestException):
    """An answer has more bytes than are read of any."""


def request(
    method: str,
    url: str,
    *,
    patience: float,
    body: object = None,
    headers: Mapping[str, str] | None = None,
) -> requests.Response:
    """Make one request, straight and without the environment's proxies, and return its whole answer.

    `patience` is how many seconds all of it may take, and `body` is sent as JSON. A text is read as UTF-8, whatever
    the answer calls it: JSON is nothing else.
    """
    asked = {
        "User-Agent": requests.utils.default_user_agent(),
        "Accept": "*/*",
        "Accept-Encoding": "identity",
    }
    if body is not None:
        asked["Content-Type"] = "application/json"
    sent = None if body is None else _json(body)
    prepared = requests.Request(method, url, data=sent, headers={**asked, **(headers or {})}).prepare()
    deadline = time.monotonic() + patience
    try:
        return _answer(prepared, deadline)
    except TimeoutError:
        raise requests.ReadTimeout(f"no whole answer in {patience:g} s") from None
    except (OSError, ValueError, OverflowError, http.client.HTTPException, zlib.error) as problem:
        if isinstance(problem, requests.RequestException):
            raise
        raise requests.ConnectionError(f"{type(problem).__name__}: {problem}") from None


def _json(body: object) -> bytes:
    """Write JSON as most clients do, in UTF-8: escapes would hide who reads bytes in another encoding."""
    try:
        return json.dumps(body, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return json.dumps(body).encode()


def get(url: str, headers: Mapping[str, str], patience: float) -> requests.Response:
    """Look at a URL as the harness itself, so that nobody else is credited with the look."""
    return request("GET", url, patience=patience, headers={"User-Agent": HARNESS, **headers})


def health(url: str) -> dict[str, Any]:
    """Return what an instance's `/health/detailed` says."""
    shown: dict[str, Any] = json_of(get(f"{url}/health/detailed", {}, _HEALTH_SECONDS).content)
    return shown


def refused(problem: requests.RequestException) -> bool:
    """Say whether no connection was ever made, because nothing listens."""
    return isinstance(problem, requests.ConnectionError) and "refused" in str(problem)


class _UntilDeadline(io.RawIOBase):
    """What a connection receives, until a deadline on the monotonic clock; then TimeoutError."""

    def __init__(self, connection: socket.socket, deadline: float) -> None:
        self._connection = connection
        self._deadline = deadline

    def makefile(self, *_: object) -> io.BufferedReader:
        """Return this to be read from, as a socket does."""
        return io.BufferedReader(self)

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def readinto(self, into: WriteableBuffer) -> int:
        """Read what comes next."""
        self._connection.settimeout(_left(self._deadline))
        return self._connection.recv_into(into)


class _Timed(http.client.HTTPConnection):
    """A connection whose every part ends by one deadline: each address that is tried, and each write."""

    deadline = 0.0

    def connect(self) -> None:
        """Connect to the first address of the host that takes it."""
        problem = OSError(f"{self.host} has no address")
        for family, kind, protocol, _, address in socket.getaddrinfo(
            self.host, self.port, type=socket.SOCK_STREAM
        ):
            reached = socket.socket(family, kind, protocol)
            try:
                reached.settimeout(_left(self.deadline))
                reached.connect(address)
            except OSError as why:
                reached.close()
                problem = why
                continue
            reached.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.sock = reached
            return
        raise problem

    def send(self, data: Any) -> None:
        """Write something."""
        self.sock.settimeout(_left(self.deadline))
        super().send(data)


class _TimedSecure(http.client.HTTPSConnection, _Timed):
    """The same over TLS."""


def _answer(prepared: requests.PreparedRequest, deadline: float) -> requests.Response:
    parts = urlsplit(prepared.url or "")
    kind = _TimedSecure if parts.scheme == "https" else _Timed
    with contextlib.closing(kind(parts.hostname or "", parts.port)) as connection:
        connection.deadline = deadline
        connection.connect()
        # Who refuses a request before all of it came may have answered all the same.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.request(
                prepared.method or "",
                prepared.path_url,
                body=prepared.body,
                headers={**prepared.headers},
            )
        received = cast("socket.socket", _UntilDeadline(connection.sock, deadline))
        with contextlib.closing(http.client.HTTPResponse(received, method=prepared.method)) as response:
            response.begin()
            answer = answer_of(response.status, dict(response.getheaders()), _whole(response))
            answer.request = prepared
            return answer


def answer_of(status: int, headers: Mapping[str, str], content: bytes) -> requests.Response:
    """Return an answer that was read whole, in UTF-8, as requests has them."""
    answer = requests.Response()
    answer.status_code = status
    answer.headers = CaseInsensitiveDict(headers)
    answer.encoding = "utf-8"
    answer._content = content  # noqa: SLF001 - read by its caller, with bounds
    return answer


def _whole(response: http.client.HTTPResponse) -> bytes:
    content = bytearray()
    while part := response.read(_PART):
        content += part
        if len(content) > LARGEST:
            raise TooLargeError(f"an answer of more than {LARGEST} bytes")
    if response.length:
        raise http.client.IncompleteRead(b"", response.length)
    if response.getheader("Content-Encoding", "").strip().lower() not in {"gzip", "x-gzip", "deflate"}:
        return bytes(content)
    unpacking = zlib.decompressobj(_ANY_PACKING)
    unpacked = unpacking.decompress(content, LARGEST)
    if unpacking.unconsumed_tail:
        raise TooLargeError(f"an answer that unpacks to more than {LARGEST} bytes")
    return unpacked


def _left(deadline: float) -> float:
    if (left := deadline - time.monotonic()) <= 0:
        raise TimeoutError
    return left

"""How the gateway writes its answers: JSON as Express does, with a weak ETag, and error pages."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from typing import TYPE_CHECKING
from zlib import crc32

from flask import Response
from markupsafe import escape

from fake_instances.http.protocol import html_error

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment
    from werkzeug.datastructures import Headers
    from werkzeug.exceptions import HTTPException

_encoder = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


class Whole(Response):
    """An answer whose headers are complete, unless it was cut down to "not modified"."""

    def get_wsgi_headers(self, environ: WSGIEnvironment) -> Headers:
        """Return its headers as they are."""
        return self.headers if self.status_code != 304 else super().get_wsgi_headers(environ)


def dump(value: object) -> bytes:
    """Return a value as compact JSON."""
    return _encoder.encode(value).encode(errors="replace")


def answer(value: object, status: int = 200) -> Response:
    """Answer with a value as JSON."""
    return answer_json(dump(value), status)


def answer_json(body: bytes, status: int = 200) -> Response:
    """Answer with bytes that are JSON.

    The ETag looks like Express's. It is made of a checksum, which takes a third of the time of a digest of the body.
    """
    digest = hashlib.sha1(crc32(body).to_bytes(4), usedforsecurity=False).digest()
    headers = [
        ("Content-Type", "application/json; charset=utf-8"),
        ("Content-Length", str(len(body))),
        ("ETag", f'W/"{len(body):x}-{base64.b64encode(digest).decode()[:27]}"'),
    ]
    return Whole([body], status, headers)


def error_page(problem: HTTPException) -> Response:
    """Answer with an error page, as Express does when it cannot read a request."""
    headers, body = html_error(escape(problem.description or problem.name))
    return Response([body], problem.code, headers)


def iso(seconds: float) -> str:
    """Return Unix seconds as ISO 8601 in UTC, with milliseconds."""
    second = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    return f"{second}.{int(seconds * 1000) % 1000:03d}Z"


def iso_now() -> str:
    """Return the present moment as ISO 8601."""
    return iso(time.time())

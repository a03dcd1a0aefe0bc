"""How the gateway writes its answers: JSON as Express does, with a weak ETag, and error pages."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from functools import lru_cache
from typing import TYPE_CHECKING

from flask import Response
from markupsafe import escape

from fake_instances.routes.framework import WholeAnswer

if TYPE_CHECKING:
    from werkzeug.exceptions import HTTPException


_LONG = 1024

_encoder = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def answer(value: object, status: int = 200) -> Response:
    """Answer with a value as JSON."""
    return answer_json(dump(value), status=status)


def dump(value: object) -> bytes:
    """Give a value as compact JSON."""
    return _encoder.encode(value).encode(errors="replace")


def answer_json(*parts: bytes, status: int = 200) -> Response:
    """Answer with bytes that are JSON when put together. What comes in one part again and again costs least."""
    body = b"".join(parts)
    told_apart = b"".join(part if len(part) <= _LONG else _digest(part) for part in parts)
    digest = base64.b64encode(hashlib.sha1(told_apart, usedforsecurity=False).digest()).decode()
    headers = [
        ("Content-Type", "application/json; charset=utf-8"),
        ("Content-Length", str(len(body))),
        ("ETag", f'W/"{len(body):x}-{digest[:27]}"'),
    ]
    return WholeAnswer([body], status, headers, direct_passthrough=True)


@lru_cache(maxsize=8)
def _digest(part: bytes) -> bytes:
    return hashlib.sha1(part, usedforsecurity=False).digest()


def html_error(problem: HTTPException) -> Response:
    """Answer with an error page, as Express does for what it cannot read."""
    error = escape(problem.description or problem.name)
    page = f'<!DOCTYPE html>\n<html lang="en">\n<body>\n<pre>{error}</pre>\n</body>\n</html>\n'
    return Response(page, problem.code or 500, content_type="text/html; charset=utf-8")


def iso(seconds: float) -> str:
    """Give Unix seconds as ISO 8601 in UTC, with milliseconds."""
    return f"{_second(int(seconds))}.{int(seconds * 1000) % 1000:03d}Z"


@lru_cache(maxsize=8)
def _second(second: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))


def iso_now() -> str:
    """Give the moment as ISO 8601."""
    return iso(time.time())

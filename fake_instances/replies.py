"""How the gateway writes its answers: JSON as Express does, with a weak ETag, and error pages."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from typing import TYPE_CHECKING

from flask import Response
from markupsafe import escape

if TYPE_CHECKING:
    from werkzeug.exceptions import HTTPException


def answer(value: object, status: int = 200) -> Response:
    """Answer with a value as JSON."""
    return answer_json(dump(value), status)


def dump(value: object) -> bytes:
    """Give a value as compact JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")


def answer_json(body: bytes, status: int = 200) -> Response:
    """Answer with bytes that are JSON."""
    response = Response(body, status, content_type="application/json; charset=utf-8")
    digest = base64.b64encode(hashlib.sha1(body, usedforsecurity=False).digest()).decode()
    response.set_etag(f"{len(body):x}-{digest[:27]}", weak=True)
    return response


def html_error(problem: HTTPException) -> Response:
    """Answer with an error page, as Express does for what it cannot read."""
    error = escape(problem.description or problem.name)
    page = f'<!DOCTYPE html>\n<html lang="en">\n<body>\n<pre>{error}</pre>\n</body>\n</html>\n'
    return Response(page, problem.code or 500, content_type="text/html; charset=utf-8")


def iso(seconds: float) -> str:
    """Give Unix seconds as ISO 8601 in UTC, with milliseconds."""
    moment = time.gmtime(seconds)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', moment)}.{int(seconds * 1000) % 1000:03d}Z"


def iso_now() -> str:
    """Give the moment as ISO 8601."""
    return iso(time.time())

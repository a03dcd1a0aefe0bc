"""What the doctor asks beside the contract, to tell a wrong path from a mistake of what is attached."""

from __future__ import annotations

from typing import TYPE_CHECKING

import requests

from harness.attach.http import request
from harness.json_text import json_of
from harness.wording import few

if TYPE_CHECKING:
    from collections.abc import Mapping

NOWHERE = "nothing-has-this-name"
_SECONDS = 5.0
_MOST_KEYS = 12
_LONGEST_KEY = 40


def is_nowhere(method: str, url: str, headers: Mapping[str, str] | None = None) -> bool:
    """Return whether a URL is answered exactly as one beside it that cannot exist: there is no such route."""
    beside = f"{url.rpartition('/')[0]}/{NOWHERE}"
    found = _answer(method, url, headers)
    return found is not None and found[0] in {404, 405} and found == _answer(method, beside, headers)


def _answer(method: str, url: str, headers: Mapping[str, str] | None) -> tuple[int, str] | None:
    try:
        answer = request(
            method, url, patience=_SECONDS, body=None if method == "GET" else {}, headers=headers
        )
    except requests.RequestException:
        return None
    path = "/" + url.partition("://")[2].partition("/")[2]
    # Many say which path it was.
    told = answer.text.replace(path, "").replace(path.replace("/", "\\/"), "")
    return answer.status_code, told.replace(path.removeprefix("/"), "")


def shape(body: str | bytes) -> str:
    """Return what an answer's body is, in words that stand behind its status, without any value that it has."""
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else body
    if not text.strip():
        return " and nothing else"
    try:
        value = json_of(text)
    except ValueError:
        return f" with {'a page' if '<' in text[:200] else 'a text'} of {len(text)} characters"
    if isinstance(value, dict):
        return f" with the keys {few([str(one)[:_LONGEST_KEY] for one in value], _MOST_KEYS) or '(none)'}"
    return f" with {'a list' if isinstance(value, list) else 'a JSON value that is no object'}"

"""The one reader of JSON that comes from outside: whatever the text is, it is a value or a ValueError. Pure."""

from __future__ import annotations

import json
import re
from typing import Any

DEEPEST = 100
"""How deep lists and objects may be nested. Whoever walks a value later goes as deep, and must come back."""
_DECODER = json.JSONDecoder()
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)
"""A string may lack its end: then all that is left is one, and not looked through again from each quote in it."""


def json_of(text: str | bytes) -> Any:
    """Return the value of a JSON text; ValueError if it is none, or is nested too deeply."""
    decoded = text.decode("utf-8-sig", "replace") if isinstance(text, bytes) else text
    _check_depth(decoded)
    try:
        return json.loads(decoded)
    except RecursionError:
        raise ValueError("JSON that is nested too deeply") from None


def object_at(text: str, start: int) -> dict[str, Any]:
    """Return the JSON object that begins at a place of a text; ValueError if none is readable there."""
    try:
        value, end = _DECODER.raw_decode(text, start)
    except RecursionError:
        raise ValueError("JSON that is nested too deeply") from None
    _check_depth(text[start:end])
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 - what JSON says is no programming mistake
    return value


def _check_depth(text: str) -> None:
    if text.count("[") + text.count("{") <= DEEPEST:
        return
    depth = 0
    for token in _TOKEN.finditer(text):
        match token[0]:
            case "[" | "{":
                depth += 1
                if depth > DEEPEST:
                    raise ValueError(f"JSON that is nested more than {DEEPEST} deep")
            case "]" | "}":
                depth -= 1

"""Forms that a webhook's text may have, and names that a session may have. Pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_DEEP = 100_000

_SCRIPTS = (
    "Ñandú Straße žluťoučký Ελληνικά Привет שלום سلام नमस्ते ไทย 你好 こんにちは 한국어 "
    "e\u0301 \u2028\u2029\ufeff\x7f"
)
_EMOJI = "😀 \U0001f468\u200d\U0001f469\u200d\U0001f467 🇮🇩 \U0001d54f \U0010ffff"


def written(value: object, *, ascii_only: bool = False) -> bytes:
    """Return a value as compact JSON."""
    return json.dumps(value, ensure_ascii=ascii_only, separators=(",", ":")).encode()


def with_field(body: bytes, name: str, raw: bytes) -> bytes:
    """Return a webhook's compact body with one more field of its data, written as it is given."""
    return body[:-2] + b',"' + name.encode() + b'":' + raw + b"}}"


def _escaped(body: bytes) -> bytes:
    """Return a body in which every character of every text is written as its number."""

    def text(value: str) -> str:
        units = value.encode("utf-16-be").hex()
        return '"' + "".join(f"\\u{units[place : place + 4]}" for place in range(0, len(units), 4)) + '"'

    def one(value: object) -> str:
        if isinstance(value, dict):
            return "{" + ",".join(f"{text(name)}:{one(each)}" for name, each in value.items()) + "}"
        return text(value) if isinstance(value, str) else json.dumps(value)

    return one(json.loads(body)).encode()


FORMS: dict[str, Callable[[bytes], bytes]] = {
    "letters of many scripts": lambda body: with_field(body, "push_name", written(_SCRIPTS)),
    "emoji": lambda body: with_field(body, "push_name", written(_EMOJI)),
    "emoji as pairs of escapes": lambda body: with_field(body, "push_name", written(_EMOJI, ascii_only=True)),
    "every letter escaped": _escaped,
    "slashes escaped": lambda body: with_field(body, "avatar", rb'"https:\/\/cdn.example\/a.png"'),
    "short escapes": lambda body: with_field(body, "note", rb'"\"\\\b\f\n\r\t"'),
    "indentation and line ends": lambda body: (
        b"\r\n" + json.dumps(json.loads(body), indent="\t").replace("\n", "\r\n").encode() + b"\r\n "
    ),
    "its data first": lambda body: written(dict(reversed(json.loads(body).items()))),
    "fields that nobody knows": lambda body: with_field(
        body, "extra", b'{"list":[1,-2.5e3,true,null,{}],"empty":""}'
    ),
}
"""Other ways to write the same webhook, applied to its compact body."""
ODDITIES: dict[str, bytes] = {
    "half an emoji": rb'"see you \ud83d"',
    "its other half": rb'"\ude00 see you"',
    "a NUL": rb'"a\u0000b"',
    "lists in lists, 100,000 deep": b"[" * _DEEP + b"]" * _DEEP,
}
"""Values, as JSON, that are read by few or stored by few."""
CASES: dict[str, Callable[[str], str]] = {
    "lower": str.lower,
    "upper": str.upper,
    "mixed": str.swapcase,
}
LIKENESSES: dict[str, Callable[[str], str]] = {
    "differs in case from": str.swapcase,
    "begins like": lambda own: f"{own}2",
    "ends like": lambda own: f"2{own}",
    "is the beginning of": lambda own: own[:-1],
    "has hyphens for the underscores of": lambda own: own.replace("_", "-"),
}
"""Session ids that a careless search takes for the one they are made of."""

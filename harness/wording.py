"""How values are written in sentences for people: in quotes, cut short, on one line. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u061c\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)
"""Characters that a terminal obeys, that turn others around, or that are half of one: none is shown as it is."""
_ESCAPED = str.maketrans({"\n": "\\n", "\r": "\\r", "\t": "\\t"})


def visible(text: str) -> str:
    """Return a text with each character that controls a terminal, or turns text around, written as its escape."""
    return text if text.isascii() and text.isprintable() else _UNSEEN.sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"


def shown(value: object) -> str:
    """Return a value of a row or of a log line as people of any language read it: null, and text in quotes."""
    if value is None:
        return "null"
    return f'"{value}"' if isinstance(value, str) else str(value)


def counted(counts: Mapping[str, int]) -> str:
    """Return counts in words: 3 verified, 1 updated."""
    return ", ".join(f"{count} {name}" for name, count in counts.items())


def counted_as(count: int, noun: str) -> str:
    """Return a number of things: 1 line, 2 lines."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def quoted(text: str) -> str:
    """Return a text in quotes, on one line, cut where it is long."""
    told, more = (text, "") if len(text) <= 80 else (f"{text[:60]}…", f" ({len(text)} characters)")
    return f'"{told.translate(_ESCAPED)}"{more}'


def cut(text: str, most: int) -> str:
    """Return a text, or its beginning and how long it is."""
    return text if len(text) <= most else f"{text[:most]}… ({len(text)} characters)"


def few(names: Sequence[str], most: int, between: str = ", ") -> str:
    """Return the first names, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return between.join(names[:most]) + more

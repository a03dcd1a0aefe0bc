"""How values are written in sentences for people: in quotes, cut short, on one line. Pure."""

from __future__ import annotations

_ESCAPED = str.maketrans({"\n": "\\n", "\r": "\\r", "\t": "\\t"})


def shown(value: object) -> str:
    """Give a value of a row or of a log line as people of any language read it: null, and text in quotes."""
    if value is None:
        return "null"
    return f'"{value}"' if isinstance(value, str) else str(value)


def quoted(text: str) -> str:
    """Give a text in quotes, on one line, cut where it is long."""
    told, more = (text, "") if len(text) <= 80 else (f"{text[:60]}…", f" ({len(text)} characters)")
    return f'"{told.translate(_ESCAPED)}"{more}'

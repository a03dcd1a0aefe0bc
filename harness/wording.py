"""How values are written in sentences for people: in quotes, cut short, on one line. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_ESCAPED = str.maketrans({"\n": "\\n", "\r": "\\r", "\t": "\\t"})


def shown(value: object) -> str:
    """Return a value of a row or of a log line as people of any language read it: null, and text in quotes."""
    if value is None:
        return "null"
    return f'"{value}"' if isinstance(value, str) else str(value)


def counted(counts: Mapping[str, int]) -> str:
    """Return counts in words: 3 verified, 1 updated."""
    return ", ".join(f"{count} {name}" for name, count in counts.items())


def quoted(text: str) -> str:
    """Return a text in quotes, on one line, cut where it is long."""
    told, more = (text, "") if len(text) <= 80 else (f"{text[:60]}…", f" ({len(text)} characters)")
    return f'"{told.translate(_ESCAPED)}"{more}'


def few(names: Sequence[str], most: int, between: str = ", ") -> str:
    """Return the first names, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return between.join(names[:most]) + more

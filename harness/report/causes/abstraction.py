"""Takes out of a finding what differs from scenario to scenario by chance: ids, ports, times, texts. Pure."""

from __future__ import annotations

import re

LONGEST_READ = 2000
"""Characters of a finding that are compared: it may quote a whole answer."""

_RULES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), by)
    for pattern, by in (
        (r"https?://[^\s\"',;)]+", "URL"),
        (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?", "TIME"),
        (r"\binstances? 300\d\b", "instance N"),
        (r"\b\w+_\d{1,9}_\d{6,}_\w+", "SESSION"),
        (r"\b[0-9a-fA-F]{12,}\b", "ID"),
        (r"\b(row|account) \d+", r"\1 N"),
        (r"\b\d+(?:\.\d+)? ?(?:ms|s|bytes|characters)\b", "N"),
    )
)
_ALIKE = re.compile(r"(URL)(?: \(URL\))?|\(URL\)")
_NAMED = re.compile(r"(?<!\w)[\"']([^\"']{0,300})[\"']?")
_CODE = re.compile(r"(?:answered|status|answer is|gave) (\d{3})")
_NUMBER = re.compile(r"\b\d+(?:\.\d+)?\b")


def abstracted(text: str) -> str:
    """Return a finding with its made-up names as words, so that findings of one kind read the same."""
    told = " ".join(text[:LONGEST_READ].split())
    for pattern, by in _RULES:
        told = pattern.sub(by, told)
    return told


def kind_of(expected: str, observed: str) -> tuple[str, str]:
    """Return what kind of finding this is: what was expected, and what was seen in its place, without the cases.

    Texts in quotes are a case of the scenario; a status is what the implementation chose, and stays.
    """
    return _kind(expected), _seen(observed)


def _kind(expected: str) -> str:
    told = _quotes_out(abstracted(expected))
    return _NUMBER.sub("N", told)[:300]


def _seen(observed: str) -> str:
    told = abstracted(observed)
    codes = "/".join(dict.fromkeys(_CODE.findall(told)))
    first = re.split(r"[;,:{\[]", _quotes_out(told), maxsplit=1)[0]
    first = _NUMBER.sub("N", _CODE.sub("answered", first)).strip()[:120]
    return f"{first} {codes}".strip()


def _quotes_out(text: str) -> str:
    """Replace texts in quotes, except the lines of the log: those begin with a capital and have blanks."""
    return _NAMED.sub(lambda one: one[0] if _is_line(one[1]) else "TEXT", _ALIKE.sub("URL", text))


def _is_line(text: str) -> bool:
    return " " in text and text[:1].isupper() and "_" not in text.split(" ", 1)[0]

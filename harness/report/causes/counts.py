"""Which counts of a finding are off, and in which direction. Pure."""

from __future__ import annotations

import re

_NUMBERED = re.compile(r"\b(\d{1,9}) ([a-z_]+(?: [a-z_]+){0,2}?)(?=,|:|;|$| (?:is|are|more|in|to|of)\b)")
_FIRST = re.compile(r"\b(\d{1,9})\b")
_SUBJECTS = (
    ("verification failures", re.compile(r"fail")),
    ("moves by webhooks", re.compile(r"webhook")),
    ("moves by sends", re.compile(r"scan|send")),
    ("moves by health checks", re.compile(r"health_check|correct")),
)


def off(expected: str, observed: str) -> tuple[str, str]:
    """Return what is counted wrongly, and whether too often or too rarely; "events" where nothing is named."""
    due, seen = _named(expected), _named(observed)
    for name in due:
        if name in seen and seen[name] != due[name]:
            return _subject(name), _direction(due[name], seen[name])
    wanted, found = _FIRST.search(expected.rpartition(" by ")[2]), _FIRST.search(observed)
    if wanted is None or found is None:
        return _subject(expected), "wrongly"
    return _subject(expected), _direction(int(wanted[1]), int(found[1]))


def _named(text: str) -> dict[str, int]:
    return {name: int(count) for count, name in _NUMBERED.findall(text[:400])}


def _subject(words: str) -> str:
    return next((name for name, pattern in _SUBJECTS if pattern.search(words)), "events")


def _direction(due: int, seen: int) -> str:
    return "too often" if seen > due else "too rarely"

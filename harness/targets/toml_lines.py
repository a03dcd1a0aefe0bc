"""Where a key stands in a TOML file, which no TOML reader tells: for messages, not for reading values."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_HEADER = re.compile(r"\s*\[\s*([^\[\]]+?)\s*\]\s*(?:#.*)?$")


def line_of(text: str, key: str) -> int | None:
    """Give the line of a dotted key, counted from 1, or of the nearest that there is around it; None without any."""
    wanted = key.strip("[]").split(".")
    found: tuple[int, int] | None = None
    section: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            section = _parts(header[1])
            matched = _shared(section, wanted)
            complete = matched == len(section)
        else:
            name, equals, _ = line.partition("=")
            here = [*section, *_parts(name)]
            matched = _shared(here, wanted)
            complete = bool(equals) and matched == len(here)
        if complete and matched and (found is None or matched > found[0]):
            found = matched, number
    return None if found is None else found[1]


def _parts(name: str) -> list[str]:
    return [part.strip().strip("\"'") for part in name.split(".")]


def _shared(one: Sequence[str], other: Sequence[str]) -> int:
    count = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        count += 1
    return count

"""What users write, and to whom: other words and other people in every scenario."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

_LETTERS = "abcdefghijklmnopqrstuvwxyz"


class Words:
    """The words and the people of one scenario, from its own source of chance: the same seed gives the same."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._said: dict[str, str] = {}

    def vary(self, words: str) -> str:
        """Return what a user writes where a feature has these words; within a scenario it is the same each time."""
        tail = "".join(self._random.choices(_LETTERS, k=6))
        return self._said.setdefault(words, f"{words} {tail}")

    def said(self, words: str) -> str:
        """Return what was written for these words of a feature: themselves, unless they were varied."""
        return self._said.get(words, words)

    def recipient(self) -> str:
        """Return the number of somebody new."""
        return f"628{self._random.randint(10**8, 10**10 - 1)}"


def recipient_of(text: str) -> str:
    """Return a number that belongs to this text alone."""
    return f"6281{zlib.crc32(text.encode()):010d}"

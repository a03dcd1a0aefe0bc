"""Keeps secrets out of everything that is shown."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

SHOWN_INSTEAD = "[secret]"
_SIGNATURE = re.compile(r"\b[0-9a-fA-F]{64}\b")


def redact(text: str, secrets: Collection[str]) -> str:
    """Give a text without these secrets and without anything that looks like a signature."""
    for secret in secrets:
        text = text.replace(secret, SHOWN_INSTEAD)
    return _SIGNATURE.sub(SHOWN_INSTEAD, text)

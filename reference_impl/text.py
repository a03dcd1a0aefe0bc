"""Texts that come from outside and go on to a database, an instance, a log line or a user; pure."""

from __future__ import annotations

from urllib.parse import quote

LONGEST_QUOTED = 200
URL_CHARACTERS = "-._~:/?#[]@!$&'()*+,;=%"


def is_encodable(text: str) -> bool:
    """Say whether a text can be written as UTF-8; JSON may name half a surrogate pair, which cannot."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def is_storable(text: str) -> bool:
    """Say whether every database can hold a text: some refuse NUL."""
    return is_encodable(text) and "\0" not in text


def bounded(text: str, longest: int = LONGEST_QUOTED) -> str:
    """Return the text, cut off visibly behind ``longest`` characters."""
    return text if len(text) <= longest else text[:longest] + "..."


def redacted(text: str, secrets: tuple[str, ...]) -> str:
    """Return the text with every secret in it replaced."""
    for secret in secrets:
        text = text.replace(secret, "[redacted]")
    return text


def safe_claim(claimed_url: str) -> str:
    """Return a claimed URL as it may be logged: bounded, and only characters that a URL may have."""
    return quote(bounded(claimed_url), safe=URL_CHARACTERS, errors="replace")

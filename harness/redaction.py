"""Keeps secrets out of everything that is shown."""

from __future__ import annotations

import base64
import re
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from functools import lru_cache, partial
from itertools import takewhile
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

SHOWN_INSTEAD = "[secret]"
_SIGNATURE_LENGTH = 64
_SIGNATURE = re.compile(rf"\b[0-9a-fA-F]{{{_SIGNATURE_LENGTH}}}\b")
_DEPEND_ON_WHAT_IS_BEFORE = (0, 2, 3)
"""How many of the first characters of base64 depend on the 0, 1 or 2 bytes before a text in its group of three."""
_SHORTEST_ENCODED = 8
_SHORTEST_PIECE = 6
_SURROGATE = re.compile("[\ud800-\udfff]")


def redact(text: str, secrets: Collection[str]) -> str:
    """Return a text without these secrets, in plain, hex or base64, and without anything like a signature.

    Half a character (a lone surrogate, which JSON can hold and UTF-8 cannot) is replaced too. A text must be redacted
    before it is cut short: a piece of a secret would not be recognised.
    """
    # A history has hundreds of thousands of texts, and most are shorter than any secret.
    forms, shortest = _forms(tuple(secrets))
    if len(text) >= shortest:
        for form in forms:
            text = text.replace(form, SHOWN_INSTEAD)
    if not text.isascii():
        text = _SURROGATE.sub("\ufffd", text)
    return text if len(text) < _SIGNATURE_LENGTH else _SIGNATURE.sub(SHOWN_INSTEAD, text)


def redact_cut(text: str, secrets: Collection[str]) -> str:
    """Do as `redact`, for a text in which others were quoted and cut short: take out pieces of secrets too.

    A piece is where a secret begins or ends, as far as it goes; a few characters are no piece.
    """
    text, (forms, _) = redact(text, secrets), _forms(tuple(secrets))
    for form in forms:
        if len(form) < 2 * _SHORTEST_PIECE:
            continue
        text = _elsewhere(text, partial(_without_beginnings, form=form))
        text = _elsewhere(text, partial(_without_ends, form=form))
    return text


def _elsewhere(text: str, change: Callable[[str], str]) -> str:
    """Change what is not redacted already: the word that is shown instead may be a piece of a secret itself."""
    return SHOWN_INSTEAD.join(map(change, text.split(SHOWN_INSTEAD)))


def _without_ends(text: str, form: str) -> str:
    return _without_beginnings(text[::-1], form[::-1], SHOWN_INSTEAD[::-1])[::-1]


def _without_beginnings(text: str, form: str, instead: str = SHOWN_INSTEAD) -> str:
    """Return a text without each beginning of a form, as long as it is."""
    kept, end = [], 0
    while (found := text.find(form[:_SHORTEST_PIECE], end)) >= 0:
        kept += [text[end:found], instead]
        end = found + sum(
            1
            for _ in takewhile(
                lambda pair: pair[0] == pair[1], zip(text[found : found + len(form)], form, strict=False)
            )
        )
    return "".join([*kept, text[end:]])


def redact_values(
    values: Any, secrets: Collection[str], redacted: Callable[[str, Collection[str]], str] = redact
) -> Any:
    """Return values of the same types with every text in them redacted: JSON values, bytes, dataclasses."""
    match values:
        case Enum():
            return values
        case str():
            return redacted(values, secrets)
        case bytes():
            return redacted(values.decode("utf-8", "replace"), secrets).encode()
        case dict():
            return {
                redacted(str(name), secrets): redact_values(one, secrets, redacted)
                for name, one in values.items()
            }
        case list() | tuple() | set() | frozenset():
            return type(values)(redact_values(one, secrets, redacted) for one in values)
        case _ if is_dataclass(values) and not isinstance(values, type):
            told = {
                one.name: redact_values(getattr(values, one.name), secrets, redacted)
                for one in fields(values)
            }
            return replace(values, **told)
        case _:
            return values


@lru_cache(maxsize=16)
def _forms(secrets: tuple[str, ...]) -> tuple[tuple[str, ...], int]:
    forms = tuple(dict.fromkeys(form for secret in secrets if secret for form in _forms_of(secret)))
    return forms, min(map(len, forms), default=0)


def _forms_of(secret: str) -> Iterator[str]:
    yield secret
    data = secret.encode()
    if len(data) < _SHORTEST_ENCODED:
        return
    yield data.hex()
    for before, skipped in enumerate(_DEPEND_ON_WHAT_IS_BEFORE):
        certain = (before + len(data)) * 8 // 6
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            yield encode(bytes(before) + data).decode()[skipped:certain]

"""Fills the `{placeholders}` of commands, variables, hooks and messages. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Mapping

_PLACEHOLDER = re.compile(r"\{(\w+)\}")


def filled(template: Any, values: Mapping[str, object]) -> Any:
    """Return a template with values in the place of their placeholders, throughout its dicts and lists.

    A text that is only a placeholder becomes the value itself, such as a number. A value is never searched for
    placeholders, and an unknown placeholder stays as it is.
    """
    match template:
        case dict():
            return {name: filled(value, values) for name, value in template.items()}
        case list():
            return [filled(one, values) for one in template]
        case str():
            if (whole := _PLACEHOLDER.fullmatch(template)) and whole[1] in values:
                return values[whole[1]]
            return filled_text(template, values)
        case _:
            return template


def filled_path(template: str, values: Mapping[str, object]) -> str:
    """Return a path or URL with values in the place of their placeholders, each encoded to be within one segment."""
    return filled_text(template, {name: encoded(value) for name, value in values.items()})


def encoded(value: object) -> str:
    """Return a value percent-encoded, so that no slash, blank or question mark in it is one of the path."""
    return quote(str(value), safe="", errors="replace")


def filled_text(template: str, values: Mapping[str, object]) -> str:
    """Return a text with values in the place of their placeholders, as a text in any case."""
    return _PLACEHOLDER.sub(lambda found: str(values.get(found[1], found[0])), template)

"""Endings of session ids that a careless implementation quotes, decodes, trims or matches as patterns."""

from __future__ import annotations

LONG = "x"
"""Stands for an id of the greatest length that the table holds."""

STRANGE_IDS = {
    "a b": "a+b",
    "a+b": "a b",
    "a#b": "a",
    "a?b=c": "a",
    "a/b": "a",
    "a%2Fb": "a/b",
    "a%b": "axxb",
    "a_b": "axb",
    "a.b": "axb",
    "a*b[c]": "ab[c]",
    "a'b": "ab",
    'a"b': "ab",
    "a\\b": "ab",
    "a&b;c": "a",
    "größer": "grösser",
    "会话": "会",
    LONG: "y",
}
"""The strange ending of an id, and one that it may be confused with."""

"""Which `{placeholders}` are filled in where, and what is said of a misspelt one. Pure.

Braces may be meant as they are written, so an unknown name is a mistake only where it is nearly a known one.
"""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Any

from harness.targets.kinds import WrongValueError

if TYPE_CHECKING:
    from collections.abc import Collection

_OF_A_SESSION = frozenset({"session_id", "workspace_id", "phone_number"})
IN_A_LAUNCH = frozenset(
    {"host", "port", "database_url", "log_file", "data", "python", "fleet_urls"}
    | {f"instance_{n}" for n in range(1, 5)}
)
IN_A_LOG_FILE = frozenset({"log_file", "data"})
IN_A_MESSAGE = _OF_A_SESSION | {"account_id", "recipient", "text"}
IN_A_ROW = _OF_A_SESSION | {"account_id", "uuid", "now"}
_OF_A_GATEWAY = frozenset(
    {
        "host",
        "port",
        "number",
        "control_plane",
        "api_key",
        "hmac_secret",
        "data",
        "control_port",
        "control_url",
    }
)
IN_A_GATEWAY_LAUNCH = _OF_A_GATEWAY | {"python"}
IN_A_HOOK = _OF_A_GATEWAY | _OF_A_SESSION | {"url"}
IN_A_CANNED_ANSWER = frozenset({"control_plane", "api_key", "hmac_secret"})
_NAME = re.compile(r"\{(\w+)\}")
_NEAR = 0.8
"""How alike two names are of which one is a misspelling of the other."""


def names_in(template: Any) -> set[str]:
    """Return the names of all placeholders in a template, at any depth."""
    match template:
        case dict():
            return set().union(*map(names_in, template.values()))
        case list():
            return set().union(*map(names_in, template))
        case str():
            return {*_NAME.findall(template)}
        case _:
            return set()


def check_placeholders(template: Any, known: Collection[str], key: str = "") -> None:
    """Check that no placeholder is nearly a known one; WrongValueError names the one that was probably meant."""
    for name in sorted(names_in(template) - {*known}):
        if near := difflib.get_close_matches(name, sorted(known), n=1, cutoff=_NEAR):
            raise WrongValueError(f"has {{{name}}}, which nothing fills in; did you mean {{{near[0]}}}?", key)

"""The environment variables of the contract (section 1), and the other names that a target file gives them. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from harness.catalogue.requirements import closest

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

OF_A_CONTROL_PLANE = (
    "HOST",
    "PORT",
    "DATABASE_URL",
    "NODE_INSTANCES",
    "HMAC_SECRET",
    "API_KEY",
    "VERIFY_TIMEOUT",
    "SEND_TIMEOUT",
    "SIGNATURE_TTL",
    "HEALTH_CHECK_INTERVAL",
    "LOG_FILE",
)
"""What a control plane is launched with."""
OF_AN_INSTANCE = ("HOST", "PORT", "HMAC_SECRET", "API_KEY")
"""What a gateway instance is launched with."""
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def read_renamed(
    section: Mapping[str, Any], name: str, allowed: Collection[str], fail: Callable[[str, str], Exception]
) -> dict[str, str]:
    """Read the table `variables` of the section of this name: the contract's names, and what each is called instead.

    `fail` makes the error that names a key and what is wrong with it, which is then raised.
    """
    renamed: dict[str, str] = {}
    table, own = section.get("variables", {}), section.get("env", {})
    kept = set(allowed) - table.keys()
    for variable, called in table.items():
        key = f"{name}.variables.{variable}"
        if variable not in allowed:
            guess = closest(variable, allowed)
            hint = f" (did you mean {guess}?)" if guess else ""
            raise fail(key, f"no such variable in the contract{hint}; allowed: {', '.join(allowed)}")
        if not isinstance(called, str) or not _NAME.fullmatch(called):
            raise fail(key, f'is {called!r} and must be the name of a variable, such as "ACME_{variable}"')
        taken = [other for other, its in renamed.items() if its == called] + [called] * (called in kept)
        if taken:
            raise fail(key, f"is {called!r}, which {taken[0]} is called already; give each a name of its own")
        if called in own:
            raise fail(key, f"is {called!r}, which {name}.env sets too; keep one")
        renamed[variable] = called
    return renamed

"""The environment variables of the contract (section 1), and other names for them in a target file. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from harness.targets.kinds import WrongValueError, hint

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

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


def check_renamed(
    renamed: Mapping[str, Any], env: Mapping[str, str], allowed: Collection[str], section: str
) -> None:
    """Check the table `variables` of a section, which maps the contract's names to others.

    Raises:
        WrongValueError: a name is unknown, cannot be a variable's, or stands for two.
    """
    called = {name: name for name in allowed if name not in renamed}
    for variable, other in renamed.items():
        key = f"variables.{variable}"
        if variable not in allowed:
            raise WrongValueError(f"no such variable in the contract{hint(variable, allowed)}", key)
        if not isinstance(other, str) or not _NAME.fullmatch(other):
            raise WrongValueError(
                f'is {other!r} and must be the name of a variable, such as "ACME_{variable}"', key
            )
        if other in called:
            raise WrongValueError(
                f"is {other!r}, which {called[other]} is called already; give each its own name", key
            )
        if other in env:
            raise WrongValueError(f"is {other!r}, which {section}.env sets too; keep one", key)
        called[other] = variable

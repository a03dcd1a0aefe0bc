"""What a target file may say: sections, their keys, and the values that are allowed (contract, section 7). Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.catalogue.requirements import closest
from harness.targets.gateway_section import HOOKS

if TYPE_CHECKING:
    from collections.abc import Collection

_TEXT, _TEXTS, _MAP, _FLAG, _SECONDS = (
    "a text",
    "a list of texts",
    "a table",
    "true or false",
    "a number of seconds",
)
KEYS: dict[str, dict[str, str]] = {
    "implementation": {"name": _TEXT, "version": _TEXT, "claims": _TEXTS},
    "launch": {
        "command": _TEXTS,
        "image": _TEXT,
        "url": _TEXT,
        "network": _TEXT,
        "directory": _TEXT,
        "databases": _TEXTS,
        "ready": _TEXT,
        "ready_timeout": _SECONDS,
        "env": _MAP,
        "variables": _MAP,
    },
    "http": {"headers": _MAP},
    "webhook": {"path": _TEXT, "asynchronous": _FLAG},
    "send": {"method": _TEXT, "path": _TEXT, "body": _MAP, "succeeded": _MAP},
    "state": {"via": _TEXT, "path": _TEXT, "table": _TEXT, "columns": _MAP},
    "health_check": {"via": _TEXT, "path": _TEXT, "command": _TEXTS, "dry_run": _TEXTS},
    "monitoring": {"path": _TEXT, "metrics": _TEXT},
    "log": {"via": _TEXT, "path": _TEXT, "file": _TEXT},
    "timing": {"verify_timeout": _SECONDS, "send_timeout": _SECONDS, "settle_seconds": _SECONDS},
    "instance": {
        "command": _TEXTS,
        "directory": _TEXT,
        "ready": _TEXT,
        "ready_timeout": _SECONDS,
        "env": _MAP,
        "variables": _MAP,
        **dict.fromkeys(HOOKS, _MAP),
        "keeps_sessions": _FLAG,
        "patience": _SECONDS,
    },
}
"""Every section with its keys, and in words what the value of each must be."""
COLUMNS = (
    "id",
    "workspace_id",
    "session_id",
    "phone_number",
    "status",
    "assigned_instance_url",
    "updated_at",
)
DATABASES = ("sqlite", "postgresql", "mysql")
LOGS = ("file", "http", "stderr", "none")
STATES = ("sql", "http")
NETWORKS = ("host", "published")
LAUNCHES = ("command", "image", "url")
OF_A_LAUNCH = ("network", "directory", "databases", "ready_timeout", "env", "variables")
CHECKS = ("http", "command")
JUDGED_BY_LOG = ("core", "health-check", "monitoring")


def hint(name: str, allowed: Collection[str]) -> str:
    """Say what an unknown name may have been meant for, and what is allowed."""
    guess = closest(name, allowed)
    return f"{f' (did you mean {guess}?)' if guess else ''}; allowed: {', '.join(allowed)}"


def is_a(kind: str, value: object) -> bool:
    """Say whether a value is of a kind of `KEYS`."""
    match kind:
        case "a text":
            return isinstance(value, str)
        case "a list of texts":
            return isinstance(value, list) and all(isinstance(one, str) for one in value)
        case "a table":
            return isinstance(value, dict)
        case "true or false":
            return isinstance(value, bool)
        case _:
            return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0

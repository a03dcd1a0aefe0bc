"""The conformance harness. The names here are its public ones: what scenarios of your own may import.

Everything else may move from one version to the next. Each name is loaded when it is first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.contract import LogLine, Row, Settings
    from harness.errors import ConformanceFailure, NotJudgedError, TimeBoundFailure
    from harness.history import History
    from harness.scenario.account import Account
    from harness.scenario.gateway_world import GatewayWorld
    from harness.scenario.world import World

__all__ = [
    "Account",
    "ConformanceFailure",
    "GatewayWorld",
    "History",
    "LogLine",
    "NotJudgedError",
    "Row",
    "Settings",
    "TimeBoundFailure",
    "World",
]

_HOMES = {
    "harness.contract": ("LogLine", "Row", "Settings"),
    "harness.errors": ("ConformanceFailure", "NotJudgedError", "TimeBoundFailure"),
    "harness.history": ("History",),
    "harness.scenario.gateway_world": ("GatewayWorld",),
    "harness.scenario.world": ("Account", "World"),
}


def __getattr__(name: str) -> object:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(home), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

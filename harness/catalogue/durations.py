"""How long scenarios take with the reference, from a file beside them, so that workers get about the same to do."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

DURATIONS_JSON = "durations.json"
SHORTEST_LISTED = 0.1
"""Seconds: what takes less is not in the file."""


def read_durations(features: Path) -> Mapping[str, float]:
    """Return seconds by the name of a run, the part of its node id after `::`; empty where there is no such file."""
    try:
        text = (features / DURATIONS_JSON).read_text("utf-8")
    except FileNotFoundError:
        return {}
    return {name: float(seconds) for name, seconds in json.loads(text).items()}

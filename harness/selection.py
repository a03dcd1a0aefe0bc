"""Checks what a user selects, before anything runs: a filter that names nothing is an error. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from harness.contract import TargetError
from harness.requirements import closest

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

_LIKE_AN_ID = re.compile(r"\b[A-Z]+-[0-9]+\b")
"""No marker of anybody else's looks like that: a hyphen cannot stand in a Python name."""


def names_in_expression(expression: str) -> tuple[str, ...]:
    """Give the words of a marker expression (`-m`) that are meant as requirement ids."""
    return tuple(_LIKE_AN_ID.findall(expression))


def check_requirements(names: Iterable[str], catalogue: Collection[str], written: Collection[str]) -> None:
    """Hold that each name is a requirement which has a scenario.

    Raises:
        TargetError: one is unknown, or has no scenario yet.
    """
    for name in names:
        if name not in catalogue:
            guess = closest(name, catalogue)
            hint = (
                f"; did you mean {guess}?" if guess else "; the ids are those of features/requirements.toml"
            )
            raise TargetError(f"there is no requirement {name}{hint}")
        if name not in written:
            raise TargetError(
                f"no scenario carries requirement {name} yet, so there is nothing to run for it"
            )

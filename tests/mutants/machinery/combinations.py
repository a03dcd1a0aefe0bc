"""Combinations: mistakes that show only where two or more things happen together, and that no scenario convicts.

The kill matrix knows nothing of them: they are what the explorer must find by itself.
"""

from __future__ import annotations

import importlib
import inspect
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_FOLDER = Path(__file__).parents[1] / "combinations"


@dataclass(frozen=True, kw_only=True)
class Combination:
    """A mistake of the reference that `apply` patches into it.

    `needs` is the least number of actions that show it, besides the account with which a story begins.
    """

    name: str
    mistake: str
    needs: int
    apply: Callable[[], None]
    asynchronous: bool = False


_combinations: dict[str, Combination] = {}


def combination(needs: int) -> Any:
    """Register a function as a combination. Its docstring states the mistake."""

    def register(apply: Callable[[], None]) -> Callable[[], None]:
        name = apply.__name__.replace("_", "-")
        if name in _combinations or not inspect.getdoc(apply):
            raise ValueError(f"{name} needs a name of its own and a docstring")
        mistake = inspect.getdoc(apply) or ""
        _combinations[name] = Combination(name=name, mistake=mistake, needs=needs, apply=apply)
        return apply

    return register


def combinations() -> Mapping[str, Combination]:
    """Return every combination by its name."""
    for file in sorted(_FOLDER.glob("*.py")):
        importlib.import_module(f"tests.mutants.combinations.{file.stem}")
    return _combinations

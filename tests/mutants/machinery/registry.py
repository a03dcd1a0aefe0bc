"""Mutants and sound designs: functions that patch the reference, or the fakes, before they serve.

`run.py` applies them, in a process of their own.
"""

from __future__ import annotations

import importlib
import inspect
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.catalogue.requirements import Profile

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

CONTROL_PLANE = tuple(one for one in Profile if one is not Profile.INSTANCE)
"""The profiles that judge a control plane."""

OPERATIONS = (Profile.HEALTH_CHECK, Profile.MONITORING)
"""Each of the two has scenarios that need the other as well: claim both or neither."""

_ROOT = Path(__file__).parents[1]


@dataclass(frozen=True, kw_only=True)
class Defect:
    """What is wrong with an implementation, and what must fail because of it.

    `scenarios` are the scenarios of the requirement that must fail; no others may. A scenario's name stands for all
    its rows, and `name [row]` for one row of its Examples, the cells joined by dashes.
    """

    name: str
    requirement: str
    mistake: str
    scenarios: tuple[str, ...]
    perhaps: tuple[str, ...] = ()
    """Scenarios that fail by chance, for example because of which instance answers first."""
    asynchronous: bool = False
    """Whether its target file says that a webhook's effects may follow the answer."""
    crashes: bool = False
    """Whether its mistake is a crash, answered 500. No other mutant may crash: that would hide its mistake."""


@dataclass(frozen=True, kw_only=True)
class Mutant(Defect):
    """A defect that `apply` patches into the reference or, in a module called `gateway…`, into the fakes."""

    apply: Callable[[], None]

    @property
    def of_a_gateway(self) -> bool:
        """Whether it patches the fakes."""
        return _of_a_gateway(self.apply)


@dataclass(frozen=True)
class SoundDesign:
    """An implementation that does the same in another way, and must be acquitted.

    One in a module called `gateway…` patches the fakes, and its `target` has further keys of [instance].
    """

    name: str
    apply: Callable[[], None]
    asynchronous: bool = False
    """Whether its target file says that a webhook's effects may follow the answer."""
    target: str = ""
    """Further sections of its target file."""
    profiles: tuple[Profile, ...] = CONTROL_PLANE
    """The profiles whose scenarios can see the difference; only these judge it."""
    slow: bool = False
    """Whether it takes minutes to judge: each of its profiles then has a run of its own."""

    @property
    def of_a_gateway(self) -> bool:
        """Whether it patches the fakes."""
        return _of_a_gateway(self.apply)


def _of_a_gateway(apply: Callable[[], None]) -> bool:
    return apply.__module__.rpartition(".")[2].startswith("gateway")


_mutants: dict[str, Mutant] = {}
_designs: dict[str, SoundDesign] = {}


def mutant(requirement: str, *scenarios: str, asynchronous: bool = False, crashes: bool = False) -> Any:
    """Register a function as a mutant. Its docstring states the mistake."""

    def register(apply: Callable[[], None]) -> Callable[[], None]:
        name = _name(apply)
        if not scenarios:
            raise ValueError(f"{name} needs scenarios that fail")
        _mutants[name] = Mutant(
            name=name,
            requirement=requirement,
            mistake=inspect.getdoc(apply) or "",
            scenarios=scenarios,
            apply=apply,
            asynchronous=asynchronous,
            crashes=crashes,
        )
        return apply

    return register


def sound_design(apply: Callable[[], None] | None = None, **more: Any) -> Any:
    """Register a function as a sound design. Its docstring states the difference."""
    if apply is None:
        return partial(sound_design, **more)
    design = SoundDesign(_name(apply), apply, **more)
    if len({*design.profiles} & {*OPERATIONS}) == 1:
        raise ValueError(f"{design.name} must be judged by both of {', '.join(OPERATIONS)}, or by neither")
    _designs[design.name] = design
    return apply


def _name(apply: Callable[[], None]) -> str:
    name = apply.__name__.replace("_", "-")
    if name in {*_mutants, *_designs} or not inspect.getdoc(apply):
        raise ValueError(f"{name} needs a name of its own and a docstring")
    return name


def rows(scenario: str, *ids: str) -> tuple[str, ...]:
    """Name some rows of a scenario's Examples."""
    return tuple(f"{scenario} [{one}]" for one in ids)


def mutants() -> Mapping[str, Mutant]:
    """Return every mutant of the reference by its name."""
    _load("defects/[!g]*.py")
    return {name: one for name, one in _mutants.items() if not one.of_a_gateway}


def gateway_mutants() -> Mapping[str, Mutant]:
    """Return every mutant of the fakes by its name."""
    _load("defects/gateway*.py")
    return {name: one for name, one in _mutants.items() if one.of_a_gateway}


def sound_designs() -> Mapping[str, SoundDesign]:
    """Return every sound design of a control plane by its name."""
    _load("designs/[!g]*.py")
    return {name: one for name, one in _designs.items() if not one.of_a_gateway}


def gateway_designs() -> Mapping[str, SoundDesign]:
    """Return every sound design of a gateway by its name."""
    _load("designs/gateway*.py")
    return {name: one for name, one in _designs.items() if one.of_a_gateway}


def _load(pattern: str) -> None:
    for file in sorted(_ROOT.glob(pattern)):
        importlib.import_module(f"tests.mutants.{file.parent.name}.{file.stem}")

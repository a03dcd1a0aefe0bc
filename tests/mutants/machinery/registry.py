"""Known-bad implementations: each is the reference with one mistake, made in a process of its own.

A mutant is a function that patches the reference before it serves; `run.py NAME` calls it. It names the
requirement that it breaks and the scenarios that must fail for it, each by its own assertion.
"""

from __future__ import annotations

import importlib
import inspect
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from harness.catalogue.requirements import Profile

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

THEMES = (
    "authentication",
    "webhooks",
    "security",
    "allowlists",
    "caches",
    "secrets_told",
    "verification",
    "scanning",
    "sending",
    "resilience_verification",
    "resilience_scanning",
    "resilience_sending",
    "health_check",
    "health_check_asking",
    "monitoring",
)
"""The modules of `defects` that have mutants."""

SOUND_THEMES = (
    "asking",
    "health_check",
    "rows",
    "sending",
    "webhooks",
    "telling",
)
"""Those of `designs`, which have variants."""

GATEWAY_THEMES = ("gateways", "gateway_holdings")
"""Those of `defects` that have known-bad gateway instances."""

CONTROL_PLANE = tuple(one for one in Profile if one is not Profile.INSTANCE)
"""The profiles that judge a control plane."""

OPERATIONS = (Profile.HEALTH_CHECK, Profile.MONITORING)
"""Each of the two has scenarios that say more where the other is claimed too: claim both or none."""

UNCHANGED = "unchanged"
"""The name under which the reference itself goes through the same machinery."""


@dataclass(frozen=True)
class Mutant:
    """A known-bad implementation.

    `scenarios` are the runs that must fail, and no others of this requirement: a scenario's name means each of
    its rows, and `name [row]` one row of its Examples, the cells joined by dashes.
    """

    name: str
    requirement: str
    mistake: str
    scenarios: tuple[str, ...]
    apply: Callable[[], None]
    perhaps: tuple[str, ...] = ()
    """Further runs that fail or pass by what is decided by chance, such as which instance answers first."""
    asynchronous: bool = False
    """Whether its target file says that a webhook's effects may follow the answer."""
    crashes: bool = False
    """Whether its mistake is a crash, which is answered 500. No other mutant may have one: it would hide its own."""


@dataclass(frozen=True)
class Variant:
    """An implementation that does the same in another way, and must not be convicted for it."""

    name: str
    difference: str
    apply: Callable[[], None]
    asynchronous: bool = False
    """Whether its target file says that a webhook's effects may follow the answer."""
    target: str = ""
    """Further sections of its target file."""
    profiles: tuple[Profile, ...] = CONTROL_PLANE
    """The profiles whose scenarios can meet its difference: it is judged by these."""
    slow: bool = False
    """Whether a run of all its scenarios takes minutes: its profiles then have runs of their own."""


_registered: dict[str, Mutant] = {}
_variants: dict[str, Variant] = {}


def mutant(
    requirement: str, *scenarios: str, asynchronous: bool = False, crashes: bool = False
) -> Callable[[Callable[[], None]], Callable[[], None]]:
    """Register a function as a mutant: its name with dashes is the mutant's, its docstring tells the mistake."""

    def register(apply: Callable[[], None]) -> Callable[[], None]:
        name = apply.__name__.replace("_", "-")
        mistake = inspect.getdoc(apply)
        if name in _registered or name == UNCHANGED:
            raise ValueError(f"two mutants are called {name}")
        if not mistake or not scenarios:
            raise ValueError(
                f"mutant {name} needs a docstring that tells its mistake, and scenarios that fail"
            )
        _registered[name] = Mutant(
            name, requirement, mistake, scenarios, apply, asynchronous=asynchronous, crashes=crashes
        )
        return apply

    return register


def variant(
    apply: Callable[[], None] | None = None,
    *,
    asynchronous: bool = False,
    target: str = "",
    profiles: tuple[Profile, ...] = CONTROL_PLANE,
    slow: bool = False,
) -> Callable[..., Any]:
    """Register a function as a variant: its name with dashes is the variant's, its docstring tells the difference."""
    if apply is None:
        return partial(variant, asynchronous=asynchronous, target=target, profiles=profiles, slow=slow)
    name, difference = apply.__name__.replace("_", "-"), inspect.getdoc(apply)
    if name in _variants or name == UNCHANGED or not difference:
        raise ValueError(f"variant {name} needs a name of its own and a docstring that tells its difference")
    if len({*profiles} & {*OPERATIONS}) == 1:
        raise ValueError(f"variant {name} must be judged by both of {', '.join(OPERATIONS)}, or by neither")
    _variants[name] = Variant(name, difference, apply, asynchronous, target, profiles, slow)
    return apply


def rows(scenario: str, *ids: str) -> tuple[str, ...]:
    """Name some rows of a scenario's Examples."""
    return tuple(f"{scenario} [{one}]" for one in ids)


def mutants() -> Mapping[str, Mutant]:
    """Give every mutant by its name."""
    for theme in THEMES:
        importlib.import_module(f"tests.mutants.defects.{theme}")
    return _registered


def variants() -> Mapping[str, Variant]:
    """Give every variant by its name."""
    for theme in SOUND_THEMES:
        importlib.import_module(f"tests.mutants.designs.{theme}")
    return _variants


def known_in(theme: str) -> Mapping[str, Mutant | Variant]:
    """Give every mutant and variant of one module, which alone is loaded; none if it is no such module."""
    rooms = {f"defects.{one}" for one in THEMES} | {f"designs.{one}" for one in SOUND_THEMES}
    if theme not in rooms:
        return {}
    module = importlib.import_module(f"tests.mutants.{theme}").__name__
    return {name: one for name, one in {**_registered, **_variants}.items() if one.apply.__module__ == module}


def theme_of(one: Mutant | Variant) -> str:
    """Give the module that a mutant or variant stands in, by its room: `defects.webhooks`."""
    return one.apply.__module__.removeprefix("tests.mutants.")


def gateway_mutants() -> Mapping[str, Mutant]:
    """Give every known-bad gateway instance by its name: the fake, not the reference, with one mistake."""
    modules = {importlib.import_module(f"tests.mutants.defects.{theme}").__name__ for theme in GATEWAY_THEMES}
    return {name: one for name, one in _registered.items() if one.apply.__module__ in modules}

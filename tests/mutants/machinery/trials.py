"""What the kill matrix tries: every known-bad implementation, and every one that must be acquitted."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from harness.catalogue.features import catalogue
from harness.catalogue.requirements import Profile
from harness.targets.reader import BUILT_IN, FAKE_GATEWAY
from tests.mutants.defects import node
from tests.mutants.machinery.blends import BLENDS
from tests.mutants.machinery.registry import (
    CONTROL_PLANE,
    OPERATIONS,
    UNCHANGED,
    Variant,
    gateway_mutants,
    mutants,
    theme_of,
    variants,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.mutants.machinery.registry import Mutant

LAUNCHER = Path(__file__).with_name("run.py")
GATEWAY_LAUNCHER = Path(__file__).with_name("run_gateway.py")

TARGET = """\
[implementation]
name = "{name}"
claims = [{claims}]

[launch]
command = [{command}]

[webhook]
asynchronous = {asynchronous}

[timing]
settle_seconds = 0.3
"""


class Defect(Protocol):
    """What is wrong with a known-bad implementation, and which scenarios must fail for it: see `Mutant`."""

    @property
    def name(self) -> str: ...
    @property
    def requirement(self) -> str: ...
    @property
    def mistake(self) -> str: ...
    @property
    def scenarios(self) -> tuple[str, ...]: ...
    @property
    def perhaps(self) -> tuple[str, ...]: ...
    @property
    def asynchronous(self) -> bool: ...
    @property
    def crashes(self) -> bool: ...


class Kind(StrEnum):
    """What a trial is for."""

    MUTANT = "mutant"
    """It has a mistake, and must be convicted."""
    VARIANT = "variant"
    """It is sound, and of another design."""
    BASELINE = "baseline"
    """It is the implementation that mutants are made of, as it is."""


@dataclass(frozen=True)
class Trial:
    """One implementation that is judged. `prepare` attaches it in a folder and gives the target file."""

    name: str
    kind: Kind
    profiles: tuple[Profile, ...]
    prepare: Callable[[Path], Path]
    defect: Defect | None = None
    blended: tuple[str, ...] = ()
    """The further variants that a blend is made of; the first is its name."""

    @property
    def title(self) -> str:
        """Its name, and with it the profiles where it has no mistake: a slow one is judged in several trials."""
        return self.name if self.defect else f"{self.name} ({', '.join(self.profiles)})"

    @property
    def words(self) -> list[str]:
        """The options of the run: a mutant is judged by the scenarios of the requirement that it breaks."""
        return [] if self.defect is None else ["--requirement", self.defect.requirement]


def every_trial(*, apart: bool = False, every_profile: bool = False) -> list[Trial]:
    """Give all of them, those first that take long: they would keep the rest waiting at the end.

    Variants are judged in blends or each apart, by the profiles that can meet their difference or by every profile.
    """
    known = variants()
    blends = [] if apart else BLENDS
    blended = {name for names in blends for name in names}
    blends = [*blends, *((name,) for name in known if name not in blended)]
    sound = [
        _blend([known[name] for name in names], claims)
        for names in blends
        for claims in _shares([known[name] for name in names], every_profile=every_profile)
    ]
    slow = [one for one in sound if any(known[name].slow for name in (one.name, *one.blended))]
    others = [one for one in sound if one not in slow]
    return [*slow, *baselines(), *sorted(others, key=lambda one: -len(one.profiles)), *mutant_trials()]


def mutant_trials() -> list[Trial]:
    """Give a trial for every known-bad implementation."""
    gateways = set(gateway_mutants())
    trials = [_mutant(one, gateway=name in gateways) for name, one in mutants().items()]
    return [*trials, *(Trial(one.name, Kind.MUTANT, _claims(one), one.make, one) for one in node.MISTAKES)]


def baselines() -> list[Trial]:
    """Give the implementations that are as they should be: the reference, the one in Node.js, the fakes."""
    return [
        Trial("reference", Kind.BASELINE, CONTROL_PLANE, launched([], CONTROL_PLANE)),
        Trial("node", Kind.BASELINE, node.CLAIMS, node.copy),
        Trial("fakes", Kind.BASELINE, (Profile.INSTANCE,), _gateway(UNCHANGED)),
    ]


def _mutant(one: Mutant, *, gateway: bool) -> Trial:
    claims = _claims(one)
    prepare = _gateway(one.name) if gateway else launched([one], claims)
    return Trial(one.name, Kind.MUTANT, claims, prepare, one)


def _shares(designs: Sequence[Variant], *, every_profile: bool) -> list[tuple[Profile, ...]]:
    """Say what a blend claims, in each of its runs: everything in one, save where that would take minutes."""
    met = {profile for one in designs for profile in one.profiles}
    claims = CONTROL_PLANE if every_profile else tuple(one for one in Profile if one in met)
    if not any(one.slow for one in designs):
        return [claims]
    apart = [(one,) for one in claims if one not in OPERATIONS]
    return [*apart, OPERATIONS] if set(OPERATIONS) <= set(claims) else apart


def _blend(designs: Sequence[Variant], claims: tuple[Profile, ...]) -> Trial:
    first, *others = (one.name for one in designs)
    return Trial(first, Kind.VARIANT, claims, launched(designs, claims), blended=tuple(others))


def _claims(defect: Defect) -> tuple[Profile, ...]:
    profile = catalogue()[defect.requirement].profile
    return OPERATIONS if profile in OPERATIONS else (profile,)


def launched(patches: Sequence[Mutant | Variant], claims: Sequence[Profile]) -> Callable[[Path], Path]:
    """Give what attaches the reference with patches, or as it is with none."""
    words = [f"{theme_of(one)}.{one.name}" for one in patches] or [UNCHANGED]

    def prepare(folder: Path) -> Path:
        text = TARGET.format(
            name=words[0].rpartition(".")[2],
            claims=", ".join(f'"{one.value}"' for one in claims),
            command=_command(LAUNCHER, *words),
            asynchronous=str(any(one.asynchronous for one in patches)).lower(),
        )
        return _written(folder, text + "".join(one.target for one in patches if isinstance(one, Variant)))

    return prepare


def _gateway(name: str) -> Callable[[Path], Path]:
    def prepare(folder: Path) -> Path:
        text = (BUILT_IN / f"{FAKE_GATEWAY}.toml").read_text("utf-8")
        started = text.replace('"{python}", "-m", "fake_instances"', _command(GATEWAY_LAUNCHER, name))
        # A mutant may call itself unhealthy, or never send what is waited for.
        more = '\n[instance]\nready = "/info"\npatience = 3.0\nenv = { DATA = "{data}" }\n'
        changed = started.replace("\n[instance]\n", more)
        if started in {text, changed}:
            raise ValueError(f"the target {FAKE_GATEWAY} is not written as known-bad gateways need it")
        return _written(folder, changed)

    return prepare


def _command(*words: object) -> str:
    return ", ".join(f"'{word}'" for word in (sys.executable, *words))


def _written(folder: Path, text: str) -> Path:
    target = folder / "target.toml"
    target.write_text(text, "utf-8")
    return target

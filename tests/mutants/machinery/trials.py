"""What the kill matrix judges: every mutant, every baseline, every sound design."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from harness.catalogue.features import catalogue
from harness.catalogue.requirements import Profile
from harness.targets.reader import BUILT_IN, FAKE_GATEWAY, load_target
from tests.mutants.defects import node
from tests.mutants.machinery.blends import BLENDS, GATEWAY_BLENDS
from tests.mutants.machinery.registry import (
    CONTROL_PLANE,
    OPERATIONS,
    SoundDesign,
    gateway_designs,
    gateway_mutants,
    mutants,
    sound_designs,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.mutants.machinery.registry import Defect, Mutant

LAUNCHER = [sys.executable, "-I", "-S", str(Path(__file__).with_name("start.py"))]

TARGET = """\
[implementation]
name = "{name}"
claims = {claims}

[launch]
command = {command}

[webhook]
asynchronous = {asynchronous}

[timing]
settle_seconds = 0.3
"""


class Kind(StrEnum):
    """What a trial is for."""

    MUTANT = "mutant"
    """It has a mistake and must be convicted."""
    BASELINE = "baseline"
    """An implementation as it is, from which mutants are made. It must be acquitted."""
    DESIGN = "sound design"
    """It does the same in another way and must be acquitted."""


@dataclass(frozen=True)
class Trial:
    """One implementation to judge. `prepare` puts it into a folder and returns its target file."""

    name: str
    kind: Kind
    profiles: tuple[Profile, ...]
    prepare: Callable[[Path], Path]
    defect: Defect | None = None
    unjudged: tuple[str, ...] = ()
    """Requirements that cannot be judged, because of how it is attached."""
    blended: tuple[str, ...] = ()
    """The further sound designs in a blend, beside the one that names it."""
    requirements: tuple[str, ...] = ()
    """The only requirements that judge it; without any, all of its profiles do."""

    @property
    def title(self) -> str:
        """Its name; without a defect, its profiles too, because a slow one has several trials."""
        return self.name if self.defect else f"{self.name} ({', '.join(self.profiles)})"

    @property
    def words(self) -> list[str]:
        """The options of its run: only the requirement that it breaks judges a mutant."""
        chosen = self.requirements if self.defect is None else (self.defect.requirement,)
        return [word for one in chosen for word in ("--requirement", one)]

    def judged_by(self, requirements: Sequence[str]) -> Trial | None:
        """Return the trial by only those of these requirements that its profiles have; None where they have none."""
        known = catalogue()
        own = tuple(one for one in requirements if known[one].profile in self.profiles)
        return replace(self, requirements=own) if own else None


def mutant_trials() -> list[Trial]:
    """Return a trial for every mutant."""
    return [
        *(_trial(one, launched([one], _claims(one))) for one in mutants().values()),
        *(_trial(one, launched_gateway(one.name)) for one in gateway_mutants().values()),
        *(_trial(one, one.make) for one in node.MISTAKES),
    ]


def baselines() -> list[Trial]:
    """Return a trial for each unchanged implementation: the reference, the one in Node.js, the fakes."""
    in_node = load_target(str(node.SOURCE / node.TARGET)).claims
    return [
        Trial("reference", Kind.BASELINE, CONTROL_PLANE, launched([], CONTROL_PLANE)),
        # Its rows are reached over hooks, by which nobody can hold its database.
        Trial("node", Kind.BASELINE, in_node, node.copy, unjudged=("WEBHOOK-21",)),
        Trial("fakes", Kind.BASELINE, (Profile.INSTANCE,), launched_gateway()),
    ]


def design_trials(*, apart: bool = False) -> list[Trial]:
    """Return the trials of sound designs, in blends or each apart, the slow ones first."""
    known = sound_designs()
    blends = () if apart else BLENDS
    blended = {name for names in blends for name in names}
    every = [*blends, *((name,) for name in known if name not in blended)]
    every.sort(key=lambda names: not any(known[name].slow for name in names))
    judged = [trial for names in every for trial in _blend([known[name] for name in names])]
    return [*judged, *_gateway_designs(apart=apart)]


def _gateway_designs(*, apart: bool) -> list[Trial]:
    known = gateway_designs()
    blends = tuple((name,) for name in known) if apart else GATEWAY_BLENDS
    return [
        Trial(
            names[0],
            Kind.DESIGN,
            (Profile.INSTANCE,),
            launched_gateway(*names, keys="".join(known[name].target for name in names)),
            blended=names[1:],
        )
        for names in blends
    ]


def _trial(defect: Defect, prepare: Callable[[Path], Path]) -> Trial:
    return Trial(defect.name, Kind.MUTANT, _claims(defect), prepare, defect)


def _claims(defect: Defect) -> tuple[Profile, ...]:
    profile = catalogue()[defect.requirement].profile
    return OPERATIONS if profile in OPERATIONS else (profile,)


def _blend(designs: Sequence[SoundDesign]) -> list[Trial]:
    """Return the trials of a blend: one for all its claims, except where that would take minutes."""
    first, *others = (one.name for one in designs)
    claims = tuple(one for one in Profile if any(one in design.profiles for design in designs))
    shares = [claims]
    if any(one.slow for one in designs):
        operations = [OPERATIONS] if set(OPERATIONS) <= set(claims) else []
        shares = [*((one,) for one in claims if one not in OPERATIONS), *operations]
    return [
        Trial(first, Kind.DESIGN, share, launched(designs, share), blended=tuple(others)) for share in shares
    ]


def launched(patches: Sequence[Mutant | SoundDesign], claims: Sequence[Profile]) -> Callable[[Path], Path]:
    """Return what attaches the reference with these patches."""
    names = [one.name for one in patches]

    def prepare(folder: Path) -> Path:
        text = TARGET.format(
            name=names[0] if names else "reference",
            claims=json.dumps(claims),
            command=json.dumps([*LAUNCHER, "reference", *names, "--"]),
            asynchronous=str(any(one.asynchronous for one in patches)).lower(),
        )
        return _written(folder, text + "".join(one.target for one in patches if isinstance(one, SoundDesign)))

    return prepare


def launched_gateway(*names: str, keys: str = "") -> Callable[[Path], Path]:
    """Return what attaches the fakes, as a gateway, with these patches and further keys of [instance]."""

    def prepare(folder: Path) -> Path:
        text = (BUILT_IN / f"{FAKE_GATEWAY}.toml").read_text("utf-8")
        command = json.dumps([*LAUNCHER, "fakes", *names, "--"])[1:-1]
        started = text.replace('"{python}", "-m", "fake_instances"', command)
        # A mutant may call itself unhealthy, or never send what is waited for.
        more = '\n[instance]\nready = "/info"\npatience = 3.0\nenv = { DATA = "{data}" }\n' + keys
        changed = started.replace("\n[instance]\n", more)
        if started in {text, changed}:
            raise ValueError(f"the target {FAKE_GATEWAY} is not written as mutants of gateways need it")
        return _written(folder, changed)

    return prepare


def _written(folder: Path, text: str) -> Path:
    target = folder / "target.toml"
    target.write_text(text, "utf-8")
    return target

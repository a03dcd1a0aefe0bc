"""What a user selects, checked before anything runs: a filter that names nothing is an error. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.catalogue.requirements import Profile, closest
from harness.errors import TargetError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from harness.catalogue.requirements import Requirement

_LIKE_AN_ID = re.compile(r"\b[A-Z]+-[0-9]+\b")
"""No other marker looks like that: a hyphen cannot stand in a Python name."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which scenarios are to run; an empty part selects all. `again` has the ids of scenarios, None for all."""

    requirements: frozenset[str] = frozenset()
    profiles: frozenset[str] = frozenset()
    levels: frozenset[str] = frozenset()
    again: frozenset[str] | None = None

    @property
    def restricts(self) -> bool:
        """Whether anything is left out at all."""
        return bool(self.requirements or self.profiles or self.levels) or self.again is not None

    def wants(self, scenario_id: str, requirements: Iterable[Requirement]) -> bool:
        """Return whether a scenario is selected: by its id, and by any one of the requirements it carries."""
        if self.again is not None and scenario_id not in self.again:
            return False
        return any(
            (not self.requirements or one.id in self.requirements)
            and (not self.profiles or one.profile in self.profiles)
            and (not self.levels or one.level in self.levels)
            for one in requirements
        )

    def words(self, *others: str) -> str:
        """Describe the selection, and other filters in force, in a line; empty when there is none."""
        parts = [
            f"{name} {', '.join(sorted(chosen))}"
            for name, chosen in (
                ("requirement", self.requirements),
                ("profile", self.profiles),
                ("level", self.levels),
            )
            if chosen
        ]
        if self.again is not None:
            parts.append("what did not pass the last time")
        return "; ".join([*parts, *filter(None, others)])


def names_in_expression(expression: str) -> tuple[str, ...]:
    """Return the words of a marker expression (`-m`) that are meant as requirement ids."""
    return tuple(_LIKE_AN_ID.findall(expression))


def check_requirements(names: Iterable[str], catalogue: Collection[str], written: Collection[str]) -> None:
    """Check that each name is a requirement which has a scenario; TargetError if one is not."""
    for name in names:
        if name not in catalogue:
            guess = closest(name, catalogue)
            hint = f"did you mean {guess}?" if guess else "the ids are those of features/requirements.toml"
            raise TargetError(f"there is no requirement {name}; {hint}")
        if name not in written:
            raise TargetError(
                f"no scenario carries requirement {name} yet, so there is nothing to run for it"
            )


def check_applicable(names: Iterable[str], not_applicable: Mapping[str, str]) -> None:
    """Check that each requirement has a meaning for this target; TargetError if its adapter declares otherwise."""
    for name in names:
        if name in not_applicable:
            raise TargetError(
                f"--requirement {name}: not applicable, by the target's adapter: {not_applicable[name]}"
            )


def check_claimed(
    names: Iterable[str],
    profiles: Iterable[str],
    catalogue: Mapping[str, Requirement],
    claims: Collection[str],
) -> None:
    """Check that the target claims these profiles, and those of these requirements; TargetError if it does not."""
    wanted = {f"--requirement {name}": catalogue[name].profile for name in names if catalogue[name].judged}
    wanted |= {f"--profile {name}": Profile(name) for name in profiles}
    for option, profile in wanted.items():
        if profile not in claims:
            raise TargetError(
                f"{option}: the target does not claim the profile {profile}, only {', '.join(claims)}; "
                "what it claims stands in its target file, under [implementation] claims"
            )


def gate_of(given: Collection[str], claims: Collection[str]) -> tuple[Profile, ...]:
    """Return the profiles that decide the exit code, of words with commas; TargetError if one is not claimed."""
    names = [name.strip() for words in given for name in words.split(",") if name.strip()]
    for name in names:
        if name not in {one.value for one in Profile}:
            guess = closest(name, [one.value for one in Profile])
            hint = f"did you mean {guess}?" if guess else f"the profiles are {', '.join(Profile)}"
            raise TargetError(f"--gate {name}: there is no such profile; {hint}")
        if name not in claims:
            raise TargetError(
                f"--gate {name}: the target does not claim this profile, only {', '.join(claims)}; "
                "what it claims stands in its target file, under [implementation] claims"
            )
    if given and not names:
        raise TargetError("--gate names no profile; name one of those that the target claims")
    return tuple(one for one in Profile if one.value in names)

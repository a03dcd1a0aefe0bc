"""A finding: a promise that was not kept, how surely, by which least story, and what of it is needed. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.evidence import Event
    from harness.explore.story import Story


class Steadiness(StrEnum):
    """How surely a finding comes again."""

    STABLE = "stable"
    """In at least nine of ten clean rooms: relaunched, with a new database."""
    NEEDS_HISTORY = "needs history"
    """Only behind the stories before it, without which it does not come."""
    UNSTABLE = "unstable"
    """Now and then. It is told, with its rate, and is no verdict."""


@dataclass(frozen=True, slots=True)
class Needed:
    """What became of a story without one of its actions: in how many of so many runs it failed all the same."""

    step: str
    failed: int
    runs: int

    @property
    def is_needed(self) -> bool:
        """Whether hardly anything fails without it."""
        return self.failed * 10 <= self.runs


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding.

    Attributes:
        requirement: the id of the requirement that was not kept.
        then: the Then step that does not hold.
        expected, observed: the words of the failure.
        story: the least story that shows it.
        found_in: the story in which it was found first.
        earlier: stories that must go before it, where it needs history.
        steadiness: how surely it comes again.
        rate: how often it came again, of how many replays.
        needed: each action of the story, with what happens without it.
        load: the machine's load average when it was found.
        events: what happened, redacted, for a diagram.

    """

    requirement: str
    then: str
    expected: str
    observed: str
    story: Story
    found_in: Story
    steadiness: Steadiness
    rate: tuple[int, int]
    earlier: tuple[Story, ...] = ()
    needed: tuple[Needed, ...] = ()
    load: float = 0.0
    events: tuple[Event, ...] = field(default=(), repr=False)

    @property
    def convicts(self) -> bool:
        """Whether it counts as a violation."""
        return self.steadiness is not Steadiness.UNSTABLE

    @property
    def sentence(self) -> str:
        """What is needed for it, in a sentence."""
        needed = [one.step for one in self.needed if one.is_needed]
        if not self.needed:
            return "nothing else is needed"
        if not needed:
            return "none of its actions alone is needed"
        without = "it" if len(needed) == 1 else "any one of them"
        return f"{'; '.join(needed)}. Without {without} the promise is kept"

    def to_json(self) -> dict[str, object]:
        """Return it as plain JSON values, without its events."""
        return {
            "requirement": self.requirement,
            "then": self.then,
            "expected": self.expected,
            "observed": self.observed,
            "story": self.story.to_json(),
            "found_in": self.found_in.to_json(),
            "earlier": [one.to_json() for one in self.earlier],
            "steadiness": str(self.steadiness),
            "came_again": self.rate[0],
            "replays": self.rate[1],
            "needed": [
                {"step": one.step, "failed_without": one.failed, "runs": one.runs} for one in self.needed
            ],
            "load": round(self.load, 2),
        }

"""What is known of one run of a scenario besides its outcome: plain values, checked. Pure."""

# The docstrings of these classes are part of the published schema of report.json.

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass

_STRICT = ConfigDict(extra="forbid")

Tone = Literal["plain", "good", "bad", "faint"]
StepOutcome = Literal["passed", "failed", "not judged", "not reached"]


@dataclass(frozen=True, slots=True, config=_STRICT)
class Step:
    """One step of a scenario with its keyword, and how far it came. `seconds` is how long it took."""

    words: str
    outcome: StepOutcome = "not reached"
    seconds: float | None = None


@dataclass(frozen=True, slots=True, config=_STRICT)
class Event:
    """One thing that happened, as a sequence diagram draws it.

    `at` is seconds since the first event. With a `source` and a `target` it is an arrow from lane to lane; with a
    source alone, a note on its lane; with neither, a line across all lanes. `count` alike events are told as one.
    """

    at: float
    source: str
    target: str
    words: str
    tone: Tone = "plain"
    count: int = 1


@dataclass(frozen=True, slots=True, config=_STRICT)
class Evidence:
    """What is known of one run of a scenario besides its outcome.

    `expected` and `observed` are a finding's; `timeline` is there when it did not pass; `events` when a report
    was asked for, and `left_out` of them, in the middle, are in the saved history only.
    """

    seconds: float = 0.0
    steps: tuple[Step, ...] = ()
    expected: str = ""
    observed: str = ""
    timeline: tuple[str, ...] = ()
    events: tuple[Event, ...] = ()
    left_out: int = 0

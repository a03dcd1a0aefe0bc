"""Made-up axes, frontiers and results for the tests of frontiers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.contract import Settings
from harness.frontier.axes import Axis
from harness.frontier.bisection import Frontier, Outcome, Scale, Try, find
from harness.frontier.measuring import Measured
from harness.frontier.telling import Conditions

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.scenario.world import World

SECONDS = Scale(0.5, 900)
COUNT = Scale(1, 200, whole=True)
FEW = Scale(0, 3, whole=True)
HELD, UNJUDGED = Try(Outcome.HELD), Try(Outcome.NOT_JUDGED, "the harness itself is too slow")
BROKE = Try(Outcome.BROKE, 'expected a row; observed <b>&"none"')
CONDITIONS = Conditions(Settings(), repeats=5, seconds=61.2, load_before=0.5, load_after=1.25, cores=2)


def never() -> bool:
    return False


def up_to(limit: float, beyond: Try = BROKE) -> Callable[[float], Try]:
    return lambda value: HELD if value <= limit else beyond


def found(scale: Scale, attempt: Callable[[float], Try], repeats: int = 5) -> Frontier:
    return find(scale, repeats, attempt, never)


def axis(
    name: str = "delay", scale: Scale = SECONDS, holds: Callable[[World, float], None] = lambda *_: None
) -> Axis:
    return Axis(name, "how late it comes", "s", scale, "it is heard", holds)


def measured(one: Axis, subject: str, frontier: Frontier) -> Measured:
    return Measured(one, subject, frontier, 1.25)

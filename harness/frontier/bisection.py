"""Finds the largest value at which something still holds, though each single try may be wrong. Pure.

A value is tried several times, and holds if most of its tries do. The frontier is closed in by halving, on a scale of
ratios, and told as an interval: tolerated up to here, failing from there. Both sides of it are then tried anew: where
a value says something else now, the halving goes on from there. Two values far from it, one on each side, show
whether it is a frontier at all.
"""

from __future__ import annotations

import contextlib
import math
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_ROUNDS = 4
"""How often the two sides of a frontier are tried anew, until they say the same again."""
_DIGITS = 3
"""How many digits of a value count."""
_ONE_IN = 5
"""One in so many tries may break, and the value holds all the same."""


class Outcome(StrEnum):
    """What became of a try, or of a value."""

    HELD = "held"
    BROKE = "broke"
    NOT_JUDGED = "not judged"


@dataclass(frozen=True, slots=True)
class Try:
    """What became of one try, and why if it did not hold."""

    outcome: Outcome
    why: str = ""


@dataclass(frozen=True, slots=True)
class Scale:
    """The values that come into question: from the least to the most, all of them or whole numbers only.

    The frontier is closed in until its two sides differ by less than the share `precision` of the lower one.
    """

    least: float
    most: float
    whole: bool = False
    precision: float = 0.05

    def between(self, low: float, high: float) -> float | None:
        """Return the value half way between two, None if they are as close as they need be."""
        if high <= low * (1 + self.precision) or (self.whole and high - low <= 1):
            return None
        middle = math.sqrt(low * high) if low > 0 else (low + high) / 2
        if self.whole:
            return float(min(max(round(_rounded(middle)), low + 1), high - 1))
        # Between two that differ by a twentieth there is a value of three digits.
        return _rounded(middle)


@dataclass(frozen=True, slots=True)
class Point:
    """A value that was tried: how often it held and broke, and why it did not hold, if it did not."""

    value: float
    outcome: Outcome
    held: int
    tries: int
    why: str = ""

    @property
    def holds(self) -> bool:
        """Whether it held."""
        return self.outcome is Outcome.HELD


@dataclass(frozen=True, slots=True)
class Frontier:
    """What was found out, of which values.

    Attributes:
        scale: the values that came into question.
        points: the values that were tried, in order of value.
        tolerates: the largest value below the frontier that held, None if none did.
        ends: the value above it that did not hold, None if even the most held, or the time was up before.
        cut_short: whether the time was up before it was closed in.
        probed: whether values far from it were tried too.
        blurred: whether its two sides did not say the same when they were tried anew, again and again.

    """

    scale: Scale
    points: tuple[Point, ...]
    tolerates: float | None
    ends: float | None
    cut_short: bool
    probed: bool
    blurred: bool = False

    @property
    def end(self) -> Point | None:
        """What was found at the value above the frontier."""
        return next((one for one in self.points if one.value == self.ends), None)

    @property
    def fails_from(self) -> float | None:
        """The value above the frontier, None if nothing broke there: it could not be judged, or there is none."""
        return self.ends if self.end is not None and self.end.outcome is Outcome.BROKE else None

    @property
    def odd(self) -> tuple[Point, ...]:
        """The values that broke below the frontier or held above it: with any, it is no frontier."""
        low = -math.inf if self.tolerates is None else self.tolerates
        high = math.inf if self.ends is None else self.ends
        return tuple(
            one
            for one in self.points
            if (one.outcome is Outcome.BROKE and one.value < low)
            or (one.outcome is Outcome.HELD and one.value > high)
        )


def find(
    scale: Scale, repeats: int, attempt: Callable[[float], Try], time_is_up: Callable[[], bool]
) -> Frontier:
    """Find the frontier on a scale, by at most `repeats` tries for each value, until the time is up."""
    search = _Search(scale, repeats, attempt, time_is_up)
    with contextlib.suppress(_TimeIsUpError):
        search.close_in()
        search.probe()
    return search.found


def judged(value: float, repeats: int, tries: Iterator[Try]) -> Point:
    """Try a value so often, or until it is certain what most of the tries say.

    A value that neither holds nor breaks so, because some tries could not be judged, is not judged.
    """
    needed = repeats - repeats // _ONE_IN
    counts = dict.fromkeys(Outcome, 0)
    reasons: dict[Outcome, str] = {}
    outcome = None
    while outcome is None and sum(counts.values()) < repeats:
        one = next(tries)
        counts[one.outcome] += 1
        reasons.setdefault(one.outcome, one.why)
        if counts[Outcome.HELD] >= needed:
            outcome = Outcome.HELD
        elif one.outcome is not Outcome.HELD and counts[one.outcome] > repeats - needed:
            outcome = one.outcome
    outcome = outcome or Outcome.NOT_JUDGED
    why = "" if outcome is Outcome.HELD else reasons.get(outcome, "")
    return Point(value, outcome, counts[Outcome.HELD], sum(counts.values()), why)


class _TimeIsUpError(Exception):
    """The time is up."""


class _Search:
    def __init__(
        self, scale: Scale, repeats: int, attempt: Callable[[float], Try], time_is_up: Callable[[], bool]
    ) -> None:
        self._scale = scale
        self._repeats = repeats
        self._attempt = attempt
        self._time_is_up = time_is_up
        self._points: dict[float, Point] = {}
        self._low: float | None = None
        self._high: float | None = None
        self._closed_in = False
        self._probed = False
        self._blurred = False

    def close_in(self) -> None:
        """Find the frontier between the ends of the scale, and try its sides anew."""
        for _ in range(_ROUNDS):
            self._halve()
            if self._is_confirmed():
                return
        self._halve()
        self._blurred = True

    def probe(self) -> None:
        """Try a value on each side, far from the frontier: it should say what its neighbours say."""
        scale = self._scale
        low = scale.least if self._low is None else self._low
        high = scale.most if self._high is None else self._high
        for one, other in ((scale.least, low), (high, scale.most)):
            middle = scale.between(one, other)
            if middle is not None and middle not in self._points:
                self._try(middle)
        self._probed = True

    @property
    def found(self) -> Frontier:
        points = tuple(sorted(self._points.values(), key=lambda one: one.value))
        return Frontier(
            self._scale, points, self._low, self._high, not self._closed_in, self._probed, self._blurred
        )

    def _halve(self) -> None:
        self._closed_in = False
        least, most = self._scale.least, self._scale.most
        if self._low is None and self._high != least:
            self._put(least)
        if self._high is None and self._low != most:
            self._put(most)
        while (middle := self._middle()) is not None:
            self._put(middle)
        self._closed_in = True

    def _put(self, value: float) -> None:
        """Try a value between the two sides, which then is one of them."""
        if self._try(value):
            self._low = value
        else:
            self._high = value

    def _middle(self) -> float | None:
        return None if self._low is None or self._high is None else self._scale.between(self._low, self._high)

    def _is_confirmed(self) -> bool:
        """Try both sides anew; where one says something else, go back to the nearest value that is not in doubt."""
        if self._high is not None and self._try(self._high):
            self._low = self._high
            self._high = min(
                (v for v, one in self._points.items() if v > self._low and not one.holds), default=None
            )
            return False
        if self._low is not None and not self._try(self._low):
            self._high = self._low
            self._low = max(
                (v for v, one in self._points.items() if v < self._high and one.holds), default=None
            )
            return False
        return True

    def _try(self, value: float) -> bool:
        point = judged(value, self._repeats, self._tries(value))
        if (before := self._points.get(value)) is not None:
            # What it says now counts, and every try is told.
            point = replace(point, held=before.held + point.held, tries=before.tries + point.tries)
        self._points[value] = point
        return point.holds

    def _tries(self, value: float) -> Iterator[Try]:
        while True:
            if self._time_is_up():
                raise _TimeIsUpError
            yield self._attempt(value)


def _rounded(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")

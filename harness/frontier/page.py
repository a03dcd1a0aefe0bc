"""What was measured as one page that stands alone: a table, and a small chart for each axis. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.frontier.telling import conditions_lines, interval, notes, shown
from harness.report.formats.templating import filled, inline_style
from harness.wording import cut

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from harness.frontier.axes import Axis
    from harness.frontier.bisection import Frontier, Outcome, Scale
    from harness.frontier.measuring import Measured
    from harness.frontier.telling import Conditions

WIDTH = 720
_LEFT, _RIGHT = 150, 24
_LANE, _FOOT = 30, 26
_MOST_NAME = 20
_FEW_VALUES = 12
"""So many whole numbers have a tick each."""
_APART = 40.0
"""How far apart ticks are at least."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A value in a chart: where it is, what became of it, and the words for it."""

    x: float
    outcome: Outcome
    words: str


@dataclass(frozen=True, slots=True)
class Lane:
    """One implementation in a chart. `holds` and `fails` are where its lines begin and end, None without a line."""

    name: str
    y: float
    holds: tuple[float, float] | None
    fails: tuple[float, float] | None
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """The results on one axis, ready to be drawn."""

    axis: Axis
    height: int
    left: int
    right: int
    lanes: tuple[Lane, ...]
    ticks: tuple[tuple[float, str], ...]


def render(results: Sequence[Measured], versions: Mapping[str, str], conditions: Conditions) -> str:
    """Return the page."""
    style, policy = inline_style()
    axes = dict.fromkeys(one.axis for one in results)
    by_axis = {axis: [one for one in results if one.axis is axis] for axis in axes}
    return filled(
        "frontier.html",
        style=style,
        policy=policy,
        versions=versions,
        conditions=[*conditions_lines(conditions)],
        by_axis=by_axis,
        charts={axis: chart_of(axis, own) for axis, own in by_axis.items()},
        interval=interval,
        notes=notes,
        width=WIDTH,
    )


def chart_of(axis: Axis, results: Sequence[Measured]) -> Chart:
    """Return the chart of one axis."""
    scale = axis.scale
    lanes = tuple(
        Lane(
            cut(one.subject, _MOST_NAME).partition(" (")[0],
            _LANE * (place + 0.6),
            _line(scale, scale.least, one.frontier.tolerates),
            _line(scale, one.frontier.fails_from, scale.most),
            tuple(_marks(one.frontier, axis.unit)),
        )
        for place, one in enumerate(results)
    )
    return Chart(axis, _LANE * len(lanes) + _FOOT, _LEFT, WIDTH - _RIGHT, lanes, tuple(_ticks(scale)))


def place_of(scale: Scale, value: float) -> float:
    """Return where a value is in a chart: on a scale of ratios, except from 0."""
    if scale.least > 0:
        share = math.log(value / scale.least) / math.log(scale.most / scale.least)
    else:
        share = value / scale.most
    return round(_LEFT + share * (WIDTH - _LEFT - _RIGHT), 1)


def _line(scale: Scale, low: float | None, high: float | None) -> tuple[float, float] | None:
    return None if low is None or high is None else (place_of(scale, low), place_of(scale, high))


def _marks(frontier: Frontier, unit: str) -> Iterator[Mark]:
    for one in frontier.points:
        words = f"{shown(one.value)} {unit}: held {one.held} of {one.tries}"
        yield Mark(place_of(frontier.scale, one.value), one.outcome, words)


def _ticks(scale: Scale) -> Iterator[tuple[float, str]]:
    """Return the ends of the scale and round values between them, none too near to another."""
    if scale.whole and scale.most - scale.least <= _FEW_VALUES:
        yield from ((place_of(scale, v), shown(v)) for v in range(int(scale.least), int(scale.most) + 1))
        return
    first, last = place_of(scale, scale.least), place_of(scale, scale.most)
    yield first, shown(scale.least)
    for power in range(math.ceil(math.log10(scale.least)), math.floor(math.log10(scale.most)) + 1):
        x = place_of(scale, 10.0**power)
        if first + _APART < x < last - _APART:
            yield x, shown(10.0**power)
    yield last, shown(scale.most)

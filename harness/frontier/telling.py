"""What was measured, as lines for a terminal and as JSON. Pure."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.frontier.bisection import Outcome
from harness.wording import cut, visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from harness.contract import Settings
    from harness.frontier.axes import Axis
    from harness.frontier.bisection import Frontier, Point
    from harness.frontier.measuring import Measured

_WIDTH = 100
_OWN_LOAD = 2
"""What the harness and the implementation may want to run by themselves."""
_MOST_OBSERVED = 300
"""Characters of what was observed that a terminal shows."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """Under what the measurement was made: the settings of each launch, and how busy the machine was."""

    settings: Settings
    repeats: int
    seconds: float
    load_before: float
    load_after: float
    cores: int

    @property
    def busy(self) -> bool:
        """Whether more wanted to run than there are cores."""
        return max(self.load_before, self.load_after) > self.cores + _OWN_LOAD


def shown(value: float) -> str:
    """Return a value as it is read: 0.74, 300, 20,000."""
    return f"{value:,.0f}" if value >= 1000 else f"{value:g}"


def interval(frontier: Frontier) -> str:
    """Return what is known of a frontier in words: 'tolerates 3, fails from 3.1'."""
    if not frontier.points:
        return "not measured, the time was up"
    low, high, scale = frontier.tolerates, frontier.ends, frontier.scale
    unjudged = frontier.end is not None and frontier.end.outcome is Outcome.NOT_JUDGED
    if low is None:
        words = (
            f"not judged, even at {shown(scale.least)}"
            if unjudged
            else f"not even {shown(scale.least)}, the least"
        )
    elif low == scale.most:
        words = f"at least {shown(low)}, the end of the range"
    elif high is None:
        words = f"tolerates {shown(low)}"
    elif unjudged:
        words = f"tolerates {shown(low)}, not judged from {shown(high)}"
    else:
        words = f"tolerates {shown(low)}, fails from {shown(high)}"
    return words + (" (the time was up)" if frontier.cut_short else "")


def notes(measured: Measured) -> Iterator[str]:
    """Return what else is to be said of a result: what is odd about it, and why it does not go further."""
    frontier = measured.frontier
    if frontier.odd:
        told = ", ".join(f"{one.outcome.value} at {shown(one.value)}" for one in frontier.odd)
        yield f"no clear frontier: it {told}"
    if frontier.blurred:
        yield "the frontier is blurred: the same values held and broke, tried anew"
    if frontier.end is not None and frontier.end.why:
        yield f"at {shown(frontier.end.value)}: {frontier.end.why}"


def table(results: Sequence[Measured], names: Sequence[str]) -> Iterator[str]:
    """Return a row for each axis, and a column for each of the implementations with these names."""
    rows = [("axis", "unit", *names)]
    for axis in _axes(results):
        own = {one.subject: interval(one.frontier) for one in results if one.axis is axis}
        rows.append((axis.name, axis.unit, *(own.get(name, "") for name in names)))
    widths = [max(len(visible(row[place])) for row in rows) for place in range(len(rows[0]))]
    for row in rows:
        cells = (f"{visible(cell):{width}}" for cell, width in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()


def note_lines(results: Iterable[Measured]) -> Iterator[str]:
    """Return what else is to be said of each result."""
    for one in results:
        for note in notes(one):
            words = f"{one.axis.name} of {one.subject}, {cut(note, _MOST_OBSERVED)}"
            yield from textwrap.wrap(visible(words), _WIDTH, subsequent_indent="    ")


def conditions_lines(conditions: Conditions) -> Iterator[str]:
    """Return under what the measurement was made."""
    settings = conditions.settings
    yield (
        f"verify timeout {settings.verify_timeout_in_force:g} s, send timeout {settings.send_timeout_in_force:g} s, "
        f"signature window {settings.signature_ttl} s; at most {conditions.repeats} tries a value"
    )
    busy = "; too busy: what depends on time may bear more than this" if conditions.busy else ""
    yield (
        f"{conditions.seconds:.0f} s on {conditions.cores} core{'s' if conditions.cores > 1 else ''}, load "
        f"{conditions.load_before:.1f} before and {conditions.load_after:.1f} after{busy}"
    )


def axis_lines(axes: Iterable[Axis]) -> Iterator[str]:
    """Return each axis: what grows, in which range, and when everything still holds."""
    for axis in axes:
        scale = axis.scale
        yield f"{axis.name}: {axis.title}, from {shown(scale.least)} to {shown(scale.most)} {axis.unit}"
        yield from textwrap.wrap(
            f"holds when {axis.means}", _WIDTH, initial_indent="    ", subsequent_indent="    "
        )


def to_json(
    results: Sequence[Measured], versions: dict[str, str], conditions: Conditions
) -> dict[str, object]:
    """Return all of it as plain JSON values; docs/frontier.md says what each is."""
    settings = conditions.settings
    return {
        "format": 1,
        "implementations": [{"name": name, "version": version} for name, version in versions.items()],
        "verify_timeout": settings.verify_timeout_in_force,
        "send_timeout": settings.send_timeout_in_force,
        "signature_ttl": settings.signature_ttl,
        "repeats": conditions.repeats,
        "seconds": round(conditions.seconds, 1),
        "cores": conditions.cores,
        "load": [round(conditions.load_before, 2), round(conditions.load_after, 2)],
        "axes": [
            {
                "axis": axis.name,
                "title": axis.title,
                "unit": axis.unit,
                "least": axis.scale.least,
                "most": axis.scale.most,
                "results": [_result(one) for one in results if one.axis is axis],
            }
            for axis in _axes(results)
        ],
    }


def _result(one: Measured) -> dict[str, object]:
    frontier = one.frontier
    return {
        "implementation": one.subject,
        "words": interval(frontier),
        "tolerates": frontier.tolerates,
        "fails_from": frontier.fails_from,
        "monotonic": not frontier.odd if frontier.odd or frontier.probed else None,
        "blurred": frontier.blurred,
        "complete": not frontier.cut_short,
        "seconds": round(one.seconds, 1),
        "tried": [_point(point) for point in frontier.points],
    }


def _point(point: Point) -> dict[str, object]:
    return {
        "value": point.value,
        "outcome": point.outcome.value,
        "held": point.held,
        "tries": point.tries,
        "why": point.why,
    }


def _axes(results: Iterable[Measured]) -> list[Axis]:
    return list(dict.fromkeys(one.axis for one in results))

"""What came of a whole campaign, from the results of its units. Pure.

Merging is a function of the set of results: their order says nothing, and one that comes twice changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.explore.campaign.results import Broken, Result, text_of
from harness.explore.workers import Told

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from harness.explore.campaign.units import Campaign, Unit


@dataclass(slots=True)
class Merged:
    """What came of a campaign.

    Attributes:
        told: all that was told.
        broken: every promise that was not kept, each once, by the earliest story.
        units: how many units have a result.
        missing: stories that no result has, each part from the first to the one before the last, counted from 0.
        seconds: how long telling took, of all workers together.
        load: the highest load average.
        workers: who told it.

    """

    told: Told = field(default_factory=Told)
    broken: tuple[Broken, ...] = ()
    units: int = 0
    missing: tuple[tuple[int, int], ...] = ()
    seconds: float = 0.0
    load: float = 0.0
    workers: frozenset[str] = frozenset()

    def to_json(self) -> dict[str, object]:
        """Return how it was told, as a JSON object; the stories that are missing are counted from 1."""
        return {
            "units": self.units,
            "workers": sorted(self.workers),
            "missing": [[first + 1, end] for first, end in self.missing],
        }

    def lines(self) -> Iterator[str]:
        """Return how it was told, as lines for a terminal."""
        told_by = len(self.workers)
        units = f"{self.units} unit{'' if self.units == 1 else 's'}"
        yield f"campaign        {units}, told by {told_by} worker{'' if told_by == 1 else 's'}"
        if self.missing:
            parts = ", ".join(f"{first + 1} to {end}" for first, end in self.missing)
            yield f"missing         stories {parts}: nothing is known of them"


def of_campaign(results: Iterable[Result], campaign: Campaign) -> list[Result]:
    """Return the results that belong to a campaign; what was told of another target is no result of this one."""
    return [one for one in results if one.unit.campaign == campaign]


def merge(results: Iterable[Result], stories: int = 0) -> Merged:
    """Return what results of one campaign come to, in whatever order they are given.

    No story counts twice: of units that overlap, the one that begins first and is longest counts. What they found
    counts all the same. `stories` is how many the campaign has; by default, as many as the results reach.
    """
    merged, covered = Merged(), 0
    missing: list[tuple[int, int]] = []
    earliest: dict[tuple[str, str], Broken] = {}
    by_key: dict[str, Result] = {}
    for one in sorted(results, key=text_of):
        by_key.setdefault(one.unit.key, one)
    ordered = sorted(by_key.values(), key=lambda one: (one.unit.first, -one.unit.end, one.unit.key))
    for one in ordered:
        for broken in one.broken:
            known = earliest.get(broken.violation.key)
            if known is None or broken.place < known.place:
                earliest[broken.violation.key] = broken
        if one.unit.first < covered:
            continue
        if one.unit.first > covered:
            missing.append((covered, one.unit.first))
        covered = one.unit.end
        merged.units += 1
        merged.told.add_all(one.told)
        merged.seconds += one.seconds
        merged.load = max(merged.load, one.load)
        merged.workers |= {one.worker}
    if covered < stories:
        missing.append((covered, stories))
    merged.missing = tuple(missing)
    merged.broken = tuple(sorted(earliest.values(), key=lambda one: (one.place, one.violation.key)))
    return merged


def missing_units(units: Sequence[Unit], results: Iterable[Result]) -> list[Unit]:
    """Return the units that have no result yet."""
    there = {one.unit.key for one in results}
    return [one for one in units if one.key not in there]

"""Makes each call of a story that passed fail in turn: the moments at which systems of this kind break. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.scenario.actions import named

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.explore.conduct import Carried
    from harness.explore.story import Story

_FEWEST_ACTIONS = 3
"""Shorter stories have a neighbour of their own for every fault."""
_MOST = 1
"""How many stories are made of one: other calls fail in the stories like it that follow."""


class Failing:
    """Makes stories of those that passed, each with one call that fails. Remembers what was made to fail already."""

    def __init__(self) -> None:
        self._made: set[tuple[object, ...]] = set()
        self._failures = named("fails-once").fields["failure"].choices

    def of(self, carried: Carried) -> Iterator[Story]:
        """Return a few stories like one that passed, in each of which another call fails."""
        story, made = carried.story, 0
        if carried.violation is not None or carried.unjudged or len(story.when) < _FEWEST_ACTIONS:
            return
        for place, instance, occasion in carried.asked:
            failure = self._failures[(place + instance) % len(self._failures)]
            before = story.when[max(place - 1, 0)].kind.name
            outline = (before, story.when[place].kind.name, occasion, failure)
            if outline in self._made or made == _MOST:
                continue
            self._made.add(outline)
            made += 1
            fault = named("fails-once")(number=instance, failure=failure, occasion=occasion)
            yield story.with_when([*story.when[:place], fault, *story.when[place:]])

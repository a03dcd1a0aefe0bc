"""Shrinks a story to the least one that still fails, and says what of it is needed. Pure but for what it is given.

Outside programs are not deterministic, so every question is asked several times: `fails` is what decides, by quorum.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from harness.explore.story import Story
    from harness.scenario.actions import Action


def shrink(story: Story, fails: Callable[[Story], bool]) -> Story:
    """Return the least story, by leaving actions out, that still fails. The last action is always kept.

    Args:
        story: one that fails, cut where it does.
        fails: says of a shorter one whether it fails in the same way.

    """
    least = _without_pieces(story, fails)
    for place in reversed(range(1, len(least.given))):
        shorter = replace(least, given=(*least.given[:place], *least.given[place + 1 :]))
        if fails(shorter):
            least = shorter
    return least


def _without_pieces(story: Story, fails: Callable[[Story], bool]) -> Story:
    """Leave out pieces, big ones first and then smaller ones, until no single action can be left out (ddmin)."""
    kept, last = list(story.when[:-1]), story.when[-1]
    size = max(len(kept) // 2, 1)
    while kept:
        shorter = _first_that_fails(story, kept, last, size, fails)
        if shorter is not None:
            kept = shorter
            size = max(min(size, len(kept) // 2), 1)
        elif size == 1:
            break
        else:
            size = max(size // 2, 1)
    return story.with_when([*kept, last])


def _first_that_fails(
    story: Story, kept: Sequence[Action], last: Action, size: int, fails: Callable[[Story], bool]
) -> list[Action] | None:
    for start in range(0, len(kept), size):
        rest = [*kept[:start], *kept[start + size :]]
        if fails(story.with_when([*rest, last])):
            return rest
    return None


def without_each(story: Story) -> list[tuple[Action, Story]]:
    """Return, for each action that could be left out, the action and the story without it."""
    found = [
        (story.given[place], replace(story, given=(*story.given[:place], *story.given[place + 1 :])))
        for place in range(1, len(story.given))
    ]
    when = story.when
    found += [
        (when[place], story.with_when([*when[:place], *when[place + 1 :]])) for place in range(len(when) - 1)
    ]
    return found

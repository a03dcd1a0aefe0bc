"""Makes up stories as plain data: the small ones first, all of them, then random ones from a seed. Pure."""

from __future__ import annotations

import itertools
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING

from harness.explore.alphabet import (
    WAITING,
    Beginning,
    beginnings,
    disturbances,
    judged_actions,
    judged_once,
    strange_ids,
)
from harness.explore.story import Story
from harness.scenario.actions import Action, named

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MOST_ACTIONS = 12
"""How many actions a random story has at most, beside its beginning."""
_SENDING = frozenset({"sends", "sends-from-other", "sends-to-number", "sends-from-nobody"})
_RACES = frozenset({"moves-after-verification", "moves-before-message", "moves-and-old-goes-away"})
_KILLS = frozenset({"killed-after-answer"})
_STARTS = frozenset({"started-again", "all-is-well-again"})
_NEEDS_WEBHOOK = frozenset({"webhook-again", "again-from"})


def stories(numbers: Sequence[int], seed: int) -> Iterator[Story]:
    """Return stories without end, always the same for a seed: small ones, then random ones."""
    seen: set[str] = set()
    for story in itertools.chain(small(tuple(numbers)), random_stories(tuple(numbers), seed)):
        if is_possible(story.when) and story.name not in seen:
            seen.add(story.name)
            yield story


def small(numbers: tuple[int, ...]) -> Iterator[Story]:
    """Return every story of one or two actions of which the last is judged, the most telling first."""
    begun = beginnings(numbers)
    for beginning in begun:
        given = beginning.given(numbers)
        yield from (_story(given, [one]) for one in judged_actions(beginning, numbers))
    for beginning in begun[:3]:
        given = beginning.given(numbers)
        yield from (_story(given, [one]) for one in judged_once(beginning, numbers))
    yield from _with_strange_ids(numbers)
    judged_first = [judged_actions(one, numbers)[:1] for one in begun]
    for beginning, sends in zip(begun, judged_first, strict=True):
        given = beginning.given(numbers)
        yield from (
            _story(given, pair) for pair in itertools.product(disturbances(beginning, numbers), sends)
        )
    for beginning in begun[:3]:
        given, usual = beginning.given(numbers), judged_actions(beginning, numbers)
        yield from (
            _story(given, pair) for pair in itertools.product(disturbances(beginning, numbers), usual[1:])
        )
        yield from (_story(given, pair) for pair in itertools.product(usual, judged_once(beginning, numbers)))
        yield from (_story(given, pair) for pair in itertools.product(usual, usual))
        yield from (_story(given, pair) for pair in itertools.product(judged_once(beginning, numbers), usual))
    for beginning in begun[:2]:
        given = beginning.given(numbers)
        yield from (
            _story(given, pair)
            for pair in itertools.product(disturbances(beginning, numbers), judged_once(beginning, numbers))
        )


def _with_strange_ids(numbers: tuple[int, ...]) -> Iterator[Story]:
    for characters in strange_ids():
        for begun in beginnings(numbers)[:2]:
            beginning = replace(begun, characters=characters)
            given, usual = beginning.given(numbers), judged_actions(beginning, numbers)
            yield from (_story(given, [one]) for one in usual[:4])
            for others in strange_ids():
                if others != characters and beginning.assigned != beginning.holder:
                    alike = named("holds-else-the-same")(number=beginning.assigned, characters=others)
                    if _is_confusable(characters, others):
                        yield _story(given, [alike, usual[0]])
                        yield _story(given, [alike, usual[3]])


def _is_confusable(one: str, other: str) -> bool:
    """Say whether two kinds of ids are told apart by a little only, as their names say."""
    first, second = ({*text.split()} - {"a", "an", "no", "the", "at", "its", "for"} for text in (one, other))
    return bool(first & second)


def random_stories(numbers: tuple[int, ...], seed: int) -> Iterator[Story]:
    """Return random stories of up to twelve actions, without end."""
    for turn in itertools.count():
        yield _random_story(numbers, Random(f"{seed}/{turn}"))  # noqa: S311 - must replay, and guards nothing


def _random_story(numbers: tuple[int, ...], random: Random) -> Story:
    shuffled = tuple(random.sample(numbers, len(numbers)))
    beginning = random.choice(beginnings(shuffled))
    if beginning.holder is not None and random.random() < 0.1:
        beginning = replace(beginning, characters=random.choice(strange_ids()))
    ordered = tuple(sorted(numbers))
    disturbed, usual = disturbances(beginning, ordered), judged_actions(beginning, ordered)
    once = judged_once(beginning, ordered)
    chosen: list[Action] = []
    wanted = random.randint(3, MOST_ACTIONS - 3)
    for _ in range(3 * wanted):
        pool = random.choices((disturbed, usual, once), (5, 4, 1))[0]
        by_kind = sorted({one.kind.name for one in pool})
        kind = random.choice(by_kind)
        one = random.choice([each for each in pool if each.kind.name == kind])
        if is_possible([*chosen, one]):
            chosen.append(one)
        if len(chosen) >= wanted:
            break
    send = usual[0]
    return _story(beginning.given(ordered), [*chosen, named("all-is-well-again")(), send, send])


def is_possible(when: Sequence[Action]) -> bool:
    """Say whether actions can follow one another: something to repeat was sent, and little waits or is killed."""
    webhook = killed = False
    waiting = races = kills = 0
    for one in when:
        name = one.kind.name
        if name in _NEEDS_WEBHOOK and not webhook:
            return False
        webhook |= name.startswith(("announces", "reconnects", "names-location", "killed-after"))
        waiting += one.get("behaviour") in WAITING
        races += name in _RACES
        if killed and name not in _STARTS:
            return False
        if name == "started-again" and not killed:
            return False
        kills += name in _KILLS
        killed = name in _KILLS or (killed and name not in _STARTS)
    return waiting <= 1 and races <= 1 and kills <= 1


def _story(given: tuple[Action, ...], when: Sequence[Action]) -> Story:
    """Make a story in which each message has words of its own."""
    told = itertools.count(1)
    return Story(
        given,
        tuple(
            named(one.kind.name)(**{**dict(one.parts), "message": f"message {next(told)}"})
            if one.kind.name in _SENDING
            else one
            for one in when
        ),
    )


__all__ = ["Beginning", "is_possible", "random_stories", "small", "stories"]

"""Makes up stories as plain data: the small ones first, all of them, then random ones from a seed. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
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
from harness.explore.small import made_of, small
from harness.scenario.actions import Action, named

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from harness.explore.story import Story

MOST_ACTIONS = 12
"""How many actions a random story has at most, beside its beginning."""
_ENDING = 3
"""How many of them end it: all is well again, and two messages are sent."""
_RACES = frozenset({"moves-after-verification", "moves-before-message", "moves-and-old-goes-away"})
_KILLS = frozenset({"killed-after-answer"})
_STARTS = frozenset({"started-again", "all-is-well-again"})
_CHANGES = frozenset(
    {
        *("moves-unannounced", "reconnects", "lists-too"),
        *("set-row", "set-row-to-none", "set-row-status", "set-other-row"),
    }
)
"""What changes in an incident while every instance is well."""
_LEAVING = frozenset(
    {
        *("announces", "announces-flawed", "names-location", "announces-no-location", "announces-other"),
        *("webhook-late", "webhook-again", "again-from"),
    }
)
"""Webhooks that may leave something behind, and are not about one odd form."""
_PASSING = frozenset({"misbehaves", "refuses-message", "sends-then-fails", "answers-hollow", "denies"})
"""What goes wrong for a while."""
_OFTEN = {"sends": 3, "health-check-runs": 3, "moves-unannounced": 2, "reconnects": 2, "set-row": 2}
"""How often a kind comes, if not once."""
_TRACES = frozenset({"session_ready", "session_reconnected", "session_disconnected"})
"""Events that write something."""
_SMALL_FIRST = 600
_RANDOM_EACH = 2
"""How many random stories come after each small one."""
_INCIDENTS = 0.75
"""Which part of the random stories are incidents."""
_CANDIDATES = 2
"""Of how many things that could happen next the newest is chosen."""
_TROUBLES = 0.2
_KILLED = 0.05
_NEEDS_WEBHOOK = frozenset({"webhook-again", "again-from"})


def stories(numbers: Sequence[int], seed: int) -> Iterator[Story]:
    """Return stories without end, always the same for a seed: small ones, and random ones between them."""
    seen: set[str] = set()
    for story in _mixed(small(tuple(numbers)), random_stories(tuple(numbers), seed)):
        if is_possible(story.when) and story.name not in seen:
            seen.add(story.name)
            yield story


def _mixed(small_ones: Iterator[Story], random_ones: Iterator[Story]) -> Iterator[Story]:
    """Return random stories after each small one, once the most telling small ones have been told.

    There are more small ones than can be told in half an hour, and some mistakes need three things in a row.
    """
    yield from itertools.islice(small_ones, _SMALL_FIRST)
    for one in small_ones:
        yield one
        yield from itertools.islice(random_ones, _RANDOM_EACH)
    yield from random_ones


def random_stories(numbers: tuple[int, ...], seed: int) -> Iterator[Story]:
    """Return random stories of up to twelve actions, without end, in which ever other things follow one another."""
    met: set[tuple[str, ...]] = set()
    for turn in itertools.count():
        random = Random(f"{seed}/{turn}")  # noqa: S311 - must replay, and guards nothing
        yield (_incident if random.random() < _INCIDENTS else _random_story)(numbers, random, met)


def _random_story(numbers: tuple[int, ...], random: Random, _met: set[tuple[str, ...]]) -> Story:
    beginning = _beginning(numbers, random)
    pools = _pools(beginning, numbers)
    chosen: list[Action] = []
    wanted = random.randint(3, MOST_ACTIONS - _ENDING)
    for _ in range(3 * wanted):
        one = _one_of(random.choices((pools.disturbances, pools.usual, pools.once), (5, 4, 1))[0], random)
        if is_possible([*chosen, one]):
            chosen.append(one)
        if len(chosen) >= wanted:
            break
    return _ended(beginning, numbers, chosen)


def _incident(numbers: tuple[int, ...], random: Random, met: set[tuple[str, ...]]) -> Story:
    """Return a story in which trouble comes one at a time and ends: what goes wrong then was remembered too long.

    Of a few things that could happen next, that one does which goes with the most of what has not been met yet:
    three sorts of things in this order, of which the beginning may be the first.
    """
    beginning = _beginning(numbers, random)
    if beginning.holder is None:
        beginning = _beginning(numbers, random)
    pools = _pools(beginning, numbers)
    chosen: list[Action] = []
    sorts = [
        f"{beginning.holder is None} {beginning.assigned is None} {beginning.holder == beginning.assigned}"
    ]
    wanted = random.randint(4, MOST_ACTIONS - _ENDING)
    while len(chosen) < wanted:
        possible = [_next(pools, chosen, random) for _ in range(_CANDIDATES)]
        possible = [
            some for some in possible if len(chosen) + len(some) <= wanted and is_possible([*chosen, *some])
        ]
        if not possible:
            continue
        for one in max(possible, key=lambda some: len(_triples(sorts, some[0]) - met)):
            met |= _triples(sorts, one)
            sorts.append(_sort(one))
            chosen.append(one)
    return _ended(beginning, numbers, chosen)


def _triples(sorts: Sequence[str], action: Action) -> set[tuple[str, ...]]:
    return {(*pair, _sort(action)) for pair in itertools.combinations(sorts, 2)}


def _beginning(numbers: tuple[int, ...], random: Random) -> Beginning:
    beginning = random.choice(beginnings(tuple(random.sample(numbers, len(numbers)))))
    if beginning.holder is not None and random.random() < 0.1:
        return replace(beginning, characters=random.choice(strange_ids()))
    return beginning


def _ended(beginning: Beginning, numbers: tuple[int, ...], chosen: Sequence[Action]) -> Story:
    send = judged_actions(beginning, numbers)[0]
    return made_of(beginning.given(numbers), [*chosen, named("all-is-well-again")(), send, send])


def _next(pools: _Pools, chosen: Sequence[Action], random: Random) -> list[Action]:
    """Return what may happen next in an incident: something changes, is then judged, or fails for a while."""
    if random.random() < _TROUBLES:
        return _trouble(pools, random)
    changed = bool(chosen) and chosen[-1].kind.name in _CHANGES
    weights = (2, 6, 1) if changed else (6, 2, 2)
    return [_one_of(random.choices((pools.changes, pools.usual, pools.traces), weights)[0], random)]


def _trouble(pools: _Pools, random: Random) -> list[Action]:
    """Return something that goes wrong, who meets it, and its end: what an implementation may remember too long."""
    if pools.kills and random.random() < _KILLED:
        return [random.choice(pools.kills), named("started-again")()]
    trouble = _one_of(pools.passing, random)
    return [trouble, _one_of(pools.usual, random), named("is-well-again")(number=trouble["number"])]


_Pool = Mapping[str, Sequence[Action]]


@dataclass(frozen=True, slots=True)
class _Pools:
    """What stories are made of, for a beginning: actions by their sort, of which one may have many forms."""

    disturbances: _Pool
    usual: _Pool
    once: _Pool
    changes: _Pool
    traces: _Pool
    passing: _Pool
    kills: Sequence[Action]


@lru_cache(maxsize=1024)
def _pools(beginning: Beginning, numbers: tuple[int, ...]) -> _Pools:
    disturbed, once = disturbances(beginning, numbers), judged_once(beginning, numbers)
    return _Pools(
        _by_sort(disturbed),
        _by_sort(judged_actions(beginning, numbers)),
        _by_sort(once),
        _by_sort(one for one in disturbed if one.kind.name in _CHANGES),
        _by_sort(one for one in once if one.kind.name in _LEAVING and one.get("event") in {None, *_TRACES}),
        _by_sort(one for one in disturbed if one.kind.name in _PASSING),
        tuple(one for one in disturbed if one.kind.name in _KILLS),
    )


def _by_sort(actions: Iterable[Action]) -> _Pool:
    found: dict[str, list[Action]] = {}
    for one in actions:
        found.setdefault(_sort(one), []).append(one)
    return dict(sorted(found.items()))


def _one_of(pool: _Pool, random: Random) -> Action:
    """Choose the sort first, so that one with many forms is not chosen more often than another."""
    sorts = list(pool)
    sort = random.choices(sorts, [_OFTEN.get(one.partition(" ")[0], 1) for one in sorts])[0]
    return random.choice(pool[sort])


def _sort(action: Action) -> str:
    """Return what an action is one of: its kind, and whether it is about an instance or a place elsewhere."""
    location, event = str(action.get("location") or ""), action.get("event")
    about = event if event in _TRACES else "instance" if location.startswith("instance ") else ""
    return f"{action.kind.name} {about}"


def is_possible(when: Sequence[Action]) -> bool:
    """Say whether actions can follow one another: something to repeat was sent, and little waits or is killed."""
    webhook = killed = False
    waiting = races = kills = 0
    for one in when:
        name = one.kind.name
        if name in _NEEDS_WEBHOOK and not webhook:
            return False
        webhook |= name.startswith(("announce", "reconnects", "names-location", "killed-after"))
        waiting += one.get("behaviour") in WAITING
        races += name in _RACES
        if killed and name not in _STARTS:
            return False
        if name == "started-again" and not killed:
            return False
        kills += name in _KILLS
        killed = name in _KILLS or (killed and name not in _STARTS)
    return waiting <= 1 and races <= 1 and kills <= 1


__all__ = ["Beginning", "is_possible", "random_stories", "small", "stories"]

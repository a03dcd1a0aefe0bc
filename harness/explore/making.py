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
    announcements,
    beginnings,
    copies,
    denials,
    disturbances,
    false_names,
    judged_actions,
    judged_once,
    kills,
    repetitions,
    strange_ids,
    troubles,
)
from harness.explore.story import Story
from harness.scenario.actions import Action, named

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MOST_ACTIONS = 12
"""How many actions a random story has at most, beside its beginning."""
_SENDING = frozenset({"sends", "sends-from-other", "sends-to-number", "sends-from-nobody"})
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
_SMALL_FIRST = 300
_RANDOM_EACH = 2
"""How many random stories come after each small one."""
_INCIDENTS = 0.75
"""Which part of the random stories are incidents."""
_CANDIDATES = 2
"""Of how many things that could happen next the newest is chosen."""
_TROUBLES = 0.2
_KILLED = 0.15
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


def small(numbers: tuple[int, ...]) -> Iterator[Story]:
    """Return every story of one or two actions of which the last is judged, the most telling first."""
    begun = beginnings(numbers)
    wrong, right, nowhere, *_ = begun
    for beginning in begun:
        yield from _chains(beginning, numbers, judged_actions(beginning, numbers))
    yield from _alone(wrong, numbers)
    for beginning in (wrong, right):
        yield from _disturbed(beginning, numbers, judged_actions(beginning, numbers)[:1])
        yield from _told_again(beginning, numbers)
        if beginning is wrong:
            yield from _with_each_id(beginning, numbers)
        yield from _disturbed(beginning, numbers, [named("health-check-runs")()])
    others = [one for one in disturbances(begun[3], numbers) if one.kind.name == "holds-others"]
    yield from _chains(begun[3], numbers, others, judged_actions(begun[3], numbers)[:1])
    yield from _crowds(numbers)
    yield from _alone(right, numbers)
    yield from _with_strange_ids(numbers)
    for beginning in (nowhere, right):
        sends = judged_actions(beginning, numbers)[:1]
        yield from _disturbed(beginning, numbers, sends)
        yield from _chains(beginning, numbers, sends, disturbances(beginning, numbers), sends)
    yield from _chains(right, numbers, troubles(right, numbers), [named("go-on-sending")()])
    for beginning in begun:
        yield from _alone(beginning, numbers)
        yield from _disturbed(beginning, numbers, judged_actions(beginning, numbers))
    for beginning in begun[:3]:
        usual, once = judged_actions(beginning, numbers), judged_once(beginning, numbers)
        yield from _chains(beginning, numbers, usual, usual)
        yield from _chains(beginning, numbers, once, usual)
        yield from _chains(beginning, numbers, usual, once)
    for beginning in begun[:2]:
        yield from _disturbed(beginning, numbers, judged_once(beginning, numbers))


def _alone(beginning: Beginning, numbers: tuple[int, ...]) -> Iterator[Story]:
    given = beginning.given(numbers)
    judged = (*judged_actions(beginning, numbers), *judged_once(beginning, numbers))
    yield from (_story(given, [one]) for one in judged)


def _disturbed(beginning: Beginning, numbers: tuple[int, ...], judged: Sequence[Action]) -> Iterator[Story]:
    yield from _chains(beginning, numbers, disturbances(beginning, numbers), judged)


def _told_again(beginning: Beginning, numbers: tuple[int, ...]) -> Iterator[Story]:
    """Make the few longer stories in which webhooks come again, or are about somebody else."""
    told, again = announcements(beginning, numbers), repetitions(beginning, numbers)
    sends = judged_actions(beginning, numbers)[:1]
    named_falsely = false_names(beginning, numbers)
    yield from _chains(beginning, numbers, named_falsely, sends)
    unlike = [named("set-row-status")(status="disconnected")]
    yield from _chains(beginning, numbers, unlike, (*named_falsely[1:2], *told[:1]))
    yield from _chains(beginning, numbers, kills(beginning, numbers), [named("started-again")()])
    yield from _chains(beginning, numbers, told, again)
    yield from _chains(beginning, numbers, told[:1], copies(beginning, numbers), again)
    yield from _chains(beginning, numbers, sends, told, sends)
    yield from _chains(beginning, numbers, copies(beginning, numbers), sends, told, sends)
    yield from _chains(beginning, numbers, told[:1], again, sends)
    yield from _chains(beginning, numbers, copies(beginning, numbers), denials(beginning, numbers), sends)


def _crowds(numbers: tuple[int, ...]) -> Iterator[Story]:
    """Make stories of other accounts than the usual two."""
    one, two, three, _ = numbers
    check, announced = named("health-check-runs")(), named("announces-other")(number=three)
    restarted = named("all-restarted")()
    first, second = named("account-on")(number=two), named("account-of-same-workspace")(number=three)
    yield _story((named("very-many-accounts")(),), [check])
    yield _story((named("many-accounts")(),), [check])
    yield _story((first, named("eight-accounts")(number=one)), [restarted, check])
    for content in _choices("middle-without-session", "content"):
        without = named("middle-without-session")(content=content)
        yield _story((first, second, named("account-on")(number=one)), [restarted, without, check])
    yield _story(
        (named("announced-early")(number=two),), [named("announces")(number=two, event="session_ready")]
    )
    yield _story((first, named("account-of-same-workspace")(number=two)), [named("same-words-from-both")()])
    neighbour = named("account-of-same-workspace")(number=one)
    wrong, heard = named("set-row")(number=one), named("announces")(number=two, event="session_ready")
    for other in (neighbour, named("account-with-longer-id")()):
        yield _story((first, other, wrong), [heard])
        yield _story((first, other, wrong), [check])
    yield _story((named("account-on-each")(),), [named("each-to-somebody")()])
    yield _story((named("one-phone-number")(number=three),), [announced])
    for likeness in _choices("alike-ids", "likeness"):
        yield _story((named("alike-ids")(number=three, likeness=likeness),), [announced])
    for others, characters in itertools.permutations(strange_ids(), 2):
        if _is_confusable(others, characters):
            alike = named("else-the-same")(number=three, others=others, characters=characters)
            yield _story((alike,), [announced])


def _choices(kind: str, part: str) -> tuple[str, ...]:
    return named(kind).fields[part].choices


def _chains(beginning: Beginning, numbers: tuple[int, ...], *parts: Sequence[Action]) -> Iterator[Story]:
    given = beginning.given(numbers)
    yield from (_story(given, chain) for chain in itertools.product(*parts))


def _with_each_id(begun: Beginning, numbers: tuple[int, ...]) -> Iterator[Story]:
    """Make stories of each unusual session id: it is sent from, announced and checked."""
    for characters in strange_ids():
        beginning = replace(begun, characters=characters)
        send, announced, _, check, *_ = judged_actions(beginning, numbers)
        yield from _chains(beginning, numbers, [send, announced, check])


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
    if one.startswith("no blank") and other.startswith("no blank"):
        return False  # the same ids
    first, second = ({*text.split()} - {"a", "an", "no", "the", "at", "its", "for"} for text in (one, other))
    return bool(first & second)


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
    wanted = random.randint(3, MOST_ACTIONS - 3)
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
    wanted = random.randint(4, MOST_ACTIONS - 3)
    while len(chosen) < wanted:
        possible = [_next(pools, chosen, random) for _ in range(_CANDIDATES)]
        possible = [some for some in possible if is_possible([*chosen, *some])]
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
    return _story(beginning.given(numbers), [*chosen, named("all-is-well-again")(), send, send])


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

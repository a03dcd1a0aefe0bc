"""Makes up the small stories: all of one or two actions, and a few longer ones, the most telling first. Pure."""

from __future__ import annotations

import itertools
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from harness.explore.alphabet import (
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
    from collections.abc import Iterator, Sequence

_SENDING = frozenset({"sends", "sends-from-other", "sends-to-number", "sends-from-nobody"})
_NO_WORDS = frozenset({"a", "an", "no", "the", "at", "its", "for", "of", "sign", "letters", "letter"})
"""What the names of unusual ids have in common without meaning anything by it."""


def small(numbers: tuple[int, ...]) -> Iterator[Story]:
    """Return every story of one or two actions of which the last is judged, the most telling first."""
    begun = beginnings(numbers)
    wrong, right, nowhere, far, *_ = begun
    check = [named("health-check-runs")()]
    yield from _most_telling(numbers)
    yield from _hidden(wrong, numbers)
    yield from _disturbed(wrong, numbers, judged_actions(wrong, numbers)[:1])
    yield from _of_alike_ids(numbers)
    yield from _with_each_id(wrong, numbers)
    yield from _with_alike_ids(wrong, numbers)
    yield from _disturbed(wrong, numbers, check)
    for beginning in (right, nowhere):
        yield from _disturbed(beginning, numbers, judged_actions(beginning, numbers)[:1])
    yield from _hidden(right, numbers)
    yield from _disturbed(right, numbers, check)
    near = [one for one in disturbances(far, numbers) if one.get("number") in far.free(numbers)]
    yield from _chains(far, numbers, near, judged_actions(far, numbers)[:1])
    yield from _told_again(right, numbers)
    yield from _alone(right, numbers)
    yield from _with_strange_ids(numbers)
    for beginning in (nowhere, right):
        sends = judged_actions(beginning, numbers)[:1]
        yield from _chains(beginning, numbers, sends, disturbances(beginning, numbers), sends)
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


def _most_telling(numbers: tuple[int, ...]) -> Iterator[Story]:
    """Make the stories with which most mistakes are found, so that a minute is enough for them."""
    begun = beginnings(numbers)
    wrong, right, nowhere, far, *_ = begun
    for beginning in begun:
        yield from _chains(beginning, numbers, judged_actions(beginning, numbers))
    yield from _alone(wrong, numbers)
    yield from _crowds(numbers)
    yield from _told_again(wrong, numbers)
    for beginning in (wrong, right, nowhere):
        each = _one_of_each(disturbances(beginning, numbers))
        yield from _chains(beginning, numbers, each, judged_actions(beginning, numbers)[:1])
    for beginning in (wrong, right):
        each = _one_of_each(disturbances(beginning, numbers))
        yield from _chains(beginning, numbers, each, [named("health-check-runs")()])
    yield from _chains(right, numbers, _one_of_each(judged_once(right, numbers)))
    yield from _chains(right, numbers, false_names(right, numbers))
    yield from _chains(
        far, numbers, _one_of_each(disturbances(far, numbers)), judged_actions(far, numbers)[:1]
    )
    yield from _chains(right, numbers, troubles(right, numbers), [named("go-on-sending")()])


def _one_of_each(actions: Sequence[Action]) -> list[Action]:
    """Return the first action of each kind."""
    return list({one.kind.name: one for one in reversed(actions)}.values())[::-1]


def _alone(beginning: Beginning, numbers: tuple[int, ...]) -> Iterator[Story]:
    given = beginning.given(numbers)
    judged = (*judged_actions(beginning, numbers), *judged_once(beginning, numbers))
    yield from (made_of(given, [one]) for one in judged)


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


def _hidden(beginning: Beginning, numbers: tuple[int, ...]) -> Iterator[Story]:
    """Make the few longer stories in which the holder hides, or a row names nobody, and something else misleads."""
    disturbed, check = disturbances(beginning, numbers), [named("health-check-runs")()]
    hides = [one for one in disturbed if one.get("behaviour") == "refuses connections"]
    hides = [one for one in hides if one["number"] == beginning.holder]
    misleads = [one for one in disturbed if one.kind.name in {"has-copy", "set-row-with-slash"}]
    sends = judged_actions(beginning, numbers)[:1]
    yield from _chains(beginning, numbers, misleads, hides, [*check, *sends])
    nobody = [one for one in disturbed if one.kind.name in {"set-row-to-none", "row-names"}]
    other = [one for one in disturbed if one.kind.name == "set-other-row"][:1]
    yield from _chains(beginning, numbers, nobody, other, check)


def _crowds(numbers: tuple[int, ...]) -> Iterator[Story]:
    """Make stories of other accounts than the usual two."""
    one, two, three, four = numbers
    check, announced = named("health-check-runs")(), named("announces-other")(number=three)
    restarted = named("all-restarted")()
    first, second = named("account-on")(number=two), named("account-of-same-workspace")(number=three)
    yield made_of((named("very-many-accounts")(),), [check])
    yield made_of((named("many-accounts")(),), [check])
    yield made_of((first, named("eight-accounts")(number=one)), [restarted, check])
    for content in _choices("middle-without-session", "content"):
        without = named("middle-without-session")(content=content)
        yield made_of((first, second, named("account-on")(number=one)), [restarted, without, check])
    written = named("middle-written-meanwhile")(number=one)
    yield made_of((first, second, named("account-on")(number=one)), [restarted, written, check])
    hang = named("messages-hang")(number=one, optional="")
    died = named("died-under-messages")(number=one, new=four)
    yield made_of((first, named("eight-accounts")(number=one)), [hang, died, check])
    yield made_of(
        (named("announced-early")(number=two),), [named("announces")(number=two, event="session_ready")]
    )
    yield made_of((first, named("account-of-same-workspace")(number=two)), [named("same-words-from-both")()])
    neighbour = named("account-of-same-workspace")(number=one)
    wrong, heard = named("set-row")(number=one), named("announces")(number=two, event="session_ready")
    for other in (neighbour, named("account-with-longer-id")()):
        yield made_of((first, other, wrong), [heard])
        yield made_of((first, other, wrong), [check])
    from_other = named("sends-from-other")(message="message")
    yield made_of((first, named("account-lost")()), [from_other])
    yield made_of((named("account-on-each")(),), [named("each-to-somebody")()])
    yield made_of((named("one-phone-number")(number=three),), [announced])


def _of_alike_ids(numbers: tuple[int, ...]) -> Iterator[Story]:
    """Make stories of two accounts whose session ids a careless search takes for each other."""
    _, _, three, _ = numbers
    announced = named("announces-other")(number=three)
    for likeness in _choices("alike-ids", "likeness"):
        yield made_of((named("alike-ids")(number=three, likeness=likeness),), [announced])
    for others, characters in _confusable():
        alike = named("else-the-same")(number=three, others=others, characters=characters)
        yield made_of((alike,), [announced])


def _choices(kind: str, part: str) -> tuple[str, ...]:
    return named(kind).fields[part].choices


def _chains(beginning: Beginning, numbers: tuple[int, ...], *parts: Sequence[Action]) -> Iterator[Story]:
    given = beginning.given(numbers)
    yield from (made_of(given, chain) for chain in itertools.product(*parts))


def _with_each_id(begun: Beginning, numbers: tuple[int, ...]) -> Iterator[Story]:
    """Make stories of each unusual session id: it is sent from, announced and checked."""
    for characters in strange_ids():
        beginning = replace(begun, characters=characters)
        send, announced, _, check, *_ = judged_actions(beginning, numbers)
        yield from _chains(beginning, numbers, [send, announced, check])


def _with_alike_ids(begun: Beginning, numbers: tuple[int, ...]) -> Iterator[Story]:
    """Make stories of each unusual session id, while another instance holds one that is almost the same."""
    for characters, others in _confusable():
        beginning = replace(begun, characters=characters)
        send, _, _, check, *_ = judged_actions(beginning, numbers)
        alike = named("holds-else-the-same")(number=beginning.assigned, characters=others)
        yield from _chains(beginning, numbers, [alike], [send, check])


def _with_strange_ids(numbers: tuple[int, ...]) -> Iterator[Story]:
    for characters in strange_ids():
        for begun in beginnings(numbers)[:2]:
            beginning = replace(begun, characters=characters)
            given, usual = beginning.given(numbers), judged_actions(beginning, numbers)
            yield from (made_of(given, [one]) for one in usual[:4])
            yield made_of(given, [named("deployed-everywhere")(), usual[0]])


@lru_cache(maxsize=1)
def _confusable() -> tuple[tuple[str, str], ...]:
    """Return pairs of kinds of ids that a careless comparison takes for each other, as their names say."""

    def words(name: str) -> set[str]:
        return {*name.split()} - _NO_WORDS

    return tuple(
        (one, other)
        for one, other in itertools.permutations(strange_ids(), 2)
        if 2 * len(words(one) & words(other)) >= min(len(words(one)), len(words(other)))
        and not (one.startswith("no blank") and other.startswith("no blank"))  # the same ids
    )


def made_of(given: tuple[Action, ...], when: Sequence[Action]) -> Story:
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

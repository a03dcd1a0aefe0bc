"""Groups the scenarios of a run that failed by likely cause, worst first. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from harness import log_events
from harness.catalogue.requirements import Level
from harness.catalogue.verdict import Outcome
from harness.report.causes.deviations import Deviation, deviation_of
from harness.report.model import CauseReport

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from harness.catalogue.record import Record
    from harness.report.model import RequirementReport

_LEVELS = tuple(Level)
_ROW = re.compile(r"\brow is assigned to instance (\d+)")
_ASKED = re.compile(r"was asked (first|before)|asked before every post")
_MOST_NAMES = 2

_Key = tuple[str, ...]


def _moved(record: Record, by: str = "") -> bool:
    """Return whether a row was moved in a scenario that passed, by its steps, after one with these words."""
    steps = [one.words for one in record.evidence.steps]
    when = next((place for place, one in enumerate(steps) if one.startswith("When ")), len(steps))
    before = [found[1] for one in steps[:when] if (found := _ROW.search(one))]
    after = [found[1] for one in steps[when:] if (found := _ROW.search(one))]
    moved = bool(before and after) and before[-1] != after[-1]
    return moved and any(by in one for one in steps[when:])


def _moved_by_send(record: Record) -> bool:
    return _moved(record, " sends ")


def _moved_by_webhook(record: Record) -> bool:
    return _moved(record, " announces ")


def _asked_first(record: Record) -> bool:
    """Return whether an instance was asked before a post in a scenario that passed, by its steps."""
    return any(_ASKED.search(one.words) for one in record.evidence.steps)


_NEVER = ("row", "never written")
_NOT_WRITTEN, _NOT_REPAIRED, _UPDATED = (
    ("webhook", "not written"),
    ("send", "row not repaired"),
    ("check", "updated"),
)
_UNASKED = ("send", "unasked")
_TOLD = {"log", "counted", "report"}
"""Kinds of deviations that no user of the implementation feels."""
_VERIFIED = (log_events.VERIFIED, log_events.SYNCED, log_events.NOT_IN_ASSIGNED, log_events.NOT_ANYWHERE)
_MOVES = (log_events.AUTO_SYNC, log_events.SYNCED, log_events.CORRECTED)
_FOLLOWS: Sequence[tuple[_Key, _Key, Callable[[Record], bool]]] = (
    (("log", log_events.AUTO_SYNC), _NOT_WRITTEN, _moved_by_webhook),
    (("counted", "moves by webhooks", "too rarely"), _NOT_WRITTEN, _moved_by_webhook),
    (("log", log_events.SYNCED), _NOT_REPAIRED, _moved_by_send),
    (("counted", "moves by sends", "too rarely"), _NOT_REPAIRED, _moved_by_send),
    # A connection that an instance refuses leaves no trace of whether it was for a question or for the message.
    (("send", "nothing done"), _UNASKED, _asked_first),
    *((("log", line), _UNASKED, _asked_first) for line in _VERIFIED),
    *(
        (("counted", what, "too rarely"), _UNASKED, _asked_first)
        for what in ("verification failures", "moves by sends")
    ),
    *((("log", line), _NEVER, _moved) for line in _MOVES),
    *(
        (("counted", f"moves by {by}", "too rarely"), _NEVER, _moved)
        for by in ("webhooks", "sends", "health checks")
    ),
    (("check", "failed"), _NEVER, _moved),
    (("check", "not by itself"), _NEVER, _moved),
)
"""What cannot come without another thing, with the cause that keeps it from coming.

It follows from that cause unless a scenario passed in which the other thing was done: then it stands for itself."""

_WRITES: Sequence[_Key] = (_NOT_WRITTEN, _NOT_REPAIRED, _UPDATED)
"""How a row may be left unwritten. Where two of these are met, and nothing that passed wrote a row, they are one."""
_NEVER_WORDS = (
    "Webhooks, sends or health checks that had to move the row came to their end, and no write reached it"
)


def causes_of(
    records: Sequence[Record], requirements: Sequence[RequirementReport]
) -> tuple[CauseReport, ...]:
    """Return the likely causes of what failed, worst first: with MUSTs, then of many scenarios."""
    levels = {
        one.id: one.level for one in requirements if one.judged and one.outcome is not Outcome.NOT_CLAIMED
    }
    failed = [
        one for one in records if one.outcome is Outcome.FAILED and levels.keys() & set(one.requirement_ids)
    ]
    passed = [one for one in records if one.outcome is Outcome.PASSED]
    found = _together({one.id: deviation_of(one) for one in failed}, passed)
    keys = {each.key for each in found.values()}
    leads = {id_: _lead(deviation, keys, passed) for id_, deviation in found.items()}
    words: dict[_Key, str] = {}
    groups: dict[_Key, list[Record]] = {}
    ids = tuple(levels)
    # What only follows from a cause comes behind what shows it.
    for one in sorted(failed, key=lambda one: (leads[one.id] != found[one.id].key, *_clarity(one, ids))):
        groups.setdefault(leads[one.id], []).append(one)
        words.setdefault(leads[one.id], found[one.id].words)
    causes = [(key[0] in _TOLD, _cause(group, words[key], levels)) for key, group in groups.items()]
    causes.sort(key=lambda one: _gravity(one[1], levels, told=one[0]))
    return tuple(cause for _, cause in causes)


def _together(found: Mapping[str, Deviation], passed: Sequence[Record]) -> Mapping[str, Deviation]:
    """Make one of the ways in which rows are not written, where none ever is."""
    met = {one.key[:2] for one in found.values()} & set(_WRITES)
    if len(met) < 2 or any(map(_moved, passed)):
        return found
    never = Deviation(_NEVER, _NEVER_WORDS)
    return {id_: never if one.key[:2] in met else one for id_, one in found.items()}


def _lead(deviation: Deviation, keys: Collection[_Key], passed: Sequence[Record]) -> _Key:
    """Return the key of the cause from which a deviation follows; its own if it stands for itself."""
    for effect, cause, was_done in _FOLLOWS:
        if deviation.key[: len(effect)] == effect and cause in keys and not any(map(was_done, passed)):
            return cause
    return deviation.key


def _clarity(record: Record, ids: Sequence[str]) -> tuple[int, bool, int, int, str]:
    """Order scenarios by how clearly they show it: the strictest and most basic first, and short ones.

    `ids` are requirements in the catalogue's order, which begins with the basic ones.
    """
    evidence = record.evidence
    indirect = evidence.expected.startswith(("the log ", "no line ", "a line ", "the greps "))
    length = len(evidence.events) or len(evidence.timeline)
    first = min(ids.index(one) for one in record.requirement_ids if one in ids)
    return _LEVELS.index(record.level), indirect, first, length, record.id


def _cause(group: Sequence[Record], words: str, levels: Mapping[str, Level]) -> CauseReport:
    theirs = {id_ for one in group for id_ in one.requirement_ids}
    # In the catalogue's order.
    ids = [id_ for id_ in levels if id_ in theirs]
    names = list(dict.fromkeys(one.name for one in group))
    shown = " and ".join(f'"{one}"' for one in names)
    where = f", seen only in {shown}" if len(names) <= _MOST_NAMES else ""
    return CauseReport(
        words=f"{words}{where}",
        requirements=tuple(sorted(ids, key=lambda id_: _LEVELS.index(levels[id_]))),
        scenarios=tuple(one.id for one in group),
    )


def _gravity(cause: CauseReport, levels: Mapping[str, Level], *, told: bool) -> tuple[bool, int, bool, int]:
    """Order causes, worst first: on a tie, what users suffer comes before what is only logged or counted."""
    musts = sum(1 for id_ in cause.requirements if levels[id_] is Level.MUST)
    return not musts, -len(cause.scenarios), told, -musts

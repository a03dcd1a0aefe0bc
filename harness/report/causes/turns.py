"""What was asked of an implementation last before a scenario failed, and what it did then. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from harness.report.events import DATABASE, IMPLEMENTATION, USER

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.evidence import Event

_STATUS = re.compile(r"(\d{3})\b")
_SET_UP = re.compile(r"row (\d+): (.+) \(set up\)")


class Occasion(Enum):
    """What an implementation was asked for."""

    NOTHING = "nothing"
    SEND = "send"
    WEBHOOK = "webhook"
    REPORT = "report"
    """A health check or its counts, by an operator."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What an implementation was asked for, and the events from there on."""

    occasion: Occasion
    events: tuple[Event, ...]

    @property
    def asked(self) -> frozenset[str]:
        """The instances that were asked anything before a message was posted, or at all where none was."""
        found = set()
        for one in self._calls():
            if _is_post(one):
                break
            found.add(one.target)
        return frozenset(found)

    @property
    def posted(self) -> tuple[str, ...]:
        """The instances to which a message was posted."""
        return tuple(one.target for one in self._calls() if _is_post(one))

    @property
    def post_statuses(self) -> tuple[str, ...]:
        """What instances answered to messages."""
        return tuple(
            one.words[:3]
            for one in self.events
            if one.target == IMPLEMENTATION and re.match(r"\d{3} to POST ", one.words)
        )

    @property
    def delivered(self) -> bool:
        """Whether an instance sent a message."""
        return any(one.source.isdecimal() and one.words.startswith("delivers ") for one in self.events)

    @property
    def answer(self) -> str:
        """The status of the last answer to what was asked for; empty where none came."""
        asker = {Occasion.SEND: (USER,), Occasion.REPORT: (USER,)}.get(self.occasion)
        for one in reversed(self.events):
            if one.source != IMPLEMENTATION or not one.target:
                continue
            theirs = one.target in asker if asker else one.target.isdecimal()
            if theirs and (found := _STATUS.match(one.words)):
                return found[1]
        return ""

    def _calls(self) -> Iterator[Event]:
        return (
            one
            for one in self.events
            if one.source == IMPLEMENTATION and one.target.isdecimal() and _is_call(one)
        )


def last_turn(events: Sequence[Event]) -> Turn:
    """Return the last thing that was asked for, with everything from there on."""
    for place in range(len(events) - 1, -1, -1):
        if (occasion := _occasion(events[place])) is not Occasion.NOTHING:
            return Turn(occasion, tuple(events[place:]))
    return Turn(Occasion.NOTHING, ())


def went_wrong(events: Sequence[Event]) -> bool:
    """Return whether a fault of an instance came about."""
    return any(one.source.isdecimal() and one.words.startswith("goes wrong: ") for one in events)


def set_up_urls(events: Sequence[Event]) -> frozenset[str]:
    """Return the URL that each row was given last by the scenario."""
    rows: dict[str, str] = {}
    for one in events:
        if one.source == DATABASE and (found := _SET_UP.match(one.words)):
            rows[found[1]] = found[2]
    return frozenset("null" if url == "NULL" else url for url in rows.values())


def _occasion(event: Event) -> Occasion:
    if event.target != IMPLEMENTATION:
        return Occasion.NOTHING
    if event.source == USER:
        return Occasion.SEND if event.words.startswith('send "') else Occasion.REPORT
    if event.source.isdecimal() and event.words.startswith("webhook "):
        return Occasion.WEBHOOK
    return Occasion.NOTHING


def _is_call(event: Event) -> bool:
    return event.words.startswith(("GET ", "POST ", "HEAD ", "PUT "))


def _is_post(event: Event) -> bool:
    return event.words.startswith("POST ")

"""Turns a history into events: who spoke to whom, and when. Timeline and sequence diagram are made of them. Pure.

A history is redacted before it comes here: what is cut short, or quoted, could show a piece of a secret otherwise.
"""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING

from fake_instances.journal import (
    AnswerBegun,
    Entry,
    FaultArmed,
    FaultExecuted,
    InstanceEntry,
    InstancePaused,
    InstanceResumed,
    InstanceStarted,
    InstanceStopped,
    MessageDelivered,
    RequestArrived,
    RequestCompleted,
    SessionHeld,
    SessionReleased,
    StrangerReceived,
    WebhookAnswered,
    WebhookKept,
    WebhookLost,
    WebhookSent,
)
from harness.evidence import Event
from harness.history import (
    History,
    ImplementationKilled,
    ImplementationStarted,
    ImplementationWrote,
    MessagePosted,
    Noted,
    OperatorAsked,
    RowRead,
    RowSet,
    StepReached,
    UserAnswered,
    UserSends,
    WebhookReceived,
    is_own,
)
from harness.wording import quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from harness.evidence import Tone

USER, IMPLEMENTATION, DATABASE, STRANGER = "user", "implementation", "database", "elsewhere"
CONTROL_PLANE = "control plane"
"""The harness in a control plane's place, where gateway instances are judged."""
STEP = ""
"""The lane of what concerns no lane: a step."""

MOST_EVENTS = 160
"""Events that a diagram has at most; of more, the first and the last are drawn."""
LONGEST_TEXT = 20_000
"""Characters of one value in a saved history; of more, the beginning is kept."""
_LONGEST_ANSWER = 300
_MOST_SESSIONS = 10
"""Sessions that one instance takes in, one after the other, before they are only counted."""
_UNREAD = ("", "connected")
"""What is assumed of a row before it was read: rows are set up as connected."""

_NOTES: Mapping[type[Entry], tuple[str, Tone]] = {
    FaultExecuted: ("goes wrong: it {0.words}", "bad"),
    ImplementationKilled: ("is killed", "bad"),
    ImplementationWrote: ("{0.where}: {0.text}", "faint"),
    ImplementationStarted: ("is up at {0.base_url}", "faint"),
    InstancePaused: ("stands still", "faint"),
    InstanceResumed: ("goes on", "faint"),
    InstanceStarted: ("starts", "faint"),
    InstanceStopped: ("stops", "faint"),
    SessionHeld: ("holds {0.session_id}, {0.status}", "faint"),
    SessionReleased: ("lets {0.session_id} go", "faint"),
    WebhookKept: ("webhook {0.event} is kept back", "faint"),
    WebhookLost: ("webhook {0.event} is lost", "bad"),
}
"""What is a note on the lane of an instance or of the implementation, and needs no more than its own values."""


def events_of(history: History) -> tuple[Event, ...]:
    """Return the events of a history; consecutive events that are alike become one."""
    if not history.entries:
        return ()
    began = history.entries[0].at
    teller = _Teller(history)
    found = [
        replace(event, at=round(entry.at - began, 4))
        for entry, crowd in _crowds_together(history.entries)
        for event in (crowd or teller.tell(entry))
    ]
    return tuple(
        replace(first, count=1 + sum(1 for _ in others))
        for _, (first, *others) in groupby(found, lambda event: replace(event, at=0.0))
    )


def bounded(events: Sequence[Event], most: int = MOST_EVENTS) -> tuple[tuple[Event, ...], int]:
    """Return the events that a diagram has room for, the first and the last, and how many are left out between."""
    if len(events) <= most:
        return tuple(events), 0
    half = most // 2
    return (*events[:half], *events[-half:]), len(events) - 2 * half


def json_lines(history: History) -> str:
    """Return a history as JSON lines, one an entry."""
    return "".join(
        json.dumps(_cut(entry.to_json()), ensure_ascii=False, default=str) + "\n" for entry in history.entries
    )


def _cut(values: object) -> object:
    match values:
        case str() if len(values) > LONGEST_TEXT:
            return f"{values[:LONGEST_TEXT]}… ({len(values)} characters)"
        case dict():
            return {name: _cut(one) for name, one in values.items()}
        case list() | tuple():
            return [_cut(one) for one in values]
        case _:
            return values


def _crowds_together(entries: Sequence[Entry]) -> Iterable[tuple[Entry, list[Event]]]:
    """Yield every entry; of a crowd of sessions that one instance takes in only the first, with the event for all."""
    for instance, group in groupby(
        entries, lambda one: one.instance if isinstance(one, SessionHeld) else None
    ):
        together = list(group)
        if instance is not None and len(together) > _MOST_SESSIONS:
            yield together[0], [_event(str(instance), "", f"takes in {len(together)} sessions", "faint")]
        else:
            yield from ((entry, []) for entry in together)


class _Teller:
    """Turns one entry after another into events. It remembers the rows, so that only a change is an event."""

    def __init__(self, history: History) -> None:
        self._requests = {(one.instance, one.request): one for one in history.of(RequestArrived)}
        self._answers = history.answers
        self._over = history.answers.keys() | history.completions.keys()
        self._rows: dict[int, tuple[str | None, str]] = {}

    def tell(self, entry: Entry) -> Iterable[Event]:
        """Return the events of an entry; none for what no reader needs."""
        if (note := _NOTES.get(type(entry))) is not None:
            words, tone = note
            lane = str(entry.instance) if isinstance(entry, InstanceEntry) else IMPLEMENTATION
            return (_event(lane, "", words.format(entry), tone),)
        telling = _TELLINGS.get(type(entry))
        return () if telling is None else telling(self, entry)

    def step(self, entry: StepReached) -> Iterable[Event]:
        yield _event(STEP, STEP, entry.text)

    def row_set(self, entry: RowSet) -> Iterable[Event]:
        _, status = self._rows.get(entry.account_id, _UNREAD)
        self._rows[entry.account_id] = (entry.assigned, status)
        yield _event(DATABASE, "", f"row {entry.account_id}: {entry.assigned or 'NULL'} (set up)")

    def row_read(self, entry: RowRead) -> Iterable[Event]:
        before = self._rows.get(entry.account_id, _UNREAD)
        self._rows[entry.account_id] = (entry.assigned, entry.status)
        if before != (entry.assigned, entry.status):
            words = f"row {entry.account_id}: {entry.assigned or 'NULL'}, {entry.status} (as read now)"
            yield _event(IMPLEMENTATION, DATABASE, words, "good")

    def operator(self, entry: OperatorAsked) -> Iterable[Event]:
        yield _event(USER, IMPLEMENTATION, entry.asked)
        told = "no answer" if entry.status is None else str(entry.status)
        tone: Tone = "plain" if entry.status in {0, 200} else "bad"
        yield _event(IMPLEMENTATION, USER, f"{told} {_said(entry.body)}".rstrip(), tone)

    def user_sends(self, entry: UserSends) -> Iterable[Event]:
        yield _event(USER, IMPLEMENTATION, f"send {quoted(entry.text)} from account {entry.account_id}")

    def user_answered(self, entry: UserAnswered) -> Iterable[Event]:
        tone: Tone = "good" if entry.told_sent else "bad"
        if entry.status is None:
            words = f"no answer after {entry.seconds:.2f} s: {entry.problem}"
        else:
            words = f"{entry.status}, {'sent' if entry.told_sent else 'not sent'}: {_said(entry.body)}"
        yield _event(IMPLEMENTATION, USER, words, tone)

    def request(self, entry: RequestArrived) -> Iterable[Event]:
        pending = "" if (entry.instance, entry.request) in self._over else " (no answer yet)"
        yield _event(_caller(entry), str(entry.instance), _asked(entry) + pending)

    def answer(self, entry: AnswerBegun | RequestCompleted) -> Iterable[Event]:
        key = (entry.instance, entry.request)
        request = self._requests.get(key)
        if request is None:
            return
        instance, caller = str(entry.instance), _caller(request)
        if isinstance(entry, AnswerBegun):
            tone: Tone = "plain" if entry.status < 400 else "bad"
            yield _event(instance, caller, f"{entry.status} to {_asked(request)}", tone)
        elif entry.ending != "answered":
            sort = "cut short" if key in self._answers else "no answer"
            yield _event(instance, caller, f"{sort} to {_asked(request)}: {entry.ending}", "bad")

    def delivery(self, entry: MessageDelivered) -> Iterable[Event]:
        yield _event(str(entry.instance), "", f"delivers {quoted(entry.text)} to {entry.recipient}", "good")

    def webhook_sent(self, entry: WebhookSent) -> Iterable[Event]:
        locations = [value for name, value in entry.headers if name == "X-Instance-Url"]
        yield _event(str(entry.instance), IMPLEMENTATION, f"webhook {entry.event}{_located(locations)}")

    def webhook_answered(self, entry: WebhookAnswered) -> Iterable[Event]:
        accepted = entry.status is not None and entry.status < 400
        words = f"{entry.status or entry.reason} {_said(entry.body.decode('utf-8', 'replace'))}".rstrip()
        yield _event(IMPLEMENTATION, str(entry.instance), words, "plain" if accepted else "bad")

    def fault(self, entry: FaultArmed) -> Iterable[Event]:
        where = f" ({', '.join(entry.endpoints)})" if entry.endpoints else ""
        yield _event(str(entry.instance), "", f"will go wrong: it {entry.words}{where}", "faint")

    def stranger(self, entry: StrangerReceived) -> Iterable[Event]:
        received = quoted(entry.data.decode("utf-8", "replace"))
        yield _event(IMPLEMENTATION, STRANGER, f"sends {received}", "bad")

    def gateway_webhook(self, entry: WebhookReceived) -> Iterable[Event]:
        words = f"webhook {entry.event or 'without an event'} of {entry.data.get('session_id')}"
        words += _located(entry.header("X-Instance-Url"))
        tone: Tone = "plain" if entry.answered < 400 else "bad"
        if entry.instance is None:
            yield _event(CONTROL_PLANE, "", f"{words} arrives and is answered {entry.answered}", tone)
        else:
            yield _event(str(entry.instance), CONTROL_PLANE, words)
            yield _event(CONTROL_PLANE, str(entry.instance), str(entry.answered), tone)

    def message(self, entry: MessagePosted) -> Iterable[Event]:
        instance = str(entry.instance)
        yield _event(USER, instance, f"send {quoted(entry.text)} over {entry.session_id}")
        words = f"{entry.status or 'no answer:'} {_said(entry.body)}".rstrip()
        yield _event(instance, USER, words, "good" if entry.sent else "bad")

    def noted(self, entry: Noted) -> Iterable[Event]:
        yield _event(
            CONTROL_PLANE if entry.instance is None else str(entry.instance), "", entry.text, "faint"
        )


_TELLINGS: Mapping[type[Entry], Callable[..., Iterable[Event]]] = {
    AnswerBegun: _Teller.answer,
    FaultArmed: _Teller.fault,
    MessageDelivered: _Teller.delivery,
    MessagePosted: _Teller.message,
    Noted: _Teller.noted,
    OperatorAsked: _Teller.operator,
    RequestArrived: _Teller.request,
    RequestCompleted: _Teller.answer,
    RowRead: _Teller.row_read,
    RowSet: _Teller.row_set,
    StepReached: _Teller.step,
    StrangerReceived: _Teller.stranger,
    UserAnswered: _Teller.user_answered,
    UserSends: _Teller.user_sends,
    WebhookAnswered: _Teller.webhook_answered,
    WebhookReceived: _Teller.gateway_webhook,
    WebhookSent: _Teller.webhook_sent,
}


def _event(source: str, target: str, words: str, tone: Tone = "plain") -> Event:
    return Event(0.0, source, target, words, tone)


def _caller(entry: RequestArrived) -> str:
    return USER if is_own(entry) else IMPLEMENTATION


def _asked(entry: RequestArrived) -> str:
    return f"{entry.method} {entry.target.split('?', 1)[0][:60]}"


def _said(body: str) -> str:
    return " ".join(body[:_LONGEST_ANSWER].split())


def _located(locations: Sequence[str]) -> str:
    return f", location {' and '.join(locations)[:_LONGEST_ANSWER]}" if locations else " without a location"

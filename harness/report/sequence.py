"""Tells a history as the events of a sequence diagram: who spoke to whom, and when. Pure."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from fake_instances.journal import (
    AnswerBegun,
    Entry,
    FaultArmed,
    FaultExecuted,
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
    HARNESS,
    GatewayEntry,
    History,
    ImplementationKilled,
    ImplementationStarted,
    MessagePosted,
    Noted,
    OperatorAsked,
    RowRead,
    RowSet,
    StepReached,
    UserAnswered,
    UserSends,
    WebhookReceived,
)
from harness.redaction import redact, redact_values
from harness.wording import quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from harness.evidence import Tone

USER, IMPLEMENTATION, DATABASE, STRANGER = "user", "implementation", "database", "elsewhere"
STEP = ""
"""The lane of what concerns no lane: a step."""

MOST_EVENTS = 160
"""Events that a diagram has at most; of more, the first and the last are drawn."""
LONGEST_TEXT = 20_000
"""Characters of one value in a saved history; of more, the beginning is kept."""


def sequence(history: History, secrets: Collection[str]) -> tuple[Event, ...]:
    """Tell a history as events, alike ones in a row as one. No event has a secret in it."""
    entries = history.entries
    if not entries:
        return ()
    tell = _Teller(history, secrets).tell
    told = (
        replace(event, at=round(entry.at - entries[0].at, 4), words=redact(event.words, secrets))
        for entry in entries
        for event in tell(entry)
    )
    return tuple(_joined(told))


def bounded(events: Sequence[Event], most: int = MOST_EVENTS) -> tuple[tuple[Event, ...], int]:
    """Give the events that a diagram has room for, the first and the last, and how many are left out between."""
    if len(events) <= most:
        return tuple(events), 0
    half = most // 2
    return (*events[:half], *events[-half:]), len(events) - 2 * half


def json_lines(history: History, secrets: Collection[str]) -> str:
    """Give a history as JSON lines, one an entry, without secrets."""
    return "".join(
        json.dumps(_cut(redact_values(entry.to_json(), secrets)), ensure_ascii=False, default=str) + "\n"
        for entry in history.entries
    )


def _cut(values: object) -> object:
    match values:
        case str() if len(values) > LONGEST_TEXT:
            return f"{values[:LONGEST_TEXT]}… ({len(values)} characters)"
        case dict():
            return {name: _cut(one) for name, one in values.items()}
        case list():
            return [_cut(one) for one in values]
        case _:
            return values


def _joined(events: Iterable[Event]) -> Iterable[Event]:
    last: Event | None = None
    for event in events:
        if last is not None and replace(last, at=event.at, count=1) == event:
            last = replace(last, count=last.count + 1)
            continue
        if last is not None:
            yield last
        last = event
    if last is not None:
        yield last


class _Teller:
    """Tells one entry after another; knows what a row said last, so that only news is told."""

    def __init__(self, history: History, secrets: Collection[str]) -> None:
        self._requests = {(one.instance, one.request): one for one in history.of(RequestArrived)}
        self._answered = history.answers
        self._secrets = secrets
        self._rows: dict[int, str | None] = {}

    def tell(self, entry: Entry) -> Iterable[Event]:
        for kinds, telling in _TELLINGS:
            if isinstance(entry, kinds):
                return telling(self, entry)
        return ()

    def step(self, entry: StepReached) -> Iterable[Event]:
        yield _event(STEP, STEP, entry.text)

    def row(self, entry: RowSet | RowRead) -> Iterable[Event]:
        before = self._rows.get(entry.account_id, "")
        self._rows[entry.account_id] = entry.assigned
        where = f"row {entry.account_id}: {entry.assigned or 'NULL'}"
        if isinstance(entry, RowSet):
            yield _event(DATABASE, "", f"{where} (set up)")
        elif before != entry.assigned:
            yield _event(IMPLEMENTATION, DATABASE, f"{where} (as read now)", "good")

    def operator(self, entry: OperatorAsked) -> Iterable[Event]:
        yield _event(USER, IMPLEMENTATION, redact(entry.asked, self._secrets))
        told = "no answer" if entry.status is None else str(entry.status)
        body = redact(entry.body.strip(), self._secrets)
        yield _event(IMPLEMENTATION, USER, f"{told} {body}", "plain" if entry.status in {0, 200} else "bad")

    def user(self, entry: UserSends | UserAnswered) -> Iterable[Event]:
        if isinstance(entry, UserSends):
            text = quoted(redact(entry.text, self._secrets))
            yield _event(USER, IMPLEMENTATION, f"send {text} from account {entry.account_id}")
        elif entry.status is None:
            yield _event(IMPLEMENTATION, USER, f"no answer: {entry.problem}", "bad")
        else:
            said = "sent" if entry.told_sent else "not sent"
            tone: Tone = "good" if entry.told_sent else "bad"
            yield _event(IMPLEMENTATION, USER, f"{entry.status}: {said}", tone)

    def request(self, entry: RequestArrived) -> Iterable[Event]:
        caller = USER if ("User-Agent", HARNESS) in entry.headers else IMPLEMENTATION
        path = redact(entry.target.split("?", 1)[0], self._secrets)
        yield _event(caller, str(entry.instance), f"{entry.method} {path[:60]}")

    def answer(self, entry: AnswerBegun | RequestCompleted) -> Iterable[Event]:
        key = (entry.instance, entry.request)
        request = self._requests.get(key)
        if request is None:
            return
        caller = USER if ("User-Agent", HARNESS) in request.headers else IMPLEMENTATION
        if isinstance(entry, AnswerBegun):
            tone: Tone = "plain" if entry.status < 400 else "bad"
            yield _event(str(entry.instance), caller, str(entry.status), tone)
        elif entry.ending != "answered":
            sort = "cut short" if key in self._answered else "no answer"
            yield _event(str(entry.instance), caller, f"{sort}: {entry.ending}", "bad")

    def delivery(self, entry: MessageDelivered) -> Iterable[Event]:
        text = quoted(redact(entry.text, self._secrets))
        yield _event(str(entry.instance), "", f"delivers {text}", "good")

    def webhook(self, entry: WebhookSent | WebhookAnswered | WebhookLost | WebhookKept) -> Iterable[Event]:
        instance = str(entry.instance)
        match entry:
            case WebhookSent():
                claims = [
                    redact(value, self._secrets) for name, value in entry.headers if name == "X-Instance-Url"
                ]
                claimed = f" claims {' and '.join(claims)[:120]}" if claims else " without a location"
                yield _event(instance, IMPLEMENTATION, f"webhook {entry.event}{claimed}")
            case WebhookAnswered():
                accepted = entry.status is not None and entry.status < 400
                yield _event(
                    IMPLEMENTATION,
                    instance,
                    str(entry.status or entry.reason),
                    "plain" if accepted else "bad",
                )
            case WebhookLost():
                yield _event(instance, "", f"webhook {entry.event} is lost", "bad")
            case WebhookKept():
                yield _event(instance, "", f"webhook {entry.event} is kept back", "faint")

    def session(self, entry: SessionHeld | SessionReleased) -> Iterable[Event]:
        words = f"holds {entry.session_id}, {entry.status}" if isinstance(entry, SessionHeld) else None
        yield _event(str(entry.instance), "", words or f"lets {entry.session_id} go", "faint")

    def fault(self, entry: FaultArmed | FaultExecuted) -> Iterable[Event]:
        armed = isinstance(entry, FaultArmed)
        words = f"will go wrong: it {entry.words}" if armed else f"goes wrong: it {entry.words}"
        yield _event(str(entry.instance), "", words, "faint" if armed else "bad")

    def instance(
        self, entry: InstanceStarted | InstanceStopped | InstancePaused | InstanceResumed
    ) -> Iterable[Event]:
        words = {
            InstanceStarted: "starts",
            InstancePaused: "stands still",
            InstanceResumed: "goes on",
            InstanceStopped: "stops",
        }[type(entry)]
        yield _event(str(entry.instance), "", words, "faint")

    def implementation(self, entry: ImplementationKilled | ImplementationStarted) -> Iterable[Event]:
        killed = isinstance(entry, ImplementationKilled)
        yield _event(IMPLEMENTATION, "", "is killed" if killed else "is up", "bad" if killed else "faint")

    def gateway(self, entry: GatewayEntry) -> Iterable[Event]:
        match entry:
            case WebhookReceived():
                accepted = entry.answered < 400
                instance = "" if entry.instance is None else str(entry.instance)
                claimed = " and ".join(entry.header("X-Instance-Url"))[:120] or "nothing"
                yield _event(
                    instance or IMPLEMENTATION,
                    IMPLEMENTATION if instance else "",
                    f"webhook {entry.event} claims {redact(claimed, self._secrets)}",
                )
                yield _event(IMPLEMENTATION, instance, str(entry.answered), "plain" if accepted else "bad")
            case MessagePosted():
                tone: Tone = "good" if entry.sent else "bad"
                yield _event(USER, str(entry.instance), f"send {quoted(redact(entry.text, self._secrets))}")
                yield _event(str(entry.instance), USER, str(entry.status or entry.body), tone)
            case Noted():
                lane = IMPLEMENTATION if entry.instance is None else str(entry.instance)
                yield _event(lane, "", entry.text, "faint")

    def stranger(self, entry: StrangerReceived) -> Iterable[Event]:
        yield _event(IMPLEMENTATION, STRANGER, f"{len(entry.data)} bytes", "bad")


_TELLINGS: tuple[tuple[tuple[type[Entry], ...], Callable[..., Iterable[Event]]], ...] = (
    ((StepReached,), _Teller.step),
    ((RowSet, RowRead), _Teller.row),
    ((UserSends, UserAnswered), _Teller.user),
    ((OperatorAsked,), _Teller.operator),
    ((RequestArrived,), _Teller.request),
    ((AnswerBegun, RequestCompleted), _Teller.answer),
    ((MessageDelivered,), _Teller.delivery),
    ((WebhookSent, WebhookAnswered, WebhookLost, WebhookKept), _Teller.webhook),
    ((SessionHeld, SessionReleased), _Teller.session),
    ((FaultArmed, FaultExecuted), _Teller.fault),
    ((InstanceStarted, InstanceStopped, InstancePaused, InstanceResumed), _Teller.instance),
    ((ImplementationKilled, ImplementationStarted), _Teller.implementation),
    ((StrangerReceived,), _Teller.stranger),
    ((GatewayEntry,), _Teller.gateway),
)


def _event(source: str, target: str, words: str, tone: Tone = "plain") -> Event:
    return Event(0.0, source, target, words, tone)

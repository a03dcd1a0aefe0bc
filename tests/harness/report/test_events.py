"""A history as events, the timeline made of them, and the JSON lines that are saved."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from fake_instances.faults import Endpoint
from fake_instances.journal import (
    FaultArmed,
    FaultCleared,
    FaultExecuted,
    InstancePaused,
    InstanceResumed,
    InstanceStarted,
    InstanceStopped,
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
    ImplementationKilled,
    ImplementationStarted,
    MessagePosted,
    Noted,
    OperatorAsked,
    RowRead,
    RowSet,
    StepReached,
    WebhookReceived,
)
from harness.report.events import LONGEST_TEXT, bounded, events_of, json_lines
from harness.report.text import timeline
from tests.harness.support import (
    SESSION,
    answered,
    asked,
    delivered,
    ended,
    history,
    posted,
    user_answered,
    user_sends,
)

if TYPE_CHECKING:
    from fake_instances.journal import Entry

BY_HARNESS = (("User-Agent", HARNESS),)


def webhook(*locations: str, body: bytes = b"{}") -> WebhookSent:
    headers = tuple(("X-Instance-Url", one) for one in locations)
    return WebhookSent(
        instance=3002, webhook=1, event="session_ready", session_id=SESSION, headers=headers, body=body
    )


def received(instance: int | None, *headers: tuple[str, str]) -> WebhookReceived:
    body = json.dumps({"event": "session_ready", "data": {"session_id": "s"}}).encode()
    return WebhookReceived(path="/", headers=headers, body=body, answered=200, instance=instance)


def read(assigned: str | None, status: str = "connected") -> RowRead:
    return RowRead(account_id=142, assigned=assigned, status=status)


def held(number: int, on: int = 3001) -> SessionHeld:
    return SessionHeld(instance=on, session_id=f"webjs_{number}", status="connected")


def told(*entries: Entry) -> list[str]:
    """Return the timeline of entries without times, and with the tone where it is not plain."""
    events = events_of(history(*entries))
    tones = ["" if one.tone == "plain" else f" [{one.tone}]" for one in events]
    lines = [line.partition(" s  ")[2] for line in timeline(events)]
    return [line + tone for line, tone in zip(lines, tones, strict=True)]


@pytest.mark.parametrize(
    ("entry", "line"),
    [
        (StepReached(text="When it rains"), "── When it rains"),
        (RowSet(account_id=142, assigned=None), "database: row 142: NULL (set up)"),
        (
            read("http://one"),
            "implementation → database: row 142: http://one, connected (as read now) [good]",
        ),
        (user_sends(), 'user → implementation: send "hello" from account 142'),
        (user_answered(200, " ok\n"), "implementation → user: 200, sent: ok [good]"),
        (user_answered(409, "no", told_sent=False), "implementation → user: 409, not sent: no [bad]"),
        (
            user_answered(None, told_sent=False, seconds=3, problem="it was killed"),
            "implementation → user: no answer after 3.00 s: it was killed [bad]",
        ),
        (asked(3001, 1), "implementation → instance 3001: GET /health/detailed (no answer yet)"),
        (asked(3001, 1, headers=BY_HARNESS), "user → instance 3001: GET /health/detailed (no answer yet)"),
        (delivered(3002), 'instance 3002: delivers "hello" to 628111 [good]'),
        (
            webhook("http://two", "http://one"),
            "instance 3002 → implementation: webhook session_ready, location http://two and http://one",
        ),
        (webhook(), "instance 3002 → implementation: webhook session_ready without a location"),
        (
            WebhookAnswered(instance=3002, webhook=1, status=401, body=b"who?"),
            "implementation → instance 3002: 401 who? [bad]",
        ),
        (
            WebhookAnswered(instance=3002, webhook=1, status=None, reason="timeout"),
            "implementation → instance 3002: timeout [bad]",
        ),
        (
            WebhookLost(instance=3002, event="session_ready", session_id=SESSION, reason="ordered"),
            "instance 3002: webhook session_ready is lost [bad]",
        ),
        (
            WebhookKept(instance=3002, webhook=1, event="session_ready", session_id=SESSION),
            "instance 3002: webhook session_ready is kept back [faint]",
        ),
        (held(1), "instance 3001: holds webjs_1, connected [faint]"),
        (SessionReleased(instance=3002, session_id="s"), "instance 3002: lets s go [faint]"),
        (
            FaultArmed(instance=3001, fault=1, words="answers 500", endpoints=(Endpoint.SEND,)),
            "instance 3001: will go wrong: it answers 500 (send) [faint]",
        ),
        (
            FaultExecuted(instance=3001, fault=1, words="answers 500", request=1),
            "instance 3001: goes wrong: it answers 500 [bad]",
        ),
        (InstanceStarted(instance=3001, url="http://one"), "instance 3001: starts [faint]"),
        (InstanceStopped(instance=3001), "instance 3001: stops [faint]"),
        (InstancePaused(instance=3001), "instance 3001: stands still [faint]"),
        (InstanceResumed(instance=3001), "instance 3001: goes on [faint]"),
        (ImplementationKilled(), "implementation: is killed [bad]"),
        (ImplementationStarted(base_url="http://x"), "implementation: is up at http://x [faint]"),
        (
            StrangerReceived(connection=1, data=b"a\xffb"),
            'implementation → elsewhere: sends "a\ufffdb" [bad]',
        ),
        (Noted(text="the receiver is down"), "control plane: the receiver is down [faint]"),
        (Noted(instance=3001, text="is up"), "instance 3001: is up [faint]"),
        (
            received(None),
            "control plane: webhook session_ready of s without a location arrives and is answered 200",
        ),
    ],
)
def test_each_kind_of_entry_is_reported_in_words(entry: Entry, line: str) -> None:
    assert told(entry) == [line]


def test_what_is_asked_and_answered_at_once_is_two_events() -> None:
    message = MessagePosted(instance=3002, session_id="s", text="hello", status=None, body="refused")

    assert told(
        OperatorAsked(asked="GET /counts", status=500, body="{}"),
        received(3001, ("x-instance-url", "u")),
        message,
    ) == [
        "user → implementation: GET /counts",
        "implementation → user: 500 {} [bad]",
        "instance 3001 → control plane: webhook session_ready of s, location u",
        "control plane → instance 3001: 200",
        'user → instance 3002: send "hello" over s',
        "instance 3002 → user: no answer: refused [bad]",
    ]


def test_an_answer_goes_back_to_the_caller_and_names_what_was_asked() -> None:
    assert told(
        asked(3001, 1), answered(3001, 1, 404), asked(3001, 2, headers=BY_HARNESS), answered(3001, 2)
    ) == [
        "implementation → instance 3001: GET /health/detailed",
        "instance 3001 → implementation: 404 to GET /health/detailed [bad]",
        "user → instance 3001: GET /health/detailed",
        "instance 3001 → user: 200 to GET /health/detailed",
    ]


def test_a_request_that_was_not_answered_whole_is_reported_by_its_end() -> None:
    assert told(posted(3001, 1), ended(3001, 1))[1:] == [
        "instance 3001 → implementation: no answer to POST /api/messages/send: caller left [bad]"
    ]
    assert told(posted(3001, 1), answered(3001, 1), ended(3001, 1, "closed"))[2:] == [
        "instance 3001 → implementation: cut short to POST /api/messages/send: closed [bad]"
    ]
    assert told(posted(3001, 1), answered(3001, 1), ended(3001, 1, "answered"))[2:] == []


def test_a_row_is_reported_when_it_says_something_new() -> None:
    rows = (RowSet(account_id=142, assigned="a"), read("a"), read("a", "disconnected"), read("b"), read("b"))

    assert [line.partition("row 142: ")[2] for line in told(*rows)] == [
        "a (set up)",
        "a, disconnected (as read now) [good]",
        "b, connected (as read now) [good]",
    ]


def test_alike_events_in_a_row_are_one_and_so_is_a_crowd_of_sessions() -> None:
    crowd = [*(held(number) for number in range(10_000)), held(1, on=3002)]

    assert told(user_sends(), user_sends(), *crowd, user_sends()) == [
        'user → implementation: send "hello" from account 142 (2 times)',
        "instance 3001: takes in 10000 sessions [faint]",
        "instance 3002: holds webjs_1, connected [faint]",
        'user → implementation: send "hello" from account 142',
    ]


def test_times_count_from_the_first_entry_and_what_no_reader_needs_is_left_out() -> None:
    events = events_of(
        history(StepReached(text="a"), FaultCleared(instance=1, fault=1, words=""), StepReached(text="b"))
    )

    assert timeline(events) == ("  0.000 s  ── a", "  0.200 s  ── b")
    assert timeline(events_of(history())) == ("nothing happened",)


def test_a_long_diagram_keeps_its_beginning_and_its_end() -> None:
    events = [Event(float(number), "user", "", str(number)) for number in range(11)]

    shown, left_out = bounded(events, most=4)

    assert ([one.words for one in shown], left_out) == (["0", "1", "9", "10"], 7)
    assert bounded(events, most=11) == (tuple(events), 0)


def test_a_saved_history_has_a_line_for_each_entry_and_long_texts_are_cut() -> None:
    lines = [
        json.loads(line)
        for line in json_lines(history(StepReached(text="Given"), webhook(body=b"x" * 10**6))).splitlines()
    ]

    assert [(one["kind"], one["sequence"]) for one in lines] == [("StepReached", 1), ("WebhookSent", 2)]
    assert len(lines[1]["body"]) < LONGEST_TEXT + 40
    assert "1000000 characters)" in lines[1]["body"]

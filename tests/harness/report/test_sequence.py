"""A history told as the events of a diagram, and saved as JSON lines."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from harness.report.sequence import LONGEST_TEXT, bounded, json_lines, sequence

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
from harness.history import HARNESS, ImplementationKilled, ImplementationStarted, RowRead, RowSet, StepReached
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

IMPLEMENTATION, DATABASE = "implementation", "database"
KEY = "the-api-key-of-this-run"


def webhook(*headers: tuple[str, str], body: bytes = b"{}") -> WebhookSent:
    return WebhookSent(
        instance=3002, webhook=1, event="session_ready", session_id=SESSION, headers=headers, body=body
    )


def told(*entries: Entry) -> list[tuple[str, str, str, str]]:
    return [(one.source, one.target, one.words, one.tone) for one in sequence(history(*entries), ())]


@pytest.mark.parametrize(
    ("entry", "event"),
    [
        (StepReached(text="When it rains"), ("", "", "When it rains", "plain")),
        (RowSet(account_id=142, assigned=None), (DATABASE, "", "row 142: NULL (set up)", "plain")),
        (user_sends(), ("user", IMPLEMENTATION, 'send "hello" from account 142', "plain")),
        (user_answered(), (IMPLEMENTATION, "user", "200: sent", "good")),
        (user_answered(200, told_sent=False), (IMPLEMENTATION, "user", "200: not sent", "bad")),
        (user_answered(None, problem="timeout"), (IMPLEMENTATION, "user", "no answer: timeout", "bad")),
        (asked(3001, 1), (IMPLEMENTATION, "3001", "GET /health/detailed", "plain")),
        (
            asked(3001, 1, headers=(("User-Agent", HARNESS),)),
            ("user", "3001", "GET /health/detailed", "plain"),
        ),
        (delivered(3002), ("3002", "", 'delivers "hello"', "good")),
        (
            webhook(("X-Instance-Url", "http://two")),
            ("3002", IMPLEMENTATION, "webhook session_ready claims http://two", "plain"),
        ),
        (webhook(), ("3002", IMPLEMENTATION, "webhook session_ready without a location", "plain")),
        (WebhookAnswered(instance=3002, webhook=1, status=200), (IMPLEMENTATION, "3002", "200", "plain")),
        (WebhookAnswered(instance=3002, webhook=1, status=401), (IMPLEMENTATION, "3002", "401", "bad")),
        (
            WebhookAnswered(instance=3002, webhook=1, status=None, reason="refused"),
            (IMPLEMENTATION, "3002", "refused", "bad"),
        ),
        (
            WebhookLost(instance=3002, event="session_ready", session_id=SESSION, reason="ordered"),
            ("3002", "", "webhook session_ready is lost", "bad"),
        ),
        (
            WebhookKept(instance=3002, webhook=1, event="session_ready", session_id=SESSION),
            ("3002", "", "webhook session_ready is kept back", "faint"),
        ),
        (
            SessionHeld(instance=3002, session_id="s", status="connected"),
            ("3002", "", "holds s, connected", "faint"),
        ),
        (SessionReleased(instance=3002, session_id="s"), ("3002", "", "lets s go", "faint")),
        (
            FaultArmed(instance=3001, fault=1, words="answers 500", endpoints=(Endpoint.SEND,)),
            ("3001", "", "will go wrong: it answers 500", "faint"),
        ),
        (
            FaultExecuted(instance=3001, fault=1, words="answers 500", request=1),
            ("3001", "", "goes wrong: it answers 500", "bad"),
        ),
        (InstanceStarted(instance=3001, url="http://one"), ("3001", "", "starts", "faint")),
        (InstanceStopped(instance=3001), ("3001", "", "stops", "faint")),
        (InstancePaused(instance=3001), ("3001", "", "stands still", "faint")),
        (InstanceResumed(instance=3001), ("3001", "", "goes on", "faint")),
        (ImplementationKilled(), (IMPLEMENTATION, "", "is killed", "bad")),
        (ImplementationStarted(base_url="http://x"), (IMPLEMENTATION, "", "is up", "faint")),
        (StrangerReceived(connection=1, data=b"abc"), (IMPLEMENTATION, "elsewhere", "3 bytes", "bad")),
    ],
)
def test_each_kind_of_entry_is_an_arrow_or_a_note(entry: Entry, event: tuple[str, str, str, str]) -> None:
    assert told(entry) == [event]


def test_an_answer_goes_back_to_whoever_asked() -> None:
    harness = (("User-Agent", HARNESS),)

    assert told(asked(3001, 1), answered(3001, 1, 404), asked(3001, 2, headers=harness), answered(3001, 2))[
        1::2
    ] == [
        ("3001", IMPLEMENTATION, "404", "bad"),
        ("3001", "user", "200", "plain"),
    ]


def test_a_request_that_was_not_answered_whole_is_told_by_its_end() -> None:
    assert told(posted(3001, 1), ended(3001, 1))[1:] == [
        ("3001", IMPLEMENTATION, "no answer: caller left", "bad")
    ]
    assert told(posted(3001, 1), answered(3001, 1), ended(3001, 1, "closed"))[2:] == [
        ("3001", IMPLEMENTATION, "cut short: closed", "bad")
    ]
    assert told(posted(3001, 1), answered(3001, 1), ended(3001, 1, "answered"))[2:] == []
    assert told(answered(3001, 9)) == []


def test_a_row_is_told_when_it_says_something_new() -> None:
    def read(assigned: str | None, account: int = 142) -> RowRead:
        return RowRead(account_id=account, assigned=assigned, status="connected")

    assert told(
        RowSet(account_id=142, assigned="a"), read("a"), read("b"), read("b"), read(None), read(None)
    )[1:] == [
        (IMPLEMENTATION, DATABASE, "row 142: b (as read now)", "good"),
        (IMPLEMENTATION, DATABASE, "row 142: NULL (as read now)", "good"),
    ]


def test_what_no_reader_needs_is_left_out() -> None:
    assert told(FaultCleared(instance=3001, fault=1, words="hangs")) == []
    assert sequence(history(), ()) == ()


def test_times_count_from_the_first_entry() -> None:
    events = sequence(
        history(StepReached(text="a"), FaultCleared(instance=1, fault=1, words=""), user_sends()), ()
    )

    assert [one.at for one in events] == [0.0, 0.2]


def test_alike_events_in_a_row_are_told_as_one() -> None:
    (first, second, third) = sequence(history(user_sends(), user_sends(), user_answered(), user_sends()), ())

    assert (first.count, second.count, third.count) == (2, 1, 1)


def test_a_long_diagram_keeps_its_beginning_and_its_end() -> None:
    events = [Event(float(number), "user", "", str(number)) for number in range(11)]

    shown, left_out = bounded(events, most=4)

    assert ([one.words for one in shown], left_out) == (["0", "1", "9", "10"], 7)
    assert bounded(events, most=11) == (tuple(events), 0)


def test_no_event_has_a_secret_in_it() -> None:
    events = sequence(
        history(
            StepReached(text=f"Given {KEY}"),
            user_sends("x" * 50 + KEY + "x" * 50),
            delivered(3002, "x" * 55 + KEY + "x" * 50),
            replace(asked(3001, 1), target="/" + "x" * 50 + KEY),
            webhook(("X-Instance-Url", "x" * 110 + KEY)),
        ),
        [KEY],
    )

    assert len(events) == 5
    assert not any(KEY[:8] in one.words for one in events)


def test_a_saved_history_has_a_line_for_each_entry_without_secrets() -> None:
    entries = (
        StepReached(text=f"Given {KEY}"),
        webhook(("X-HMAC-Signature", "ab" * 32), body=f'{{"a":"{KEY}"}}'.encode()),
        StrangerReceived(connection=1, data=f"GET /?api_key={KEY}".encode()),
    )

    lines = [json.loads(line) for line in json_lines(history(*entries), [KEY]).splitlines()]

    assert [one["kind"] for one in lines] == ["StepReached", "WebhookSent", "StrangerReceived"]
    assert [one["sequence"] for one in lines] == [1, 2, 3]
    assert lines[0]["text"] == "Given [secret]"
    assert lines[1]["headers"] == [["X-HMAC-Signature", "[secret]"]]
    assert lines[1]["body"] == '{"a":"[secret]"}'
    assert lines[2]["data"] == "GET /?api_key=[secret]"


def test_a_saved_history_stays_of_a_size() -> None:
    body = ("x" * (LONGEST_TEXT - 3) + KEY + "x" * 10**6).encode()

    (line,) = (json.loads(one) for one in json_lines(history(webhook(body=body)), [KEY]).splitlines())

    assert len(line["body"]) < LONGEST_TEXT + 40
    assert KEY[:4] not in line["body"]
    assert "characters)" in line["body"]

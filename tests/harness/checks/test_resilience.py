"""Corners of the resilience checks that no mutant reaches: words in answers, and calls with other causes."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING

import pytest

from fake_instances.faults import Endpoint
from fake_instances.journal import SessionHeld, SessionReleased
from harness import log_events
from harness.checks import resilience
from harness.errors import ConformanceFailure
from harness.history import HARNESS
from harness.scenario.client import MISSING, spoil
from tests.harness.support import (
    SESSION,
    asked,
    delivered,
    failure,
    history,
    line,
    posted,
    user_answered,
    user_sends,
)

if TYPE_CHECKING:
    from fake_instances.journal import Entry
    from harness.contract import LogLine
    from harness.history import UserAnswered


def told(error: str, code: str | None = None) -> UserAnswered:
    body = {"success": False, "error": error} | ({} if code is None else {"code": code})
    return user_answered(503, json.dumps(body), told_sent=False)


def test_each_message_is_judged_by_where_the_session_was_when_it_was_sent() -> None:
    entries = [
        SessionHeld(instance=3001, session_id=SESSION, status="connected"),
        user_sends("one"),
        SessionReleased(instance=3001, session_id=SESSION),
        SessionHeld(instance=3002, session_id=SESSION, status="connected"),
        user_sends("two", call=2),
        delivered(3002, "two"),
    ]
    resilience.delivered_where_held(history(*entries, delivered(3001, "one")), SESSION)
    late = history(*entries, delivered(3002, "one"))
    assert failure(lambda: resilience.delivered_where_held(late, SESSION))[0] == (
        'instance 3001 delivers "one" exactly once'
    )


def test_the_same_words_to_the_same_person_may_go_out_as_often_as_they_were_sent() -> None:
    twice = [
        user_sends("hello"),
        user_sends("hello", call=2),
        delivered(3001, "hello"),
        delivered(3002, "hello"),
    ]
    resilience.nothing_went_out_twice(history(*twice))
    again = history(*twice, delivered(3002, "hello"))
    assert failure(lambda: resilience.nothing_went_out_twice(again)) == (
        '"hello" goes out at most as often as it was sent: 2 times',
        "it went out by instance 3001, instance 3002, instance 3002",
    )


def test_the_same_words_once_more_may_go_out_where_the_first_did_not() -> None:
    denied = told("The message was not sent.")
    resilience.nothing_went_out_after_a_denial(
        history(user_sends("hello"), denied, user_sends("hello", call=2), delivered(3001, "hello"))
    )


@pytest.mark.parametrize(
    ("answer", "denied"),
    [
        (told("The message was not sent."), True),
        (told("No.", "rejected_by_instance"), True),
        (told("It is not known whether it was sent."), False),
        (told("No.", "delivery_unknown"), False),
    ],
)
def test_what_was_denied_for_certain_does_not_go_out_later(answer: UserAnswered, *, denied: bool) -> None:
    resilience.nothing_went_out_after_a_denial(history(user_sends("hello"), delivered(3001, "hello"), answer))
    later = history(user_sends("hello"), answer, delivered(3001, "hello"))
    with pytest.raises(ConformanceFailure) if denied else contextlib.nullcontext():
        resilience.nothing_went_out_after_a_denial(later)


def test_only_the_harness_and_plain_health_may_call_where_nobody_should() -> None:
    resilience.no_instance_called(
        history(
            asked(3001, 1),
            user_sends(),
            asked(3001, 2, headers=(("User-Agent", HARNESS),)),
            asked(3001, 3, endpoint=Endpoint.HEALTH),
        )
    )


def test_a_call_after_only_one_of_two_sends_has_another_cause() -> None:
    resilience.no_instance_called(history(user_sends(), asked(3001, 1), user_sends(call=2)))
    resilience.no_instance_called(history(user_sends(), user_sends(call=2), asked(3001, 1)))


@pytest.mark.parametrize("entry", [asked(3001, 1), posted(3001, 1), asked(3001, 1, endpoint=Endpoint.OTHER)])
def test_any_other_call_after_each_send_is_found(entry: Entry) -> None:
    called = history(user_sends(), entry, user_sends(call=2), entry)
    assert failure(lambda: resilience.no_instance_called(called))[0] == "no instance is called"


@pytest.mark.parametrize(
    ("answer", "denied"),
    [
        (user_answered(), False),
        (told("The message was not sent.", "delivery_unknown"), False),
        (told("The message may not have been delivered."), False),
        (told("Gateway timeout"), False),
        (told("Status pesan tidak diketahui", "error"), False),
        (told("Delivery failed or succeeded: unknown.", "timeout"), False),
        (told("Something happened.", "rejected_by_instance"), True),
        (told("The message was not sent."), True),
        (told("Message could not be delivered"), True),
        (told("Failed to send message: timeout of 2000ms exceeded"), True),
        (told("Sending failed."), True),
        (user_answered(None, "", told_sent=False), True),
    ],
)
def test_only_words_without_doubt_deny_for_certain(answer: UserAnswered, *, denied: bool) -> None:
    with pytest.raises(ConformanceFailure) if denied else contextlib.nullcontext():
        resilience.not_denied_for_certain(answer)


@pytest.mark.parametrize(
    ("answer", "lines", "says"),
    [
        (told("No.", "session_unverifiable"), (), True),
        (told("No."), (line(log_events.UNVERIFIABLE, session_id=SESSION),), True),
        (told("Not on 3001, 3002 or 3004; http://127.0.0.1:3003 is what is left."), (), True),
        (told("One instance could not be reached."), (), True),
        (told("Instance 3003 is unavailable"), (), True),
        (told("Instance 3003 timed out."), (), True),
        (told("Session not found in any Node.js instance"), (), False),
        (told("The session could not be found."), (), False),
        (told("Unable to send the message."), (), False),
        (told("No."), (line(log_events.UNVERIFIABLE, session_id="other"),), False),
    ],
)
def test_a_failure_says_by_code_words_url_or_log_what_was_not_asked(
    answer: UserAnswered, lines: tuple[LogLine, ...], *, says: bool
) -> None:
    with contextlib.nullcontext() if says else pytest.raises(ConformanceFailure):
        resilience.says_unasked(answer, lines, SESSION, "http://127.0.0.1:3003")


def test_a_part_is_spoiled_wherever_it_stands() -> None:
    template = {"to": {"phone": "{recipient}"}, "parts": ["tel:{recipient}"], "type": "text"}

    assert spoil(template, "{recipient}", MISSING) == {"to": {}, "parts": [], "type": "text"}
    assert spoil(template, "{recipient}", [1]) == {"to": {"phone": [1]}, "parts": [[1]], "type": "text"}


URL = "http://127.0.0.1:3003"


@pytest.mark.parametrize(
    ("text", "fields", "good"),
    [
        (log_events.UNVERIFIABLE, {"session_id": SESSION, "unasked": [URL]}, True),
        (
            log_events.UNVERIFIABLE,
            {"session_id": SESSION, "unasked": ["http://127.0.0.1:3001", f"{URL}/"]},
            True,
        ),
        (log_events.UNVERIFIABLE, {"session_id": "another", "unasked": [URL]}, False),
        (log_events.UNVERIFIABLE, {"session_id": SESSION, "unasked": 1}, False),
        (log_events.UNVERIFIABLE, {"session_id": SESSION}, False),
        ("Session cannot be verified", {"session_id": SESSION, "unasked": [URL]}, False),
    ],
    ids=["alone", "with a slash", "another session", "a number", "no field", "other words"],
)
def test_the_line_of_what_could_not_be_asked_is_judged_to_the_letter(
    text: str, fields: dict[str, object], *, good: bool
) -> None:
    with contextlib.nullcontext() if good else pytest.raises(ConformanceFailure):
        resilience.logged_unasked([line(text, **fields)], SESSION, URL)


def test_an_instance_that_is_well_again_delivers_one_of_the_messages() -> None:
    over = resilience.Trouble(("back 1", "back 2"), 0.8)
    well = history(
        user_sends("back 1"), user_sends("back 2"), delivered(3001, "back 2"), delivered(3001, "before")
    )
    resilience.used_again(well, SESSION, 3001, over, user_answered())
    for wrong in (history(), history(delivered(3002, "back 1"))):
        expected, _ = failure(
            lambda wrong=wrong: resilience.used_again(wrong, SESSION, 3001, over, user_answered())
        )
        assert expected.startswith("instance 3001, which is well again, delivers a message within")

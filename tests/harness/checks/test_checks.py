"""Every judgement over made-up histories: it passes when it should, and fails with the words it should."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from fake_instances.faults import Endpoint
from fake_instances.journal import FaultExecuted
from harness.checks import sending
from harness.contract import MARGIN, Settings
from harness.errors import TimeBoundFailure
from harness.history import HARNESS
from tests.harness.support import (
    SESSION,
    answered,
    asked,
    delivered,
    ended,
    failure,
    history,
    posted,
    user_answered,
    user_sends,
)

if TYPE_CHECKING:
    from harness.history import UserAnswered

NUMBERS = {"http://one": 3001, "http://two": 3002}
OTHER = "webjs_2_1_other"


# Deliveries


def test_one_delivery_from_the_right_instance_passes() -> None:
    told = history(delivered(3002), delivered(3001, session_id=OTHER), delivered(3002, "another"))

    sending.delivered_once(told, SESSION, "hello", 3002)


@pytest.mark.parametrize(
    ("entries", "observed"),
    [
        ([], "no instance delivered it; no message of its session was posted to any instance"),
        (
            [posted(3001, 1), answered(3001, 1, 404)],
            "no instance delivered it; instance 3001 was posted the message and answered 404",
        ),
        (
            [posted(3001, 1)],
            "no instance delivered it; instance 3001 was posted the message and did not answer",
        ),
        ([delivered(3003)], "it was delivered 1 time, by instance 3003"),
        (
            [delivered(3002), delivered(3003)],
            "it was delivered 2 times, by instance 3002, instance 3003",
        ),
        ([delivered(3002), delivered(3002)], "it was delivered 2 times, by instance 3002, instance 3002"),
        (
            [posted(3002, 1), delivered(3002, "hell"), answered(3002, 1)],
            (
                "no instance delivered it; instance 3002 was posted the message and answered 200; "
                'delivered instead: "hell"'
            ),
        ),
        (
            [delivered(3002, session_id=OTHER)],
            "no instance delivered it; no message of its session was posted to any instance",
        ),
    ],
)
def test_any_other_delivery_fails(entries: list[object], observed: str) -> None:
    told = history(*entries)  # type: ignore[arg-type]

    expected = 'instance 3002 delivers "hello" exactly once'
    assert failure(lambda: sending.delivered_once(told, SESSION, "hello", 3002)) == (expected, observed)


def test_no_delivery_over_the_session_passes() -> None:
    sending.delivered_nowhere(history(posted(3001, 1), delivered(3001, session_id=OTHER)), SESSION)


def test_a_delivery_where_none_was_due_fails() -> None:
    told = history(delivered(3001), delivered(3004, "bye"))

    assert failure(lambda: sending.delivered_nowhere(told, SESSION)) == (
        "no instance delivers anything",
        'instance 3001 delivered "hello", instance 3004 delivered "bye"',
    )


def test_no_post_for_the_session_passes() -> None:
    sending.nothing_posted(history(asked(3001, 1), posted(3001, 2, session_id=OTHER)), SESSION)


def test_a_post_where_none_was_due_fails() -> None:
    told = history(posted(3001, 1), answered(3001, 1, 404), posted(3002, 1))

    assert failure(lambda: sending.nothing_posted(told, SESSION)) == (
        "no message is posted to any instance",
        (
            "instance 3001 was posted the message and answered 404, "
            "instance 3002 was posted the message and did not answer"
        ),
    )


def test_no_post_to_one_instance_looks_at_that_one_alone() -> None:
    told = history(posted(3002, 1))

    sending.nothing_posted(told, SESSION, to=3001)
    assert failure(lambda: sending.nothing_posted(told, SESSION, to=3002)) == (
        "no message is posted to instance 3002",
        "instance 3002 was posted the message and did not answer",
    )


# What the user is told


def test_what_the_user_is_told_is_judged_by_the_answer() -> None:
    sending.told_sent(user_answered())
    sending.told_failed(user_answered(502, '{"success":false}', told_sent=False))


@pytest.mark.parametrize(
    ("answer", "observed"),
    [
        (
            user_answered(503, "busy", told_sent=False),
            'the user was told "not sent": status 503, busy',
        ),
        (
            user_answered(200, "", told_sent=False),
            'the user was told "not sent": status 200, an empty body',
        ),
        (
            user_answered(None, "", told_sent=False, problem="it was killed"),
            "the user got no answer: it was killed",
        ),
    ],
)
def test_a_user_who_is_not_told_sent_fails(answer: UserAnswered, observed: str) -> None:
    expected = "the user is told that the message was sent"
    assert failure(lambda: sending.told_sent(answer)) == (expected, observed)


@pytest.mark.parametrize(
    ("answer", "observed"),
    [
        (user_answered(200, "ok"), 'the user was told "sent": status 200, ok'),
        (
            user_answered(None, told_sent=False, problem="ConnectionError: gone"),
            "the user got no answer: ConnectionError: gone",
        ),
    ],
)
def test_a_user_who_is_told_sent_or_nothing_fails(answer: UserAnswered, observed: str) -> None:
    expected = "the user is told that the message was not sent"
    assert failure(lambda: sending.told_failed(answer)) == (expected, observed)


@pytest.mark.parametrize(
    "body",
    ['{"code":"session_not_found"}', '{"error":"Session not found in any Node.js instance"}'],
)
def test_either_the_sentence_or_the_code_says_not_found(body: str) -> None:
    sending.says_not_found_anywhere(user_answered(409, body, told_sent=False))


@pytest.mark.parametrize("body", ["", '{"error":"Account not found"}', '{"error":"The session is gone"}'])
def test_anything_else_does_not_say_not_found(body: str) -> None:
    expected, observed = failure(
        lambda: sending.says_not_found_anywhere(user_answered(404, body, told_sent=False))
    )

    assert expected == "the error says that the session was not found in any instance"
    assert observed == f'the user was told "not sent": status 404, {body or "an empty body"}'


# Verification before each post


@pytest.mark.parametrize(
    "question",
    [
        asked(3001, 1),
        asked(3001, 1, endpoint=Endpoint.SESSION_LIST),
        asked(3001, 1, endpoint=Endpoint.SESSION_STATUS, session_id=SESSION),
    ],
    ids=["detailed", "list", "status"],
)
def test_a_post_behind_any_answered_verification_passes(question: object) -> None:
    told = history(user_sends(), question, answered(3001, 1), posted(3002, 1))  # type: ignore[arg-type]

    sending.verified_before_each_post(told, SESSION, NUMBERS)


def test_a_parallel_scan_may_post_before_the_assigned_instance_has_answered() -> None:
    told = history(user_sends(), asked(3001, 1), asked(3002, 1), answered(3002, 1), posted(3002, 2))

    sending.verified_before_each_post(told, SESSION, NUMBERS)


def test_a_trailing_slash_of_the_assigned_url_makes_no_difference() -> None:
    told = history(user_sends(assigned="http://one/"), asked(3001, 1), answered(3001, 1), posted(3001, 2))

    sending.verified_before_each_post(told, SESSION, NUMBERS)


@pytest.mark.parametrize(
    "entries",
    [
        [posted(3002, 1)],
        [posted(3002, 1), asked(3001, 1), answered(3001, 1)],
        [asked(3002, 1), answered(3002, 1), posted(3002, 2)],
        [asked(3001, 1, headers=(("User-Agent", HARNESS),)), answered(3001, 1), posted(3002, 1)],
        [
            asked(3001, 1, endpoint=Endpoint.SESSION_STATUS, session_id=OTHER),
            answered(3001, 1),
            posted(3002, 1),
        ],
        [asked(3001, 1, endpoint=Endpoint.HEALTH), answered(3001, 1), posted(3002, 1)],
    ],
    ids=[
        "nothing asked",
        "asked after the post",
        "another instance asked",
        "asked by the harness",
        "asked for another session",
        "asked a route that cannot tell",
    ],
)
def test_a_post_that_was_not_verified_fails(entries: list[object]) -> None:
    told = history(user_sends(), *entries)  # type: ignore[arg-type]

    assert failure(lambda: sending.verified_before_each_post(told, SESSION, NUMBERS)) == (
        "instance 3001 is asked whether it holds the session before a message is posted",
        (
            '"hello" was posted to instance 3002, and instance 3001 had not been asked before whether it '
            "holds the session"
        ),
    )


def test_a_verification_of_the_send_before_does_not_count_for_the_next() -> None:
    first = (user_sends("first"), asked(3001, 1), answered(3001, 1), posted(3001, 2))
    told = history(*first, user_sends("second", call=2), posted(3001, 3))

    _, observed = failure(lambda: sending.verified_before_each_post(told, SESSION, NUMBERS))

    assert observed.startswith('"second" was posted to instance 3001')


def test_a_post_before_any_send_fails() -> None:
    told = history(posted(3001, 1), user_sends())

    assert failure(lambda: sending.verified_before_each_post(told, SESSION, NUMBERS)) == (
        "a message is posted when a user sends one",
        "instance 3001 was posted a message before any user sent one",
    )


# Counts and times


def test_an_instance_counts_its_sessions() -> None:
    sending.sessions_counted({"total": 1, "connected": 1, "disconnected": 0}, 1, 3002)

    assert failure(lambda: sending.sessions_counted({"total": 2, "connected": 1}, 1, 3002)) == (
        "instance 3002 counts 1 sessions, all connected",
        "total 2, connected 1",
    )


def test_an_answer_within_the_bound_and_its_margin_passes() -> None:
    sending.took_at_most(user_answered(seconds=1.6 + MARGIN), 1.6, "one scan")


def test_a_late_answer_fails_by_time_alone() -> None:
    with pytest.raises(TimeBoundFailure) as raised:
        sending.took_at_most(user_answered(seconds=2.35), 1.6, "one scan")

    assert raised.value.expected == "the user is answered within one scan (1.6 s, and 0.7 s of margin)"
    assert raised.value.observed == "it took 2.35 s"


HUNG = FaultExecuted(instance=3001, fault=1, words="never answers", request=1)
IN_FORCE = Settings(verify_timeout=0.8)


def test_a_verification_given_up_in_time_passes() -> None:
    told = history(asked(3001, 1, at=100.0), HUNG, ended(3001, 1, at=100.8))

    sending.given_up_in_time(told, SESSION, 3001, IN_FORCE, 110.0)


def test_a_verification_that_was_answered_is_no_matter_of_giving_up() -> None:
    told = history(asked(3001, 2, at=100.0), HUNG, ended(3001, 2, "answered", at=109.0))

    sending.given_up_in_time(told, SESSION, 3001, IN_FORCE, 110.0)
    sending.given_up_in_time(history(asked(3002, 1, at=100.0), HUNG), SESSION, 3001, IN_FORCE, 110.0)


@pytest.mark.parametrize(
    ("end", "observed"),
    [
        ([], "it was never given up"),
        ([ended(3001, 1, "closed", at=100.5)], "it was never given up"),
        ([ended(3001, 1, at=101.6)], "it was given up after 1.60 s"),
    ],
)
def test_a_verification_given_up_late_or_never_fails_by_time_alone(end: list[object], observed: str) -> None:
    told = history(asked(3001, 1, at=100.0), HUNG, *end)  # type: ignore[arg-type]

    with pytest.raises(TimeBoundFailure) as raised:
        sending.given_up_in_time(told, SESSION, 3001, IN_FORCE, 110.0)

    assert raised.value.expected == "a verification that instance 3001 never answers is given up after 0.8 s"
    assert raised.value.observed == observed


def test_a_verification_that_is_still_young_is_not_judged() -> None:
    told = history(asked(3001, 1, at=109.5), HUNG)

    sending.given_up_in_time(told, SESSION, 3001, IN_FORCE, 110.0)


def test_who_answers_the_user_in_time_has_given_up_though_the_connection_stays_open() -> None:
    told = history(user_sends(), asked(3001, 1, at=100.0), HUNG, replace(user_answered(), at=100.9))

    sending.given_up_in_time(told, SESSION, 3001, IN_FORCE, 110.0)


def test_without_a_setting_the_documents_three_seconds_are_in_force() -> None:
    told = history(asked(3001, 1, at=100.0), HUNG, ended(3001, 1, at=103.5))

    sending.given_up_in_time(told, SESSION, 3001, Settings(verify_timeout=None), 110.0)


def test_a_long_text_is_quoted_short() -> None:
    assert sending.quoted("x" * 80) == '"' + "x" * 80 + '"'
    assert sending.quoted("x" * 81) == '"' + "x" * 60 + '…" (81 characters)'

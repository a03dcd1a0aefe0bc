"""Every judgement of the profile resilience over made-up histories and answers, from both sides."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from fake_instances.faults import Endpoint
from fake_instances.journal import SessionHeld, SessionReleased, StrangerTouched, WebhookAnswered
from harness.checks import resilience
from harness.errors import TimeBoundFailure
from harness.history import HARNESS
from harness.scenario.client import MISSING, spoil
from tests.harness.support import (
    SESSION,
    answered,
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

OTHER = "webjs_2_1_other"
URL = "http://127.0.0.1:3003"


def told(error: str, *, code: str | None = None, status: int = 503) -> UserAnswered:
    body = {"success": False, "error": error} | ({} if code is None else {"code": code})
    return user_answered(status, json.dumps(body), told_sent=False)


# What was posted


def test_posts_are_counted_over_all_instances() -> None:
    once = history(posted(3001, 1), posted(3002, 1, session_id=OTHER))
    thrice = history(posted(3001, 1), answered(3001, 1, 404), posted(3002, 1), posted(3001, 2))

    resilience.posted_at_most(once, SESSION, 1)
    resilience.posted_at_most(thrice, SESSION, 3)
    assert failure(lambda: resilience.posted_at_most(thrice, SESSION, 2)) == (
        "the message is posted 2 times at most",
        (
            "instance 3001 was posted the message and answered 404, instance 3002 was posted the message and did "
            "not answer, instance 3001 was posted the message and did not answer: 3 in all"
        ),
    )
    assert failure(lambda: resilience.posted_at_most(history(), SESSION, 1)) == (
        "the message is posted once in all",
        "it was never posted",
    )


def test_an_instance_is_not_posted_the_message_twice() -> None:
    resilience.no_instance_posted_twice(history(posted(3001, 1), posted(3002, 1)), SESSION)

    twice = history(posted(3001, 1), posted(3001, 2))
    assert failure(lambda: resilience.no_instance_posted_twice(twice, SESSION))[0] == (
        "no instance is posted the message twice"
    )


@pytest.mark.parametrize(("deliveries", "told_sent"), [(0, False), (1, True)])
def test_who_is_told_the_truth_passes(deliveries: int, told_sent: bool) -> None:  # noqa: FBT001 - a parameter
    happened = history(*[delivered(3002)] * deliveries)

    resilience.told_what_became_of_it(happened, SESSION, "hello", user_answered(told_sent=told_sent))


@pytest.mark.parametrize(
    ("deliveries", "answer", "expected"),
    [
        (2, user_answered(), '"hello" goes out once at the most'),
        (1, user_answered(told_sent=False), "the user is told what became of the message"),
        (0, user_answered(), "the user is told what became of the message"),
        (0, user_answered(None, "", told_sent=False), "the user is told that the message was not sent"),
    ],
)
def test_who_is_told_otherwise_fails(deliveries: int, answer: UserAnswered, expected: str) -> None:
    happened = history(*[delivered(3002)] * deliveries)

    wrong = failure(lambda: resilience.told_what_became_of_it(happened, SESSION, "hello", answer))
    assert wrong[0] == expected


def moving(*deliveries: tuple[int, str]) -> list[Entry]:
    """Give a session that goes from 3001 to 3002 between two sends, and what was delivered."""
    return [
        SessionHeld(instance=3001, session_id=SESSION, status="connected"),
        user_sends("one"),
        SessionReleased(instance=3001, session_id=SESSION),
        SessionHeld(instance=3002, session_id=SESSION, status="connected"),
        user_sends("two", call=2),
        *(delivered(on, text) for on, text in deliveries),
    ]


def test_each_message_is_judged_by_where_the_session_was_then() -> None:
    resilience.delivered_where_held(history(*moving((3001, "one"), (3002, "two"))), SESSION)

    wrong = history(*moving((3002, "one"), (3002, "two")))
    assert failure(lambda: resilience.delivered_where_held(wrong, SESSION)) == (
        'instance 3001 delivers "one" exactly once',
        "it was delivered 1 time, by instance 3002",
    )


def test_a_message_leaves_over_its_own_session() -> None:
    other = replace(user_sends("second", call=2), session_id=OTHER)
    both = (user_sends("first"), other, delivered(3001, "first"))

    resilience.sent_over_own_sessions(
        history(*both, delivered(3001, "second", session_id=OTHER)), (SESSION, OTHER)
    )
    swapped = history(*both, delivered(3001, "second"))
    assert failure(lambda: resilience.sent_over_own_sessions(swapped, (SESSION, OTHER))) == (
        f'"second" goes out once, over session {OTHER} of its account',
        f"it went out over {SESSION}",
    )
    assert failure(lambda: resilience.sent_over_own_sessions(history(*both), (SESSION, OTHER)))[1] == (
        "it did not go out"
    )


# What was asked


def test_questions_are_counted_for_each_instance() -> None:
    entries = [asked(3001, 1), asked(3001, 2, endpoint=Endpoint.SESSION_LIST), asked(3002, 1)]

    resilience.asked_at_most(history(*entries), SESSION, 2)
    assert failure(lambda: resilience.asked_at_most(history(*entries), SESSION, 1)) == (
        "no instance is asked more than 1 times",
        "asked were: instance 3001 2 times, instance 3002 1 times",
    )


def test_only_the_harness_and_plain_health_may_call_where_nobody_should() -> None:
    resilience.no_instance_called(
        history(
            asked(3001, 1),
            user_sends(),
            asked(3001, 2, headers=(("User-Agent", HARNESS),)),
            asked(3001, 3, endpoint=Endpoint.HEALTH),
        )
    )


def test_a_call_behind_one_of_two_sends_is_left_over_from_something_else() -> None:
    resilience.no_instance_called(history(user_sends(), asked(3001, 1), user_sends(call=2)))
    resilience.no_instance_called(history(user_sends(), user_sends(call=2), asked(3001, 1)))


@pytest.mark.parametrize("entry", [asked(3001, 1), posted(3001, 1), asked(3001, 1, endpoint=Endpoint.OTHER)])
def test_any_other_call_behind_a_send_is_found(entry: Entry) -> None:
    called = history(user_sends(), entry, user_sends(call=2), entry)
    assert failure(lambda: resilience.no_instance_called(called))[0] == "no instance is called"


def test_whoever_touches_the_stranger_is_found() -> None:
    resilience.strangers_untouched(history(asked(3001, 1)))

    touched = history(StrangerTouched(connection=1, peer="127.0.0.1:5"))
    assert failure(lambda: resilience.strangers_untouched(touched))[1] == (
        "a host that is none of them had 1 connection"
    )


# What webhooks and users are told


@pytest.mark.parametrize(
    ("statuses", "observed"),
    [([], "no answer came in time"), ([500], "the answer was 500"), ([None], "the answer was refused")],
)
def test_a_webhook_without_success_fails(statuses: list[int | None], observed: str) -> None:
    answers = [WebhookAnswered(instance=3003, webhook=1, status=one, reason="refused") for one in statuses]

    assert failure(lambda: resilience.webhook_accepted(answers)) == ("the webhook is answered 2xx", observed)


def test_a_webhook_that_succeeds_in_the_end_passes() -> None:
    resilience.webhook_accepted(
        [WebhookAnswered(instance=3003, webhook=1, status=status) for status in (503, 202)]
    )


@pytest.mark.parametrize("status", [400, 404, 422, 499])
def test_an_error_below_500_passes(status: int) -> None:
    resilience.refused_below_500(told("No.", status=status))


@pytest.mark.parametrize(
    "answer", [user_answered(), told("Oops.", status=500), told("There.", status=302), user_answered(None)]
)
def test_anything_but_an_error_below_500_fails(answer: UserAnswered) -> None:
    assert failure(lambda: resilience.refused_below_500(answer))[0] == (
        "the send is answered with an error below 500"
    )


@pytest.mark.parametrize(
    "answer",
    [
        user_answered(),
        told(
            "Instance 3002 did not answer: it is not known whether the message was sent.",
            code="delivery_unknown",
        ),
        told("The message was not sent.", code="delivery_unknown"),
        told("The message may not have been delivered."),
        told("Gateway timeout", status=504),
        told("Status pesan tidak diketahui", code="error"),
        told("Delivery failed or succeeded: unknown.", code="timeout"),
        user_answered(504, "", told_sent=False),
    ],
)
def test_an_answer_that_leaves_it_open_passes(answer: UserAnswered) -> None:
    resilience.not_denied_for_certain(answer)


@pytest.mark.parametrize(
    "answer",
    [
        told("Something happened.", code="rejected_by_instance"),
        told("Something happened.", code="session_not_found"),
        told("The message was not sent."),
        told("Message could not be delivered"),
        told("Failed to send message: timeout of 2000ms exceeded"),
        told("Sending failed.", status=500),
        told("Message failed"),
        user_answered(None, "", told_sent=False),
    ],
)
def test_an_answer_that_denies_for_certain_fails(answer: UserAnswered) -> None:
    assert failure(lambda: resilience.not_denied_for_certain(answer))[0] == (
        "the user is not told for certain that the message was not sent"
    )


@pytest.mark.parametrize(
    ("answer", "lines"),
    [
        (told("No.", code="session_not_found"), ()),
        (told("No."), (line(resilience.NOWHERE, session_id=SESSION),)),
    ],
)
def test_a_claim_that_it_is_nowhere_is_found(answer: UserAnswered, lines: tuple[LogLine, ...]) -> None:
    assert failure(lambda: resilience.nowhere_not_claimed(answer, lines, SESSION))[0] == (
        "nothing says that the session is in no instance"
    )


def test_the_claim_of_another_session_is_none() -> None:
    resilience.nowhere_not_claimed(told("No."), [line(resilience.NOWHERE, session_id=OTHER)], SESSION)


@pytest.mark.parametrize(
    ("answer", "lines"),
    [
        (told("No.", code="session_unverifiable"), ()),
        (told("No."), (line(f"❌ {resilience.UNVERIFIABLE}", session_id=SESSION, unasked=[URL]),)),
        (told("Not on 3001, 3002 or 3004; http://127.0.0.1:3003 is what is left."), ()),
        (told("One instance could not be reached."), ()),
        (told("Instance 3003 is unavailable"), ()),
        (told("Instance 3003 timed out."), ()),
        (told("Not all instances could be asked; one did not respond."), ()),
    ],
)
def test_a_failure_that_says_who_was_not_asked_passes(
    answer: UserAnswered, lines: tuple[LogLine, ...]
) -> None:
    resilience.says_unasked(answer, lines, SESSION, URL)


@pytest.mark.parametrize(
    ("answer", "lines"),
    [
        (told("Session not found in any Node.js instance"), ()),
        (told("The session could not be found."), ()),
        (told("Unable to send the message."), ()),
        (told("No."), (line(resilience.UNVERIFIABLE, session_id=OTHER),)),
        (user_answered(503, "[]", told_sent=False), ()),
    ],
)
def test_a_failure_that_says_nothing_of_it_fails(answer: UserAnswered, lines: tuple[LogLine, ...]) -> None:
    expected, _ = failure(lambda: resilience.says_unasked(answer, lines, SESSION, URL))
    assert expected == f"the failure says that {URL} could not be asked"


def test_a_time_that_must_not_be_reached() -> None:
    resilience.took_less_than(user_answered(seconds=0.99), 1.0, "a second")

    with pytest.raises(TimeBoundFailure, match=r"in less than a second \(1 s\); observed it took 1\.00 s"):
        resilience.took_less_than(user_answered(seconds=1.0), 1.0, "a second")


# What users send


@pytest.mark.parametrize(
    ("wrong", "spoilt"),
    [
        (MISSING, {"to": {}, "parts": [], "type": "text"}),
        (None, {"to": {"phone": None}, "parts": [None], "type": "text"}),
        ([1], {"to": {"phone": [1]}, "parts": [[1]], "type": "text"}),
    ],
)
def test_a_part_is_spoilt_wherever_it_stands(wrong: object, spoilt: object) -> None:
    template = {"to": {"phone": "{recipient}"}, "parts": ["tel:{recipient}"], "type": "text"}

    assert spoil(template, "{recipient}", wrong) == spoilt
    assert spoil(template, "{text}", wrong) == template

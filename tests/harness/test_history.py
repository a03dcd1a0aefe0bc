"""Questions to a history, where scenarios alone would not show a wrong answer."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from fake_instances.faults import Endpoint
from fake_instances.journal import FaultArmed, FaultExecuted, SessionHeld, SessionReleased
from harness.history import HARNESS, MessagePosted
from tests.harness.support import SESSION, asked, history, posted, user_answered, user_sends

if TYPE_CHECKING:
    from fake_instances.journal import Entry

OTHER = "webjs_2_1_other"


def held(instance: int, status: str = "connected", session_id: str = SESSION) -> SessionHeld:
    return SessionHeld(instance=instance, session_id=session_id, status=status)


def released(instance: int, session_id: str = SESSION) -> SessionReleased:
    return SessionReleased(instance=instance, session_id=session_id)


def test_what_the_users_of_a_session_were_told_is_found_by_call() -> None:
    other = replace(user_sends(call=2), session_id=OTHER)
    calls = history(user_sends(call=1), other, user_answered(200), replace(user_answered(500), call=2))

    assert [one.status for one in calls.answers_to(SESSION)] == [200]
    assert [one.status for one in calls.answers_to(OTHER)] == [500]


def test_any_of_the_three_routes_is_a_verification_and_no_other_is() -> None:
    questions = history(
        asked(3001, 1),
        asked(3002, 2, endpoint=Endpoint.SESSION_LIST),
        asked(3003, 3, endpoint=Endpoint.SESSION_STATUS, session_id=SESSION),
        asked(3003, 4, endpoint=Endpoint.SESSION_STATUS, session_id=OTHER),
        asked(3001, 5, endpoint=Endpoint.HEALTH),
        asked(3001, 6, endpoint=Endpoint.HEALTH_READY),
        asked(3001, 7, headers=(("User-Agent", HARNESS),)),
        posted(3001, 8),
    )

    assert [one.request for one in questions.verifications(SESSION)] == [1, 2, 3]
    assert [one.request for one in questions.verifications(SESSION, on=3002)] == [2]


@pytest.mark.parametrize(
    ("entries", "holders"),
    [
        ([], set()),
        ([held(3001), held(3002), released(3001)], {3002}),
        ([held(3001), held(3001, "disconnected")], set()),
        ([held(3001), held(3002)], {3001, 3002}),
        ([held(3001, session_id=OTHER), held(3002), released(3002, OTHER)], {3002}),
    ],
)
def test_the_holders_are_those_that_hold_it_connected_at_the_end(
    entries: list[Entry], holders: set[int]
) -> None:
    assert history(*entries).holders(SESSION) == holders


def test_a_fault_that_never_happened_is_unfired() -> None:
    fired, never = (
        FaultArmed(instance=3001, fault=number, words="answers 500", endpoints=(Endpoint.SEND,))
        for number in (1, 2)
    )
    happened = FaultExecuted(instance=3001, fault=1, words="answers 500", request=1)

    assert [one.fault for one in history(fired, never, happened).unfired()] == [2]


@pytest.mark.parametrize(
    ("status", "body", "sent", "declined"),
    [
        (200, '{"success":true}', True, False),
        (200, "{}", False, False),
        (200, "<html>", False, False),
        (404, "{}", False, True),
        (503, "{}", False, False),
        (None, "no answer", False, False),
    ],
)
def test_only_a_clear_answer_of_a_gateway_says_sent_or_declined(
    status: int | None,
    body: str,
    sent: bool,  # noqa: FBT001 - a parameter
    declined: bool,  # noqa: FBT001 - a parameter
) -> None:
    message = MessagePosted(instance=3002, session_id=SESSION, text="hello", status=status, body=body)
    assert (message.sent, message.declined) == (sent, declined)

"""Questions to made-up histories."""

from __future__ import annotations

from dataclasses import replace

from fake_instances.faults import Endpoint
from fake_instances.journal import FaultArmed, FaultExecuted, SessionHeld, SessionReleased
from harness.history import HARNESS, StepReached, UserSends
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

OTHER = "webjs_2_1_other"


def held(instance: int, status: str = "connected", session_id: str = SESSION) -> SessionHeld:
    return SessionHeld(instance=instance, session_id=session_id, status=status)


def released(instance: int, session_id: str = SESSION) -> SessionReleased:
    return SessionReleased(instance=instance, session_id=session_id)


def test_entries_are_given_by_kind_and_in_order() -> None:
    told = history(StepReached(text="one"), user_sends(), StepReached(text="two"))

    assert [step.text for step in told.of(StepReached)] == ["one", "two"]
    assert len(list(told.of(UserSends))) == 1


def test_the_part_since_an_entry_leaves_that_entry_out() -> None:
    told = history(*(StepReached(text=word) for word in "abc"))

    assert [step.text for step in told.since(1).of(StepReached)] == ["b", "c"]
    assert told.since(3).entries == ()


def test_answers_and_ends_are_found_by_instance_and_request() -> None:
    told = history(answered(3001, 1, 404), answered(3002, 1, 200), ended(3001, 1), user_sends(call=7))

    assert {key: answer.status for key, answer in told.answers.items()} == {(3001, 1): 404, (3002, 1): 200}
    assert told.completions[3001, 1].ending == "caller left"
    assert told.sends[7].text == "hello"


def test_what_the_users_of_a_session_were_told_is_found_by_call() -> None:
    other = replace(user_sends(call=2), session_id=OTHER)
    told = history(user_sends(call=1), other, user_answered(200), replace(user_answered(500), call=2))

    assert [one.status for one in told.answers_to(SESSION)] == [200]
    assert [one.status for one in told.answers_to(OTHER)] == [500]


def test_any_of_the_three_routes_is_a_verification_and_no_other_is() -> None:
    told = history(
        asked(3001, 1),
        asked(3002, 2, endpoint=Endpoint.SESSION_LIST),
        asked(3003, 3, endpoint=Endpoint.SESSION_STATUS, session_id=SESSION),
        asked(3003, 4, endpoint=Endpoint.SESSION_STATUS, session_id=OTHER),
        asked(3001, 5, endpoint=Endpoint.HEALTH),
        asked(3001, 6, endpoint=Endpoint.HEALTH_READY),
        asked(3001, 7, headers=(("User-Agent", HARNESS),)),
        posted(3001, 8),
    )

    assert [one.request for one in told.verifications(SESSION)] == [1, 2, 3]
    assert [one.request for one in told.verifications(SESSION, on=3002)] == [2]


def test_posts_and_deliveries_are_those_of_the_session() -> None:
    told = history(
        posted(3001, 1),
        posted(3001, 2, session_id=OTHER),
        delivered(3002, "hello"),
        delivered(3002, "bye"),
        delivered(3003, "hello", session_id=OTHER),
        user_answered(),
    )

    assert [one.request for one in told.posts(SESSION)] == [1]
    assert [one.text for one in told.deliveries(SESSION)] == ["hello", "bye"]
    assert [one.instance for one in told.deliveries(SESSION, "hello")] == [3002]


def test_the_holders_are_those_that_hold_it_connected_at_the_end() -> None:
    assert history().holders(SESSION) == frozenset()
    assert history(held(3001), held(3002), released(3001)).holders(SESSION) == {3002}
    assert history(held(3001), held(3001, "disconnected")).holders(SESSION) == frozenset()
    assert history(held(3001), held(3002)).holders(SESSION) == {3001, 3002}
    assert history(held(3001, session_id=OTHER), held(3002)).holders(SESSION) == {3002}
    assert history(held(3002), released(3002, OTHER)).holders(SESSION) == {3002}


def test_a_fault_that_never_happened_is_unfired() -> None:
    fired = FaultArmed(instance=3001, fault=1, words="answers 500", endpoints=(Endpoint.SEND,))
    never = FaultArmed(instance=3001, fault=2, words="answers 500", endpoints=(Endpoint.SEND,))
    happened = FaultExecuted(instance=3001, fault=1, words="answers 500", request=1)

    assert [one.fault for one in history(fired, never, happened).unfired()] == [2]

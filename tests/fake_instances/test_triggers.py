"""What happens at the exact moment of an answer: its reader finds it done."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fake_instances.faults import Answer, Drip, Endpoint, Hang, Truncate
from fake_instances.journal import (
    AnswerBegun,
    MessageDelivered,
    RequestCompleted,
    SessionHeld,
    TriggerFailed,
)
from fake_instances.placement import Handover
from tests.fake_instances.support import (
    LIST,
    MESSAGE,
    PATIENCE,
    SEND,
    SESSION_ID,
    STATUS,
    Caller,
    ask,
    entries,
    receipts,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from fake_instances import Fleet
    from fake_instances.faults import Fault

DONE = [("armed", None), ("matched", None), ("executed", None)]


def test_the_race_between_verification_and_send_is_lost_every_time(fleet: Fleet) -> None:
    home, away = 3001, 3002
    with Caller(fleet, 3001) as first, Caller(fleet, 3002) as second:
        callers = {3001: first, 3002: second}
        for _ in range(50):
            fleet.after_answer(lambda to=away: fleet.move(SESSION_ID, to), on=home, session_id=SESSION_ID)  # type: ignore[misc]
            assert callers[home].get(STATUS).json["status"] == "connected"
            assert callers[home].post(SEND, MESSAGE).status == 404
            assert callers[away].post(SEND, MESSAGE).status == 200
            home, away = away, home
    assert [entry.instance for entry in entries(fleet, MessageDelivered)] == [3002, 3001] * 25


def test_a_trigger_waits_for_its_own_answer_and_happens_once(fleet: Fleet, caller: Caller) -> None:
    done: list[str] = []
    trigger = fleet.after_answer(
        lambda: done.append("now"), on=3001, endpoints={Endpoint.SESSION_STATUS}, session_id=SESSION_ID
    )
    caller.get("/health")
    caller.get(LIST)
    caller.get("/api/sessions/unknown/status")
    with Caller(fleet, 3002) as elsewhere:
        elsewhere.get(STATUS)
    assert (done, receipts(fleet, trigger)) == ([], DONE[:1])
    caller.get(STATUS)
    caller.get(STATUS)
    assert (done, receipts(fleet, trigger)) == (["now"], DONE)


@pytest.mark.parametrize("fault", [Answer(500), Drip(50, 0.001), Truncate(3), Hang(0)], ids=str)
def test_a_trigger_happens_before_an_answer_that_goes_wrong(
    fleet: Fleet, caller: Caller, fault: Fault
) -> None:
    fleet.arm(fault, 3001)
    fleet.after_answer(lambda: fleet.move(SESSION_ID, 3002, Handover.SPLIT_BRAIN), on=3001)
    caller.send(ask("GET", STATUS))
    caller.receive_head()
    assert fleet.holders(SESSION_ID) == (3001, 3002)


def test_an_instance_can_be_killed_with_its_answer_ready(fleet: Fleet, caller: Caller) -> None:
    trigger = fleet.after_answer(lambda: fleet.stop_instance(3001, abruptly=True), on=3001)
    caller.send(ask("GET", STATUS))
    assert caller.until_the_end()[0] == b""
    fleet.journal.wait_until(lambda: receipts(fleet, trigger) == DONE, timeout=PATIENCE)
    assert receipts(fleet, trigger) == DONE


@pytest.mark.parametrize("target", [STATUS, LIST, "/health/detailed"])
def test_the_reader_of_a_verification_answer_finds_the_session_moved(
    fleet: Fleet, caller: Caller, target: str
) -> None:
    trigger = fleet.after_answer(lambda: fleet.move(SESSION_ID, 3002), on=3001)
    before = fleet.journal.last
    answer = caller.get(target)
    assert fleet.holders(SESSION_ID) == (3002,)
    assert SESSION_ID in answer.body.decode()
    assert receipts(fleet, trigger) == DONE
    begun = fleet.journal.wait_for(AnswerBegun, timeout=PATIENCE, after=before)
    held = fleet.journal.wait_for(SessionHeld, timeout=PATIENCE, after=before)
    completed = fleet.journal.wait_for(RequestCompleted, timeout=PATIENCE, request=begun.request)
    assert begun.sequence < held.sequence < completed.sequence


@pytest.mark.parametrize(
    ("action", "problem"),
    [
        (lambda fleet: fleet.move("no", 3002), "UnknownSessionError: no instance holds session no connected"),
        (lambda _: {}["missing"], "KeyError: 'missing'"),
    ],
    ids=["impossible", "mistaken"],
)
def test_a_trigger_that_fails_says_so_and_the_answer_and_the_next_trigger_come(
    fleet: Fleet, caller: Caller, action: Callable[[Fleet], object], problem: str
) -> None:
    done: list[str] = []
    trigger = fleet.after_answer(lambda: action(fleet), on=3001, words="fails")
    fleet.after_answer(lambda: done.append("next"), on=3001)
    assert caller.get(STATUS).status == 200
    (failed,) = entries(fleet, TriggerFailed)
    assert (failed.instance, failed.fault, failed.words) == (3001, trigger, "fails")
    assert (failed.problem, receipts(fleet, trigger), done) == (problem, DONE[:2], ["next"])
    assert fleet.settle(PATIENCE)
    assert caller.get(STATUS).status == 200


@pytest.mark.parametrize("by", ["number", "all", "reset"])
def test_a_cleared_trigger_does_nothing(fleet: Fleet, fresh: Caller, by: str) -> None:
    done: list[str] = []
    trigger = fleet.after_answer(lambda: done.append("now"), on=3001)
    clear = {"number": lambda: fleet.clear(fault=trigger), "all": fleet.clear, "reset": fleet.reset}
    clear[by]()
    fresh.get(STATUS)
    assert (done, receipts(fleet, trigger)) == ([], [*DONE[:1], ("cleared", None)])

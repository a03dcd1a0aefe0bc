"""The book of armed faults: what can be armed, which request meets what, alone and together, and by chance."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fake_instances import SessionStatus
from fake_instances.errors import FaultError
from fake_instances.faults import (
    ROUTES,
    VERIFICATION,
    Answer,
    ArmedFault,
    BrokenJson,
    Close,
    Delay,
    Drip,
    Endpoint,
    FaultBook,
    Hang,
    LoseWebhook,
    Misreports,
    Refuse,
    Reset,
    ResetOnAccept,
)
from fake_instances.journal import FaultArmed, RequestArrived
from tests.fake_instances.support import (
    API_KEY,
    LIST,
    MESSAGE,
    SEND,
    SESSION_ID,
    STATUS,
    Caller,
    ask,
    ended,
    entries,
    fired,
    kinds,
    truth,
)

if TYPE_CHECKING:
    from fake_instances import Fleet
    from fake_instances.faults import Fault

ROUTE = Endpoint.SESSION_LIST
REFUSES = "an instance refuses every connection until cleared: give no times, no session and no chance"
SEEDED = "a chance needs a seed, so that it can be replayed, and a seed a chance: give both"


def book_of(*faults: ArmedFault) -> FaultBook:
    book = FaultBook()
    for fault in faults:
        book.arm(fault)
    return book


def armed(number: int, times: int | None = None, session_id: str | None = None) -> ArmedFault:
    return ArmedFault(number, Hang(), VERIFICATION, times, session_id)


def met(book: FaultBook, endpoint: Endpoint = ROUTE, session_id: str | None = None) -> int | None:
    taken = book.take(endpoint, session_id)
    return taken[0].number if taken else None


def test_a_fault_is_met_on_its_endpoints_until_it_is_cleared() -> None:
    book = book_of(armed(1))
    assert {endpoint for endpoint in Endpoint if met(book, endpoint)} == VERIFICATION
    assert [one.number for one in book.clear(1)] == [1]
    assert (met(book), book.clear()) == (None, ())
    assert set(Endpoint) - ROUTES == {Endpoint.LISTENER, Endpoint.WEBHOOK}


def test_the_oldest_fault_is_met_first_and_a_counted_one_as_often_as_it_says() -> None:
    book = book_of(armed(2, times=2), armed(1, times=1))
    assert [met(book) for _ in range(4)] == [2, 2, 1, None]
    assert not book.any_armed
    assert [one.number for one in book.clear()] == [2, 1]


def test_a_counted_fault_is_met_exactly_as_often_from_many_threads() -> None:
    book = book_of(armed(1, times=500))
    with ThreadPoolExecutor(8) as threads:
        taken = list(threads.map(lambda _: met(book), range(1000)))
    assert taken.count(1) == 500


def test_a_fault_for_a_session_is_met_by_it_alone_and_not_used_up_by_others() -> None:
    book = book_of(armed(1, times=1, session_id="mine"))
    asked = ["other", None, "min", "mine", "mine"]
    assert [met(book, session_id=session) for session in asked] == [None, None, None, 1, None]


def test_clearing_one_fault_leaves_the_others() -> None:
    book = book_of(armed(1), armed(2), ArmedFault(3, Refuse(), frozenset({Endpoint.LISTENER})))
    assert book.refusing
    assert [one.number for number in (1, 3, 7) for one in book.clear(number)] == [1, 3]
    assert (met(book), book.refusing) == (2, False)


# Chance


def pattern(seed: int, instance: int = 3001, *, times: int | None = None, skipped: int = 0) -> list[bool]:
    fault = ArmedFault(1, Hang(), VERIFICATION, times, None, 0.5, seed, instance)
    book, drawn = book_of(fault), []
    for _ in range(40):
        for _ in range(skipped):
            assert met(book, Endpoint.SEND) is None
        drawn.append(met(book) == 1)
    return drawn


@given(st.integers(), st.integers(0, 3))
def test_the_same_seed_and_requests_give_the_same_pattern(seed: int, skipped: int) -> None:
    assert pattern(seed) == pattern(seed, skipped=skipped)
    assert sum(pattern(seed, times=3)) <= 3


def test_another_seed_or_instance_gives_another_pattern() -> None:
    assert pattern(7) not in (pattern(8), pattern(7, 3002))
    assert 5 < sum(pattern(7)) < 35
    assert sum(pattern(7, times=3)) == 3


# What cannot be armed


@pytest.mark.parametrize(
    ("fault", "selection", "sentence"),
    [
        (Hang(), {"times": 0}, "a fault is armed for 1 or more requests, not 0"),
        (Delay(0.5), {"endpoints": ()}, "name at least one endpoint where the instance answers 0.5 s late"),
        (
            Refuse(),
            {"endpoints": (Endpoint.SEND, Endpoint.HEALTH)},
            "an instance that refuses connections cannot do so on health, send; possible: listener",
        ),
        (
            LoseWebhook(),
            {"endpoints": (Endpoint.WEBHOOK, Endpoint.SEND)},
            "an instance that loses the webhook cannot do so on send; possible: webhook",
        ),
        (Refuse(), {"times": 1}, REFUSES),
        (Refuse(), {"session_id": "one"}, REFUSES),
        (Refuse(), {"chance": 0.5, "seed": 1}, REFUSES),
        (
            ResetOnAccept(),
            {"session_id": "one"},
            "an instance that resets connections on accept has not read which session is asked for: give none",
        ),
        (Answer(), {"chance": 0.5}, SEEDED),
        (Answer(), {"seed": 1}, SEEDED),
        (Answer(), {"chance": 0, "seed": 1}, "a chance is more than 0 and at most 1, not 0"),
        (Answer(), {"chance": 1.5, "seed": 1}, "a chance is more than 0 and at most 1, not 1.5"),
    ],
)
def test_what_cannot_happen_is_not_armed(
    fleet: Fleet, fault: Fault, selection: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(FaultError) as told:
        fleet.arm(fault, 3001, **selection)
    assert str(told.value) == sentence
    assert not entries(fleet, FaultArmed)


def test_every_armed_fault_has_its_own_number_and_a_receipt(fleet: Fleet) -> None:
    first = fleet.arm(Answer(500), 3001, VERIFICATION, session_id=SESSION_ID)
    second = fleet.arm(Hang(), 3002, [Endpoint.SEND], chance=1, seed=7)
    receipts = [(one.instance, one.fault, one.endpoints, one.seed) for one in entries(fleet, FaultArmed)]
    assert receipts == [
        (3001, first, tuple(sorted(VERIFICATION)), None),
        (3002, second, (Endpoint.SEND,), 7),
    ]
    assert first != second


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Delay(0.25), "answers 0.25 s late"),
        (Answer(200, b""), "answers 200 with an empty body"),
        (Answer(200, b"\xff"), "answers 200 with �"),
        (Answer(502, b"x" * 40), f"answers 502 with {'x' * 40}"),
        (Answer(502, b"x" * 41), f"answers 502 with {'x' * 40}…"),
    ],
)
def test_a_fault_says_what_it_does(fault: Fault, words: str) -> None:
    assert str(fault) == words


# Together


def test_a_lie_goes_out_late_and_in_drips(fleet: Fleet, caller: Caller) -> None:
    faults = [Misreports(SESSION_ID, SessionStatus.FAILED), Delay(0.1), Drip(50, 0.001)]
    armed = [fleet.arm(fault, 3001, {Endpoint.SESSION_STATUS}) for fault in faults]
    started = time.monotonic()
    answer = caller.get(STATUS)
    assert time.monotonic() - started >= 0.1
    assert answer.json["status"] == "failed"
    met = [fired(fleet, one) for one in armed]
    assert met[0] == met[1] == met[2]
    assert ended(fleet, met[0].request) == (200, "answered", len(answer.raw))


@pytest.mark.parametrize("fault", [Hang(), Close(), Reset()], ids=str)
def test_a_wire_fault_that_swallows_the_request_is_met_alone(
    fleet: Fleet, fresh: Caller, fault: Fault
) -> None:
    others = [fleet.arm(one, 3001, times=1) for one in (Delay(60), Answer(503))]
    armed = fleet.arm(fault, 3001, times=1)
    fresh.send(ask("GET", STATUS))
    fired(fleet, armed)
    assert [kinds(fleet, one) for one in others] == [["armed"]] * 2
    fleet.clear(fault=others[0])
    assert [truth(fleet).status for _ in range(2)] == [503, 200]


def test_of_faults_that_exclude_each_other_the_oldest_is_met_and_the_other_is_not_used(
    fleet: Fleet, fresh: Caller
) -> None:
    first, second = (fleet.arm(one, 3001, times=1) for one in (Answer(500), BrokenJson()))
    assert fresh.get(STATUS).status == 500
    assert (kinds(fleet, first), kinds(fleet, second)) == (["armed", "matched", "executed"], ["armed"])
    assert not fresh.get(STATUS).body.endswith(b"}")
    assert kinds(fleet, second) == ["armed", "matched", "executed"]


def test_a_request_that_a_fault_was_not_armed_for_uses_none_of_its_count(fleet: Fleet, fresh: Caller) -> None:
    endpoints = {Endpoint.SEND, Endpoint.SESSION_STATUS}
    fault = fleet.arm(Answer(500), 3001, endpoints, times=2, session_id=SESSION_ID)
    asked = [
        fresh.post(SEND, {**MESSAGE, "session_id": "another"}).status,
        fresh.get(LIST).status,
        fresh.get(f"/api/sessions/another/status?api_key={API_KEY}").status,
        fresh.post(SEND, MESSAGE).status,
        fresh.get("/health").status,
        fresh.get(STATUS).status,
        fresh.get(STATUS).status,
    ]
    assert asked == [404, 200, 404, 500, 200, 500, 200]
    assert kinds(fleet, fault) == ["armed", *["matched", "executed"] * 2]


def test_each_route_is_an_endpoint_of_its_own(fleet: Fleet, fresh: Caller) -> None:
    targets = ["/health", "/health/detailed", "/health/ready", LIST, STATUS, "/info", "/nowhere", "//health"]
    for target in targets:
        fresh.get(target)
    fresh.post(SEND, MESSAGE)
    asked = [entry.endpoint.value for entry in entries(fleet, RequestArrived)]
    routes = "health health_detailed health_ready session_list session_status other other other send"
    assert asked == routes.split()

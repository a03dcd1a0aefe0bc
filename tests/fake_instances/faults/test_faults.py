"""The book of armed faults: what can be armed, which request meets what, and the sentences of its errors."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from fake_instances import FleetError
from fake_instances.errors import FaultError
from fake_instances.faults import (
    ROUTES,
    VERIFICATION,
    Answer,
    ArmedFault,
    Delay,
    Endpoint,
    Fault,
    FaultBook,
    Hang,
    LoseWebhook,
    Refuse,
)
from fake_instances.journal import FaultArmed
from tests.fake_instances.support import entries

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fake_instances import Fleet


def armed(
    number: int,
    fault: Fault | None = None,
    endpoints: Iterable[Endpoint] = VERIFICATION,
    *,
    times: int | None = None,
    session_id: str | None = None,
) -> ArmedFault:
    return ArmedFault(number, fault or Hang(), frozenset(endpoints), times, session_id)


@pytest.fixture
def book() -> FaultBook:
    return FaultBook()


def met(book: FaultBook, endpoint: Endpoint, session_id: str | None = None) -> int | None:
    taken = book.take(endpoint, session_id)
    return taken[0].number if taken else None


def test_an_empty_book_has_nothing(book: FaultBook) -> None:
    assert met(book, Endpoint.SEND) is None
    assert book.clear() == ()


@pytest.mark.parametrize("endpoint", list(Endpoint))
def test_a_fault_is_met_on_its_endpoints_alone(book: FaultBook, endpoint: Endpoint) -> None:
    book.arm(armed(1))
    expected = {Endpoint.HEALTH_DETAILED, Endpoint.SESSION_LIST, Endpoint.SESSION_STATUS}
    assert (met(book, endpoint) == 1) is (endpoint in expected)


def test_every_route_answers_requests_and_nothing_else_does() -> None:
    assert set(Endpoint) - ROUTES == {Endpoint.LISTENER, Endpoint.WEBHOOK}


def test_a_fault_is_met_until_it_is_cleared(book: FaultBook) -> None:
    book.arm(armed(1))
    assert [met(book, Endpoint.SESSION_LIST) for _ in range(3)] == [1, 1, 1]
    assert [one.number for one in book.clear(1)] == [1]
    assert met(book, Endpoint.SESSION_LIST) is None


def test_a_counted_fault_is_met_as_often_and_then_the_next(book: FaultBook) -> None:
    book.arm(armed(1, times=2))
    book.arm(armed(2, times=1))
    assert [met(book, Endpoint.SESSION_LIST) for _ in range(4)] == [1, 1, 2, None]


def test_a_counted_fault_is_met_exactly_as_often_from_many_threads(book: FaultBook) -> None:
    book.arm(armed(1, times=500))
    with ThreadPoolExecutor(8) as threads:
        taken = list(threads.map(lambda _: met(book, Endpoint.SESSION_LIST), range(1000)))
    assert taken.count(1) == 500


def test_the_oldest_fault_is_met_first_whatever_its_number(book: FaultBook) -> None:
    book.arm(armed(2))
    book.arm(armed(1))
    assert met(book, Endpoint.SESSION_LIST) == 2


def test_a_fault_for_a_session_is_met_by_it_alone_and_not_used_up_by_others(book: FaultBook) -> None:
    book.arm(armed(1, times=1, session_id="mine"))
    asked = ["other", None, "min", "mine", "mine"]
    assert [met(book, Endpoint.SESSION_LIST, session) for session in asked] == [None, None, None, 1, None]


def test_clearing_one_fault_leaves_the_others(book: FaultBook) -> None:
    one = armed(1)
    book.arm(one)
    book.arm(armed(2))
    assert book.clear(1) == (one,)
    assert book.clear(7) == ()
    assert met(book, Endpoint.SESSION_LIST) == 2


def test_clearing_gives_every_fault_even_one_used_up(book: FaultBook) -> None:
    book.arm(armed(1, times=1))
    book.arm(armed(2))
    met(book, Endpoint.SESSION_LIST)
    assert [one.number for one in book.clear()] == [1, 2]
    assert book.clear() == ()


def test_a_book_says_whether_connections_are_refused(book: FaultBook) -> None:
    book.arm(armed(1))
    assert not book.refusing
    book.arm(armed(2, Refuse(), [Endpoint.LISTENER]))
    assert book.refusing
    book.clear(2)
    assert not book.refusing


@pytest.mark.parametrize("times", [0, -1])
def test_a_fault_is_armed_for_one_request_at_least(book: FaultBook, times: int) -> None:
    with pytest.raises(FaultError, match=rf"^a fault is armed for 1 or more requests, not {times}$"):
        book.arm(armed(1, times=times))
    assert book.clear() == ()


def test_a_fault_is_armed_somewhere(book: FaultBook) -> None:
    with pytest.raises(
        FaultError, match=r"^name at least one endpoint where the instance answers 0.5 s late$"
    ):
        book.arm(armed(1, Delay(0.5), []))


@pytest.mark.parametrize(
    ("fault", "endpoints", "sentence"),
    [
        (
            Refuse(),
            [Endpoint.SEND, Endpoint.HEALTH],
            "an instance that refuses connections cannot do so on health, send; possible: listener",
        ),
        (
            LoseWebhook(),
            [Endpoint.WEBHOOK, Endpoint.SEND],
            "an instance that loses the webhook cannot do so on send; possible: webhook",
        ),
        (
            Hang(),
            [Endpoint.WEBHOOK],
            (
                "an instance that accepts the request and never answers cannot do so on webhook; possible: "
                "health, health_detailed, health_ready, other, send, session_list, session_status"
            ),
        ),
    ],
)
def test_a_fault_is_armed_only_where_it_can_happen(
    book: FaultBook, fault: Fault, endpoints: list[Endpoint], sentence: str
) -> None:
    with pytest.raises(FaultError) as told:
        book.arm(armed(1, fault, endpoints))
    assert str(told.value) == sentence
    assert book.clear() == ()


@pytest.mark.parametrize(("times", "session_id"), [(1, None), (None, "a-session"), (2, "a-session")])
def test_connections_cannot_be_refused_by_count_or_session(
    book: FaultBook, times: int | None, session_id: str | None
) -> None:
    sentence = "an instance refuses every connection until cleared: give no times, no session and no chance"
    with pytest.raises(FaultError, match=f"^{sentence}$"):
        book.arm(armed(1, Refuse(), [Endpoint.LISTENER], times=times, session_id=session_id))


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault(), "misbehaves"),
        (Refuse(), "refuses connections"),
        (Hang(), "accepts the request and never answers"),
        (Delay(2.0), "answers 2 s late"),
        (Delay(0.25), "answers 0.25 s late"),
        (LoseWebhook(), "loses the webhook"),
        (Answer(), 'answers 500 with {"error":"Internal server error"}'),
        (Answer(200, b""), "answers 200 with an empty body"),
        (Answer(200, b"\xff"), "answers 200 with �"),
        (Answer(502, b"x" * 40), f"answers 502 with {'x' * 40}"),
        (Answer(502, b"x" * 41), f"answers 502 with {'x' * 40}…"),
    ],
)
def test_a_fault_says_what_it_does(fault: Fault, words: str) -> None:
    assert str(fault) == words


def test_a_fault_that_cannot_be_armed_leaves_no_trace(fleet: Fleet) -> None:
    with pytest.raises(FleetError):
        fleet.arm(Hang(), 3001, VERIFICATION, times=0)
    assert not entries(fleet, FaultArmed)


def test_every_armed_fault_has_a_number_of_its_own_and_a_receipt(fleet: Fleet) -> None:
    first = fleet.arm(Answer(500), 3001, VERIFICATION)
    second = fleet.arm(Hang(), 3002, [Endpoint.SEND])
    assert first != second
    receipts = [(entry.instance, entry.fault, entry.endpoints) for entry in entries(fleet, FaultArmed)]
    assert receipts == [(3001, first, tuple(sorted(VERIFICATION))), (3002, second, (Endpoint.SEND,))]

"""Races that scenarios cannot stage: shared questions, and rows that change during a scan."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tests.reference_impl.support import MARGIN, PATIENCE, SESSION, VERIFY_TIMEOUT

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.reference_impl.support import Database, Handler, Stub, System

MOVED = "Instance sync successful! Database updated"
IN_DOUBT = "Session could not be verified"


@pytest.fixture
def patient(environment: dict[str, str], start: Callable[..., System]) -> System:
    """Make an implementation that waits longer than a test halts it."""
    environment.update(VERIFY_TIMEOUT="5", SEND_TIMEOUT="10")
    return start()


def test_a_send_does_not_use_an_answer_that_is_older_than_itself(
    system: System, stubs: list[Stub], database: Database
) -> None:
    database.add(142, SESSION, stubs[0].url)
    stubs[0].hold()
    gate = threading.Event()
    first: list[bool] = []

    def stale(handler: Handler) -> None:
        # The first question is answered late, and with what was true when it was asked.
        if first:
            handler.server.stub.list_sessions(handler)
            return
        first.append(True)
        held = {"session_id": SESSION, "status": "connected"}
        gate.wait(0.3)
        handler.answer(200, {"sessions": {"details": [held]}})

    stubs[0].acts["/health"] = stale
    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(system.send)
        stubs[0].wait_for(1)
        stubs[0].sessions.clear()
        stubs[1].hold()
        two = pool.submit(system.send)
        stubs[0].wait_for(2)
        gate.set()
        assert two.result(PATIENCE).json["instance_url"] == stubs[1].url
        assert one.result(PATIENCE).json["instance_url"] == stubs[1].url
    assert len(stubs[1].delivered) == 2
    # The first send believed its answer and was corrected by the 404; the second never believed it.
    assert stubs[0].count("POST") == 1


def test_a_row_changed_from_outside_during_a_scan_is_not_overwritten(
    patient: System, stubs: list[Stub], database: Database
) -> None:
    database.add(142, SESSION, stubs[0].url)
    gate = threading.Event()

    def late(handler: Handler) -> None:
        gate.wait(PATIENCE)
        handler.answer(200, {"sessions": {"details": [{"session_id": SESSION, "status": "connected"}]}})

    stubs[1].acts["/health"] = late
    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(patient.send)
        stubs[1].wait_for(1)
        stubs[0].wait_for_answers(2)
        for stub in stubs[2:]:
            stub.wait_for_answers(1)
        stubs[3].hold()
        database.set_url(142, stubs[3].url)
        gate.set()
        assert sending.result(PATIENCE).json["instance_url"] == stubs[3].url
    assert database.url() == stubs[3].url


def test_a_session_that_moves_against_the_scan_is_found(
    patient: System, stubs: list[Stub], database: Database
) -> None:
    database.add(142, SESSION, stubs[0].url)
    stubs[1].hold()
    moved = threading.Event()

    def late(handler: Handler) -> None:
        moved.wait(PATIENCE)
        handler.server.stub.list_sessions(handler)

    stubs[1].acts["/health"] = late
    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(patient.send)
        stubs[2].wait_for_answers(1)
        stubs[2].hold()
        stubs[1].sessions.clear()
        moved.set()
        assert sending.result(PATIENCE).json["instance_url"] == stubs[2].url


def test_concurrent_sends_past_a_hung_instance_keep_their_deadline(
    system: System, stubs: list[Stub], database: Database
) -> None:
    database.add(142, SESSION, stubs[0].url)
    stubs[0].acts["/"] = stubs[0].hang
    stubs[1].acts["/"] = stubs[1].hang
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: system.send(), range(8)))
    assert {answer.json["code"] for answer in answers} == {"session_unverifiable"}
    # One verify timeout and one scan.
    assert max(answer.seconds for answer in answers) < 2 * VERIFY_TIMEOUT + MARGIN
    assert len(system.logged(IN_DOUBT)) == 8

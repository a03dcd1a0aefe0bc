"""The periodic check: what it moves, what it leaves alone, and what it counts."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

from tests.reference_impl.support import LONG_AGO, PATIENCE, Handler, event

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.reference_impl.support import Process, Stub, System

CORRECTED = "Health check corrected instance URL"


def check(system: System, **order: object) -> dict[str, Any]:
    answer = system.post("/api/health-check", json.dumps(order).encode())
    assert answer.status == 200
    counted = answer.json
    assert counted["checked"] == sum(counted[one] for one in ("verified", "updated", "failed", "unreachable"))
    return counted


def counts(report: dict[str, Any]) -> tuple[int, int, int, int]:
    return report["verified"], report["updated"], report["failed"], report["unreachable"]


def test_a_mismatched_row_is_moved_and_logged(system: System, stubs: list[Stub]) -> None:
    system.database.add(142, "one", stubs[0].url)
    system.database.add(143, "two", None)
    stubs[1].hold("one")
    stubs[3].hold("two")
    report = check(system)
    moves = [(142, stubs[0].url, stubs[1].url), (143, None, stubs[3].url)]
    assert [tuple(one.values()) for one in report["changes"]] == moves
    assert [system.database.url(142), system.database.url(143)] == [stubs[1].url, stubs[3].url]
    logged = system.log.fields(CORRECTED)
    assert [(one["account_id"], one["old_url"], one["new_url"]) for one in logged] == moves


def test_a_correct_row_is_not_written(system: System, stubs: list[Stub]) -> None:
    system.database.add(142, "one", stubs[0].url + "/")
    system.database.add(143, None, stubs[0].url)
    stubs[0].hold("one")
    stubs[1].hold("one")
    assert counts(check(system)) == (1, 0, 0, 0)
    assert system.database.row(142)["updated_at"] == LONG_AGO


def test_a_session_that_is_only_disconnected_stays_where_it_is(system: System, stubs: list[Stub]) -> None:
    system.database.add(142, "one", stubs[0].url)
    stubs[0].hold("one", "disconnected")
    assert counts(check(system)) == (1, 0, 0, 0)
    stubs[2].hold("one")
    assert counts(check(system)) == (0, 1, 0, 0)
    assert system.database.url(142) == stubs[2].url


def test_what_cannot_be_found_is_failed_or_unreachable_and_stays(system: System, stubs: list[Stub]) -> None:
    stubs[3].acts["/"] = lambda handler: handler.answer(500)
    system.database.add(1, "nowhere", stubs[0].url)
    system.database.add(2, "silent", stubs[3].url)
    system.database.add(3, "elsewhere", stubs[3].url)
    stubs[1].hold("elsewhere")
    assert counts(check(system)) == (0, 1, 1, 1)
    urls = [system.database.url(number) for number in (1, 2, 3)]
    assert urls == [stubs[0].url, stubs[3].url, stubs[1].url]


def test_a_dry_run_tells_the_same_and_does_nothing(system: System, stubs: list[Stub]) -> None:
    system.database.add(142, "one", stubs[0].url)
    stubs[1].hold("one")
    told = check(system, dry_run=True)
    assert system.database.row(142)["updated_at"] == LONG_AGO
    assert system.log.fields(CORRECTED) == []
    assert system.parts.monitoring.report()["sync_events_last_hour"] == 0
    assert check(system) == told
    assert system.parts.monitoring.report()["sync_events_last_hour"] == 1


def test_instances_are_asked_once_however_many_accounts_there_are(system: System, stubs: list[Stub]) -> None:
    for number in range(50):
        system.database.add(number + 1, f"session {number}", stubs[number % 4].url)
        stubs[number % 4].hold(f"session {number}")
    assert counts(check(system)) == (50, 0, 0, 0)
    assert [stub.count() for stub in stubs] == [1, 1, 1, 1]


@pytest.mark.parametrize("claimed", [0, 2], ids=["confirms", "moves"])
def test_a_webhook_that_lands_meanwhile_wins(system: System, stubs: list[Stub], claimed: int) -> None:
    system.database.add(142, "one", stubs[0].url)
    stubs[1].hold("one")
    asked = threading.Event()

    def answer_late(handler: Handler) -> None:
        listing = [{"session_id": "one", "status": "connected"}]
        asked.set()
        stubs[1].released.wait(PATIENCE)
        handler.answer(200, {"sessions": {"details": listing}})

    stubs[1].acts["/health/detailed"] = answer_late
    reports: list[dict[str, Any]] = []
    checking = threading.Thread(target=lambda: reports.append(check(system)))
    checking.start()
    assert asked.wait(PATIENCE)
    stubs[1].sessions.clear()
    del stubs[1].acts["/health/detailed"]
    stubs[claimed].hold("one")
    assert system.webhook(event(session_id="one"), stubs[claimed].url).status == 200
    stubs[1].released.set()
    checking.join(PATIENCE)
    assert system.database.url(142) == stubs[claimed].url
    assert reports[0]["changes"] == []


@pytest.mark.parametrize("body", [b"[]", b"{", b'{"dry_run": "yes"}'])
def test_what_is_no_order_is_refused_and_does_nothing(system: System, stubs: list[Stub], body: bytes) -> None:
    system.database.add(142, "one", stubs[0].url)
    stubs[1].hold("one")
    assert system.post("/api/health-check", body).status == 422
    assert system.database.url(142) == stubs[0].url


def test_it_runs_at_the_interval(
    launch: Callable[..., Process], environment: dict[str, str], system: System, stubs: list[Stub]
) -> None:
    system.database.add(142, "one", stubs[0].url)
    stubs[1].hold("one")
    environment["HEALTH_CHECK_INTERVAL"] = "0.1"
    launch()
    stubs[1].wait_for(3)
    assert system.database.url(142) == stubs[1].url


def test_the_command_prints_the_report(
    environment: dict[str, str], system: System, stubs: list[Stub]
) -> None:
    system.database.add(142, "one", stubs[0].url)
    stubs[1].hold("one")
    for more, url in ((["--dry-run"], stubs[0].url), ([], stubs[1].url)):
        ended = subprocess.run(
            [sys.executable, "-m", "reference_impl", "health-check", *more],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        assert json.loads(ended.stdout)["updated"] == 1
        assert system.database.url(142) == url

"""Webhooks in doubt: replays, forgers, restarts and many writers."""

from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from typing import TYPE_CHECKING

import pytest

from reference_impl.edges.answers import Holding
from reference_impl.fix.locations import SeenSignatures, is_believed, safe_location
from tests.reference_impl.support import PATIENCE, SESSION, event

if TYPE_CHECKING:
    from tests.reference_impl.support import Database, Stub, System

HELD, IDLE, ABSENT, UNKNOWN = Holding.HELD, Holding.NOT_CONNECTED, Holding.ABSENT, Holding.UNKNOWN


@pytest.fixture
def account(database: Database, stubs: list[Stub]) -> None:
    database.add(142, SESSION, stubs[0].url)
    stubs[1].hold()


def test_exactly_these_answers_are_believed() -> None:
    every = product(Holding, Holding, [False, True])
    believed = {known for known in every if is_believed(known[0], known[1], doubtful=known[2])}
    fresh = {(HELD, one, False) for one in Holding} | {
        (UNKNOWN, one, False) for one in (IDLE, ABSENT, UNKNOWN)
    }
    assert believed == fresh | {(HELD, IDLE, True), (HELD, ABSENT, True)}


def test_a_signature_is_remembered_until_its_webhook_is_too_old(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr("reference_impl.fix.locations.time.monotonic", lambda: now[0])
    seen = SeenSignatures(300)
    assert seen.add("a")
    now[0] += 599
    assert not seen.add("a")
    assert seen.add("b")
    now[0] += 2
    assert seen.add("a")
    assert not seen.add("b")
    seen.remove("b")
    assert seen.add("b")


@pytest.mark.usefixtures("account")
def test_a_webhook_signed_before_the_start_may_be_a_replay(
    system: System, stubs: list[Stub], database: Database
) -> None:
    stubs[0].hold()
    system.webhook(event(phone_number="628999"), stubs[1].url, int(time.time()) - 250)
    assert (database.url(), database.row()["phone_number"]) == (stubs[0].url, "628999")
    stubs[0].sessions.clear()
    system.webhook(event("session_reconnected"), stubs[1].url, int(time.time()) - 250)
    assert database.url() == stubs[1].url


@pytest.mark.usefixtures("account")
def test_a_forger_who_comes_first_does_not_spoil_the_genuine_webhook(
    system: System, stubs: list[Stub], database: Database
) -> None:
    body, stamp = event(), int(time.time())
    stubs[0].hold()
    system.webhook(body, stubs[3].url, stamp)
    assert database.url() == stubs[0].url
    system.webhook(body, stubs[1].url, stamp)
    assert database.url() == stubs[1].url


@pytest.mark.usefixtures("account")
def test_only_the_assigned_instance_may_report_a_disconnect(
    system: System, stubs: list[Stub], database: Database
) -> None:
    for number, status in ((1, "connected"), (0, "disconnected")):
        assert system.webhook(event("session_disconnected"), stubs[number].url).status == 200
        assert database.row()["status"] == status


@pytest.mark.usefixtures("account")
def test_webhooks_and_another_writer_never_lock_each_other_out(
    system: System, stubs: list[Stub], database: Database
) -> None:
    for number in range(20):
        database.add(number, f"session-{number}", None)
        stubs[0].hold(f"session-{number}")

    def announce(number: int) -> int:
        return system.webhook(event(session_id=f"session-{number}"), stubs[0].url).status

    with ThreadPoolExecutor(20) as pool:
        writes = [pool.submit(database.set_url, 142, f"http://{number}") for number in range(20)]
        announced = [pool.submit(announce, number) for number in range(20)]
        assert {one.result(PATIENCE) for one in writes} == {None}
        assert {one.result(PATIENCE) for one in announced} == {200}
    assert {database.url(number) for number in range(20)} == {stubs[0].url}


@pytest.mark.parametrize("data", [{"phone_number": "6\0"}, {"session_id": "\ud800"}, {"workspace_id": True}])
def test_a_value_that_databases_refuse_is_refused(system: System, data: dict[str, object]) -> None:
    assert system.webhook(event(**data)).status == 422


@pytest.mark.parametrize(
    "location", ["http://a\nb", "http://a b", "x" * 10_000, '"}{', "\x00\x9b", "é\ud800"]
)
def test_a_logged_location_is_bounded_and_has_only_characters_of_a_url(location: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]{1,210}", safe_location(location))


def test_a_logged_location_has_neither_its_user_nor_its_query() -> None:
    assert safe_location("http://user:word@one:3001/a?key=v#f") == "http://one:3001/a"
    assert safe_location("javascript:alert(1)") == "javascript:alert(1)"


@pytest.mark.parametrize("data", [{"workspace_id": None}, {"phone_number": None}])
@pytest.mark.usefixtures("account")
def test_what_is_null_is_as_if_it_were_absent(system: System, data: dict[str, object]) -> None:
    assert system.webhook(event(**data)).status == 200

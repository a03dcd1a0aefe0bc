"""The incident's implementation shows the incident, and reports it truthfully."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.reference_impl.support import SESSION, WEBHOOK, event

if TYPE_CHECKING:
    from tests.reference_impl.support import Database, Stub, System


def test_the_incident(unfixed: System, stubs: list[Stub], database: Database) -> None:
    database.add(142, SESSION, stubs[0].url)
    stubs[1].hold()
    answer = unfixed.send()
    assert (answer.status, answer.json["code"]) == (502, "rejected_by_instance")
    assert stubs[0].url in answer.json["error"]
    assert "404" in answer.json["error"]
    (line,) = [line for line in unfixed.log_lines() if "404 Not Found" in line]
    assert ".ERROR: " in line
    assert "/api/messages/send" in line
    assert [method for method, _ in stubs[0].seen] == ["POST"]
    assert not stubs[1].seen
    assert database.url() == stubs[0].url


def test_the_webhook_sets_status_and_phone_and_ignores_the_location(
    unfixed: System, stubs: list[Stub], database: Database
) -> None:
    database.add(142, SESSION, stubs[0].url)
    stubs[1].hold()
    assert unfixed.webhook(event(phone_number="628999"), stubs[1].url).status == 200
    row = database.row()
    assert (row["phone_number"], row["assigned_instance_url"]) == ("628999", stubs[0].url)
    assert unfixed.post(WEBHOOK, event(), {}).status == 401


def test_it_reports_why_it_cannot_send(unfixed: System, stubs: list[Stub], database: Database) -> None:
    database.add(142, SESSION, None)
    assert unfixed.send().json["code"] == "session_unverifiable"
    assert unfixed.send(7).json["code"] == "account_not_found"
    database.set_url(142, stubs[0].url)
    stubs[0].hold()
    stubs[0].acts["/api/messages"] = lambda handler: handler.answer(599, {})
    assert unfixed.send().json["code"] == "delivery_unknown"

"""What a webhook changes, whose location claim is believed, and what is refused."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from reference_impl.fix.syncs import Source
from tests.reference_impl.support import (
    API_KEY,
    LONG_AGO,
    PATIENCE,
    SECRET,
    SESSION,
    VERIFY_TIMEOUT,
    WEBHOOK,
    event,
    signed,
)

if TYPE_CHECKING:
    from tests.reference_impl.support import Database, Stub, System

MOVED = Source.WEBHOOK.value
REJECTED = "Rejected X-Instance-Url"


@pytest.fixture
def account(database: Database, stubs: list[Stub]) -> None:
    """Account 142, assigned to the first instance, its session on the second."""
    database.add(142, SESSION, stubs[0].url)
    stubs[1].hold()


@pytest.mark.parametrize("port", range(4))
def test_session_ready_moves_the_row_and_sets_status_and_phone(
    system: System, stubs: list[Stub], database: Database, port: int
) -> None:
    database.add(142, SESSION, None)
    database.add(143, "other", None)
    stubs[port].hold()
    answer = system.webhook(event(phone_number="628999"), stubs[port].url)
    assert (answer.status, answer.json) == (200, {"status": "processed"})
    row = database.row()
    assert (row["assigned_instance_url"], row["status"], row["phone_number"]) == (
        stubs[port].url,
        "connected",
        "628999",
    )
    assert row["updated_at"] > "2024"
    assert database.row(143)["updated_at"] == LONG_AGO
    assert system.log.fields(MOVED) == [{"session_id": SESSION, "old_url": None, "new_url": stubs[port].url}]


@pytest.mark.parametrize("phone", [{}, {"phone_number": None}, {"phone_number": ""}])
@pytest.mark.usefixtures("account")
def test_session_reconnected_moves_the_row_and_keeps_the_phone(
    system: System, stubs: list[Stub], database: Database, phone: dict[str, object]
) -> None:
    assert system.webhook(event("session_reconnected", **phone), stubs[1].url).status == 200
    assert database.url() == stubs[1].url
    assert database.row()["phone_number"] == "62811801641"


@pytest.mark.parametrize("claim", [None, ""])
@pytest.mark.usefixtures("account")
def test_without_the_header_only_status_and_phone_change(
    system: System, stubs: list[Stub], database: Database, claim: str | None
) -> None:
    assert system.webhook(event(phone_number="628999"), claim).status == 200
    assert (database.url(), database.row()["phone_number"]) == (stubs[0].url, "628999")
    assert not system.log.lines()


@pytest.mark.parametrize(
    "name",
    ["session_disconnected", "message_received", "qr_code_generated", "session_authenticated", "made_up"],
)
@pytest.mark.usefixtures("account")
def test_no_other_event_moves_the_row(
    system: System, stubs: list[Stub], database: Database, name: str
) -> None:
    assert system.webhook(event(name, phone_number="628999"), stubs[1].url).status == 200
    assert database.row()["updated_at"] == LONG_AGO


@pytest.mark.usefixtures("account")
def test_the_assigned_instance_may_say_that_the_session_is_disconnected(
    system: System, stubs: list[Stub], database: Database
) -> None:
    system.webhook(event("session_disconnected"), stubs[0].url)
    assert (database.row()["status"], database.url()) == ("disconnected", stubs[0].url)


@pytest.mark.usefixtures("account")
def test_the_same_webhook_twice_is_one_move(system: System, stubs: list[Stub], database: Database) -> None:
    body, stamp = event(phone_number="628999"), int(time.time())
    system.webhook(body, stubs[1].url, stamp)
    before = database.row()
    assert system.webhook(body, stubs[1].url, stamp).json == {"status": "ignored"}
    assert system.webhook(body, stubs[1].url, stamp + 1).json == {"status": "processed"}
    assert database.row() == before
    assert len(system.log.fields(MOVED)) == 1


@pytest.mark.parametrize(("stored", "claimed"), [("", ""), ("/", ""), ("", "/")])
def test_an_equal_url_is_no_move_one_trailing_slash_aside(
    system: System, stubs: list[Stub], database: Database, stored: str, claimed: str
) -> None:
    database.add(142, SESSION, stubs[1].url + stored)
    assert system.webhook(event(), stubs[1].url + claimed).status == 200
    assert database.url() == stubs[1].url + stored
    assert not system.log.lines()


@pytest.mark.usefixtures("account")
def test_the_next_send_uses_what_the_webhook_wrote_though_the_old_one_lists_the_session_too(
    system: System, stubs: list[Stub], database: Database
) -> None:
    stubs[0].hold()
    assert system.send().json["instance_url"] == stubs[0].url
    assert system.webhook(event(), stubs[1].url).status == 200
    assert database.url() == stubs[1].url
    assert system.send().json["instance_url"] == stubs[1].url


@pytest.mark.usefixtures("account")
def test_a_late_webhook_does_not_undo_a_newer_move(
    system: System, stubs: list[Stub], database: Database
) -> None:
    now = int(time.time())
    stubs[0].hold()
    system.webhook(event(), stubs[1].url, now)
    assert database.url() == stubs[1].url
    for answers in (stubs[0].list_sessions, stubs[0].hang):
        stubs[0].acts["/"] = answers
        late = event("session_reconnected", phone_number="628000")
        assert system.webhook(late, stubs[0].url, now - 200).json == {"status": "ignored"}
    assert (database.url(), database.row()["phone_number"]) == (stubs[1].url, "62811801641")
    assert {line["reason"] for line in system.log.fields(REJECTED)} == {"late"}


@pytest.mark.usefixtures("account")
def test_nor_does_it_undo_the_move_of_a_scan(system: System, stubs: list[Stub], database: Database) -> None:
    assert system.send().status == 200
    stubs[0].acts["/"] = stubs[0].hang
    assert system.webhook(event(), stubs[0].url, int(time.time()) - 100).json == {"status": "ignored"}
    assert database.url() == stubs[1].url


@pytest.mark.usefixtures("account")
def test_a_webhook_that_only_looks_late_is_believed_if_the_instances_bear_it_out(
    system: System, stubs: list[Stub], database: Database
) -> None:
    now = int(time.time())
    system.webhook(event(), stubs[1].url, now)
    stubs[1].sessions.clear()
    stubs[2].hold()
    assert system.webhook(event(), stubs[2].url, now - 20).json == {"status": "processed"}
    assert database.url() == stubs[2].url


@pytest.mark.usefixtures("account")
def test_a_replay_with_another_location_moves_nothing_while_the_assigned_one_holds_the_session(
    system: System, stubs: list[Stub], database: Database
) -> None:
    body, stamp = event(), int(time.time())
    system.webhook(body, stubs[1].url, stamp)
    stubs[2].hold()
    assert system.webhook(body, stubs[2].url, stamp).json == {"status": "ignored"}
    assert database.url() == stubs[1].url
    assert system.log.fields(REJECTED)[0]["reason"] == "replayed"
    # Another webhook of the same second is none.
    assert system.webhook(event("session_reconnected"), stubs[2].url, stamp).status == 200
    assert database.url() == stubs[2].url


@pytest.mark.usefixtures("account")
def test_what_was_signed_before_the_start_may_be_a_replay(
    system: System, stubs: list[Stub], database: Database
) -> None:
    stubs[0].hold()
    system.webhook(event(phone_number="628999"), stubs[1].url, int(time.time()) - 250)
    assert (database.url(), database.row()["phone_number"]) == (stubs[0].url, "628999")
    stubs[0].sessions.clear()
    system.webhook(event("session_reconnected"), stubs[1].url, int(time.time()) - 250)
    assert database.url() == stubs[1].url


@pytest.mark.usefixtures("account")
def test_a_forger_who_is_first_does_not_spoil_the_genuine_webhook(
    system: System, stubs: list[Stub], database: Database
) -> None:
    body, stamp = event(), int(time.time())
    stubs[0].hold()
    system.webhook(body, stubs[3].url, stamp)
    assert database.url() == stubs[0].url
    system.webhook(body, stubs[1].url, stamp)
    assert database.url() == stubs[1].url


@pytest.mark.usefixtures("account")
def test_a_claim_for_an_instance_without_the_session_is_not_stored(
    system: System, stubs: list[Stub], database: Database
) -> None:
    assert system.webhook(event(phone_number="628999"), stubs[2].url).status == 200
    assert (database.url(), database.row()["phone_number"]) == (stubs[0].url, "628999")
    rejected = {"session_id": SESSION, "claimed_url": stubs[2].url, "reason": "session_not_held"}
    assert system.log.fields(REJECTED) == [rejected]
    stubs[2].hold(status="disconnected")
    system.webhook(event(), stubs[2].url)
    assert system.log.fields(REJECTED)[1]["reason"] == "session_not_connected"
    assert system.send().json["instance_url"] == stubs[1].url


@pytest.mark.usefixtures("account")
def test_a_claim_that_cannot_be_checked_is_stored_unless_the_assigned_instance_holds_the_session(
    system: System, stubs: list[Stub], database: Database
) -> None:
    stubs[2].acts["/"] = stubs[2].hang
    stubs[0].hold()
    answer = system.webhook(event(), stubs[2].url)
    assert answer.seconds > VERIFY_TIMEOUT * 0.9
    assert database.url() == stubs[0].url
    stubs[0].sessions.clear()
    system.webhook(event("session_reconnected"), stubs[2].url)
    assert database.url() == stubs[2].url


SPOOFS = [
    "http://evil.example",
    "http://127.0.0.1:9",
    "http://localhost:3002@evil.example",
    "{known}0",
    "https://{host}",
    "http://user:password@{host}",
    "http://@{host}",
    "{known}/path",
    "{known}//",
    "{known}/?query",
    "{known}?",
    "{known}#fragment",
    "{known}%0d%0aX: y",
    "{known} ",
    "{known}, {known}",
    "javascript:alert(1)",
    "file:///etc/passwd",
    "http://[::ffff:127.0.0.1]:{port}",
    "http://2130706433:{port}",
    "http://localhost:{port}",
    "HTTP://{host}",
    "http://" + "x" * 10_000,
    "Instance sync successful! Database updated",
    "http://é.example",
]


@pytest.mark.parametrize("spoof", SPOOFS, ids=range(len(SPOOFS)))
@pytest.mark.usefixtures("account")
def test_a_claim_outside_the_configured_instances_is_not_stored(
    system: System, stubs: list[Stub], database: Database, spoof: str
) -> None:
    host = stubs[1].url.removeprefix("http://")
    claim = spoof.format(known=stubs[1].url, host=host, port=host.partition(":")[2])
    if claim.endswith(" "):
        claim = claim.replace(" ", "%20")
    assert system.webhook(event(phone_number="628999"), claim).status == 200
    assert (database.url(), database.row()["phone_number"]) == (stubs[0].url, "628999")
    assert not [stub for stub in stubs if stub.seen]
    (line,) = system.log.lines()
    assert REJECTED in line
    assert "Instance sync successful" not in line
    assert len(line) < 500
    assert system.log.fields(REJECTED)[0]["reason"] == "not_configured"


@pytest.mark.parametrize("workspace_id", [2, "3", 0])
@pytest.mark.usefixtures("account")
def test_another_workspace_changes_nothing(
    system: System, stubs: list[Stub], database: Database, workspace_id: object
) -> None:
    answer = system.webhook(event(workspace_id=workspace_id), stubs[1].url)
    assert answer.status == 404
    assert database.row()["updated_at"] == LONG_AGO


@pytest.mark.parametrize("session_id", ["unknown", SESSION.upper(), SESSION + " "])
@pytest.mark.usefixtures("account")
def test_an_unknown_session_changes_no_row(
    system: System, stubs: list[Stub], database: Database, session_id: str
) -> None:
    assert system.webhook(event(session_id=session_id), stubs[1].url).status == 404
    assert database.row()["updated_at"] == LONG_AGO


BAD_BODIES = [
    b"",
    b"not json",
    b"[]",
    b'"x"',
    b"null",
    b"{}",
    b"\xff\xfe{}",
    b"[" * 100_000,
    json.dumps({"event": "session_ready"}).encode(),
    json.dumps({"event": "session_ready", "data": []}).encode(),
    json.dumps({"event": "session_ready", "data": "x"}).encode(),
    json.dumps({"event": 5, "data": {"workspace_id": 1, "session_id": SESSION}}).encode(),
    event(session_id=5),
    event(session_id=""),
    event(session_id=None),
    event(session_id={"a": 1}),
    event(session_id="a\0b"),
    event(session_id="\ud800"),
    event(workspace_id=True),
    event(workspace_id=None),
    event(workspace_id=[1]),
    event(workspace_id="1e3"),
    event(phone_number=5),
    event(phone_number="\ud800"),
    event(phone_number=["x"]),
    json.dumps({"event": "session_ready", "data": {"session_id": SESSION}}).encode(),
]


@pytest.mark.parametrize("body", BAD_BODIES, ids=range(len(BAD_BODIES)))
@pytest.mark.usefixtures("account")
def test_a_signed_body_that_makes_no_sense_is_refused(
    system: System, stubs: list[Stub], database: Database, body: bytes
) -> None:
    assert system.webhook(body, stubs[1].url).status in {400, 422}
    assert database.row()["updated_at"] == LONG_AGO


@pytest.mark.parametrize(
    "headers",
    [
        {"X-HMAC-Signature": None},
        {"X-Timestamp": None},
        {"X-HMAC-Signature": ""},
        {"X-HMAC-Signature": "f" * 64},
        {"X-Timestamp": "1"},
        {"X-Timestamp": "abc"},
    ],
)
@pytest.mark.usefixtures("account")
def test_an_unauthentic_webhook_is_refused(
    system: System, stubs: list[Stub], database: Database, headers: dict[str, str | None]
) -> None:
    given = {**signed(event(), claim=stubs[1].url), **headers}
    answer = system.post(
        WEBHOOK, event(), {name: value for name, value in given.items() if value is not None}
    )
    assert answer.status == 401
    assert database.row()["updated_at"] == LONG_AGO


def test_a_body_over_one_mebibyte_is_refused(system: System, stubs: list[Stub], database: Database) -> None:
    database.add(142, SESSION, stubs[0].url)
    stubs[1].hold()
    room = 1024 * 1024 - len(event(padding=""))
    assert system.webhook(event(padding="x" * (room + 1)), stubs[1].url).status == 413
    assert database.url() == stubs[0].url
    assert system.webhook(event(padding="x" * room), stubs[1].url).status == 200
    assert database.url() == stubs[1].url


@pytest.mark.usefixtures("account")
def test_secrets_reach_no_log_line_and_no_answer(system: System, stubs: list[Stub]) -> None:
    stubs[1].acts["/api/messages/send"] = lambda handler: handler.answer(401, {"error": f"not {API_KEY}"})
    stubs[2].acts["/"] = lambda handler: handler.answer(500, {"error": API_KEY})
    body = event()
    headers = signed(body, claim=f"http://x/?api_key={API_KEY}&s={SECRET}")
    said = json.dumps([system.post(WEBHOOK, body, headers).json, system.send().json, *system.log.lines()])
    for secret in (API_KEY, SECRET, headers["X-HMAC-Signature"]):
        assert secret not in said


@pytest.mark.usefixtures("account")
def test_many_webhooks_and_another_writer_never_lock_each_other_out(
    system: System, stubs: list[Stub], database: Database
) -> None:
    for number in range(20):
        database.add(number, f"session-{number}", None)
        stubs[0].hold(f"session-{number}")

    def tell(number: int) -> int:
        return system.webhook(event(session_id=f"session-{number}"), stubs[0].url).status

    with ThreadPoolExecutor(20) as pool:
        writes = [pool.submit(database.set_url, 142, f"http://{number}") for number in range(20)]
        told = [pool.submit(tell, number) for number in range(20)]
        assert {one.result(PATIENCE) for one in writes} == {None}
        assert {one.result(PATIENCE) for one in told} == {200}
    assert {database.url(number) for number in range(20)} == {stubs[0].url}

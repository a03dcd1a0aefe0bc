"""The webhook as it really goes out, every way of getting one wrong, and what is recorded of its end."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from fake_instances import FleetError, SessionStatus
from fake_instances.faults import Endpoint, LoseWebhook
from fake_instances.journal import FaultExecuted, WebhookAnswered, WebhookLost, WebhookSent
from fake_instances.webhooks import delivery as notifier
from fake_instances.webhooks import message
from tests.fake_instances.support import API_KEY, PATIENCE, SECRET, SESSION, SESSION_ID, Caller, entries

if TYPE_CHECKING:
    from fake_instances import Fleet
    from fake_instances.webhooks.message import Webhook
    from tests.fake_instances.support import ControlPlane

SIGNATURE = "X-HMAC-Signature"
STAMP = "X-Timestamp"
URL = "X-Instance-Url"


def signature_of(secret: str, timestamp: str, body: bytes) -> str:
    """Compute HMAC-SHA256 by its definition (RFC 2104), with nothing of the package and no hmac module."""
    key = secret.encode().ljust(64, b"\0")
    inner = hashlib.sha256(bytes(one ^ 0x36 for one in key) + timestamp.encode() + body)
    return hashlib.sha256(bytes(one ^ 0x5C for one in key) + inner.digest()).hexdigest()


def is_genuine(webhook: Webhook, secret: str = SECRET) -> bool:
    signature = webhook.header(SIGNATURE)
    return signature == signature_of(secret, webhook.header(STAMP) or "", webhook.body)


@pytest.fixture
def ready(fleet: Fleet) -> Webhook:
    return fleet.webhook(SESSION, 3001, "session_ready")


# On the wire


def test_a_webhook_on_the_wire_is_what_the_deployed_service_sends(
    fleet: Fleet, control_plane: ControlPlane
) -> None:
    before = int(time.time())
    delivery = fleet.announce(SESSION, 3001, "session_ready")
    arrived = control_plane.take()
    assert delivery is not None
    assert delivery.wait(PATIENCE).status == 200
    assert arrived.first == "POST /api/whatsapp/webhooks/webjs HTTP/1.1"
    assert arrived.names == [
        "Accept",
        "Content-Type",
        "X-HMAC-Signature",
        "X-Timestamp",
        "X-Instance-Url",
        "User-Agent",
        "Connection",
        "Content-Length",
        "Accept-Encoding",
        "Host",
    ]
    assert arrived.header("Content-Type") == "application/json"
    assert arrived.header("User-Agent") == "WhatsApp-WebJS-Service/1.0"
    assert arrived.header("Connection") == "close"
    assert arrived.header("Host") == control_plane.url.removeprefix("http://")
    assert arrived.header(URL) == fleet.url(3001)
    assert re.fullmatch(r"\d+", arrived.header(STAMP))
    assert before <= int(arrived.header(STAMP)) <= int(time.time())
    assert arrived.header(SIGNATURE) == signature_of(SECRET, arrived.header(STAMP), arrived.body)


def test_a_body_is_compact_and_raw_utf_8(fleet: Fleet, control_plane: ControlPlane) -> None:
    fleet.send(fleet.webhook(SESSION, 3001, "message_received", fields={"body": "héllo ✓ 👋"}))
    arrived = control_plane.take()
    assert (
        arrived.body
        == (
            f'{{"event":"message_received","data":{{"workspace_id":1,"session_id":"{SESSION_ID}",'
            '"body":"héllo ✓ 👋"}}'
        ).encode()
    )
    assert arrived.header(SIGNATURE) == signature_of(SECRET, arrived.header(STAMP), arrived.body)


def test_session_ready_brings_the_phone_number(ready: Webhook) -> None:
    shown = json.loads(ready.body)
    assert shown == {
        "event": "session_ready",
        "data": {
            "workspace_id": 1,
            "session_id": SESSION_ID,
            "phone_number": "628111222333",
            "status": "connected",
            "platform": "android",
            "extraction_method": "client_info",
        },
    }
    assert is_genuine(ready)


def test_session_reconnected_brings_a_time_and_no_phone_number(fleet: Fleet) -> None:
    webhook = fleet.webhook(SESSION, 3002, "session_reconnected")
    data = json.loads(webhook.body)["data"]
    assert list(data) == ["workspace_id", "session_id", "status", "timestamp"]
    assert data["status"] == "connected"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", data["timestamp"])
    assert webhook.header(URL) == fleet.url(3002)
    assert is_genuine(webhook)


def test_the_journal_has_a_webhook_before_it_goes_out_and_its_answer(
    fleet: Fleet, control_plane: ControlPlane, ready: Webhook
) -> None:
    delivery = fleet.send(ready)
    arrived = control_plane.take(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno")
    answered = delivery.wait(PATIENCE)
    assert (answered.status, answered.reason, answered.body) == (401, None, b"no")
    (sent,) = entries(fleet, WebhookSent)
    assert entries(fleet, WebhookAnswered) == [answered]
    assert sent.sequence < answered.sequence
    assert sent.webhook == answered.webhook == delivery.number
    assert list(sent.headers) == arrived.pairs[:6]
    assert (sent.body, sent.event, sent.session_id) == (arrived.body, "session_ready", SESSION_ID)


@pytest.mark.parametrize(
    ("suffix", "path"),
    [
        ("", message.PATH),
        ("/", message.PATH),
        (message.PATH, message.PATH),
        ("/hooks/own", "/hooks/own"),
        ("/hooks/own/", "/hooks/own/"),
    ],
)
def test_a_webhook_goes_to_the_control_plane_s_path_or_to_its_own(
    fleet: Fleet, control_plane: ControlPlane, ready: Webhook, suffix: str, path: str
) -> None:
    fleet.control_plane = control_plane.url + suffix
    fleet.send(ready)
    assert control_plane.take().first == f"POST {path} HTTP/1.1"


# Getting one wrong


def test_without_takes_headers_away(fleet: Fleet, control_plane: ControlPlane, ready: Webhook) -> None:
    fleet.send(ready.without("x-hmac-signature", "X-Timestamp"))
    assert control_plane.take().names[:4] == ["Accept", "Content-Type", "X-Instance-Url", "User-Agent"]


@pytest.mark.parametrize("value", ["http://127.0.0.1:3003", "", "é"])
def test_with_header_changes_a_value_in_its_place(
    fleet: Fleet, control_plane: ControlPlane, ready: Webhook, value: str
) -> None:
    fleet.send(ready.with_header("x-instance-url", value))
    arrived = control_plane.take()
    assert arrived.pairs[4] == (URL, value)
    assert [pair for pair in arrived.pairs[:6] if pair[0] != URL] == [
        pair for pair in ready.headers if pair[0] != URL
    ]


def test_with_header_adds_what_was_not_there(ready: Webhook) -> None:
    assert ready.with_header("X-New", "1").headers == (*ready.headers, ("X-New", "1"))


@pytest.mark.parametrize("name", [URL, SIGNATURE, STAMP])
def test_with_second_sends_a_header_twice(
    fleet: Fleet, control_plane: ControlPlane, ready: Webhook, name: str
) -> None:
    fleet.send(ready.with_second(name, "another"))
    arrived = control_plane.take()
    assert [value for have, value in arrived.pairs if have == name] == [ready.header(name), "another"]


def test_with_body_leaves_the_signature_of_the_old_body(
    fleet: Fleet, control_plane: ControlPlane, ready: Webhook
) -> None:
    fleet.send(ready.with_body(b'{"event":"other"}'))
    arrived = control_plane.take()
    assert arrived.body == b'{"event":"other"}'
    assert arrived.header("Content-Length") == "17"
    assert arrived.header(SIGNATURE) == ready.header(SIGNATURE)
    assert not is_genuine(ready.with_body(arrived.body))


def test_signed_signs_the_body_and_the_timestamp_as_they_are(ready: Webhook) -> None:
    changed = ready.with_body(b"{}")
    assert is_genuine(changed.signed(SECRET))
    assert changed.signed(SECRET).header(STAMP) == ready.header(STAMP)
    assert is_genuine(changed.signed("another secret"), "another secret")
    assert not is_genuine(changed.signed("another secret"))
    older = changed.signed(SECRET, "1700000000")
    assert is_genuine(older)
    assert older.header(STAMP) == "1700000000"
    assert [name for name, _ in older.headers] == [name for name, _ in ready.headers]


def test_a_changed_webhook_leaves_the_first_as_it_was(ready: Webhook) -> None:
    before = replace(ready)
    ready.without(URL).with_header(STAMP, "1").with_second(STAMP, "2").with_body(b"").signed("x")
    assert ready == before


def test_a_webhook_can_be_built_with_another_secret_or_time(fleet: Fleet) -> None:
    webhook = fleet.webhook(SESSION, 3001, "session_ready", secret="another", timestamp="1700000000")
    assert webhook.header(STAMP) == "1700000000"
    assert webhook.header(SIGNATURE) == hmac.digest(b"another", b"1700000000" + webhook.body, "sha256").hex()


# No two alike


def test_two_announcements_of_one_session_are_never_signed_alike(
    fleet: Fleet, control_plane: ControlPlane
) -> None:
    events = ["session_ready", "session_ready", "session_reconnected", "session_reconnected"]
    with ThreadPoolExecutor(4) as together:
        for event in events:
            together.submit(fleet.announce, SESSION, 3001, event)
        arrived = [control_plane.take() for _ in events]
    signatures = Counter(one.header(SIGNATURE) for one in arrived)
    assert max(signatures.values()) == 1
    assert all(one.header(SIGNATURE) == signature_of(SECRET, one.header(STAMP), one.body) for one in arrived)


def test_the_same_webhook_sent_again_is_the_same(
    fleet: Fleet, control_plane: ControlPlane, ready: Webhook
) -> None:
    fleet.send(ready)
    first = control_plane.take()
    fleet.send(ready)
    assert control_plane.take() == first


def test_other_announcements_do_not_wait_for_a_signature_of_their_own(
    fleet: Fleet, control_plane: ControlPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fleet.announcer, "_signatures", None)
    for event in ("session_disconnected", "message_received"):
        fleet.announce(SESSION, 3001, event)
        assert json.loads(control_plane.take().body)["event"] == event


# Which announcements there are


def test_a_session_reconnected_by_its_route_is_announced(
    fleet: Fleet, control_plane: ControlPlane, fresh: Caller
) -> None:
    fleet.set_status(SESSION_ID, SessionStatus.DISCONNECTED, on=3001)
    answer = fresh.post(f"/api/sessions/{SESSION_ID}/reconnect", {"api_key": API_KEY})
    assert answer.json == {"success": True, "session_id": SESSION_ID, "status": "qr_scanning"}
    arrived = control_plane.take()
    assert json.loads(arrived.body)["event"] == "session_reconnected"
    assert arrived.header(URL) == fleet.url(3001)
    assert fleet.holders(SESSION_ID) == (3001,)


def test_without_a_control_plane_a_route_still_reconnects(fleet: Fleet, fresh: Caller) -> None:
    fleet.set_status(SESSION_ID, SessionStatus.DISCONNECTED, on=3001)
    assert fresh.post(f"/api/sessions/{SESSION_ID}/reconnect", {"api_key": API_KEY}).status == 200
    assert fleet.holders(SESSION_ID) == (3001,)
    assert not entries(fleet, WebhookSent)


def test_without_a_control_plane_nothing_can_be_announced(fleet: Fleet, ready: Webhook) -> None:
    with pytest.raises(FleetError, match="before its `control_plane` is set"):
        fleet.send(ready)


@pytest.mark.parametrize("session_id", [None, SESSION_ID])
def test_a_lost_webhook_is_never_sent_and_leaves_receipts(
    fleet: Fleet, control_plane: ControlPlane, session_id: str | None
) -> None:
    fault = fleet.arm(LoseWebhook(), 3001, {Endpoint.WEBHOOK}, times=1, session_id=session_id)
    assert fleet.announce(SESSION, 3001, "session_ready") is None
    (lost,) = entries(fleet, WebhookLost)
    assert (lost.instance, lost.event, lost.session_id) == (3001, "session_ready", SESSION_ID)
    (executed,) = entries(fleet, FaultExecuted)
    assert (executed.fault, executed.words) == (fault, "loses the webhook")
    assert not entries(fleet, WebhookSent)
    assert fleet.announce(SESSION, 3001, "session_reconnected") is not None
    assert json.loads(control_plane.take().body)["event"] == "session_reconnected"


def test_another_session_s_or_instance_s_webhook_is_not_lost(
    fleet: Fleet, control_plane: ControlPlane
) -> None:
    fleet.arm(LoseWebhook(), 3001, {Endpoint.WEBHOOK}, session_id="another")
    fleet.arm(LoseWebhook(), 3002, {Endpoint.WEBHOOK})
    assert fleet.announce(SESSION, 3001, "session_ready") is not None
    control_plane.take()


# How one ends


def test_of_a_long_answer_the_beginning_is_kept(
    fleet: Fleet, control_plane: ControlPlane, ready: Webhook
) -> None:
    delivery, longer = fleet.send(ready), b"x" * (notifier.LONGEST_KEPT + 1)
    control_plane.take(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(longer), longer))
    assert delivery.wait(PATIENCE).body == longer[:-1]


def test_a_refused_webhook_is_recorded_with_the_reason(
    fleet: Fleet, control_plane: ControlPlane, ready: Webhook
) -> None:
    control_plane.close()
    answered = fleet.send(ready).wait(PATIENCE)
    assert answered.status is None
    assert "ConnectionRefusedError" in (answered.reason or "")
    assert entries(fleet, WebhookAnswered) == [answered]


def test_an_unanswered_webhook_is_recorded_with_the_reason(
    fleet: Fleet, control_plane: ControlPlane, ready: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert control_plane.url
    monkeypatch.setattr(notifier, "ANSWER_TIMEOUT", 0.1)
    answered = fleet.send(ready).wait(PATIENCE)
    assert (answered.status, answered.reason) == (None, "TimeoutError: timed out")


@pytest.mark.parametrize(
    ("answer", "reason"), [(b"", "RemoteDisconnected"), (b"nonsense\r\n\r\n", "BadStatusLine")]
)
def test_a_webhook_answered_by_no_answer_is_recorded_with_the_reason(
    fleet: Fleet, control_plane: ControlPlane, ready: Webhook, answer: bytes, reason: str
) -> None:
    delivery = fleet.send(ready)
    control_plane.take(answer)
    answered = delivery.wait(PATIENCE)
    assert answered.status is None
    assert (answered.reason or "").startswith(reason)


def test_a_webhook_to_an_address_that_cannot_be_is_recorded_with_the_reason(
    fleet: Fleet, ready: Webhook
) -> None:
    fleet.control_plane = "http://127.0.0.1:many"
    answered = fleet.send(ready).wait(PATIENCE)
    assert answered.status is None
    assert (answered.reason or "").startswith("ValueError: Port could not be cast")


def test_waiting_for_a_webhook_has_an_end(fleet: Fleet, control_plane: ControlPlane, ready: Webhook) -> None:
    delivery = fleet.send(ready)
    with pytest.raises(
        TimeoutError, match=r"webhook session_ready was neither answered nor given up in 0.01 s"
    ):
        delivery.wait(0.01)
    control_plane.take()
    assert delivery.wait(PATIENCE).status == 200


def test_a_fleet_that_stops_gives_up_what_nobody_answers(
    fleet: Fleet, control_plane: ControlPlane, ready: Webhook
) -> None:
    assert control_plane.url
    delivery = fleet.send(ready)
    fleet.stop()
    assert delivery.wait(PATIENCE).status is None
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("webhook ")]

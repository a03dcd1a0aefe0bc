"""What the checks of gateway instances say of a wrong webhook or of lost messages, and what must pass."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from harness.checks import gateways
from harness.errors import TimeBoundFailure
from harness.gateway_contract import Delivered, Tenant
from harness.history import MessagePosted, WebhookReceived
from tests.harness.support import SESSION, failure

if TYPE_CHECKING:
    from collections.abc import Callable

SECRET = "shared"
URL = "http://127.0.0.1:3002"
NOW = 1763798326
READY = {"event": "session_ready", "data": {"session_id": SESSION, "status": "connected"}}


def signature(message: bytes) -> str:
    return hmac.new(SECRET.encode(), message, hashlib.sha256).hexdigest()


def webhook(at: float = NOW, **headers: str) -> WebhookReceived:
    body = json.dumps(READY).encode()
    stamp = headers.get("X_Timestamp", str(int(at)))
    given = {
        "Content_Type": "application/json",
        "X_HMAC_Signature": signature(stamp.encode() + body),
        "X_Timestamp": stamp,
        "X_Instance_Url": URL,
        "User_Agent": "WhatsApp-WebJS-Service/1.0",
        **headers,
    }
    pairs = tuple((name.replace("_", "-"), value) for name, value in given.items() if value != "absent")
    return WebhookReceived(at=at, path=gateways.PATH, headers=pairs, body=body, answered=200)


def observed(judge: Callable[..., object], *given: Any) -> str:
    return failure(lambda: judge(*given))[1]  # type: ignore[func-returns-value]


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        ({"Content_Type": "text/plain"}, "it is text/plain"),
        ({"Content_Type": "application/jsonp; charset=utf-8"}, "it is application/jsonp; charset=utf-8"),
        ({"X_HMAC_Signature": "A" * 64}, "it is 64 characters of another form"),
        ({"X_Timestamp": "1763798326000"}, "it is '1763798326000'"),
        ({"X_Timestamp": "now"}, "it is 'now'"),
        ({"X_Timestamp": "9" * 400}, f"it is '{'9' * 100}'"),
        ({"X_Timestamp": "9" * 5000}, f"it is '{'9' * 100}'"),
        ({"X_Instance_Url": "absent"}, "it has no X-Instance-Url"),
        ({"x_instance_url": URL}, "it has X-Instance-Url 2 times"),
    ],
)
def test_a_header_that_is_wrong_is_named(headers: dict[str, str], told: str) -> None:
    gateways.five_headers(webhook())
    assert observed(gateways.five_headers, webhook(**headers)) == told


def test_a_content_type_may_have_parameters() -> None:
    gateways.five_headers(webhook(Content_Type="Application/JSON;charset=UTF-8"))


@pytest.mark.parametrize(
    "claimed",
    [
        URL,
        f"{URL}/",
        "http://localhost:3002",
        "http://LOCALHOST:3002",
        "http://127.0.0.9:3002",
        "http://[::1]:3002",
        "http://[::ffff:127.0.0.1]:3002",
    ],
)
def test_any_spelling_of_the_loopback_address_with_its_port_is_its_own(claimed: str) -> None:
    gateways.names(webhook(X_Instance_Url=claimed), URL, 3002)


@pytest.mark.parametrize(
    "claimed",
    [
        "http://localhost:3001",
        "http://localhost",
        "https://localhost:3002",
        "http://0.0.0.0:3002",
        "http://gateway.example:3002",
        "http://user@localhost:3002",
        "http://localhost:3002/api",
        "http://localhost:3002?",
        "http://localhost.gateway.example:3002",
        "http://[::1:3002",
        "http://localhost:port",
        "absent",
    ],
)
def test_any_other_url_is_not_its_own(claimed: str) -> None:
    told = observed(gateways.names, webhook(X_Instance_Url=claimed), URL, 3002)
    assert told.startswith(f"it names {'none' if claimed == 'absent' else claimed}")
    assert told.endswith("state it in [instance] claims_as") == (claimed != "absent")


def test_an_instance_whose_target_states_its_url_has_that_one_alone() -> None:
    stated = "http://gateway.example:3002"
    gateways.names(webhook(X_Instance_Url=stated), URL, 3002, stated)
    assert observed(gateways.names, webhook(), URL, 3002, stated) == f"it names {URL}"


def heard(*events: str) -> list[WebhookReceived]:
    """Return webhooks of these events; what follows a blank is a moment that the event says."""
    made = []
    for event, _, moment in (one.partition(" ") for one in events):
        data = {"session_id": SESSION, "workspace_id": 7, "phone_number": "62", "timestamp": moment}
        body = json.dumps({"event": event, "data": data}).encode()
        made.append(replace(webhook(), body=body))
    return made


def test_an_event_is_found_among_others() -> None:
    tenant = Tenant(SESSION, 7, "62")
    around = heard("qr_code_generated", "session_authenticated", "session_ready", "message_sent")
    gateways.announces(around, "session_ready", tenant)
    gateways.announces(around, "session_reconnected", tenant)
    told = observed(
        gateways.announces, heard("session_ready", "session_ready"), "session_reconnected", tenant
    )
    assert told == "it heard only session_ready"
    assert observed(gateways.announces, [], "session_ready", tenant) == "it heard nothing of it"
    assert observed(gateways.heard, heard("qr_code_generated")) == "it heard only qr_code_generated"
    assert gateways.heard(around) == (around[2],)
    other = Tenant(SESSION, 8, "63")
    assert observed(gateways.announces, around, "session_ready", other) == (
        "it says workspace_id 7, phone_number '62'"
    )


def test_tries_are_those_of_one_event_and_body_whatever_comes_between() -> None:
    tried = heard(
        "session_ready 1", "qr_code_generated", "session_ready 2", "session_reconnected", "session_ready 3"
    )
    assert gateways.tries(tried) == (tried[0], tried[2], tried[4])
    assert gateways.tries(heard("qr_code_generated", "qr_code_generated")) == ()


@pytest.mark.parametrize(
    ("signed", "told"),
    [
        (lambda _stamp, body: body, "what was signed is the body alone"),
        (lambda stamp, body: body + stamp, "what was signed is the body followed by the timestamp"),
        (
            lambda stamp, body: stamp + b"." + body,
            "what was signed is timestamp and body with a dot between them",
        ),
        (
            lambda stamp, body: stamp + json.dumps(json.loads(body), sort_keys=True).encode(),
            "what was signed is the body with its keys sorted",
        ),
        (lambda _stamp, _body: b"anything", "the secret?"),
    ],
)
def test_a_common_mistake_in_signing_is_named(signed: Callable[[bytes, bytes], bytes], told: str) -> None:
    message = signed(str(NOW).encode(), json.dumps(READY).encode())
    wrong = webhook(X_HMAC_Signature=signature(message))
    assert observed(gateways.signature_verifies, wrong, SECRET).endswith(told)


def test_a_webhook_without_a_signature_is_told() -> None:
    told = observed(gateways.signature_verifies, webhook(X_HMAC_Signature="absent"), SECRET)
    assert told == "session_ready has no X-HMAC-Signature"


@pytest.mark.parametrize("waits", [(1, 1, 1), (1, 2, 1), (1, 1.3, 1.6), (4, 2, 1)])
def test_waits_that_do_not_grow_fail_by_time_alone(waits: tuple[float, ...]) -> None:
    def tries(*waits: float) -> list[WebhookReceived]:
        return [webhook(at=NOW + sum(waits[:count])) for count in range(len(waits) + 1)]

    gateways.waits_grow(tries(1, 2, 3, 4), 4)
    with pytest.raises(TimeBoundFailure, match="the waits were"):
        gateways.waits_grow(tries(*waits), 4)


def test_lost_and_doubled_messages_are_told() -> None:
    def posted(text: str, status: int | None = 200, body: str = '{"success":true}') -> MessagePosted:
        return MessagePosted(instance=3002, session_id=SESSION, text=text, status=status, body=body)

    again = [posted("two", None, "no answer"), posted("two", 404, "{}"), posted("two")]
    gateways.each_went_out_once(again, [Delivered(SESSION, "two")])
    told = observed(
        gateways.each_went_out_once,
        [posted("one"), *again, posted("three", None)],
        [Delivered(SESSION, "two")] * 2,
    )
    assert told == (
        "2 never went out, of which 1 were answered as sent; 1 went out more than once, the first at instance 3002"
    )

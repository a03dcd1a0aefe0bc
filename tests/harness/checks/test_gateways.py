"""The words in which webhooks and answers of gateway instances are found wrong, and what must pass."""

from __future__ import annotations

import hashlib
import hmac
import json
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
TENANT = Tenant(SESSION, 1, "62811801641")
DATA = {"workspace_id": 1, "session_id": SESSION, "phone_number": "62811801641", "status": "connected"}
READY = {"event": "session_ready", "data": DATA}


def signature(message: bytes) -> str:
    return hmac.new(SECRET.encode(), message, hashlib.sha256).hexdigest()


def webhook(content: object = READY, at: float = NOW, **headers: str) -> WebhookReceived:
    body = json.dumps(content).encode()
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
        ({"X_HMAC_Signature": "A" * 64}, "it is 64 characters of another form"),
        ({"X_Timestamp": "1763798326000"}, "it is '1763798326000'"),
        ({"X_Timestamp": "now"}, "it is 'now'"),
        ({"X_Instance_Url": "absent"}, "it has no X-Instance-Url"),
        ({"x_instance_url": URL}, "it has X-Instance-Url 2 times"),
    ],
)
def test_a_header_that_is_wrong_is_named(headers: dict[str, str], told: str) -> None:
    gateways.five_headers(webhook())
    assert observed(gateways.five_headers, webhook(**headers)) == told


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


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ({"event": "session_reconnected"}, "it heard session_reconnected first"),
        ([], "it heard no event first"),
        ({"event": "session_ready", "data": {**DATA, "workspace_id": 2}}, "it says workspace_id 2"),
        ({"event": "session_ready", "data": 7}, "it says workspace_id None, status None, phone_number None"),
    ],
)
def test_another_announcement_is_told(content: object, told: str) -> None:
    assert observed(gateways.announces, [webhook(content)], "session_ready", TENANT) == told


@pytest.mark.parametrize("waits", [(1, 1, 1), (1, 2, 1), (1, 1.3, 1.6), (4, 2, 1)])
def test_waits_that_do_not_grow_fail_by_time_alone(waits: tuple[float, ...]) -> None:
    def tries(*waits: float) -> list[WebhookReceived]:
        return [webhook(at=NOW + sum(waits[:count])) for count in range(len(waits) + 1)]

    gateways.waits_grow(tries(1, 2, 3, 4), 4)
    with pytest.raises(TimeBoundFailure, match="the waits were"):
        gateways.waits_grow(tries(*waits), 4)


@pytest.mark.parametrize(
    ("details", "told"),
    [
        (None, "details is NoneType, not a list"),
        ([], "it leaves out one"),
        ([{"session_id": "one"}, {"session_id": "one"}], "it lists one too"),
        (["one"], "it leaves out one and it lists no object too"),
    ],
)
def test_another_list_is_told(details: object, told: str) -> None:
    shown = {"sessions": {"details": details}}
    assert observed(gateways.lists, shown, ["one"], "/health/detailed") == told


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

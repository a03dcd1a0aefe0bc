"""What the checks of gateway instances say of a wrong webhook or of lost messages, and what must pass."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import TYPE_CHECKING, Any

import pytest

from harness.checks import gateways
from harness.errors import TimeBoundFailure
from harness.gateway_contract import Delivered
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

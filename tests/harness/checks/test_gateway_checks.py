"""The judgements of gateway instances: what passes each, and what it says of what does not."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import TYPE_CHECKING, Any

import pytest

from harness.checks import gateways
from harness.errors import ConformanceFailure, TimeBoundFailure
from harness.gateway_contract import Answer, Delivered, Tenant
from harness.history import MessagePosted, Noted, WebhookReceived
from harness.report.timeline import timeline
from tests.harness.support import SESSION, history

if TYPE_CHECKING:
    from collections.abc import Callable

SECRET = "shared"
URL = "http://127.0.0.1:3002"
NOW = 1763798326
TENANT = Tenant(SESSION, 1, "62811801641")
READY = {
    "event": "session_ready",
    "data": {
        "workspace_id": 1,
        "session_id": SESSION,
        "phone_number": "62811801641",
        "status": "connected",
    },
}


def webhook(
    content: object = READY, at: float = NOW, path: str = gateways.PATH, **headers: str
) -> WebhookReceived:
    body = json.dumps(content).encode()
    stamp = headers.get("X_Timestamp", str(int(at)))
    given = {
        "Content_Type": "application/json",
        "X_HMAC_Signature": hmac.new(SECRET.encode(), stamp.encode() + body, hashlib.sha256).hexdigest(),
        "X_Timestamp": stamp,
        "X_Instance_Url": URL,
        "User_Agent": "WhatsApp-WebJS-Service/1.0",
        **headers,
    }
    pairs = tuple((name.replace("_", "-"), value) for name, value in given.items() if value != "absent")
    return WebhookReceived(at=at, path=path, headers=pairs, body=body, answered=200)


def posted(text: str, status: int | None = 200, body: str = '{"success":true}') -> MessagePosted:
    return MessagePosted(instance=3002, session_id=SESSION, text=text, status=status, body=body)


def failing(judge: Callable[..., object], *given: Any) -> ConformanceFailure:
    with pytest.raises(ConformanceFailure) as raised:
        judge(*given)
    return raised.value


def test_a_genuine_webhook_passes_every_judgement() -> None:
    gateways.five_headers(webhook())
    gateways.claims(webhook(), URL, 3002)
    gateways.claims(webhook(X_Instance_Url=URL + "/"), URL, 3002)
    gateways.signature_verifies(webhook(), SECRET)
    assert gateways.announces([webhook()], "session_ready", TENANT) == webhook()


@pytest.mark.parametrize(
    ("headers", "observed"),
    [
        ({"Content_Type": "text/plain"}, "it is text/plain"),
        ({"User_Agent": "axios/1.6.2"}, "it is axios/1.6.2"),
        ({"X_HMAC_Signature": "A" * 64}, "it is 64 characters of another form"),
        ({"X_Timestamp": "1763798326000"}, "it is '1763798326000'"),
        ({"X_Timestamp": "1763798300"}, "it is '1763798300'"),
        ({"X_Timestamp": "now"}, "it is 'now'"),
        ({"X_Instance_Url": "absent"}, "it has no X-Instance-Url"),
        ({"x_instance_url": URL}, "it has X-Instance-Url 2 times"),
    ],
)
def test_a_header_that_is_not_as_it_must_be_is_told(headers: dict[str, str], observed: str) -> None:
    assert failing(gateways.five_headers, webhook(**headers)).observed == observed


def test_a_webhook_that_goes_elsewhere_is_told() -> None:
    assert failing(gateways.five_headers, webhook(path="/")).observed == "it went to /"


@pytest.mark.parametrize("claimed", ["http://localhost:3002", "http://127.0.0.1:3001", "absent"])
def test_a_claim_of_another_url_is_told(claimed: str) -> None:
    told = "none" if claimed == "absent" else claimed
    assert (
        failing(gateways.claims, webhook(X_Instance_Url=claimed), URL, 3002).observed == f"it claims {told}"
    )


def test_a_signature_of_another_secret_is_told_without_it() -> None:
    failure = failing(gateways.signature_verifies, webhook(), "another")
    assert "it does not, for session_ready, timestamp 1763798326 and a body of" in failure.observed
    assert failure.observed.endswith("the secret?")


@pytest.mark.parametrize(
    ("signed", "told"),
    [
        (lambda _stamp, body: body, "the body alone"),
        (lambda stamp, body: body + stamp, "the body followed by the timestamp"),
        (lambda stamp, body: stamp + b"." + body, "timestamp and body with a dot between them"),
        (
            lambda stamp, body: stamp + json.dumps(json.loads(body), sort_keys=True).encode(),
            "the body with its keys sorted",
        ),
    ],
)
def test_a_common_mistake_in_signing_is_named(signed: Callable[[bytes, bytes], bytes], told: str) -> None:
    message = signed(str(NOW).encode(), json.dumps(READY).encode())
    wrong = webhook(X_HMAC_Signature=hmac.new(SECRET.encode(), message, hashlib.sha256).hexdigest())
    assert failing(gateways.signature_verifies, wrong, SECRET).observed.endswith(f"what was signed is {told}")


@pytest.mark.parametrize(
    ("webhooks", "observed"),
    [
        ([], "it heard nothing of it"),
        ([webhook({"event": "session_reconnected"})], "it heard session_reconnected first"),
        ([webhook([])], "it heard no event first"),
        (
            [webhook({"event": "session_ready", "data": {**READY["data"], "workspace_id": 2}})],  # type: ignore[dict-item]
            "it says workspace_id 2",
        ),
        (
            [webhook({"event": "session_ready", "data": 7})],
            "it says workspace_id None, status None, phone_number None",
        ),
    ],
)
def test_another_announcement_is_told(webhooks: list[WebhookReceived], observed: str) -> None:
    assert failing(gateways.announces, webhooks, "session_ready", TENANT).observed == observed


@pytest.mark.parametrize("status", ["disconnected", None])
def test_an_announcement_ahead_of_the_truth_is_told(status: str | None) -> None:
    one = WebhookReceived(path="/", headers=(), body=b"{}", answered=200, asked_back=status)
    assert (
        failing(gateways.true_when_announced, one).observed == f"asked at that moment, it answered {status}"
    )


def tries(*waits: float) -> list[WebhookReceived]:
    return [webhook(at=NOW + sum(waits[:count])) for count in range(len(waits) + 1)]


def test_waits_that_double_or_grow_by_one_step_grow() -> None:
    gateways.waits_grow(tries(1, 2, 4), 4)
    gateways.waits_grow(tries(1, 2, 3, 4), 4)


@pytest.mark.parametrize("waits", [(1, 1, 1), (1, 2, 1), (1, 1.3, 1.6), (4, 2, 1)])
def test_waits_that_do_not_grow_are_told_as_a_matter_of_time(waits: tuple[float, ...]) -> None:
    failure = failing(gateways.waits_grow, tries(*waits), 4)
    assert isinstance(failure, TimeBoundFailure)
    assert failure.observed == f"the waits were {', '.join(f'{wait:.2f}' for wait in waits)} s"


def test_too_few_tries_are_told() -> None:
    failure = failing(gateways.waits_grow, tries(1), 4)
    assert not isinstance(failure, TimeBoundFailure)
    assert failure.observed == "it was tried 2 times"


def test_a_webhook_tried_again_in_vain_is_told() -> None:
    gateways.tried_once(tries(), 4)
    told = "it was tried 2 times, while another was tried 4 times"
    assert failing(gateways.tried_once, tries(1), 4).observed == told


def health(details: object, **counted: int) -> dict[str, Any]:
    return {"sessions": {**counted, "details": details}}


def test_counts_and_lists_must_be_exact() -> None:
    told = health([{"session_id": "one"}, {"session_id": "other"}], total=2, connected=1)
    gateways.counts(told, 2, 1, "/health")
    gateways.lists(told, ["other", "one"], "/health/detailed")


@pytest.mark.parametrize("told", [health([], total=1, connected=1), health([], total=2), {}, {"sessions": 2}])
def test_another_count_is_told(told: dict[str, Any]) -> None:
    assert "it counts" in failing(gateways.counts, told, 2, 1, "/health").observed


@pytest.mark.parametrize(
    ("details", "observed"),
    [
        ({}, "details is dict, not a list"),
        (None, "details is NoneType, not a list"),
        ([], "it leaves out one"),
        ([{"session_id": "one"}, {"session_id": "one"}], "it lists one too"),
        ([{"session_id": "two"}], "it leaves out one and it lists two too"),
        (["one"], "it leaves out one and it lists no object too"),
    ],
)
def test_another_list_is_told(details: object, observed: str) -> None:
    assert failing(gateways.lists, health(details), ["one"], "/health/detailed").observed == observed


def test_only_the_gateways_own_404_says_that_a_session_is_not_found() -> None:
    gateways.says_not_found(posted("hello", 404, '{"error":"Session not found"}'))
    for status, body in ((200, '{"success":true}'), (404, "<html>"), (500, '"Session not found"')):
        assert str(status) in failing(gateways.says_not_found, posted("hello", status, body)).observed


def test_what_went_out_over_a_session_that_is_not_held_is_told() -> None:
    gateways.nothing_went_out([Delivered("other", "hello")], SESSION, 3002)
    failure = failing(gateways.nothing_went_out, [Delivered(SESSION, "hello")], SESSION, 3002)
    assert failure.observed == 'it sent "hello"'


def test_four_instances_are_healthy_on_ports_of_their_own() -> None:
    gateways.four_addresses([f"http://127.0.0.1:{port}" for port in (1, 2, 3, 4)])
    gateways.healthy({3001: Answer(200, "{}"), 3002: Answer(200, "{}")})
    assert "port of its own" in failing(gateways.four_addresses, [URL, URL]).expected
    ill = failing(gateways.healthy, {3001: Answer(200, "{}"), 3002: Answer(None, "no answer")})
    assert ill.observed == "instance 3002 answered None no answer"


def test_each_message_goes_out_once_however_often_it_was_handed_over() -> None:
    handed_over = [posted("one"), posted("two", None, "no answer"), posted("two", 404, "{}"), posted("two")]
    gateways.each_went_out_once(handed_over, [Delivered(SESSION, "two"), Delivered(SESSION, "one")])


def test_lost_and_doubled_messages_are_told() -> None:
    handed_over = [posted("one"), posted("two"), posted("three", None, "no answer")]
    failure = failing(gateways.each_went_out_once, handed_over, [Delivered(SESSION, "two")] * 2)
    assert failure.observed == (
        "2 never went out, of which 1 were answered as sent; 1 went out more than once, the first at instance 3002"
    )


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (posted("hello"), (True, False)),
        (posted("hello", 200, "{}"), (False, False)),
        (posted("hello", 200, "<html>"), (False, False)),
        (posted("hello", 404, "{}"), (False, True)),
        (posted("hello", 503, "{}"), (False, False)),
        (posted("hello", None, "no answer"), (False, False)),
    ],
)
def test_only_a_clear_answer_says_sent_or_declined(message: MessagePosted, said: tuple[bool, bool]) -> None:
    assert (message.sent, message.declined) == said


def test_the_timeline_tells_what_happened_between_gateways_and_their_control_plane() -> None:
    lines = timeline(
        history(
            Noted(text="instance 3001 is up"), webhook(X_Instance_Url=f"{URL}/{SECRET}"), posted("hello")
        ),
        [SECRET],
    )
    assert [line.split("s  ", 1)[1] for line in lines] == [
        "instance 3001 is up",
        f"gateway → control plane: webhook session_ready of {SESSION}, claiming {URL}/[secret] → 200",
        f'sender → instance 3002: "hello" over {SESSION} → 200 {{"success":true}}',
    ]

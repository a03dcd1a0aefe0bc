"""When a webhook that did not get through is sent again: by the tables, and over the wire."""

from __future__ import annotations

import select
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from fake_instances.faults import (
    Alteration,
    AlterWebhook,
    DelayWebhook,
    DuplicateWebhook,
    Endpoint,
    HoldWebhook,
)
from fake_instances.journal import WebhookAnswered, WebhookSent
from fake_instances.webhooks import delivery as deliveries
from fake_instances.webhooks.message import sign
from fake_instances.webhooks.retries import DEPLOYED, NEVER, PATIENT, POLICIES, Failure
from tests.fake_instances.support import PATIENCE, SECRET, SESSION, ControlPlane, entries, observe

if TYPE_CHECKING:
    from fake_instances import Fleet
    from fake_instances.faults import Fault
    from fake_instances.journal import Entry
    from fake_instances.webhooks.delivery import Delivery
from fake_instances.webhooks.retries import Outcome, RetryPolicy

BUSY = b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n"
NOW = 1_700_000_000
SIGNATURE, STAMP = "X-HMAC-Signature", "X-Timestamp"


def announced(fleet: Fleet, event: str = "session_ready") -> Delivery:
    delivery = fleet.announce(SESSION, 3001, event)
    assert delivery is not None
    return delivery


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("webhook ")]


# The tables


LONG, DOUBLING = (1, 2, 4, 8, 16), (2, 4, 8)
NOT_TRIED_AGAIN = (200, 202, 302, 400, 401, 403, 404, 419, 422, 430, Failure.OTHER)
WAITS: dict[RetryPolicy, dict[Outcome, tuple[float, ...]]] = {
    NEVER: {},
    DEPLOYED: {429: (1, 2, 4), Failure.REFUSED: DOUBLING, Failure.TIMEOUT: DOUBLING},
    PATIENT: dict.fromkeys((429, 500, 502, 503, 504, 599, *set(Failure) - {Failure.OTHER}), LONG),
}


@pytest.mark.parametrize("policy", WAITS, ids=lambda policy: policy.name)
def test_a_policy_waits_as_its_table_says(policy: RetryPolicy) -> None:
    for outcome in (*NOT_TRIED_AGAIN, *WAITS[PATIENT]):
        expected = WAITS[policy].get(outcome, ())
        waits = [policy.wait(attempt, outcome) for attempt in range(1, 8)]
        assert waits == [*expected, *[None] * (7 - len(expected))], outcome


def test_a_policy_can_be_scaled_and_says_how_long_it_can_take() -> None:
    scaled = DEPLOYED.scaled(0.5).scaled(0.25)
    assert [scaled.wait(attempt, 429) for attempt in (1, 2, 3, 4)] == [0.25, 0.5, 1, None]
    assert [NEVER.longest, DEPLOYED.longest, PATIENT.scaled(0.5).longest] == [(1, 0), (4, 14), (6, 15.5)]
    assert POLICIES == {"never": NEVER, "deployed": DEPLOYED, "patient": PATIENT}


# Over the wire


def test_429_is_tried_four_times_and_each_try_is_recorded(fleet: Fleet, control_plane: ControlPlane) -> None:
    fleet.announcer.policy = DEPLOYED.scaled(0.01)
    delivery = announced(fleet)
    for _ in range(4):
        control_plane.take(BUSY)
    last = delivery.wait(PATIENCE)
    sent, answered = entries(fleet, WebhookSent), entries(fleet, WebhookAnswered)
    assert [one.attempt for one in sent] == [one.attempt for one in answered] == [1, 2, 3, 4]
    assert {one.webhook for one in (*sent, *answered)} == {delivery.number}
    assert answered[-1] == last
    pauses = [later.at - ended.at for ended, later in zip(answered, sent[1:], strict=False)]
    assert all(pause >= wait for pause, wait in zip(pauses, (0.01, 0.02, 0.04), strict=True))


@pytest.mark.parametrize("reason", ["ConnectionRefusedError", "TimeoutError: timed out"])
def test_a_webhook_that_gets_no_answer_is_tried_four_times(
    fleet: Fleet, control_plane: ControlPlane, monkeypatch: pytest.MonkeyPatch, reason: str
) -> None:
    if reason == "ConnectionRefusedError":
        control_plane.close()
    monkeypatch.setattr(deliveries, "ANSWER_TIMEOUT", 0.05)
    fleet.announcer.policy = DEPLOYED.scaled(0.001)
    last = announced(fleet).wait(PATIENCE)
    assert (last.attempt, last.status) == (4, None)
    assert (last.reason or "").startswith(reason)


def test_a_retry_goes_where_the_control_plane_is_by_then(fleet: Fleet, control_plane: ControlPlane) -> None:
    control_plane.close()
    moved = ControlPlane()

    def move(entry: Entry) -> None:
        if isinstance(entry, WebhookAnswered):
            fleet.control_plane = moved.url

    observe(fleet.journal, move)
    fleet.announcer.policy = DEPLOYED.scaled(0.001)
    delivery = announced(fleet)
    moved.take()
    moved.close()
    answered = delivery.wait(PATIENCE)
    assert (answered.attempt, answered.status) == (2, 200)


def test_an_answer_that_drips_is_given_up_when_the_time_is_over(
    fleet: Fleet, control_plane: ControlPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliveries, "ANSWER_TIMEOUT", 0.2)
    delivery = announced(fleet)
    connection, _ = control_plane.listener.accept()
    with connection:
        while b"client_info" not in connection.recv(65536):
            pass
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        dripped = 0
        while not select.select([connection], [], [], 0.02)[0]:
            connection.sendall(b"x")
            dripped += 1
    assert dripped < 1000
    assert delivery.wait(PATIENCE).reason == "TimeoutError: timed out"


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"])
def test_a_connection_that_ends_before_the_answer_counts_as_reset(
    fleet: Fleet, control_plane: ControlPlane, answer: bytes
) -> None:
    fleet.announcer.policy = PATIENT.scaled(0.001)
    delivery = announced(fleet)
    control_plane.take(answer)
    second = control_plane.take()
    assert delivery.wait(PATIENCE).attempt == 2
    fleet.announcer.replay(delivery.number)
    assert control_plane.take() == second


# Signed anew


@pytest.mark.parametrize("event", ["session_ready", "session_disconnected"])
def test_a_retry_says_the_same_with_a_fresh_timestamp(
    fleet: Fleet, control_plane: ControlPlane, event: str
) -> None:
    fleet.announcer.clock = iter([NOW, NOW + 5.9]).__next__
    fleet.announcer.policy = DEPLOYED.scaled(0.001)
    announced(fleet, event)
    first, second = control_plane.take(BUSY), control_plane.take()
    assert (first.header(STAMP), second.header(STAMP)) == (str(NOW), str(NOW + 5))
    assert second.header(SIGNATURE) == sign(SECRET, str(NOW + 5), first.body)
    assert second.body == first.body
    assert second.names == first.names


def test_a_retry_may_be_signed_like_its_own_first_try(fleet: Fleet, control_plane: ControlPlane) -> None:
    fleet.announcer.clock = iter([NOW, NOW]).__next__
    fleet.announcer.policy = DEPLOYED.scaled(0.001)
    announced(fleet)
    assert control_plane.take(BUSY) == control_plane.take()


def test_a_retry_is_not_signed_like_another_announcement(fleet: Fleet, control_plane: ControlPlane) -> None:
    fleet.announcer.clock = iter([NOW, NOW + 1, NOW + 1, NOW + 2]).__next__
    fleet.announcer.policy = DEPLOYED.scaled(0.001)

    def announce_another(entry: Entry) -> None:
        if isinstance(entry, WebhookAnswered) and entry.status == 429:
            announced(fleet)

    observe(fleet.journal, announce_another)
    announced(fleet)
    stamps = [int(control_plane.take(answer).header(STAMP)) for answer in (BUSY, b"HTTP/1.1 200 OK\r\n\r\n")]
    assert [*stamps, int(control_plane.take().header(STAMP))] == [NOW, NOW + 1, NOW + 2]


# Never again


@pytest.mark.parametrize(
    ("fault", "sent"),
    [
        (None, 1),
        (AlterWebhook(Alteration(claim="http://one")), 1),
        (DuplicateWebhook(), 2),
        (HoldWebhook(), 1),
        (DelayWebhook(0.001), 6),
    ],
)
def test_an_exact_webhook_is_never_tried_again(
    fleet: Fleet, control_plane: ControlPlane, fault: Fault | None, sent: int
) -> None:
    fleet.announcer.policy = PATIENT.scaled(0.0001)
    if fault is None:
        delivery: Delivery | None = fleet.send(fleet.webhook(SESSION, 3001, "session_ready"))
    else:
        fleet.arm(fault, 3001, {Endpoint.WEBHOOK})
        delivery = fleet.announce(SESSION, 3001, "session_ready")
        if delivery is None:
            (delivery,) = fleet.announcer.release()
    assert delivery is not None
    with ThreadPoolExecutor(1) as aside:
        for _ in range(sent):
            aside.submit(control_plane.take, BUSY)
    assert delivery.wait(PATIENCE).status == 429
    assert len(entries(fleet, WebhookSent)) == sent


# Ending


@pytest.mark.parametrize("ending", ["stop", "reset"])
def test_what_waits_for_another_try_ends_at_once(
    fleet: Fleet, control_plane: ControlPlane, ending: str
) -> None:
    fleet.announcer.policy = PATIENT.scaled(1000)
    deliveries = [announced(fleet, event) for event in ("session_ready", "session_reconnected")]
    for _ in deliveries:
        control_plane.take(BUSY)
    assert fleet.journal.wait_until(lambda: len(entries(fleet, WebhookAnswered)) == 2, timeout=PATIENCE)
    assert len(threads()) == 2
    getattr(fleet, ending)()
    assert [one.wait(PATIENCE).status for one in deliveries] == [429, 429]
    fleet.announcer.stop(PATIENCE)
    assert threads() == []
    assert len(entries(fleet, WebhookSent)) == 2

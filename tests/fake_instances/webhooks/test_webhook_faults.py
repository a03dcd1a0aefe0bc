"""What goes wrong with a webhook on its way: late, doubled, kept back; alone and together; and the receipts."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from fake_instances import FleetError
from fake_instances.faults import (
    Alteration,
    AlterWebhook,
    DelayWebhook,
    DuplicateWebhook,
    Endpoint,
    HoldWebhook,
    LoseWebhook,
)
from fake_instances.journal import FaultExecuted, WebhookAnswered, WebhookKept, WebhookLost, WebhookSent
from tests.fake_instances.support import PATIENCE, SESSION, SESSION_ID, entries, eventually

if TYPE_CHECKING:
    from fake_instances import Fleet
    from fake_instances.faults import Fault
    from tests.fake_instances.support import ControlPlane

SIGNATURE = "X-HMAC-Signature"
STAMP = "X-Timestamp"
URL = "X-Instance-Url"
NOW = 1_700_000_000


@pytest.fixture(autouse=True)
def _clock(fleet: Fleet) -> None:
    fleet.announcer.clock = lambda: NOW + 0.25


def arm(fleet: Fleet, *faults: Fault) -> list[int]:
    return [fleet.arm(fault, 3001, {Endpoint.WEBHOOK}) for fault in faults]


def executed(fleet: Fleet) -> list[int]:
    return [entry.fault for entry in entries(fleet, FaultExecuted)]


# Receipts of an alteration


def test_an_alteration_is_carried_out_when_the_bytes_go_out(
    fleet: Fleet, control_plane: ControlPlane
) -> None:
    (fault,) = arm(fleet, AlterWebhook(Alteration(claim="http://one")))
    delivery = fleet.announce(SESSION, 3001, "session_ready")
    control_plane.take()
    assert delivery is not None
    answered = delivery.wait(PATIENCE)
    (sent,), (receipt,) = entries(fleet, WebhookSent), entries(fleet, FaultExecuted)
    assert receipt.fault == fault
    assert sent.sequence < receipt.sequence < answered.sequence


def test_an_alteration_that_nobody_received_was_not_carried_out(
    fleet: Fleet, control_plane: ControlPlane
) -> None:
    control_plane.close()
    arm(fleet, AlterWebhook(Alteration(claim="http://one")))
    delivery = fleet.announce(SESSION, 3001, "session_ready")
    assert delivery is not None
    assert delivery.wait(PATIENCE).status is None
    assert executed(fleet) == []


# Doubled


def test_a_doubled_webhook_goes_out_again_when_the_one_before_was_answered(
    fleet: Fleet, control_plane: ControlPlane
) -> None:
    (fault,) = arm(fleet, DuplicateWebhook(3))
    delivery = fleet.announce(SESSION, 3001, "session_ready")
    assert delivery is not None
    first = control_plane.take()
    assert [control_plane.take(), control_plane.take(b"HTTP/1.1 409 Conflict\r\n\r\n")] == [first, first]
    assert delivery.wait(PATIENCE).status == 409
    sent, answered = entries(fleet, WebhookSent), entries(fleet, WebhookAnswered)
    assert tuple(one.webhook for one in sent) == tuple(one.webhook for one in answered) == delivery.numbers
    assert delivery.number == delivery.numbers[0]
    order = [one.sequence for pair in zip(sent, answered, strict=True) for one in pair]
    assert order == sorted(order)
    (receipt,) = entries(fleet, FaultExecuted)
    assert receipt.fault == fault
    assert sent[1].sequence < receipt.sequence < answered[1].sequence


# Late


def test_a_late_webhook_is_signed_when_it_was_due_and_goes_out_later(
    fleet: Fleet, control_plane: ControlPlane
) -> None:
    (fault,) = arm(fleet, DelayWebhook(0.05))
    delivery = fleet.announce(SESSION, 3001, "session_ready")
    fleet.announcer.clock = lambda: NOW + 9
    assert executed(fleet) == [fault]
    assert delivery is not None
    assert control_plane.take().header(STAMP) == str(NOW)
    assert delivery.wait(PATIENCE).status == 200
    (receipt,), (sent,) = entries(fleet, FaultExecuted), entries(fleet, WebhookSent)
    assert sent.at - receipt.at >= 0.05


@pytest.mark.parametrize("ending", ["clear", "clear instance", "clear fault", "reset", "stop"])
def test_a_late_webhook_is_dropped_when_the_fault_ends(
    fleet: Fleet, control_plane: ControlPlane, ending: str
) -> None:
    assert control_plane.url
    (fault,) = arm(fleet, DelayWebhook(3600))
    delivery = fleet.announce(SESSION, 3001, "session_ready")
    assert delivery is not None
    ends = {
        "clear": fleet.clear,
        "clear instance": lambda: fleet.clear(3001),
        "clear fault": lambda: fleet.clear(fault=fault),
        "reset": fleet.reset,
        "stop": fleet.stop,
    }
    ends[ending]()
    (lost,) = entries(fleet, WebhookLost)
    reason = {"stop": "stopped", "reset": "reset"}.get(ending, "its fault was cleared")
    assert (lost.instance, lost.webhook, lost.event, lost.session_id, lost.reason) == (
        (3001, delivery.number, "session_ready", SESSION_ID, reason)
    )
    with pytest.raises(FleetError, match=f"webhook session_ready was never sent: {reason}"):
        delivery.wait(PATIENCE)
    assert fleet.announcer._notifier.join(PATIENCE), "a thread of it is left"
    assert not entries(fleet, WebhookSent)


def test_a_late_webhook_is_not_dropped_when_another_fault_ends(
    fleet: Fleet, control_plane: ControlPlane
) -> None:
    assert control_plane.url
    _, other = arm(fleet, DelayWebhook(3600), AlterWebhook(Alteration()))
    fleet.announce(SESSION, 3001, "session_ready")
    fleet.clear(fault=other)
    fleet.clear(3002)
    assert not entries(fleet, WebhookLost)
    fleet.clear(3001)
    assert len(entries(fleet, WebhookLost)) == 1


# Kept back


def keep(fleet: Fleet, *events: str) -> list[int]:
    """Have these webhooks kept back, and give their numbers."""
    (fault,) = arm(fleet, HoldWebhook())
    assert [fleet.announce(SESSION, 3001, event) for event in events] == [None] * len(events)
    assert executed(fleet) == [fault] * len(events)
    fleet.clear()
    return [one.number for one in fleet.announcer.kept()]


def test_a_webhook_is_kept_back_signed_until_it_is_released(
    fleet: Fleet, control_plane: ControlPlane
) -> None:
    (number,) = keep(fleet, "session_ready")
    (kept,) = entries(fleet, WebhookKept)
    assert (kept.instance, kept.webhook, kept.event, kept.session_id) == (
        (3001, number, "session_ready", SESSION_ID)
    )
    assert not entries(fleet, WebhookSent)
    fleet.announcer.clock = lambda: NOW + 9
    (delivery,) = fleet.announcer.release(number)
    assert fleet.announcer.kept() == ()
    assert control_plane.take().header(STAMP) == str(NOW)
    assert delivery.wait(PATIENCE).webhook == delivery.number == number


@pytest.mark.parametrize("newest_first", [False, True])
def test_all_that_is_kept_back_goes_out_in_an_order_that_is_certain(
    fleet: Fleet, control_plane: ControlPlane, *, newest_first: bool
) -> None:
    numbers = keep(fleet, "session_ready", "session_disconnected", "session_reconnected")
    with ThreadPoolExecutor(1) as aside:
        releasing = aside.submit(fleet.announcer.release, newest_first=newest_first)
        for _ in numbers:
            control_plane.take()
        released = releasing.result(PATIENCE)
    assert [one.number for one in released] == (numbers[::-1] if newest_first else numbers)
    released[-1].wait(PATIENCE)
    sent, answered = entries(fleet, WebhookSent), entries(fleet, WebhookAnswered)
    assert [one.webhook for one in sent] == [one.number for one in released]
    order = [one.sequence for pair in zip(sent, answered, strict=True) for one in pair]
    assert order == sorted(order)


def test_one_can_be_released_before_an_older_one(fleet: Fleet, control_plane: ControlPlane) -> None:
    first, second = keep(fleet, "session_ready", "session_reconnected")
    fleet.announcer.release(second)
    assert b"session_reconnected" in control_plane.take().body
    assert [one.number for one in fleet.announcer.kept()] == [first]


def test_what_is_not_kept_back_cannot_be_released(fleet: Fleet, control_plane: ControlPlane) -> None:
    assert control_plane.url
    assert fleet.announcer.release() == ()
    with pytest.raises(FleetError, match="no webhook 7 is kept back; kept back: none"):
        fleet.announcer.release(7)
    first, second = keep(fleet, "session_ready", "session_reconnected")
    with pytest.raises(FleetError, match=f"no webhook 7 is kept back; kept back: {first}, {second}"):
        fleet.announcer.release(7)


@pytest.mark.parametrize(("ending", "reason"), [("reset", "reset"), ("stop", "stopped")])
def test_what_is_kept_back_in_the_end_is_lost(fleet: Fleet, ending: str, reason: str) -> None:
    numbers = keep(fleet, "session_ready", "session_reconnected")
    getattr(fleet, ending)()
    assert [(one.webhook, one.reason) for one in entries(fleet, WebhookLost)] == [
        (number, reason) for number in numbers
    ]
    assert fleet.announcer.kept() == ()


# Together


def test_a_webhook_can_be_altered_late_and_doubled(fleet: Fleet, control_plane: ControlPlane) -> None:
    duplicate, alter, delay = arm(
        fleet, DuplicateWebhook(), AlterWebhook(Alteration(claim="http://one")), DelayWebhook(0.05)
    )
    delivery = fleet.announce(SESSION, 3001, "session_ready")
    first = control_plane.take()
    assert first.header(URL) == "http://one"
    assert control_plane.take() == first
    assert delivery is not None
    delivery.wait(PATIENCE)
    assert executed(fleet) == [delay, alter, duplicate]


def test_a_webhook_that_is_altered_and_doubled_can_be_kept_back(
    fleet: Fleet, control_plane: ControlPlane
) -> None:
    hold, alter, duplicate = arm(
        fleet, HoldWebhook(), AlterWebhook(Alteration(without=(SIGNATURE,))), DuplicateWebhook()
    )
    assert fleet.announce(SESSION, 3001, "session_ready") is None
    assert executed(fleet) == [hold]
    (delivery,) = fleet.announcer.release()
    assert SIGNATURE not in control_plane.take().names
    control_plane.take()
    delivery.wait(PATIENCE)
    assert executed(fleet) == [hold, alter, duplicate]


def test_a_webhook_that_is_lost_meets_nothing_else(fleet: Fleet, control_plane: ControlPlane) -> None:
    assert control_plane.url
    *_, lose = arm(fleet, HoldWebhook(), DuplicateWebhook(), AlterWebhook(Alteration()), LoseWebhook())
    assert fleet.announce(SESSION, 3001, "session_ready") is None
    eventually(fleet, lambda: executed(fleet) == [lose])
    assert fleet.announcer.kept() == ()
    assert not entries(fleet, WebhookSent)

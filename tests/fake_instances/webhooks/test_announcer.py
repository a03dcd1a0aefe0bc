"""What a fleet announces, what goes wrong with it on its way, what is kept back, and what is replayed."""

from __future__ import annotations

import json
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from fake_instances import FleetError, SessionStatus
from fake_instances.faults import (
    Alteration,
    AlterWebhook,
    DelayWebhook,
    DuplicateWebhook,
    HoldWebhook,
    LoseWebhook,
)
from fake_instances.journal import FaultExecuted, WebhookAnswered, WebhookKept, WebhookLost, WebhookSent
from tests.fake_instances.support import API_KEY, PATIENCE, SESSION, SESSION_ID, Caller, entries

if TYPE_CHECKING:
    from collections.abc import Callable

    from fake_instances import Fleet
    from fake_instances.faults import Fault
    from fake_instances.webhooks.delivery import Delivery
    from tests.fake_instances.support import ControlPlane, Request

SIGNATURE, STAMP, URL = "X-HMAC-Signature", "X-Timestamp", "X-Instance-Url"
NOW = 1_700_000_000


@pytest.fixture(autouse=True)
def _clock(fleet: Fleet) -> None:
    fleet.announcer.clock = lambda: NOW + 0.25


def arm(fleet: Fleet, *faults: Fault) -> list[int]:
    return [fleet.arm(fault, 3001) for fault in faults]


def announced(fleet: Fleet) -> Delivery:
    delivery = fleet.announce(SESSION, 3001, "session_ready")
    assert delivery is not None
    return delivery


def executed(fleet: Fleet) -> list[int]:
    return [entry.fault for entry in entries(fleet, FaultExecuted)]


def in_turn(fleet: Fleet) -> bool:
    """Say whether each webhook went out after the one before was answered."""
    pairs = zip(entries(fleet, WebhookSent), entries(fleet, WebhookAnswered), strict=True)
    order = [one.sequence for pair in pairs for one in pair]
    return order == sorted(order)


# Announcements


def test_a_session_reconnected_by_its_route_is_announced_if_there_is_a_control_plane(
    fleet: Fleet, fresh: Caller, control_plane: ControlPlane
) -> None:
    for url in (None, control_plane.url):
        fleet.control_plane = url
        fleet.set_status(SESSION_ID, SessionStatus.DISCONNECTED, on=3001)
        answer = fresh.post(f"/api/sessions/{SESSION_ID}/reconnect", {"api_key": API_KEY})
        assert answer.json == {"success": True, "session_id": SESSION_ID, "status": "qr_scanning"}
        assert fleet.holders(SESSION_ID) == (3001,)
    arrived = control_plane.take()
    assert json.loads(arrived.body)["event"] == "session_reconnected"
    assert arrived.header(URL) == fleet.url(3001)


def test_two_announcements_of_one_session_are_never_signed_alike(
    fleet: Fleet, control_plane: ControlPlane
) -> None:
    ticks = iter(range(NOW * 2, NOW * 2 + 100))
    fleet.announcer.clock = lambda: next(ticks) // 2
    events = ["session_ready", "session_ready", "session_reconnected", "session_reconnected"]
    with ThreadPoolExecutor(4) as together:
        for event in events:
            together.submit(fleet.announce, SESSION, 3001, event)
        arrived = [control_plane.take() for _ in events]
    assert len({one.header(SIGNATURE) for one in arrived}) == 4


def test_other_announcements_do_not_wait_for_a_signature_that_nobody_has(
    fleet: Fleet, control_plane: ControlPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fleet.announcer, "_signatures", None)
    fleet.announce(SESSION, 3001, "message_received")
    assert json.loads(control_plane.take().body)["event"] == "message_received"


# Lost, altered, doubled, late


def test_a_lost_webhook_meets_nothing_else_and_others_are_sent(
    fleet: Fleet, control_plane: ControlPlane
) -> None:
    faults = [HoldWebhook(), DuplicateWebhook(), AlterWebhook(Alteration()), LoseWebhook()]
    fleet.arm(LoseWebhook(), 3002)
    fleet.arm(LoseWebhook(), 3001, session_id="another")
    *_, lose = [fleet.arm(fault, 3001, times=1, session_id=SESSION_ID) for fault in faults]
    assert fleet.announce(SESSION, 3001, "session_ready") is None
    (lost,) = entries(fleet, WebhookLost)
    assert (lost.instance, lost.event, lost.session_id) == (3001, "session_ready", SESSION_ID)
    assert (executed(fleet), fleet.announcer.kept(), entries(fleet, WebhookSent)) == ([lose], (), [])
    announced(fleet)
    control_plane.take()


@pytest.mark.parametrize("heard", [True, False])
def test_an_alteration_is_carried_out_when_the_bytes_go_out(
    fleet: Fleet, control_plane: ControlPlane, *, heard: bool
) -> None:
    (fault,) = arm(fleet, AlterWebhook(Alteration(claim="http://one")))
    if not heard:
        control_plane.close()
    delivery = announced(fleet)
    if heard:
        assert control_plane.take().header(URL) == "http://one"
    answered = delivery.wait(PATIENCE)
    assert executed(fleet) == [fault] * heard
    for receipt in entries(fleet, FaultExecuted):
        assert entries(fleet, WebhookSent)[0].sequence < receipt.sequence < answered.sequence


def test_a_doubled_webhook_goes_out_again_when_the_one_before_was_answered(
    fleet: Fleet, control_plane: ControlPlane
) -> None:
    (fault,) = arm(fleet, DuplicateWebhook(3))
    delivery = announced(fleet)
    first = control_plane.take()
    assert [control_plane.take(), control_plane.take(b"HTTP/1.1 409 Conflict\r\n\r\n")] == [first, first]
    assert delivery.wait(PATIENCE).status == 409
    sent, answered = entries(fleet, WebhookSent), entries(fleet, WebhookAnswered)
    assert tuple(one.webhook for one in sent) == tuple(one.webhook for one in answered) == delivery.numbers
    (receipt,) = entries(fleet, FaultExecuted)
    assert receipt.fault == fault
    assert sent[1].sequence < receipt.sequence < answered[1].sequence
    assert in_turn(fleet)


def test_copies_at_once_are_on_their_way_together(fleet: Fleet) -> None:
    with socket.create_server(("127.0.0.1", 0)) as plane:
        fleet.control_plane = f"http://127.0.0.1:{plane.getsockname()[1]}"
        arm(fleet, DuplicateWebhook(3, at_once=True))
        delivery = announced(fleet)
        plane.settimeout(PATIENCE)
        taken = [plane.accept()[0] for _ in range(3)]  # none of them was answered yet
        heard = [one.recv(65536).split(b"\r\n\r\n")[1] for one in taken]
        assert len(set(heard)) == 1
        for one in taken:
            one.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
            one.close()
        assert delivery.wait(PATIENCE).status == 200
    assert {one.webhook for one in entries(fleet, WebhookAnswered)} == set(delivery.numbers)


def test_a_late_webhook_is_signed_when_it_was_due_and_may_be_altered_and_doubled(
    fleet: Fleet, control_plane: ControlPlane
) -> None:
    alteration = AlterWebhook(Alteration(claim="http://one"))
    duplicate, alter, delay = arm(fleet, DuplicateWebhook(), alteration, DelayWebhook(0.05))
    delivery = announced(fleet)
    assert executed(fleet) == [delay]
    fleet.announcer.clock = lambda: NOW + 9
    first = control_plane.take()
    assert (first.header(URL), first.header(STAMP)) == ("http://one", str(NOW))
    assert control_plane.take() == first
    delivery.wait(PATIENCE)
    assert executed(fleet) == [delay, alter, duplicate]
    assert entries(fleet, WebhookSent)[0].at - entries(fleet, FaultExecuted)[0].at >= 0.05


ENDINGS: dict[str, Callable[[Fleet, int], object]] = {
    "its fault was cleared": lambda fleet, _: fleet.clear(),
    "its fault was cleared ": lambda fleet, _: fleet.clear(3001),
    " its fault was cleared": lambda fleet, fault: fleet.clear(fault=fault),
    "reset": lambda fleet, _: fleet.reset(),
    "stopped": lambda fleet, _: fleet.stop(),
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_late_webhook_is_dropped_when_its_own_fault_ends(
    fleet: Fleet, control_plane: ControlPlane, ending: str
) -> None:
    assert control_plane.url
    late, other = arm(fleet, DelayWebhook(3600), AlterWebhook(Alteration()))
    delivery = announced(fleet)
    fleet.clear(fault=other)
    fleet.clear(3002)
    assert not entries(fleet, WebhookLost)
    ENDINGS[ending](fleet, late)
    (lost,) = entries(fleet, WebhookLost)
    assert (lost.webhook, lost.event, lost.reason) == (delivery.number, "session_ready", ending.strip())
    with pytest.raises(FleetError, match=f"webhook session_ready was never sent: {lost.reason}"):
        delivery.wait(PATIENCE)
    assert fleet.announcer._notifier.join(PATIENCE), "a thread of it is left"
    assert not entries(fleet, WebhookSent)


# Kept back


def keep(fleet: Fleet, *events: str) -> list[int]:
    """Have these webhooks kept back, and return their numbers."""
    (fault,) = arm(fleet, HoldWebhook())
    assert [fleet.announce(SESSION, 3001, event) for event in events] == [None] * len(events)
    assert executed(fleet) == [fault] * len(events)
    fleet.clear()
    return [one.number for one in fleet.announcer.kept()]


def test_a_webhook_is_kept_back_signed_until_it_is_released(
    fleet: Fleet, control_plane: ControlPlane
) -> None:
    first, second = keep(fleet, "session_ready", "session_reconnected")
    kept = entries(fleet, WebhookKept)
    assert [(one.webhook, one.event) for one in kept] == [
        (first, "session_ready"),
        (second, "session_reconnected"),
    ]
    assert not entries(fleet, WebhookSent)
    fleet.announcer.clock = lambda: NOW + 9
    (delivery,) = fleet.announcer.release(second)
    arrived = control_plane.take()
    assert (arrived.header(STAMP), b"session_reconnected" in arrived.body) == (str(NOW), True)
    assert delivery.wait(PATIENCE).webhook == delivery.number == second
    with pytest.raises(FleetError, match=f"no webhook {second} is kept back; kept back: {first}"):
        fleet.announcer.release(second)


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
    assert [one.webhook for one in entries(fleet, WebhookSent)] == [one.number for one in released]
    assert in_turn(fleet)
    assert fleet.announcer.release() == ()


@pytest.mark.parametrize(("ending", "reason"), [("reset", "reset"), ("stop", "stopped")])
def test_what_is_kept_back_in_the_end_is_lost(fleet: Fleet, ending: str, reason: str) -> None:
    numbers = keep(fleet, "session_ready", "session_reconnected")
    getattr(fleet, ending)()
    lost = [(one.webhook, one.reason) for one in entries(fleet, WebhookLost)]
    assert (lost, fleet.announcer.kept()) == ([(number, reason) for number in numbers], ())


def test_a_webhook_that_is_altered_and_doubled_can_be_kept_back(
    fleet: Fleet, control_plane: ControlPlane
) -> None:
    alteration = AlterWebhook(Alteration(without=(SIGNATURE,)))
    hold, alter, duplicate = arm(fleet, HoldWebhook(), alteration, DuplicateWebhook())
    assert fleet.announce(SESSION, 3001, "session_ready") is None
    assert executed(fleet) == [hold]
    (delivery,) = fleet.announcer.release()
    assert SIGNATURE not in control_plane.take().names
    control_plane.take()
    delivery.wait(PATIENCE)
    assert executed(fleet) == [hold, alter, duplicate]


# Replayed


@pytest.fixture
def first(fleet: Fleet, control_plane: ControlPlane) -> Request:
    """Announce webhook 1, and return it as it arrived."""
    delivery = announced(fleet)
    arrived = control_plane.take()
    assert delivery.wait(PATIENCE).webhook == 1
    return arrived


def test_a_replay_is_the_same_byte_for_byte_or_altered_and_can_be_replayed(
    fleet: Fleet, control_plane: ControlPlane, first: Request
) -> None:
    fleet.announcer.clock = lambda: 1.0
    delivery = fleet.announcer.replay(1)
    assert control_plane.take() == first
    assert (delivery.wait(PATIENCE).status, delivery.number) == (200, 2)
    number = fleet.announcer.replay(1, Alteration(claim=fleet.url(3002))).number
    altered = control_plane.take()
    changed = [pair for pair in zip(first.pairs, altered.pairs, strict=True) if pair[0] != pair[1]]
    assert changed == [((URL, fleet.url(3001)), (URL, fleet.url(3002)))]
    fleet.announcer.replay(number)
    assert control_plane.take() == altered


def test_only_what_went_out_since_the_last_reset_can_be_replayed(
    fleet: Fleet, control_plane: ControlPlane, first: Request
) -> None:
    for _ in range(21):
        fleet.announce(SESSION, 3001, "message_received")
        control_plane.take()
    with pytest.raises(FleetError, match=r"no webhook 99 went out; sent so far: …, 3, 4, 5, .*, 22$"):
        fleet.announcer.replay(99)
    fleet.reset()
    with pytest.raises(FleetError, match="no webhook 1 went out; sent so far: none"):
        fleet.announcer.replay(1)
    announced(fleet)  # the signature is free again
    assert control_plane.take() == first

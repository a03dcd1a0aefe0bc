"""Phrases about webhooks: genuine ones, wrong ones, and what the implementation answers."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pytest_bdd import given, then, when
from pytest_bdd.parsers import parse
from pytest_bdd.parsers import re as regex

from harness.checks import sending
from harness.scenario.actions import action
from harness.scenario.client import NEW_PHONE

if TYPE_CHECKING:
    from collections.abc import Callable

    from fake_instances.webhooks.message import Webhook
    from harness.scenario.world import World


def _genuine(world: World, number: int, event: str) -> Webhook:
    return world.fleet.webhook(world.account.session, number, event)


def _ready_with(world: World, number: int, phone_number: str) -> Webhook:
    fields = {
        "phone_number": phone_number,
        "status": "connected",
        "platform": "android",
        "extraction_method": "client_info",
    }
    return world.fleet.webhook(world.account.session, number, "session_ready", fields=fields)


def _signature(webhook: Webhook) -> str:
    return webhook.header("X-HMAC-Signature") or ""


def _flipped(digit: str) -> str:
    return "0" if digit != "0" else "1"


_WIDE = {ord(digit): 0xFEE0 + ord(digit) for digit in "0123456789abcdef"}


def _resigned(change: Callable[[str], str]) -> Callable[[World, Webhook], Webhook]:
    return lambda _world, webhook: webhook.with_header("X-HMAC-Signature", change(_signature(webhook)))


def _check_heard(world: World, number: int | None) -> None:
    """Check that the last webhook was accepted and, with a number, that the row is assigned there."""
    sending.webhook_accepted(world.webhook_answers[-1])
    if number is not None:
        world.eventually(lambda: world.check_assigned(number))


_LOCATION_EVENTS = frozenset({"session_ready", "session_reconnected"})
_EVENTS = (
    *sorted(_LOCATION_EVENTS),
    "session_disconnected",
    "session_authenticated",
    "qr_code_generated",
    "message_received",
    "message_delivered",
    "message_sent",
    "session_ready_soon",
    "something_new",
)
_FLAWS: dict[str, Callable[[World, Webhook], Webhook]] = {
    "no signature": lambda _world, webhook: webhook.without("X-HMAC-Signature"),
    "an empty signature": _resigned(lambda _signature: ""),
    "no timestamp": lambda _world, webhook: webhook.without("X-Timestamp"),
    "neither": lambda _world, webhook: webhook.without("X-HMAC-Signature", "X-Timestamp"),
    "the wrong secret": lambda _world, webhook: webhook.signed("not-the-shared-secret"),
    "its first digit flipped": _resigned(lambda digits: _flipped(digits[0]) + digits[1:]),
    "its last digit flipped": _resigned(lambda digits: digits[:-1] + _flipped(digits[-1])),
    "half a signature": _resigned(lambda digits: digits[:32]),
    "a digit too many": _resigned(lambda digits: digits + "0"),
    "a sha256= prefix": _resigned(lambda digits: f"sha256={digits}"),
    "another body": lambda _world, webhook: webhook.with_body(
        webhook.body.replace(NEW_PHONE.encode(), b"628111222333")
    ),
    "other spacing": lambda _world, webhook: webhook.with_body(webhook.body.replace(b'":', b'": ')),
    "an accent for its first digit": _resigned(lambda digits: f"é{digits[1:]}"),
    "an accent behind it": _resigned(lambda digits: f"{digits}é"),
    "63 digits and a letter of two bytes": _resigned(lambda digits: f"{digits[:63]}Ω"),
    "digits of full width": _resigned(lambda digits: digits.translate(_WIDE)),
    "an emoji": _resigned(lambda _digits: "😀" * 16),
    "another timestamp": lambda _world, webhook: webhook.with_header(
        "X-Timestamp", str(int(webhook.header("X-Timestamp") or "0") - 1)
    ),
}


@given(parse("the session has reconnected on instance {number:d}"))
def has_reconnected(world: World, number: int) -> None:
    """Move the session in one step, announce it, and check that it was heard: what follows builds on it."""
    reconnects(world, number)
    _check_heard(world, number)


@action(
    "the session reconnects on instance {number}",
    given="the session reconnects on instance {number}, and announces it",
)
def reconnects(world: World, number: int) -> None:
    """Move the session in one step and announce it, as a gateway does."""
    world.fleet.move(world.account.session_id, number)
    world.deliver(_genuine(world, number, "session_reconnected"))


@given(regex(r"instance (?P<number>\d+) has announced (?P<event>\w+)"))
def has_announced(world: World, number: str, event: str) -> None:
    """Send the genuine webhook of an event, and check that it was heard: what follows builds on it."""
    announces(world, int(number), event)
    _check_heard(world, int(number) if event in _LOCATION_EVENTS else None)


@action("instance {number} announces {event}", event=_EVENTS)
def announces(world: World, number: int, event: str) -> None:
    """Send the genuine webhook of an event from an instance."""
    world.deliver(_genuine(world, number, event))


@when(parse('instance {number:d} announces session_ready with phone number "{phone_number}"'))
def announces_phone_number(world: World, number: int, phone_number: str) -> None:
    """Send a genuine session_ready that brings another phone number."""
    world.deliver(_ready_with(world, number, phone_number))


@action("instance {number} announces session_ready without X-Instance-Url")
def announces_no_location(world: World, number: int) -> None:
    """Send a session_ready that names no instance, with a phone number that shows whether it was processed."""
    world.deliver(_ready_with(world, number, NEW_PHONE).without("X-Instance-Url"))


@action("instance {number} announces session_ready with an empty X-Instance-Url")
def announces_empty_location(world: World, number: int) -> None:
    """Send a session_ready whose X-Instance-Url is empty, which counts as missing, with a new phone number."""
    world.deliver(_ready_with(world, number, NEW_PHONE).with_header("X-Instance-Url", ""))


@action("instance {number} announces session_ready with a slash after its URL")
def announces_with_slash(world: World, number: int) -> None:
    """Send a session_ready whose URL has a trailing slash, which makes no difference."""
    webhook = _genuine(world, number, "session_ready")
    world.deliver(webhook.with_header("X-Instance-Url", world.fleet.url(number) + "/"))


@action("instance {number} announces session_ready for another workspace")
def announces_other_workspace(world: World, number: int) -> None:
    """Send a session_ready whose workspace is not the account's."""
    genuine = _genuine(world, number, "session_ready")
    own = f'"workspace_id":{world.account.session.workspace_id},'.encode()
    other = f'"workspace_id":{world.account.session.workspace_id + 1},'.encode()
    world.deliver(genuine.with_body(genuine.body.replace(own, other)).signed(world.fleet.secret))


@action("instance {number} announces session_ready for a session that no account has")
def announces_unknown(world: World, number: int) -> None:
    """Send a genuine webhook of an unknown session in a known workspace."""
    stranger = replace(world.new_session(), workspace_id=world.account.session.workspace_id)
    world.fleet.hold(stranger, number)
    world.deliver(world.fleet.webhook(stranger, number, "session_ready"))


@action("the very same webhook arrives again")
def webhook_again(world: World) -> None:
    """Send the last webhook once more, byte for byte."""
    world.deliver(world.webhook)


@action("the announcement of instance {number} from {seconds} seconds ago arrives late")
def webhook_late(world: World, number: int, seconds: int) -> None:
    """Send a webhook that was signed when the instance still held the session."""
    moment = int(time.time()) - seconds
    said = datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    fields = {"status": "connected", "timestamp": said}
    session = world.account.session
    world.deliver(
        world.fleet.webhook(session, number, "session_reconnected", fields=fields, timestamp=str(moment))
    )


@action("the implementation is killed right after its answer to the announcement of instance {number}")
def killed_after_answer(world: World, number: int) -> None:
    """Announce, and kill the implementation the moment it has answered."""
    world.deliver(_genuine(world, number, "session_ready"), settle=False)
    world.implementation.kill()


@action("it is started again")
def started_again(world: World) -> None:
    """Launch the implementation with the database as it is."""
    world.implementation.restart()


@action("instance {number} announces session_ready with {flaw}", flaw=_FLAWS)
def announces_flawed(world: World, number: int, flaw: str) -> None:
    """Send a webhook with a flaw in its authentication, which moves the URL if it is believed."""
    world.deliver(_FLAWS[flaw](world, _ready_with(world, number, NEW_PHONE)))


@action(
    "instance {number} announces session_ready signed {seconds} seconds {direction}",
    direction=["ago", "ahead"],
)
def announces_signed(world: World, number: int, seconds: int, direction: str) -> None:
    """Send a webhook that is correctly signed for another moment."""
    offset = {"ago": -seconds, "ahead": seconds}[direction]
    stamp = str(int(time.time()) + offset)
    world.deliver(_ready_with(world, number, NEW_PHONE).signed(world.fleet.secret, stamp))


@then("the webhook is accepted")
def accepted(world: World) -> None:
    """Check that the webhook was answered with success."""
    sending.webhook_accepted(world.webhook_answers[-1])


@then(parse("the webhook is refused with status {status:d}"))
def refused_with(world: World, status: int) -> None:
    """Check the status by which the webhook was refused."""
    sending.webhook_answered(world.webhook_answers[-1], {status}, str(status))


@then("the webhook is answered with an error below 500")
def refused_below_500(world: World) -> None:
    """Check that the webhook was refused properly. An asynchronous target may have accepted it."""
    accepted = range(200, 300) if world.implementation.target.asynchronous else ()
    statuses = {*accepted, *range(400, 500)}
    sending.webhook_answered(world.webhook_answers[-1], statuses, "with an error below 500")

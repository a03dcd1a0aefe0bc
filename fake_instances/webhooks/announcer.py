"""The webhooks of a fleet: what is announced, altered, kept back and replayed."""

from __future__ import annotations

import itertools
import threading
import time
from typing import TYPE_CHECKING, TypeVar

from fake_instances.errors import FleetError
from fake_instances.faults import (
    AlterWebhook,
    DelayWebhook,
    DuplicateWebhook,
    HoldWebhook,
    LoseWebhook,
    Met,
    WebhookFault,
)
from fake_instances.journal import Journal, WebhookKept
from fake_instances.webhooks.delivery import Delivery, Notifier, Translate
from fake_instances.webhooks.message import Webhook, altered
from fake_instances.webhooks.retries import NEVER, RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from fake_instances.faults import Alteration

LOCATION_EVENTS = frozenset({"session_ready", "session_reconnected"})
"""The events whose webhook carries a location (contract, section 5)."""

_SHOWN = 20
"""How many numbers a message lists."""

AnyFault = TypeVar("AnyFault", bound=WebhookFault)


class Announcer:
    """Builds and sends the webhooks of one fleet, and carries out what is ordered to go wrong with them.

    Two different location webhooks of one session are never signed alike: when the same bytes would be signed
    again within one second, that second is allowed to pass first (contract, section 5).

    A method that sends raises FleetError before `control_plane` is set.

    `policy` says when an announcement that did not get through is tried again. What was altered, doubled, kept back
    or replayed is an exact webhook and never tried again. `clock` returns the time that webhooks are stamped with, in
    Unix seconds.
    """

    def __init__(self, journal: Journal, *, secret: str, policy: RetryPolicy = NEVER) -> None:
        self.secret = secret
        self.policy = policy
        self.control_plane: str | None = None
        self.clock: Callable[[], float] = time.time
        self._journal = journal
        self._notifier = Notifier(journal, lambda: self.control_plane)
        self._lock = threading.Lock()
        self._kept: dict[int, Delivery] = {}
        self._signatures: dict[str, dict[str, object]] = {}

    def translate(self, translation: Translate) -> None:
        """Have each webhook go out as this makes of it."""
        self._notifier.translate = translation

    # Sending

    def announce(
        self, make: Callable[[], Webhook], met: tuple[Met, ...], executed: Callable[[Met], object]
    ) -> Delivery | None:
        """Announce an event by the webhook that `make` builds and signs now, with the faults that it met.

        A webhook that is lost meets nothing else. Otherwise it is altered first, then kept back, and goes out late
        and several times. `executed` is called with each fault when it is carried out: an alteration when the altered
        bytes go out, doubling when the second copy does, the others when the webhook was due.

        Return the webhook on its way, or None when it was lost or is kept back.
        """
        if lose := _met(met, LoseWebhook):
            executed(lose[0])
            self._journal.record(make().lost("ordered"))
            return None
        hold, delay = _met(met, HoldWebhook), _met(met, DelayWebhook)
        alter, duplicate = _met(met, AlterWebhook), _met(met, DuplicateWebhook)
        target = None if hold else self._target()
        owner = object()
        webhook = self._signed_like_no_other(make, owner, _pause)

        def again(delivery: Delivery) -> Webhook:
            return self._signed_like_no_other(
                lambda: webhook.signed(self.secret, str(int(self.clock()))), owner, delivery.rest
            )

        receipts = {1: alter and alter[0], 2: duplicate and duplicate[0]}
        outings = itertools.count(1)

        def going_out() -> None:
            if armed := receipts.get(next(outings)):
                executed(armed)

        delivery = self._notifier.prepare(
            Delivery(
                altered(webhook, alter[1].alteration, self.secret) if alter else webhook,
                delay=delay[1].seconds if delay else 0.0,
                delayed_by=delay[0].number if delay else None,
                copies=duplicate[1].copies if duplicate else 1,
                at_once=duplicate is not None and duplicate[1].at_once,
                policy=self.policy,
                again=None if alter or duplicate or hold else again,
                going_out=going_out,
            )
        )
        if hold:
            executed(hold[0])
            with self._lock:
                self._kept[delivery.number] = delivery
            self._journal.record(
                WebhookKept(
                    instance=webhook.instance,
                    webhook=delivery.number,
                    event=webhook.event,
                    session_id=webhook.session_id,
                )
            )
        if delay:
            executed(delay[0])
        return None if target is None else self._notifier.start(delivery, target)

    def send(self, webhook: Webhook) -> Delivery:
        """Send a webhook exactly as it is, once."""
        target = self._target()
        return self._notifier.start(self._notifier.prepare(Delivery(webhook)), target)

    # What was kept back, and what went out before

    def kept(self) -> tuple[Delivery, ...]:
        """Return the webhooks that are kept back, each with its number, oldest first."""
        with self._lock:
            return tuple(self._kept.values())

    def release(self, number: int | None = None, *, newest_first: bool = False) -> tuple[Delivery, ...]:
        """Send one webhook that is kept back, or all of them, oldest or newest first, and return them.

        Each goes out when the one before has ended, so the order on the wire is certain.

        Raises:
            FleetError: none is kept back under this number.
        """
        target = self._target()
        with self._lock:
            if number is not None and number not in self._kept:
                raise FleetError(f"no webhook {number} is kept back; kept back: {_listed(self._kept)}")
            chosen = sorted(self._kept, reverse=newest_first) if number is None else [number]
        released: list[Delivery] = []
        for one in chosen:
            if released:
                released[-1].wait()
            with self._lock:
                delivery = self._kept.pop(one, None)
            if delivery is not None:
                released.append(self._notifier.start(delivery, target))
        return tuple(released)

    def replay(self, webhook_number: int, alteration: Alteration | None = None) -> Delivery:
        """Send a webhook that went out before once more, byte for byte or altered.

        Raises:
            FleetError: no webhook with this number went out.
            FaultError: it cannot be altered so.
        """
        sent = self._notifier.sent()
        if webhook_number not in sent:
            raise FleetError(f"no webhook {webhook_number} went out; sent so far: {_listed(sent)}")
        webhook = sent[webhook_number]
        return self.send(webhook if alteration is None else altered(webhook, alteration, self.secret))

    # Ending

    def clear(self, instance: int | None = None, fault: int | None = None) -> None:
        """Drop the webhooks that are late because of a fault that was cleared: of one instance, or one fault.

        What is kept back stays, to be released.
        """
        self._notifier.lose_late(
            "its fault was cleared",
            lambda one: instance in {None, one.webhook.instance} and fault in {None, one.delayed_by},
        )

    def reset(self) -> None:
        """Drop what is late or kept back, try nothing again, and forget what was sent and signed."""
        self._drop("reset")
        self._notifier.forget()
        with self._lock:
            self._signatures.clear()

    def stop(self, patience: float) -> None:
        """Drop what is late or kept back, and leave no thread.

        What is on its way may end within `patience` seconds; then nobody waits for its answer any more.
        """
        self._drop("stopped")
        self._notifier.stop(patience)

    def _drop(self, reason: str) -> None:
        self._notifier.cut(reason)
        with self._lock:
            kept = tuple(self._kept.values())
            self._kept.clear()
        for delivery in kept:
            self._notifier.lose(delivery, reason)

    def _target(self) -> str:
        if self.control_plane is None:
            raise FleetError("the fleet cannot send webhooks before its `control_plane` is set")
        return self.control_plane

    def _signed_like_no_other(
        self, make: Callable[[], Webhook], owner: object, rest: Callable[[float], bool]
    ) -> Webhook:
        """Make a webhook that is signed unlike any of another owner, or as it is when `rest` returns False."""
        while True:
            webhook = make()
            if webhook.event not in LOCATION_EVENTS:
                return webhook
            with self._lock:
                owners = self._signatures.setdefault(webhook.session_id or "", {})
                if owners.setdefault(webhook.header("X-HMAC-Signature") or "", owner) is owner:
                    return webhook
            if not rest(1.001 - time.time() % 1):
                return webhook


def _met(met: tuple[Met, ...], kind: type[AnyFault]) -> tuple[Met, AnyFault] | None:
    return next(((armed, armed.fault) for armed in met if isinstance(armed.fault, kind)), None)


def _listed(numbers: Iterable[int]) -> str:
    known = sorted(numbers)
    shown = ", ".join(str(one) for one in known[-_SHOWN:])
    return f"…, {shown}" if len(known) > _SHOWN else shown or "none"


def _pause(seconds: float) -> bool:
    threading.Event().wait(seconds)
    return True

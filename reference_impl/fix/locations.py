"""Which location claims of webhooks are believed, and what they change.

X-Instance-Url is not covered by the signature: whoever has captured a webhook can send it again with another
one. So a claim counts only for a configured instance, and only as far as the instances bear it out.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from reference_impl.edges.answers import Holding
from reference_impl.fix.syncs import Source
from reference_impl.settings import without_trailing_slash
from reference_impl.text import safe_claim

if TYPE_CHECKING:
    from reference_impl.edges.accounts import Account
    from reference_impl.fix.webhooks import Delivery
    from reference_impl.parts import Parts

MOST_ROUNDS = 3
"""Tries to agree with the row about its location, while others keep writing it."""

REASONS = {
    Holding.ABSENT: "session_not_held",
    Holding.NOT_CONNECTED: "session_not_connected",
    Holding.UNKNOWN: "assigned_instance_holds_it",
}
"""Why a claim is not believed, by what the claimed instance said."""


def is_believed(claimed: Holding, assigned: Holding, *, doubtful: bool) -> bool:
    """Decide on a claim from what the claimed and the assigned instance say of the session.

    A fresh claim is believed for an instance that holds the session, though the assigned one may still list
    it too; also for one too busy to be asked, unless the assigned one still holds it. A doubtful claim (late,
    or possibly a replay) is believed only if it is true and the assigned instance says that it has lost the
    session. A claim wrongly refused costs one scan at the next send; one wrongly believed could cost a message.
    """
    if doubtful:
        return claimed is Holding.HELD and assigned in {Holding.ABSENT, Holding.NOT_CONNECTED}
    return claimed is Holding.HELD or (claimed is Holding.UNKNOWN and assigned is not Holding.HELD)


class SeenSignatures:
    """Remembers signatures until they would be too old anyway; safe to use from any thread."""

    def __init__(self, time_to_live: float) -> None:
        """``time_to_live`` is how many seconds a webhook's timestamp may be off, either way."""
        # A timestamp as far ahead as permitted comes of age twice that long after it was seen.
        self._kept = 2 * time_to_live
        self._lock = threading.Lock()
        self._seen_at: dict[str, float] = {}

    def add(self, signature: str) -> bool:
        """Remember a signature; returns False when it was remembered already."""
        now = time.monotonic()
        with self._lock:
            while self._seen_at and next(iter(self._seen_at.values())) < now - self._kept:
                del self._seen_at[next(iter(self._seen_at))]
            if signature in self._seen_at:
                return False
            self._seen_at[signature] = now
            return True

    def remove(self, signature: str) -> None:
        """Forget a signature whose webhook was not believed."""
        with self._lock:
            self._seen_at.pop(signature, None)


class LocationSync:
    """Does what a webhook says, its location claim included; safe to use from any thread."""

    def __init__(self, parts: Parts) -> None:
        self._settings = parts.settings
        self._accounts = parts.accounts
        self._syncs = parts.syncs
        self._locator = parts.locator
        self._loop = parts.loop
        self._log = parts.log
        self._seen = SeenSignatures(parts.settings.signature_ttl)
        self._started_at = int(time.time())

    def apply(self, account: Account, delivery: Delivery) -> bool:
        """Write what the webhook changes, in one statement; False when it is late or a replay and ignored.

        Raises NotStorableError.
        """
        if not delivery.event.carries_location:
            return self._apply_status(account, delivery)
        first_time = self._seen.add(delivery.signature)
        believed = False
        try:
            believed, applied = self._apply_location(account, delivery, replayed=not first_time)
            return applied
        finally:
            # Only a webhook that was believed makes the next one a replay: a forger who is first with a
            # captured one must not spoil the genuine one.
            if first_time and not believed:
                self._seen.remove(delivery.signature)

    def _apply_status(self, account: Account, delivery: Delivery) -> bool:
        changes = delivery.event.changes()
        claimed = self._settings.configured(delivery.claim)
        if (
            changes
            and claimed is not None
            and claimed == self._settings.configured(account.assigned_instance_url)
        ):
            if delivery.timestamp < self._syncs.newest(account.id):
                return False
            self._accounts.write(account, changes)
            self._syncs.heard(account.id, min(delivery.timestamp, time.time()))
        return True

    def _apply_location(self, account: Account, delivery: Delivery, *, replayed: bool) -> tuple[bool, bool]:
        """Return whether the webhook was believed wholly, and whether it was applied at all."""
        changes = delivery.event.changes()
        for _ in range(MOST_ROUNDS):
            view = self._syncs.view(account.id)
            if view is None:
                return False, False
            account = view.account
            at = min(delivery.timestamp, time.time())
            late = replayed or delivery.timestamp < self._syncs.newest(account.id)
            target, reason = self._judge(account, delivery, replayed=replayed, late=late)
            if late and (target is None or self._is_stored(account, target)):
                self._tell_rejected(delivery, reason)
                return False, False
            if target is None:
                self._tell_rejected(delivery, reason)
                self._accounts.write(account, changes)
                self._syncs.heard(account.id, at)
                return reason is None, True
            if late:
                # Believed all the same, for what the instances said just now.
                at = time.time()
            if self._syncs.write(view, target, source=Source.WEBHOOK, at=at, changes=changes):
                return True, True
        # Too many others are writing this row's location; they know better, or will.
        self._accounts.write(account, changes)
        return False, True

    def _judge(
        self, account: Account, delivery: Delivery, *, replayed: bool, late: bool
    ) -> tuple[str | None, str | None]:
        """Return the location to store, or None and, if there was a claim, why it is not believed."""
        if delivery.claim is None:
            return None, None
        claimed = self._settings.configured(delivery.claim)
        if claimed is None:
            return None, "not_configured"
        if self._is_stored(account, claimed):
            return claimed, None
        # Of what came before its start this process knows nothing: neither newer moves nor replays.
        doubtful = late or delivery.timestamp < self._started_at
        assigned = self._settings.configured(account.assigned_instance_url)
        claimed_holding, assigned_holding = self._loop.run(
            self._locator.compare(
                delivery.event.session_id,
                claimed,
                assigned,
                decisive=Holding.HELD if doubtful else Holding.UNKNOWN,
            )
        )
        if is_believed(claimed_holding, assigned_holding, doubtful=doubtful):
            return claimed, None
        if doubtful and claimed_holding in {Holding.HELD, Holding.UNKNOWN}:
            return None, "replayed" if replayed else "late"
        return None, REASONS[claimed_holding]

    def _is_stored(self, account: Account, claimed: str) -> bool:
        stored = account.assigned_instance_url
        return stored is not None and without_trailing_slash(stored) == claimed

    def _tell_rejected(self, delivery: Delivery, reason: str | None) -> None:
        if reason is not None and delivery.claim is not None:
            self._log.warning(
                "Rejected X-Instance-Url",
                session_id=delivery.event.session_id,
                claimed_url=safe_claim(delivery.claim),
                reason=reason,
            )

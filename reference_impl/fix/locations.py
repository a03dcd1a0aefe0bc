"""Which locations that webhooks state are believed, and what they change.

The signature does not cover X-Instance-Url: anybody who captured a webhook can send it again with another one. So a
location counts only if it is a configured instance, and only as far as the instances confirm it.
"""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING
from urllib.parse import quote

from reference_impl.edges.answers import Holding
from reference_impl.edges.log import bounded
from reference_impl.fix.syncs import Source

if TYPE_CHECKING:
    from reference_impl.edges.accounts import Account
    from reference_impl.fix.webhooks import Delivery
    from reference_impl.server import Parts

MOST_ROUNDS = 3
"""How often a webhook tries to agree with the row about its location, while others keep writing it."""
URL_CHARACTERS = "-._~:/?#[]@!$&'()*+,;=%"

REASONS = {
    Holding.ABSENT: "session_not_held",
    Holding.NOT_CONNECTED: "session_not_connected",
    Holding.UNKNOWN: "assigned_instance_holds_it",
}
"""Why a location is not believed, by what the named instance answered."""


def is_believed(named: Holding, assigned: Holding, *, doubtful: bool) -> bool:
    """Decide by what the named and the assigned instance answer.

    A fresh webhook is believed if the named instance holds the session, even if the assigned one lists it too; also
    if the named one is too busy to answer, unless the assigned one holds it. A doubtful webhook (late, or perhaps a
    replay) must be true, and the assigned instance must say that it lost the session. A location wrongly refused
    costs one scan at the next send; one wrongly believed could cost a message.
    """
    if doubtful:
        return named is Holding.HELD and assigned in {Holding.ABSENT, Holding.NOT_CONNECTED}
    return named is Holding.HELD or (named is Holding.UNKNOWN and assigned is not Holding.HELD)


class SeenSignatures:
    """Remembers signatures until their webhooks are too old anyway; safe to use from any thread."""

    def __init__(self, time_to_live: float) -> None:
        # A timestamp as far ahead as permitted expires twice that long after it was seen.
        self._kept = 2 * time_to_live
        self._lock = threading.Lock()
        self._seen_at: dict[str, float] = {}

    def add(self, signature: str) -> bool:
        """Remember a signature; return False if it was known already."""
        now = time.monotonic()
        with self._lock:
            while self._seen_at and next(iter(self._seen_at.values())) < now - self._kept:
                del self._seen_at[next(iter(self._seen_at))]
            if signature in self._seen_at:
                return False
            self._seen_at[signature] = now
            return True

    def remove(self, signature: str) -> None:
        """Forget a signature."""
        with self._lock:
            self._seen_at.pop(signature, None)


class LocationSync:
    """Applies webhooks, including their locations; safe to use from any thread."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self._seen = SeenSignatures(parts.settings.signature_ttl)
        self._started_at = int(time.time())

    def apply(self, account: Account, delivery: Delivery) -> bool:
        """Write what the webhook changes, in one statement; return False if it is late or a replay, and ignored."""
        if not delivery.event.carries_location:
            return self._apply_status(account, delivery)
        first_time = self._seen.add(delivery.signature)
        believed = False
        try:
            believed, applied = self._apply_location(account, delivery, replayed=not first_time)
            return applied
        finally:
            # Only a webhook that was believed makes the next one a replay: a forger who comes first with a
            # captured one must not spoil the genuine one.
            if first_time and not believed:
                self._seen.remove(delivery.signature)

    def _apply_status(self, account: Account, delivery: Delivery) -> bool:
        parts, changes = self.parts, delivery.event.changes()
        named = parts.settings.configured(delivery.location)
        if changes and named is not None and account.is_at(named):
            if delivery.timestamp < parts.syncs.newest(account.id):
                return False
            parts.accounts.write(account, changes)
            parts.syncs.heard(account.id, min(delivery.timestamp, time.time()))
        return True

    def _apply_location(self, account: Account, delivery: Delivery, *, replayed: bool) -> tuple[bool, bool]:
        """Return whether the webhook was believed wholly, and whether it was applied at all."""
        parts, changes = self.parts, delivery.event.changes()
        for _ in range(MOST_ROUNDS):
            view = parts.syncs.view(account.id)
            if view is None:
                return False, False
            account = view.account
            at = min(delivery.timestamp, time.time())
            late = replayed or delivery.timestamp < parts.syncs.newest(account.id)
            target, reason = self._judge(account, delivery, replayed=replayed, late=late)
            self._report_rejected(delivery, reason)
            if late and (target is None or account.is_at(target)):
                return False, False
            if target is None:
                parts.accounts.write(account, changes)
                parts.syncs.heard(account.id, at)
                return reason is None, True
            if late:
                # Believed all the same, for what the instances have just said.
                at = time.time()
            if parts.syncs.write(view, target, source=Source.WEBHOOK, at=at, changes=changes):
                return True, True
        # Too many others are writing this row's location; they know better, or will.
        parts.accounts.write(account, changes)
        return False, True

    def _judge(
        self, account: Account, delivery: Delivery, *, replayed: bool, late: bool
    ) -> tuple[str | None, str | None]:
        """Return the location to store, or None and the reason why the stated one is not believed."""
        if delivery.location is None:
            return None, None
        named = self.parts.settings.configured(delivery.location)
        if named is None:
            return None, "not_configured"
        if account.is_at(named):
            return named, None
        # This process knows nothing of the time before its start: neither newer moves nor replays.
        doubtful = late or delivery.timestamp < self._started_at
        assigned = self.parts.settings.configured(account.assigned_instance_url)
        decisive = Holding.HELD if doubtful else Holding.UNKNOWN
        there, here = self.parts.loop.run(
            self._compare(account.session_id or "", named, assigned, decisive=decisive)
        )
        if is_believed(there, here, doubtful=doubtful):
            return named, None
        if doubtful and there in {Holding.HELD, Holding.UNKNOWN}:
            return None, "replayed" if replayed else "late"
        return None, REASONS[there]

    async def _compare(
        self, session_id: str, named: str, assigned: str | None, *, decisive: Holding
    ) -> tuple[Holding, Holding]:
        """Ask both at once: two that hang cost one timeout. The second answer counts if the first is decisive."""
        ask, since = self.parts.locator.ask, time.monotonic()
        if assigned is None:
            return await ask(named, session_id, since), Holding.ABSENT
        second = asyncio.create_task(ask(assigned, session_id, since))
        try:
            there = await ask(named, session_id, since)
            return there, await second if there is decisive else Holding.UNKNOWN
        finally:
            second.cancel()

    def _report_rejected(self, delivery: Delivery, reason: str | None) -> None:
        if reason is not None:
            self.parts.log.warning(
                "Rejected X-Instance-Url",
                session_id=delivery.event.session_id,
                claimed_url=safe_location(delivery.location or ""),
                reason=reason,
            )


def safe_location(location: str) -> str:
    """Return a location as it may be logged: bounded, and only with characters that a URL may have.

    Its user and its query may hold somebody's secret, and are left out.
    """
    scheme, separator, rest = location.partition("://")
    authority, slash, path = rest.partition("?")[0].partition("#")[0].partition("/")
    shown = f"{scheme}{separator}{authority.rpartition('@')[2]}{slash}{path}" if separator else location
    return quote(bounded(shown), safe=URL_CHARACTERS, errors="replace")

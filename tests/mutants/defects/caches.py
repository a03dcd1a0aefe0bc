"""Mistakes of memory: something known a moment ago counts as known now."""

from __future__ import annotations

import time

from reference_impl.edges.answers import Holding
from reference_impl.edges.instances import InstanceClient
from reference_impl.fix.locator import Locator
from reference_impl.fix.sender import Sender
from reference_impl.fix.syncs import Syncs
from tests.mutants.defects.resilience_sending import TWENTY_MOVES
from tests.mutants.defects.verification import MOVED_SILENTLY, remember_verifications
from tests.mutants.defects.webhooks import BEHIND_A_WEBHOOK
from tests.mutants.machinery.patching import around, around_webhooks
from tests.mutants.machinery.registry import mutant

CHANGED_BY_HAND = "A row that was changed by hand between two sends is read anew"

SECOND = 1.0


def _kept(owner, name, key) -> None:
    """Use a result of an asynchronous method again for a while, for arguments with the same key."""
    find, kept = getattr(owner, name), {}

    async def found(self, *given, **more):
        at, result = kept.get(key(*given), (0.0, None))
        if result is None or time.monotonic() - at > SECOND:
            result = await find(self, *given, **more)
            kept[key(*given)] = time.monotonic(), result
        return result

    setattr(owner, name, found)


@mutant("VERIFY-03", MOVED_SILENTLY)
def verification_remembered_for_a_second() -> None:
    """A session that was verified counts as verified for a second."""
    remember_verifications(SECOND)


@mutant("VERIFY-03", MOVED_SILENTLY)
def rosters_kept_for_a_second() -> None:
    """An instance's answer is used for a second, for every session that it lists."""
    kept = {}

    @around(InstanceClient, "roster")
    async def answered(ask, self, base):
        roster = await ask(self, base)
        kept[base] = time.monotonic(), roster
        return roster

    @around(Sender, "_verify")
    def verified(verify, self, account, assigned, trip):
        at, roster = kept.get(assigned, (0.0, None))
        known = (
            roster is not None and account.session_id in roster.connected and assigned not in trip.ignoring
        )
        if known and time.monotonic() - at <= SECOND:
            return Holding.HELD
        return verify(self, account, assigned, trip)


@mutant("SEND-07", TWENTY_MOVES)
def holder_remembered_for_a_second() -> None:
    """The result of a scan is used for a second."""
    _kept(Locator, "scan", lambda session_id, _since: session_id)


@mutant("VERIFY-03", CHANGED_BY_HAND)
def row_kept_until_a_webhook_comes() -> None:
    """A row that a send has read is used by later sends, until a webhook of the account has come."""
    read, written, kept = Sender._read, Syncs.write, {}

    def reading(self, account_id):
        if account_id not in kept:
            kept[account_id] = read(self, account_id)
        return kept[account_id]

    def writing(self, view, new_url, **more):
        kept.pop(view.account.id, None)
        return written(self, view, new_url, **more)

    def act(_parts, account, _delivery, own):
        kept.pop(account.id, None)
        return own()

    Sender._read = reading
    Syncs.write = writing
    around_webhooks(act)


@mutant("WEBHOOK-13", BEHIND_A_WEBHOOK)
def rows_kept_for_a_few_seconds() -> None:
    """A row that a send has read is used by sends for a few seconds."""
    read, kept = Sender._read, {}

    def reading(self, account_id):
        at, row = kept.get(account_id, (0.0, None))
        if row is None or time.monotonic() - at > 5 * SECOND:
            row = read(self, account_id)
            kept[account_id] = time.monotonic(), row
        return row

    Sender._read = reading

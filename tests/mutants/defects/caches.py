"""Mistakes of memory: what was true a moment ago is taken for true now."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from reference_impl.edges.instances import InstanceClient
from reference_impl.fix.locator import Locator
from reference_impl.fix.sender import Sender
from tests.mutants.defects.resilience_sending import TWENTY_MOVES
from tests.mutants.defects.verification import MOVED_SILENTLY
from tests.mutants.defects.webhooks import BEHIND_A_WEBHOOK
from tests.mutants.machinery.registry import mutant

if TYPE_CHECKING:
    from reference_impl.edges.answers import Holding, Roster
    from reference_impl.fix.syncs import View

SECOND = 1.0


@mutant("VERIFY-03", MOVED_SILENTLY)
def verification_remembered_for_a_second() -> None:
    """A session that was verified counts as verified for a second."""
    ask, verified = Locator.ask, dict[tuple[str, str], tuple[float, "Holding"]]()

    async def asked(self: Locator, base: str, session_id: str, since: float) -> Holding:
        at, holding = verified.get((base, session_id), (0.0, None))
        if holding is None or time.monotonic() - at > SECOND:
            holding = await ask(self, base, session_id, since)
            verified[base, session_id] = time.monotonic(), holding
        return holding

    Locator.ask = asked


@mutant("VERIFY-03", MOVED_SILENTLY)
def rosters_kept_for_a_second() -> None:
    """What an instance answered is used for a second, for whichever session."""
    roster, kept = InstanceClient.roster, dict[str, tuple[float, "Roster | None"]]()

    async def asked(self: InstanceClient, base: str) -> Roster | None:
        at, answer = kept.get(base, (0.0, None))
        if answer is None or time.monotonic() - at > SECOND:
            answer = await roster(self, base)
            kept[base] = time.monotonic(), answer
        return answer

    InstanceClient.roster = asked


@mutant("WEBHOOK-13", BEHIND_A_WEBHOOK)
def rows_kept_for_a_few_seconds() -> None:
    """A row that a send has read is used by sends for a few seconds."""
    read, kept = Sender._read, dict[int, tuple[float, "tuple[View, str]"]]()

    def reading(self: Sender, account_id: int) -> tuple[View, str]:
        at, row = kept.get(account_id, (0.0, None))
        if row is None or time.monotonic() - at > 5 * SECOND:
            row = read(self, account_id)
            kept[account_id] = time.monotonic(), row
        return row

    Sender._read = reading


@mutant("SEND-07", TWENTY_MOVES)
def holder_remembered_for_a_second() -> None:
    """A scan that found a session a second ago is not made again."""
    scan, found = Locator.scan, dict[str, tuple[float, object]]()

    async def scanned(self: Locator, session_id: str, since: float, **rest: object) -> object:
        at, finding = found.get(session_id, (0.0, None))
        if finding is None or time.monotonic() - at > SECOND:
            finding = await scan(self, session_id, since, **rest)
            found[session_id] = time.monotonic(), finding
        return finding

    Locator.scan = scanned

"""Where a session is: verification and scans."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reference_impl.edges.answers import Holding, Roster

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reference_impl.edges.instances import InstanceClient
    from reference_impl.settings import Settings

LONGEST_GATHERING = 0.2
"""Seconds."""

moment = time.monotonic
"""The time in seconds, which orders questions and answers."""


@dataclass(frozen=True)
class Finding:
    """What a scan found."""

    holder: str | None
    holdings: Mapping[str, Holding]
    """Those that had not answered when the holder was found are missing."""
    began_at: float
    """Unix time of the first question: nothing is known of any later moment."""

    def instances(self, holding: Holding) -> list[str]:
        """Return the instances with this holding."""
        return [base for base, known in self.holdings.items() if known is holding]


class Locator:
    """Asks instances which of them holds a session; use it inside the background loop only.

    Questions are shared: a caller may use an answer to a question that began after ``since``, never an older one.
    So nothing is cached, and yet twenty concurrent sends ask an instance a few times, not twenty.
    """

    def __init__(self, settings: Settings, client: InstanceClient) -> None:
        self._instances = settings.node_instances
        self._timeout = settings.verify_timeout
        # A caller that finds an older question open waits this long for it before it asks again: long enough to
        # gather concurrent sends, short enough that a hung instance delays nobody much.
        self._gathering = min(LONGEST_GATHERING, self._timeout / 5)
        self._client = client
        self._latest: dict[str, tuple[float, asyncio.Task[Roster | None]]] = {}
        """The last question to each instance, and when it began."""
        self._tasks: set[asyncio.Task[Roster | None]] = set()

    async def ask(self, base: str, session_id: str, since: float) -> Holding:
        """Ask one instance whether it holds the session, for one verify timeout at most."""
        try:
            async with asyncio.timeout(self._timeout):
                roster = await asyncio.shield(await self._question(base, since))
        except TimeoutError:
            return Holding.UNKNOWN
        return Holding.UNKNOWN if roster is None else roster.holding(session_id)

    async def scan(
        self,
        session_id: str,
        since: float,
        *,
        assigned: str | None,
        ignoring: frozenset[str] = frozenset(),
        mute: str | None = None,
    ) -> Finding:
        """Ask every instance at once, and finish as soon as one holds the session.

        ``assigned`` wins where several hold it. Those in ``ignoring`` are asked but never are the holder.
        ``mute`` has just failed to answer: it is not asked again, and its holding is unknown.
        """
        finding = await self._look_everywhere(session_id, since, assigned, ignoring, mute)
        if finding.holder is None and not finding.instances(Holding.UNKNOWN):
            # The session may have moved meanwhile, from one that had not answered yet to one that had.
            finding = await self._look_everywhere(session_id, moment(), assigned, ignoring, mute)
        return finding

    async def _question(self, base: str, since: float) -> asyncio.Task[Roster | None]:
        if base in self._latest:
            began, latest = self._latest[base]
            if began < since and not latest.done():
                await asyncio.wait({latest}, timeout=self._gathering)
        if base not in self._latest or self._latest[base][0] < since:
            task = asyncio.create_task(self._client.roster(base))
            self._tasks.add(task)  # the loop itself keeps only weak references
            task.add_done_callback(self._tasks.discard)
            self._latest[base] = moment(), task
        return self._latest[base][1]

    async def _look_everywhere(
        self, session_id: str, since: float, assigned: str | None, ignoring: frozenset[str], mute: str | None
    ) -> Finding:
        began_at = time.time() - (moment() - since)
        order = sorted(self._instances, key=lambda base: base != assigned)
        asked = {
            asyncio.create_task(self.ask(base, session_id, since)): base for base in order if base != mute
        }
        holdings = {} if mute is None else {mute: Holding.UNKNOWN}

        def holder() -> str | None:
            held = (base for base in order if holdings.get(base) is Holding.HELD and base not in ignoring)
            return next(held, None)

        still_open = set(asked)
        try:
            while still_open and holder() is None:
                done, still_open = await asyncio.wait(still_open, return_when=asyncio.FIRST_COMPLETED)
                holdings.update({asked[task]: task.result() for task in done})
            late = {task for task in still_open if asked[task] == assigned and assigned not in ignoring}
            if late:
                # The row need not move if the assigned instance holds the session too: a short wait for it.
                done, _ = await asyncio.wait(late, timeout=self._gathering)
                holdings.update({asked[task]: task.result() for task in done})
        finally:
            for task in still_open:
                task.cancel()
        return Finding(holder(), {base: holdings[base] for base in order if base in holdings}, began_at)

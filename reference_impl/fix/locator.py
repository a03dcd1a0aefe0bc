"""Where a session is: verification, scans, and the comparison of two instances."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from reference_impl.edges.answers import Holding

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping

    from reference_impl.edges.answers import Roster
    from reference_impl.edges.instances import InstanceClient
    from reference_impl.settings import Settings

T = TypeVar("T")

LONGEST_GATHERING = 0.2
"""Seconds."""


def moment() -> float:
    """Return the monotonic time in seconds, which orders questions and answers."""
    return time.monotonic()


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


@dataclass(frozen=True)
class _Running(Generic[T]):
    began: float
    task: asyncio.Task[T]


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
        self._questions: dict[str, _Running[Roster | None]] = {}
        self._scans: dict[object, _Running[Finding]] = {}
        self._tasks: set[asyncio.Task[Any]] = set()

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
        key = (session_id, assigned, ignoring, mute)
        running = self._scans.get(key)
        if running is None or running.began < since:
            running = _Running(moment(), self._start(self._scan(session_id, assigned, ignoring, mute)))
            self._scans[key] = running
            running.task.add_done_callback(lambda _: self._scans.pop(key, None))
        return await asyncio.shield(running.task)

    async def compare(
        self, session_id: str, named: str, assigned: str | None, *, decisive: Holding
    ) -> tuple[Holding, Holding]:
        """Ask the instance that a webhook names and the assigned one at once.

        The second answer counts only if the first is ``decisive``, and is UNKNOWN otherwise. Without an assigned
        instance it is ABSENT.
        """
        since = moment()
        if assigned is None:
            return await self.ask(named, session_id, since), Holding.ABSENT
        second = asyncio.create_task(self.ask(assigned, session_id, since))
        try:
            first = await self.ask(named, session_id, since)
            return first, (await second if first is decisive else Holding.UNKNOWN)
        finally:
            second.cancel()

    async def _question(self, base: str, since: float) -> asyncio.Task[Roster | None]:
        latest = self._questions.get(base)
        if latest is not None and latest.began < since and not latest.task.done():
            await asyncio.wait({latest.task}, timeout=self._gathering)
            latest = self._questions.get(base)
        if latest is None or latest.began < since:
            latest = self._questions[base] = _Running(moment(), self._start(self._client.roster(base)))
        return latest.task

    async def _scan(
        self, session_id: str, assigned: str | None, ignoring: frozenset[str], mute: str | None
    ) -> Finding:
        finding = await self._look_everywhere(session_id, assigned, ignoring, mute)
        if finding.holder is None and not finding.instances(Holding.UNKNOWN):
            # The session may have moved meanwhile, from one that had not answered yet to one that had.
            finding = await self._look_everywhere(session_id, assigned, ignoring, mute)
        return finding

    async def _look_everywhere(
        self, session_id: str, assigned: str | None, ignoring: frozenset[str], mute: str | None
    ) -> Finding:
        began_at, since = time.time(), moment()
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

    def _start(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Start a task that outlives its caller."""
        task = asyncio.create_task(work)
        self._tasks.add(task)  # the loop itself keeps only weak references
        task.add_done_callback(self._tasks.discard)
        return task

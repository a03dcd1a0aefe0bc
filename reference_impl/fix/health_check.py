"""The periodic check: asks every instance once which sessions it holds, and moves every row that is wrong."""

from __future__ import annotations

import asyncio
import threading
import time
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy.exc import DBAPIError

from reference_impl.edges.accounts import NotStorableError
from reference_impl.edges.answers import Holding, Roster
from reference_impl.fix.syncs import Source, View

if TYPE_CHECKING:
    from reference_impl.server import Parts


@dataclass
class Report:
    """The result of a check (contract, section 3); the four counts add up to ``checked``."""

    checked: int = 0
    verified: int = 0
    updated: int = 0
    failed: int = 0
    unreachable: int = 0
    changes: list[dict[str, object]] = field(default_factory=list)
    """The rows that were moved, or would be."""


class HealthCheck:
    """Checks every account, one check at a time; safe to use from any thread."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self._one_at_a_time = threading.Lock()

    def run(self, *, dry_run: bool = False) -> Report:
        """Check every row that has a session; a dry run reports the same and writes nothing."""
        with self._one_at_a_time:
            # The rows before the questions: what is written meanwhile is newer than the answers.
            views = self.parts.syncs.views()
            began_at = time.time()
            rosters = self.parts.loop.run(self._ask_all())
            report = Report(checked=len(views))
            for view in views:
                self._check(view, rosters, report, at=None if dry_run else began_at)
        return report

    def run_every(self, seconds: float) -> None:
        """Check again and again, on a thread of its own, until everything ends."""

        def repeat() -> None:
            while not self.parts.ending.wait(seconds):
                try:
                    report = self.run()
                except DBAPIError as error:
                    self.parts.log.error("Health check failed", error=type(error).__name__)  # noqa: TRY400
                else:
                    counts = asdict(report)
                    del counts["changes"]
                    self.parts.log.info("Health check completed", **counts)

        threading.Thread(target=repeat, name="health check", daemon=True).start()

    async def _ask_all(self) -> dict[str, Roster | None]:
        bases = self.parts.settings.node_instances
        return dict(zip(bases, await asyncio.gather(*map(self.parts.client.roster, bases)), strict=True))

    def _check(
        self, view: View, rosters: dict[str, Roster | None], report: Report, *, at: float | None
    ) -> None:
        session_id = view.account.session_id or ""
        assigned = self.parts.settings.configured(view.account.assigned_instance_url)
        known = {
            base: Holding.UNKNOWN if roster is None else roster.holding(session_id)
            for base, roster in rosters.items()
        }
        here = known.get(assigned or "", Holding.ABSENT)
        holder = next((base for base, holding in known.items() if holding is Holding.HELD), None)
        if holder is not None and here is not Holding.HELD:
            self._correct(view, holder, report, at=at)
        elif here in {Holding.HELD, Holding.NOT_CONNECTED}:
            # The row is right, even if the session is disconnected at the moment.
            report.verified += 1
        elif here is Holding.UNKNOWN:
            report.unreachable += 1
        else:
            report.failed += 1

    def _correct(self, view: View, holder: str, report: Report, *, at: float | None) -> None:
        try:
            written = at is None or self.parts.syncs.write(view, holder, source=Source.HEALTH_CHECK, at=at)
        except NotStorableError:
            report.failed += 1
            return
        if not written:
            # Somebody who knows more has written or confirmed the row meanwhile.
            report.verified += 1
            return
        report.updated += 1
        urls = {"old_url": view.account.assigned_instance_url, "new_url": holder}
        report.changes.append({"account_id": view.account.id, **urls})

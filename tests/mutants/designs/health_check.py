"""Sound implementations of other designs: checking every account now and then."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from reference_impl.edges.answers import Holding, Roster
from reference_impl.fix.health_check import HealthCheck
from tests.mutants.machinery.patching import around_webhooks
from tests.mutants.machinery.registry import OPERATIONS, sound_design

if TYPE_CHECKING:
    from collections.abc import Callable

    from reference_impl.edges.accounts import Account
    from reference_impl.fix.health_check import Report
    from reference_impl.fix.syncs import View
    from reference_impl.fix.webhooks import Delivery
    from reference_impl.server import Parts


@sound_design(profiles=OPERATIONS)
def health_check_asks_twice() -> None:
    """The health check asks every instance a second time a moment later, and goes by the second answer."""
    ask_all = HealthCheck._ask_all

    async def asked(self: HealthCheck) -> dict[str, Roster | None]:
        await ask_all(self)
        return await ask_all(self)

    HealthCheck._ask_all = asked


@sound_design(profiles=OPERATIONS)
def health_check_asks_one_after_another() -> None:
    """The health check asks one instance after another, each with a whole timeout of its own."""

    async def asked(self: HealthCheck) -> dict[str, Roster | None]:
        return {base: await self.parts.client.roster(base) for base in self.parts.settings.node_instances}

    HealthCheck._ask_all = asked


@sound_design(profiles=OPERATIONS)
def health_check_asks_again_before_it_corrects() -> None:
    """Before a row is moved, its new instance is asked once more whether it still holds the session."""
    correct = HealthCheck._correct

    def corrected(self: HealthCheck, view: View, holder: str, report: Report, *, at: float | None) -> None:
        roster = self.parts.loop.run(self.parts.client.roster(holder))
        if roster is not None and roster.holding(view.account.session_id or "") is Holding.HELD:
            correct(self, view, holder, report, at=at)
        else:
            report.failed += 1

    HealthCheck._correct = corrected


@sound_design(profiles=OPERATIONS)
def webhooks_wait_for_health_checks() -> None:
    """While a health check runs, webhooks wait."""
    lock, run = threading.Lock(), HealthCheck.run

    def checked(self: HealthCheck, *, dry_run: bool = False) -> Report:
        with lock:
            return run(self, dry_run=dry_run)

    def applied(_parts: Parts, _account: Account, _delivery: Delivery, apply: Callable[..., bool]) -> bool:
        with lock:
            pass
        return apply()

    HealthCheck.run = checked
    around_webhooks(applied)

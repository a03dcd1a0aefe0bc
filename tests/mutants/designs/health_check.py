"""Sound designs: checking every account."""

from __future__ import annotations

import threading

from reference_impl.edges.answers import Holding
from reference_impl.fix.health_check import HealthCheck
from tests.mutants.machinery.patching import around, around_webhooks
from tests.mutants.machinery.registry import OPERATIONS, sound_design


@sound_design(profiles=OPERATIONS)
def health_check_asks_twice() -> None:
    """The health check asks every instance a second time a moment later, and goes by the second answer."""

    @around(HealthCheck, "_ask_all")
    async def asked(ask_all, self):
        await ask_all(self)
        return await ask_all(self)


@sound_design(profiles=OPERATIONS)
def health_check_asks_one_after_another() -> None:
    """The health check asks one instance after another, each with a full timeout of its own."""

    async def asked(self):
        return {base: await self.parts.client.roster(base) for base in self.parts.settings.node_instances}

    HealthCheck._ask_all = asked


@sound_design(profiles=OPERATIONS)
def health_check_asks_again_before_it_corrects() -> None:
    """Before a row is moved, its new instance is asked once more whether it still holds the session."""

    @around(HealthCheck, "_correct")
    def corrected(correct, self, view, holder, report, *, at):
        roster = self.parts.loop.run(self.parts.client.roster(holder))
        if roster is not None and roster.holding(view.account.session_id or "") is Holding.HELD:
            correct(self, view, holder, report, at=at)
        else:
            report.failed += 1


@sound_design(profiles=OPERATIONS)
def webhooks_wait_for_health_checks() -> None:
    """While a health check runs, webhooks wait."""
    lock, run = threading.Lock(), HealthCheck.run

    def checked(self, *, dry_run=False):
        with lock:
            return run(self, dry_run=dry_run)

    def applied(_parts, _account, _delivery, apply):
        with lock:
            pass
        return apply()

    HealthCheck.run = checked
    around_webhooks(applied)


@sound_design(profiles=OPERATIONS)
def copies_not_connected_count_as_failed() -> None:
    """A row whose own instance lists the session, but not connected, counts as failed and stays where it is."""

    @around(HealthCheck, "_check")
    def checked(check, self, view, rosters, report, *, at):
        before = report.verified
        check(self, view, rosters, report, at=at)
        assigned = self.parts.settings.configured(view.account.assigned_instance_url)
        roster = rosters.get(assigned)
        listed = roster is not None and roster.holding(view.account.session_id or "")
        if report.verified > before and listed is Holding.NOT_CONNECTED:
            report.verified -= 1
            report.failed += 1


@sound_design(profiles=OPERATIONS)
def health_check_asks_the_assigned_first() -> None:
    """The health check asks the instances that rows name, and the others only if some row proves wrong."""

    async def asked(self):
        client, settings = self.parts.client, self.parts.settings
        rows = [
            (settings.configured(one.account.assigned_instance_url), one.account.session_id or "")
            for one in self.parts.syncs.views()
        ]
        rosters = dict.fromkeys(settings.node_instances)
        for base in {named for named, _ in rows if named}:
            rosters[base] = await client.roster(base)
        asked_already = [one for one, _ in rows]
        known = [(rosters.get(named), session_id) for named, session_id in rows]
        if not all(one is not None and one.holding(session_id) is Holding.HELD for one, session_id in known):
            for base in settings.node_instances:
                if base not in asked_already:
                    rosters[base] = await client.roster(base)
        return rosters

    HealthCheck._ask_all = asked

"""Mistakes in who is counted as what, in the times of alerts, and in counting with several processes."""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import replace

from reference_impl import server
from reference_impl.edges import monitoring
from reference_impl.edges.answers import Holding
from reference_impl.edges.monitoring import Monitoring
from reference_impl.fix.health_check import HealthCheck
from reference_impl.fix.locations import LocationSync
from reference_impl.fix.sender import Sender
from reference_impl.fix.syncs import Source, Syncs
from tests.mutants.defects.monitoring import (
    ANEW,
    CHECK_FILLS,
    EACH,
    FILLED,
    FIVE,
    NO_ATTEMPTS,
    NO_INSTANCE,
    NOBODY,
    NONE_OF_THE_GREPS,
    ONLY_SENDS,
    WHATEVER,
    report_with,
)
from tests.mutants.machinery.patching import around, around_log
from tests.mutants.machinery.registry import mutant, rows
from tests.mutants.machinery.several_processes import (
    count_together,
    serve_in_two_processes,
    shared_memory,
)

KEPT = "An alert that stays raised keeps the time when it was raised"
EVERY_REPORT = "What several connections brought about is in every report"
ONE_CONFIRMATION = "Failures in a row are in every report, and one confirmation ends them in every report"
ALERT_EVERYWHERE = "An alert is raised in every report"


def when_synced(act) -> None:
    """Call `act` with the syncs, the source and the account for each write that moved a location."""

    @around(Syncs, "write")
    def written(write, self, view, new_url, *, source, **more):
        done = write(self, view, new_url, source=source, **more)
        if done and not view.account.is_at(new_url):
            act(self, source, view.account)
        return done


def when_checked(act) -> None:
    """Call `act` with the counts and what the check made of its own instance, for each row."""

    @around(HealthCheck, "_check")
    def checked(check, self, view, rosters, report, *, at):
        assigned = self.parts.settings.configured(view.account.assigned_instance_url)
        roster = rosters.get(assigned)
        act(self.parts, view.account, roster is not None and roster.holding(view.account.session_id or ""))
        return check(self, view, rosters, report, at=at)


@mutant("MONITOR-01", NONE_OF_THE_GREPS)
def corrections_logged_as_scan_syncs() -> None:
    """A correction of the health check is logged with the words of a scan's move too."""

    def act(syncs, source, account):
        if source is Source.HEALTH_CHECK:
            syncs._log.info(Source.SEND.value, session_id=account.session_id)

    when_synced(act)


@mutant("MONITOR-01", NONE_OF_THE_GREPS)
def mismatches_of_a_check_logged_as_failures() -> None:
    """A health check logs each wrong row as a send logs a verification failure."""

    def act(parts, account, holding):
        if holding is not Holding.HELD:
            words = "Session not found in assigned instance, attempting sync..."
            parts.log.warning(words, session_id=account.session_id)

    when_checked(act)


def failures_reported_if(is_one) -> None:
    """Log and count a verification failure only if it is one by other terms."""

    @around(Sender, "_verify")
    def verified(verify, self, account, assigned, trip):
        trip.failure_reported = True
        holding = verify(self, account, assigned, trip)
        trip.failure_reported = False
        if holding is not Holding.HELD and is_one(assigned, holding):
            self._report_unverified(account, trip)
        trip.failure_reported = True
        return holding


@mutant("MONITOR-01", WHATEVER, NOBODY)
def silence_is_no_failure() -> None:
    """Only an instance that says no makes a verification failure, not one that gives no usable answer."""
    failures_reported_if(lambda _assigned, holding: holding is Holding.ABSENT)


@mutant("MONITOR-01", NO_INSTANCE)
def rows_without_an_instance_are_no_failures() -> None:
    """A send whose row names no instance logs and counts no failure."""
    failures_reported_if(lambda assigned, _holding: assigned is not None)


@mutant("MONITOR-01", EACH)
def one_failure_for_all_who_wait() -> None:
    """Sends of one account at the same time log and count a single failure together."""
    lock, under_way, reported = threading.Lock(), Counter(), set()

    @around(Sender, "send")
    def sent(send, self, account_id, message):
        with lock:
            under_way[account_id] += 1
        try:
            return send(self, account_id, message)
        finally:
            with lock:
                under_way[account_id] -= 1
                if not under_way[account_id]:
                    reported.discard(account_id)

    @around(Sender, "_report_unverified")
    def told(tell, self, account, trip):
        with lock:
            first = account.id not in reported
            reported.add(account.id)
        if first:
            tell(self, account, trip)


@mutant("MONITOR-02", FILLED, CHECK_FILLS)
def a_row_that_was_null_was_not_moved() -> None:
    """Filling a null is written and logged, but counts as no sync event."""
    write_of = threading.local()

    @around(Syncs, "write")
    def written(write, self, view, new_url, **more):
        write_of.fills = view.account.assigned_instance_url is None
        return write(self, view, new_url, **more)

    @around(Monitoring, "synced")
    def counted(synced, self, source):
        if not write_of.fills:
            synced(self, source)


@mutant("MONITOR-02", FILLED)
def null_is_logged_as_a_text() -> None:
    """Where a row named no instance, the log has the word none as the old URL."""
    around_log(
        lambda text, fields: (
            text,
            {**fields, "old_url": "none"} if fields.get("old_url", "") is None else fields,
        )
    )


def attempts_of(wrong) -> None:
    """Count moves by this source as sync attempts that succeeded."""
    when_synced(lambda syncs, source, _: source is wrong and syncs._monitoring.attempted(found=True))


@mutant("MONITOR-06", NO_ATTEMPTS)
def moves_by_webhooks_are_attempts() -> None:
    """A webhook that moves a row counts as a sync attempt that succeeded."""
    attempts_of(Source.WEBHOOK)


@mutant("MONITOR-06", NO_ATTEMPTS)
def corrections_are_attempts() -> None:
    """A correction of the health check counts as a sync attempt that succeeded."""
    attempts_of(Source.HEALTH_CHECK)


@mutant("MONITOR-04", *rows(ONLY_SENDS, "the health check looks, if there is one"))
def lost_sessions_of_a_check_are_failures() -> None:
    """A health check adds to the failures in a row for each session that its instance does not hold."""
    when_checked(
        lambda parts, _account, holding: holding is Holding.HELD or parts.monitoring.verification_failed()
    )


@mutant("MONITOR-05", *rows(ONLY_SENDS, "the health check looks, if there is one"))
def a_check_that_confirms_resets_the_count() -> None:
    """A health check resets the failures in a row for each session that is where its row says."""

    def act(parts, _account, holding):
        if holding is Holding.HELD:
            parts.monitoring.verified()

    when_checked(act)


@mutant("MONITOR-04", *rows(ONLY_SENDS, "someone unknown sends twice"))
def unknown_accounts_are_failures() -> None:
    """A send from an account that does not exist counts as a verification failure."""

    @around(Sender, "send")
    def sent(send, self, account_id, message):
        if self.parts.accounts.by_id(account_id) is None:
            self.parts.monitoring.verification_failed()
        return send(self, account_id, message)


@mutant(
    "MONITOR-05",
    *rows(ONLY_SENDS, "a webhook confirms what the row says", "1 webhook moves the session"),
)
def webhooks_that_are_true_reset_the_count() -> None:
    """A webhook whose location is believed resets the failures in a row."""

    @around(LocationSync, "_judge")
    def judged(judge, self, account, delivery, **how):
        target, reason = judge(self, account, delivery, **how)
        if target is not None:
            self.parts.monitoring.verified()
        return target, reason


@mutant("MONITOR-04", *rows(ONLY_SENDS, "a webhook names an instance without it"))
def refused_locations_are_failures() -> None:
    """A location that is not believed counts as a verification failure."""

    @around(LocationSync, "_judge")
    def judged(judge, self, account, delivery, **how):
        target, reason = judge(self, account, delivery, **how)
        if reason is not None:
            self.parts.monitoring.verification_failed()
        return target, reason


def alerts_with(**changed) -> None:
    """Change what each raised alert says of itself."""
    report_with(
        alerts=lambda true: [
            {**one, **{name: make(one) for name, make in changed.items()}} for one in true["alerts"]
        ]
    )


@mutant("MONITOR-04", KEPT)
def alerts_are_always_news() -> None:
    """An alert says that it was raised at the moment of the report."""
    alerts_with(since=lambda _one: monitoring._iso(time.time()))


@mutant("MONITOR-05", ANEW)
def alerts_keep_their_first_time() -> None:
    """An alert that is raised again has the time when it was raised first."""
    first = {}
    alerts_with(since=lambda one: first.setdefault(one["name"], one["since"]))


@mutant("MONITOR-03", *rows(FIVE, "4-6-raised"))
def threshold_is_the_first_value_that_raises() -> None:
    """The warning, raised at six, gives six as its threshold."""
    monitoring.SYNC_EVENTS = replace(
        monitoring.SYNC_EVENTS, threshold=6, is_raised=lambda value, _: value > 5
    )


@mutant("MONITOR-03", *rows(FIVE, "4-6-raised"))
def alerts_of_other_names() -> None:
    """The warning is raised under a name that is not the contract's."""
    monitoring.SYNC_EVENTS = replace(monitoring.SYNC_EVENTS, name="TooManySyncEvents")


@mutant("MONITOR-10", EVERY_REPORT, ONE_CONFIRMATION, ALERT_EVERYWHERE)
def each_process_counts_for_itself() -> None:
    """Two processes serve the port, and each counts and reports what itself has done."""
    serve_in_two_processes()


def counted_apart(reported, measured) -> None:
    """Have two processes count together and each for itself, and choose from both what is reported."""
    count_together(shared_memory())
    together = server.Monitoring()
    serve_in_two_processes()

    def twice(name):
        def counted(self, *given, **more):
            getattr(Monitoring, name)(self, *given, **more)
            getattr(together, name)(*given, **more)

        return counted

    counting = {name: twice(name) for name in ("synced", "verified", "verification_failed", "attempted")}
    telling = {
        "report": lambda self: reported(Monitoring.report(self), together.report()),
        "metrics": lambda self: measured(Monitoring.metrics(self), together.metrics()),
    }
    server.Monitoring = type("Apart", (Monitoring,), {**counting, **telling})


@mutant("MONITOR-10", EVERY_REPORT, ONE_CONFIRMATION, ALERT_EVERYWHERE)
def each_process_has_metrics_of_its_own() -> None:
    """Two processes report together, but the metrics for Prometheus are those of whichever answers."""
    counted_apart(lambda _own, shared: shared, lambda own, _shared: own)


@mutant("MONITOR-10", EVERY_REPORT, ONE_CONFIRMATION, ALERT_EVERYWHERE)
def each_process_has_failures_in_a_row_of_its_own() -> None:
    """Two processes count sync events together, but each its own failures in a row, and alerts by them."""
    names = ("consecutive_verification_failures", "alerts")
    counted_apart(
        lambda own, shared: {**shared, **{name: own[name] for name in names}}, lambda _own, shared: shared
    )

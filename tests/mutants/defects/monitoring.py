"""Mistakes in counts and alerts."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from reference_impl.edges import monitoring
from reference_impl.edges.answers import Holding
from reference_impl.edges.monitoring import Alert, Monitoring
from reference_impl.fix.sender import Sender
from reference_impl.fix.syncs import Source, Syncs
from tests.mutants.machinery.patching import around, around_log
from tests.mutants.machinery.registry import mutant, rows

GREPS = "The log has one line for each scan sync, verification failure and webhook sync"
APART = "Sends and webhooks that move a row are counted apart"
CORRECTIONS = "Corrections of the health check are counted apart"
FIRST = "The rate is 100 percent before the first attempt"
RATE = "Scans that find the holder and scans that do not make the rate"
AGREE = "The metrics agree with the report"
UNASKED = "A failure counts as one more in a row though the instance could not be asked"
RESTART = "After a restart the counts are still there, or the report says when counting began"
FIVE = "The warning is silent at five sync events and raised at six"
TEN = "The critical alert is silent at ten failures in a row and raised at eleven"
RESET = "A confirmed verification resets the count and clears the alert"
NO_RESET = "A scan that finds the session elsewhere does not reset the count"
CHECK_FILLS = "A row that the health check fills is counted as its correction"
FILLED = "Filling a row that named no instance is a move, logged and counted"
NONE_OF_THE_GREPS = "Corrections of the health check are none of what the greps count"
WHATEVER = "A failure is logged and counted once, whatever kept the instance from confirming"
NO_INSTANCE = "A row that names no instance is a failure, logged and counted once"
NOBODY = "A failure is logged and counted where nobody answers at all"
EACH = "Each of the sends that share a look logs and counts its own failure"
NO_ATTEMPTS = "Moves that no send asked for are no attempts"
ONLY_SENDS = "Only sends add to the failures in a row, and only sends reset them"
ANEW = "An alert that cleared and is raised again has the time of the second raising"
HUNDRED = "Ninety-nine in a hundred raises the alert, a hundred in a hundred does not"


def alert_when(name, is_raised) -> None:
    """Raise an alert by another comparison."""
    alert: Alert = getattr(monitoring, name)
    setattr(monitoring, name, replace(alert, is_raised=is_raised))


def report_with(**changed) -> None:
    """Change values of the report."""

    @around(Monitoring, "report")
    def told(report, self):
        true = report(self)
        return {**true, **{name: make(true) for name, make in changed.items()}}


def _not_counted(missing) -> None:
    synced = Monitoring.synced
    Monitoring.synced = lambda self, source: None if source == missing else synced(self, source)


def _warning_counts(source) -> None:
    @around(Monitoring, "_look")
    def looked(look, self):
        values = look(self)
        counted = [one for _, one in self._recent if one == source]
        if len(counted) <= monitoring.SYNC_EVENTS.threshold:
            self._raised.pop(monitoring.SYNC_EVENTS, None)
        return values


def _metrics_without(source) -> None:
    @around(Monitoring, "collect")
    def collected(collect, self):
        for family in collect(self):
            family.samples = [one for one in family.samples if one.labels.get("source") != source]
            yield family


@mutant("MONITOR-01", GREPS, NOBODY, EACH)
def every_scan_logged_as_a_sync() -> None:
    """A scan is logged as a sync before its result is known."""

    @around(Sender, "_not_found")
    def told(not_found, self, session_id, *rest):
        self.parts.log.info(Source.SEND.value, session_id=session_id)
        return not_found(self, session_id, *rest)


@mutant("MONITOR-01", GREPS, WHATEVER, NO_INSTANCE, NONE_OF_THE_GREPS, EACH)
def a_failure_that_ends_well_is_not_logged() -> None:
    """A verification failure is logged only if the scan finds nothing either."""
    tell, not_found = Sender._report_unverified, Sender._not_found
    held = {}

    def hold(self, *failure):
        held[id(self)] = failure

    def told(self, *rest):
        tell(self, *held[id(self)])
        return not_found(self, *rest)

    Sender._report_unverified, Sender._not_found = hold, told


@mutant("MONITOR-01", GREPS, NONE_OF_THE_GREPS)
def webhook_syncs_logged_in_other_words() -> None:
    """The sync of a webhook is logged in other words than the document's."""
    around_log(
        lambda text, fields: ("Instance URL updated" if text == Source.WEBHOOK.value else text, fields)
    )


@mutant("MONITOR-02", APART, *rows(FILLED, "a webhook confirms what the row says-0-1"))
def webhook_syncs_are_not_counted() -> None:
    """Only sends that move a row count it, not webhooks."""
    _not_counted("webhook")


@mutant("MONITOR-02", APART)
def confirmations_are_counted_as_moves() -> None:
    """Each webhook with a location counts as a sync event, whether it moves the row or not."""

    @around(Syncs, "write")
    def written(write, self, view, new_url, *, source, **more):
        done = write(self, view, new_url, source=source, **more)
        if done and source is Source.WEBHOOK and view.account.assigned_instance_url == new_url:
            self._monitoring.synced("webhook")
        return done


@mutant(
    "MONITOR-02", APART, CORRECTIONS, CHECK_FILLS, *rows(FILLED, "a webhook confirms what the row says-0-1")
)
def every_source_is_a_send() -> None:
    """All sync events are counted as those of sends."""
    report_with(
        sync_events_by_source=lambda true: {
            "webhook": 0,
            "send": true["sync_events_last_hour"],
            "health_check": 0,
        }
    )


@mutant("MONITOR-02", CORRECTIONS, CHECK_FILLS)
def corrections_are_not_counted() -> None:
    """The health check moves rows and counts nothing."""
    _not_counted("health_check")


@mutant("MONITOR-03", *rows(FIVE, "3-5-silent"))
def warning_at_five() -> None:
    """Five sync events raise the warning."""
    alert_when("SYNC_EVENTS", lambda value, threshold: value >= threshold)


@mutant("MONITOR-03", *rows(FIVE, "4-6-raised"))
def warning_at_seven() -> None:
    """Seven sync events raise the warning, six do not."""
    alert_when("SYNC_EVENTS", lambda value, threshold: value > threshold + 1)


@mutant("MONITOR-03", *rows(FIVE, "4-6-raised"))
def warning_counts_sends_only() -> None:
    """The warning counts only the syncs of sends."""
    _warning_counts("send")


@mutant("MONITOR-04", *rows(TEN, "10-silent"))
def critical_at_ten() -> None:
    """Ten failures in a row raise the alert."""
    alert_when("VERIFICATION_FAILURES", lambda value, threshold: value >= threshold)


@mutant("MONITOR-04", *rows(TEN, "11-raised"))
def critical_at_twelve() -> None:
    """Twelve failures in a row raise the alert, eleven do not."""
    alert_when("VERIFICATION_FAILURES", lambda value, threshold: value > threshold + 1)


@mutant("MONITOR-05", RESET, ANEW)
def alert_latches() -> None:
    """An alert that was raised once stays raised."""

    @around(Monitoring, "_look")
    def looked(look, self):
        before = dict(self._raised)
        values = look(self)
        self._raised = {**before, **self._raised}
        return values


@mutant("MONITOR-05", RESET, NO_RESET, ANEW, ONLY_SENDS)
def failures_are_never_reset() -> None:
    """The count of failures in a row is never reset."""
    Monitoring.verified = lambda _self: None


@mutant("MONITOR-05", NO_RESET)
def a_message_that_was_sent_resets_the_count() -> None:
    """A successful scan resets the count too."""

    @around(Monitoring, "attempted")
    def counted(attempted, self, *, found):
        attempted(self, found=found)
        if found:
            self.verified()


@mutant("MONITOR-06", FIRST)
def rate_zero_before_the_first_attempt() -> None:
    """The rate is 0 before the first attempt."""
    report_with(sync_success_rate=lambda true: true["sync_success_rate"] if true["sync_attempts"] else 0.0)


@mutant("MONITOR-06", FIRST, RATE, NO_ATTEMPTS)
def rate_as_a_fraction() -> None:
    """The rate is between 0 and 1."""
    report_with(sync_success_rate=lambda true: true["sync_success_rate"] / 100)


@mutant("MONITOR-06", RATE, NO_ATTEMPTS)
def failed_scans_are_no_attempts() -> None:
    """Only scans that succeed count as attempts."""
    attempted = Monitoring.attempted
    Monitoring.attempted = lambda self, *, found: attempted(self, found=True) if found else None


@mutant("MONITOR-06", FIRST, RATE, NO_ATTEMPTS)
def verifications_count_as_attempts() -> None:
    """A send that needed no scan counts as an attempt that succeeded."""

    @around(Monitoring, "verified")
    def counted(verified, self):
        verified(self)
        self.attempted(found=True)


@mutant("MONITOR-07", *rows(HUNDRED, "on another instance-100-silent"))
def rate_told_at_a_hundred() -> None:
    """The alert is raised at a rate of 100 percent too."""
    alert_when("SYNC_SUCCESS_RATE", lambda value, _threshold: value <= 100)


@mutant("MONITOR-07", *rows(HUNDRED, "nowhere-99-raised"))
def rate_told_below_ninety_nine() -> None:
    """A rate of exactly 99 percent raises no alert."""
    alert_when("SYNC_SUCCESS_RATE", lambda value, threshold: value < threshold)


@mutant("MONITOR-08", AGREE)
def metrics_know_no_webhooks() -> None:
    """The metrics lack the syncs of webhooks."""
    _metrics_without("webhook")


@mutant("MONITOR-08", AGREE)
def metrics_are_json() -> None:
    """The metrics are not in the text that Prometheus reads."""
    Monitoring.metrics = lambda _self: b'{"instance_sync_attempts_total": 1}'


@mutant("MONITOR-09", RESTART)
def since_outlives_the_counts() -> None:
    """The counts are lost at a restart, but the report says that counting began when it first did."""
    database = Path(urlsplit(os.environ["DATABASE_URL"]).path)
    first = database.with_name(f"{database.name}.since")

    def since(true):
        if not first.exists():
            first.write_text(true["counting_since"])
        return first.read_text()

    report_with(counting_since=since)


@mutant("MONITOR-09", RESTART)
def counting_since_ever() -> None:
    """The counts are lost at a restart, but the report says it has counted since 2020."""
    report_with(counting_since=lambda _true: "2020-01-01T00:00:00Z")


@mutant("MONITOR-01", GREPS, WHATEVER, NO_INSTANCE, NONE_OF_THE_GREPS, NOBODY, EACH)
def failures_logged_for_each_instance() -> None:
    """A verification failure is logged for every instance that did not hold the session."""

    @around(Sender, "_report_unverified")
    def told(tell, self, account, trip):
        tell(self, account, trip)
        trip.failure_reported = False
        tell(self, account, trip)


@mutant("MONITOR-02", APART, *rows(FILLED, "1 send finds the session-1-0"))
def send_syncs_are_not_counted() -> None:
    """Only webhooks that move a row count it, not sends."""
    _not_counted("send")


@mutant("MONITOR-03", *rows(FIVE, "4-6-raised"))
def warning_counts_webhooks_only() -> None:
    """The warning counts only the syncs of webhooks."""
    _warning_counts("webhook")


@mutant("MONITOR-04", TEN, ONLY_SENDS, UNASKED)
def failures_counted_twice() -> None:
    """A send counts as two verification failures, one of them for the scan."""

    @around(Monitoring, "verification_failed")
    def counted(failed, self):
        failed(self)
        failed(self)


@mutant("MONITOR-05", RESET, NO_RESET, ONLY_SENDS)
def failures_counted_for_each_account() -> None:
    """Failures in a row are counted for each account, and the highest count is reported."""
    counts = Counter()
    tell, verified = Sender._report_unverified, Sender._report_verified

    def told(self, account, trip):
        if not trip.failure_reported:
            counts[account.session_id] += 1
        tell(self, account, trip)

    def told_verified(self, session_id, assigned):
        counts[session_id] = 0
        verified(self, session_id, assigned)

    Sender._report_unverified, Sender._report_verified = told, told_verified
    report_with(consecutive_verification_failures=lambda _true: max(counts.values(), default=0))


@mutant("MONITOR-08", AGREE)
def metrics_know_no_sends() -> None:
    """The metrics lack the syncs of sends."""
    _metrics_without("send")


@mutant("MONITOR-08", AGREE)
def failures_counted_up_to_one() -> None:
    """The total of verification failures stops at one."""

    @around(Monitoring, "collect")
    def collected(collect, self):
        self._failures = min(self._failures, 1)
        yield from collect(self)


@mutant("MONITOR-04", UNASKED)
def silence_is_no_failure_in_a_row() -> None:
    """A send whose assigned instance could not be asked adds nothing to the failures in a row."""

    @around(Sender, "_verify")
    def verified(verify, self, account, assigned, trip):
        before = self.parts.monitoring._consecutive
        holding = verify(self, account, assigned, trip)
        if holding is Holding.UNKNOWN:
            self.parts.monitoring._consecutive = before
        return holding

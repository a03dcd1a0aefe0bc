"""Mistakes in what is counted, and in the three alerts."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from reference_impl.edges import monitoring
from reference_impl.edges.log import EventLog
from reference_impl.edges.monitoring import Alert, Monitoring
from reference_impl.fix.sender import Sender
from reference_impl.fix.syncs import Source, Syncs
from tests.mutants.machinery.registry import mutant, rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from prometheus_client.metrics_core import Metric

    from reference_impl.fix.syncs import View

GREPS = "The log has one line for each scan sync, verification failure and webhook sync"
APART = "Sends and webhooks that move a row are counted apart"
CORRECTIONS = "Corrections of the health check are counted apart"
FIRST = "The rate is 100 percent before the first attempt"
RATE = "Scans that find the holder and scans that do not make the rate"
AGREE = "The metrics agree with the report"
RESTART = "After a restart the counts are still there, or the report says when counting began"
FIVE = "The warning is silent at five sync events and raised at six"
TEN = "The critical alert is silent at ten failures in a row and raised at eleven"
RESET = "A confirmed verification resets the count and clears the alert"
NO_RESET = "A scan that finds the session elsewhere does not reset the count"
HUNDRED = "Ninety-nine in a hundred raises the alert, a hundred in a hundred does not"


def alert_when(name: str, is_raised: Callable[[float, float], bool]) -> None:
    """Raise an alert by another comparison."""
    alert: Alert = getattr(monitoring, name)
    setattr(monitoring, name, replace(alert, is_raised=is_raised))


def report_with(**changed: Callable[[dict[str, Any]], object]) -> None:
    """Report other values, made of the true report."""
    report = Monitoring.report

    def told(self: Monitoring) -> dict[str, Any]:
        true: dict[str, Any] = report(self)
        return {**true, **{name: make(true) for name, make in changed.items()}}

    Monitoring.report = told


@mutant("MONITOR-01", GREPS)
def every_scan_logged_as_a_sync() -> None:
    """A scan's success is logged before it is known."""
    not_found = Sender._not_found

    def told(self: Sender, session_id: str, *rest: Any) -> Any:
        self.parts.log.info(Source.SEND.value, session_id=session_id)
        return not_found(self, session_id, *rest)

    Sender._not_found = told


@mutant("MONITOR-01", GREPS)
def a_failure_that_ends_well_is_not_logged() -> None:
    """A verification failure is logged when the scan finds nothing either."""
    tell, not_found = Sender._report_unverified, Sender._not_found
    held: dict[int, tuple[Any, ...]] = {}

    def hold(self: Sender, *failure: Any) -> None:
        held[id(self)] = failure

    def told(self: Sender, *rest: Any) -> Any:
        tell(self, *held[id(self)])
        return not_found(self, *rest)

    Sender._report_unverified, Sender._not_found = hold, told


@mutant("MONITOR-01", GREPS)
def webhook_syncs_logged_in_other_words() -> None:
    """The line of a webhook's sync is not the document's."""
    info = EventLog.info

    def told(self: EventLog, text: str, **fields: object) -> None:
        info(self, "Instance URL updated" if text == Source.WEBHOOK.value else text, **fields)

    EventLog.info = told


@mutant("MONITOR-02", APART)
def webhook_syncs_are_not_counted() -> None:
    """The counter was added where sends move a row, and nowhere else."""
    synced = Monitoring.synced
    Monitoring.synced = lambda self, source: None if source == "webhook" else synced(self, source)


@mutant("MONITOR-02", APART)
def confirmations_are_counted_as_moves() -> None:
    """Each webhook with a location counts as a sync event, a move or not."""
    write = Syncs.write

    def written(self: Syncs, view: View, new_url: str, *, source: Source, **more: Any) -> bool:
        done = write(self, view, new_url, source=source, **more)
        if done and source is Source.WEBHOOK and view.account.assigned_instance_url == new_url:
            self._monitoring.synced("webhook")
        return done

    Syncs.write = written


@mutant("MONITOR-02", APART, CORRECTIONS)
def every_source_is_a_send() -> None:
    """All sync events are counted as those of sends."""
    report_with(
        sync_events_by_source=lambda true: {
            "webhook": 0,
            "send": true["sync_events_last_hour"],
            "health_check": 0,
        }
    )


@mutant("MONITOR-02", CORRECTIONS)
def corrections_are_not_counted() -> None:
    """The health check moves rows and counts nothing."""
    synced = Monitoring.synced
    Monitoring.synced = lambda self, source: None if source == "health_check" else synced(self, source)


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
    """The warning looks at the syncs of sends, of which there are fewer."""
    look = Monitoring._look

    def looked(self: Monitoring) -> dict[Alert, float]:
        values = look(self)
        of_sends = Counter(source for _, source in self._recent)["send"]
        if of_sends <= monitoring.SYNC_EVENTS.threshold:
            self._raised.pop(monitoring.SYNC_EVENTS, None)
        return values

    Monitoring._look = looked


@mutant("MONITOR-04", *rows(TEN, "10-silent"))
def critical_at_ten() -> None:
    """Ten failures in a row raise the alert."""
    alert_when("VERIFICATION_FAILURES", lambda value, threshold: value >= threshold)


@mutant("MONITOR-04", *rows(TEN, "11-raised"))
def critical_at_twelve() -> None:
    """Twelve failures in a row raise the alert, eleven do not."""
    alert_when("VERIFICATION_FAILURES", lambda value, threshold: value > threshold + 1)


@mutant("MONITOR-05", RESET)
def alert_latches() -> None:
    """An alert that was raised once stays."""
    look = Monitoring._look

    def looked(self: Monitoring) -> dict[Alert, float]:
        before = dict(self._raised)
        values = look(self)
        self._raised = {**before, **self._raised}
        return values

    Monitoring._look = looked


@mutant("MONITOR-05", RESET, NO_RESET)
def failures_are_never_reset() -> None:
    """The count of failures in a row only grows."""
    Monitoring.verified = lambda _self: None


@mutant("MONITOR-05", NO_RESET)
def a_message_that_was_sent_resets_the_count() -> None:
    """Whatever ends well resets the count, a scan too."""
    attempted = Monitoring.attempted

    def counted(self: Monitoring, *, found: bool) -> None:
        attempted(self, found=found)
        if found:
            self.verified()

    Monitoring.attempted = counted


@mutant("MONITOR-06", FIRST)
def rate_zero_before_the_first_attempt() -> None:
    """Nothing of nothing is zero."""
    report_with(sync_success_rate=lambda true: true["sync_success_rate"] if true["sync_attempts"] else 0.0)


@mutant("MONITOR-06", FIRST, RATE)
def rate_as_a_fraction() -> None:
    """The rate is between 0 and 1."""
    report_with(sync_success_rate=lambda true: true["sync_success_rate"] / 100)


@mutant("MONITOR-06", RATE)
def failed_scans_are_no_attempts() -> None:
    """Only what succeeds is counted as tried."""
    attempted = Monitoring.attempted
    Monitoring.attempted = lambda self, *, found: attempted(self, found=True) if found else None


@mutant("MONITOR-06", FIRST, RATE)
def verifications_count_as_attempts() -> None:
    """A send that needed no scan counts as an attempt that succeeded."""
    verified = Monitoring.verified

    def counted(self: Monitoring) -> None:
        verified(self)
        self.attempted(found=True)

    Monitoring.verified = counted


@mutant("MONITOR-07", *rows(HUNDRED, "on another instance-100-silent"))
def rate_told_at_a_hundred() -> None:
    """The rate is told when it is a hundred."""
    alert_when("SYNC_SUCCESS_RATE", lambda value, _threshold: value <= 100)


@mutant("MONITOR-07", *rows(HUNDRED, "nowhere-99-raised"))
def rate_told_below_ninety_nine() -> None:
    """A rate of exactly ninety-nine percent is good enough."""
    alert_when("SYNC_SUCCESS_RATE", lambda value, threshold: value < threshold)


@mutant("MONITOR-08", AGREE)
def metrics_know_no_webhooks() -> None:
    """The metrics miss a source that the report has."""
    collect = Monitoring.collect

    def collected(self: Monitoring) -> Iterator[Metric]:
        for family in collect(self):
            family.samples = [one for one in family.samples if one.labels.get("source") != "webhook"]
            yield family

    Monitoring.collect = collected


@mutant("MONITOR-08", AGREE)
def metrics_are_json() -> None:
    """The metrics are not in the text that Prometheus reads."""
    Monitoring.metrics = lambda _self: b'{"instance_sync_attempts_total": 1}'


@mutant("MONITOR-09", RESTART)
def counting_since_ever() -> None:
    """The counts are lost at a restart, and the report claims to have counted since the year began."""
    report_with(counting_since=lambda _true: "2020-01-01T00:00:00Z")


@mutant("MONITOR-01", GREPS)
def failures_logged_for_each_instance() -> None:
    """A verification failure is logged for every instance that did not hold the session."""
    tell = Sender._report_unverified

    def told(self: Sender, account: Any, trip: Any) -> None:
        tell(self, account, trip)
        trip.failure_reported = False
        tell(self, account, trip)

    Sender._report_unverified = told


@mutant("MONITOR-02", APART)
def send_syncs_are_not_counted() -> None:
    """The counter was added where webhooks move a row, and nowhere where sends do."""
    synced = Monitoring.synced
    Monitoring.synced = lambda self, source: None if source == "send" else synced(self, source)


@mutant("MONITOR-03", *rows(FIVE, "4-6-raised"))
def warning_counts_webhooks_only() -> None:
    """The warning looks at the syncs of webhooks, of which there are fewer."""
    look = Monitoring._look

    def looked(self: Monitoring) -> dict[Alert, float]:
        values = look(self)
        if Counter(source for _, source in self._recent)["webhook"] <= monitoring.SYNC_EVENTS.threshold:
            self._raised.pop(monitoring.SYNC_EVENTS, None)
        return values

    Monitoring._look = looked


@mutant("MONITOR-04", TEN)
def failures_counted_twice() -> None:
    """A send counts as two verification failures: one of the verification, one of the scan."""
    failed = Monitoring.verification_failed

    def counted(self: Monitoring) -> None:
        failed(self)
        failed(self)

    Monitoring.verification_failed = counted


@mutant("MONITOR-05", RESET, NO_RESET)
def failures_counted_for_each_account() -> None:
    """Failures in a row are counted for each account, and the most of any is told."""
    counts: Counter[str] = Counter()
    tell, verified = Sender._report_unverified, Sender._report_verified

    def told(self: Sender, account: Any, trip: Any) -> None:
        if not trip.failure_reported:
            counts[account.session_id] += 1
        tell(self, account, trip)

    def told_verified(self: Sender, session_id: str, assigned: str) -> None:
        counts[session_id] = 0
        verified(self, session_id, assigned)

    Sender._report_unverified, Sender._report_verified = told, told_verified
    report_with(consecutive_verification_failures=lambda _true: max(counts.values(), default=0))


@mutant("MONITOR-08", AGREE)
def metrics_know_no_sends() -> None:
    """The metrics miss the syncs of sends."""
    collect = Monitoring.collect

    def collected(self: Monitoring) -> Iterator[Metric]:
        for family in collect(self):
            family.samples = [one for one in family.samples if one.labels.get("source") != "send"]
            yield family

    Monitoring.collect = collected


@mutant("MONITOR-08", AGREE)
def failures_counted_up_to_one() -> None:
    """The total of verification failures tells only whether there was one."""
    collect = Monitoring.collect

    def collected(self: Monitoring) -> Iterator[Metric]:
        self._failures = min(self._failures, 1)
        yield from collect(self)

    Monitoring.collect = collected

"""The words of monitoring failures: the value that an alert is about, and what a grep finds."""

from __future__ import annotations

import json

import pytest

from harness.checks import monitoring
from harness.contract import LogLine
from tests.harness.support import failure


def counted(**changed: object) -> monitoring.Counted:
    report = {
        "counting_since": "2026-01-01T00:00:00+00:00",
        "sync_events_last_hour": 6,
        "sync_events_by_source": {"webhook": 2, "send": 4, "health_check": 0},
        "consecutive_verification_failures": 10,
        "sync_attempts": 100,
        "sync_successes": 99,
        "sync_success_rate": 99.0,
        "alerts": [],
    }
    return monitoring.Counted.read(json.dumps({**report, **changed}))


@pytest.mark.parametrize(
    ("name", "at"),
    [
        ("InstanceSyncEvents", "6 sync events in the last hour"),
        ("VerificationFailures", "10 consecutive verification failures"),
        ("SyncSuccessRate", "a rate of 99, 99 of 100"),
    ],
)
def test_an_alert_is_told_with_the_value_that_it_is_about(name: str, at: str) -> None:
    severity = monitoring.SEVERITIES[name]
    told = failure(lambda: monitoring.alert_is(counted(), name, raised=True))
    assert told == (f"the alert {name} is raised as {severity}", f"it is silent at {at}")
    loud = counted(alerts=[{"name": name, "severity": "other"}])
    for raised in (True, False):
        _, observed = failure(lambda: monitoring.alert_is(loud, name, raised=raised))  # noqa: B023 - called at once
        assert observed == f"it is raised as other at {at}"


def test_a_grep_that_is_off_is_told_with_what_it_finds() -> None:
    lines = [LogLine("Instance sync successful! Database updated", {}), LogLine("Auto-sync", {})]
    wanted = {"scan syncs": 2, "verification failures": 0, "webhook syncs": 1}
    _, observed = failure(lambda: monitoring.greps_count(lines, wanted))
    assert 'successful" counts 1 (Instance sync successful! Database updated)' in observed
    assert (
        'instance_url" counts 0 (the log has Instance sync successful! Database updated; Auto-sync)'
        in observed
    )
    assert 'verification failures" counts' not in observed

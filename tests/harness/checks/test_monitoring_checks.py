"""What judgements of monitoring say of what is not as it must be."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from harness.checks import monitoring
from harness.contract import LogLine
from harness.errors import ConformanceFailure

if TYPE_CHECKING:
    from collections.abc import Callable


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


def failing(judge: Callable[..., object], *given: Any, **named: Any) -> ConformanceFailure:
    with pytest.raises(ConformanceFailure) as raised:
        judge(*given, **named)
    return raised.value


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
    silent = failing(monitoring.alert_is, counted(), name, raised=True)
    assert (silent.expected, silent.observed) == (
        f"the alert {name} is raised as {severity}",
        f"it is silent at {at}",
    )
    raised = counted(alerts=[{"name": name, "severity": severity}])
    monitoring.alert_is(raised, name, raised=True)
    assert failing(monitoring.alert_is, raised, name, raised=False).observed == (
        f"it is raised as {severity} at {at}"
    )


def test_an_alert_of_another_severity_is_not_that_alert() -> None:
    loud = counted(alerts=[{"name": "SyncSuccessRate", "severity": "critical"}])
    failure = failing(monitoring.alert_is, loud, "SyncSuccessRate", raised=True)
    assert failure.observed == "it is raised as critical at a rate of 99, 99 of 100"


def test_a_grep_that_is_off_is_told_with_what_it_finds() -> None:
    lines = [
        LogLine("Instance sync successful! Database updated", {}),
        LogLine("Auto-sync of assigned_instance_url", {}),
    ]
    monitoring.greps_count(lines, {"scan syncs": 1, "verification failures": 0, "webhook syncs": 0})
    failure = failing(
        monitoring.greps_count, lines, {"scan syncs": 2, "verification failures": 0, "webhook syncs": 1}
    )
    assert (
        'grep "Instance sync successful" counts 1 (Instance sync successful! Database updated)'
        in failure.observed
    )
    assert (
        'grep "Auto-syncing assigned_instance_url" counts 0 '
        "(the log has Instance sync successful! Database updated; Auto-sync of assigned_instance_url)"
    ) in failure.observed
    assert 'verification failures" counts' not in failure.observed

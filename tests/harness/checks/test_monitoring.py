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


def alert(name: str, **changed: object) -> dict[str, object]:
    told = {"name": name, "severity": "warning", "since": "2026-01-01T00:00:00Z", "value": 6, "threshold": 5}
    return {**told, **changed}


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
    assert told == (f"the alert {name} is raised as {severity}", f"it is silent at {at}; no alert is raised")
    loud = counted(alerts=[alert(name, severity="other")])
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


def test_a_silent_alert_is_told_with_those_that_are_raised_under_other_names() -> None:
    report = counted(alerts=[alert("TooManySyncs"), alert("SyncSuccessRate", severity="info")])
    _, observed = failure(lambda: monitoring.alert_is(report, "InstanceSyncEvents", raised=True))
    assert observed.endswith(
        "; raised are TooManySyncs (warning, no name of the contract), SyncSuccessRate (info)"
    )


@pytest.mark.parametrize("changed", [{"value": 5}, {"threshold": 6}])
def test_an_alert_has_the_value_that_raised_it_and_the_threshold_of_the_contract(
    changed: dict[str, object],
) -> None:
    report = counted(alerts=[alert("InstanceSyncEvents", **changed)])
    expected, _ = failure(lambda: monitoring.alert_is(report, "InstanceSyncEvents", raised=True))
    assert expected == "the alert InstanceSyncEvents has the value 6 and the threshold 5"
    monitoring.alert_is(counted(alerts=[alert("InstanceSyncEvents")]), "InstanceSyncEvents", raised=True)


@pytest.mark.parametrize(
    ("body", "expected", "observed"),
    [
        ('{"counting_since": "now"}', 'has the key "sync_events_last_hour"', "it has counting_since"),
        ("[]", "GET /counts reports a JSON object", "'[]'"),
        ("[" * 100_000, "GET /counts reports a JSON object", "'[[["),
        ('{"counting_since": "now", "sync_events_last_hour": "3"}', "is a number", "it is '\"3\"'"),
        ('{"counting_since": "now", "sync_events_last_hour": 1e999}', "is a number", "it is 'Infinity'"),
        ('{"counting_since": "now", "sync_events_last_hour": 2.5}', "is a whole number", "it is '2.5'"),
        (
            '{"counting_since": "now", "sync_events_last_hour": 3, "sync_events_by_source": {"send": 1}}',
            'has the key "sync_events_by_source.webhook" (contract, section 3)',
            "sync_events_by_source has send",
        ),
    ],
)
def test_a_report_that_lacks_a_key_is_told_with_its_path(body: str, expected: str, observed: str) -> None:
    told = failure(lambda: monitoring.Counted.read(body, "GET /counts"))
    assert expected in told[0]
    assert told[1].startswith(observed)


def test_alerts_that_lack_a_key_are_told_with_their_place() -> None:
    report = {"name": "SyncSuccessRate", "severity": "info", "value": 99, "threshold": 99}
    told = failure(lambda: counted(alerts=[alert("InstanceSyncEvents"), report]))
    assert told == (
        'the report of GET /api/monitoring has the key "alerts[1].since" (contract, section 3)',
        "alerts[1] has name, severity, value, threshold",
    )


def test_reports_that_differ_are_told_with_how_often_each_came() -> None:
    reports = [counted(), counted(), counted(sync_attempts=101)]
    expected, observed = failure(lambda: monitoring.one_truth(reports, []))
    assert expected == "3 reports, each on a connection of its own, say the same, whichever process answers"
    assert observed.startswith("2 differ: 2 times 6 sync events (2 by webhook, 4 by send, 0 by health_check)")
    monitoring.one_truth([counted(), counted(counting_since="later")], [monitoring.Metrics({})] * 2)


@pytest.mark.parametrize("text", ["nan", "inf", "1e999", "soon", ""])
def test_what_is_no_time_is_read_as_none(text: str) -> None:
    assert monitoring.unix(text) is None
    assert monitoring.unix("2026-01-01T00:00:00Z") == monitoring.unix("1767225600") == 1767225600.0

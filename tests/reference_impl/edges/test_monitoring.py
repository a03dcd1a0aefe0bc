"""Alerts over an hour that a test need not wait for, and the rules for Prometheus."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import reference_impl
from reference_impl.edges.monitoring import HOUR, Monitoring
from tests.prerequisites import program

RULES = Path(reference_impl.__file__).parent / "alerts.rules.yml"
RULE_TESTS = Path(__file__).parent / "alerts.test.yml"


def test_events_are_of_the_last_hour_only_and_an_alert_has_the_time_of_its_cause() -> None:
    now = [1_800_000_000.0]
    monitoring = Monitoring(lambda: now[0])

    def alerts() -> list[Any]:
        return [(one["name"], one["since"], one["value"]) for one in report()["alerts"]]

    def report() -> Any:
        return monitoring.report()

    monitoring.synced("webhook")
    now[0] += 7
    for _ in range(5):
        monitoring.synced("health_check")
    now[0] += 7
    assert alerts() == [("InstanceSyncEvents", "2027-01-15T08:00:07.000Z", 6)]
    now[0] += HOUR - 14
    assert report()["sync_events_by_source"] == {"webhook": 0, "send": 0, "health_check": 5}
    assert alerts() == []


def test_every_source_leaves_the_hour_and_the_metrics_go_on_counting() -> None:
    now = [1_800_000_000.0]
    monitoring = Monitoring(lambda: now[0])

    def events() -> Any:
        return monitoring.report()["sync_events_by_source"]

    for source in ("webhook", "send", "health_check"):
        monitoring.synced(source)
        now[0] += HOUR / 3
    # The first of them is exactly an hour old.
    assert events() == {"webhook": 0, "send": 1, "health_check": 1}
    now[0] += HOUR / 3 - 1
    assert events() == {"webhook": 0, "send": 1, "health_check": 1}
    now[0] += 1
    assert events() == {"webhook": 0, "send": 0, "health_check": 1}
    now[0] += HOUR
    assert monitoring.report()["sync_events_last_hour"] == 0
    assert b'instance_sync_events_total{source="webhook"} 1.0' in monitoring.metrics()


def test_prometheus_reads_the_rules_and_raises_each_alert_at_its_threshold() -> None:
    promtool = program("promtool", "prometheus")
    for words in (["check", "rules", str(RULES)], ["test", "rules", str(RULE_TESTS)]):
        ended = subprocess.run([promtool, *words], capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stdout + ended.stderr

"""Counts and alerts, each at its exact threshold, in the report, in the metrics and for Prometheus' own tools."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

import reference_impl
from reference_impl.edges.monitoring import HOUR, Monitoring
from tests.prerequisites import program
from tests.reference_impl.support import SESSION, event

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.reference_impl.support import Stub, System

RULES = Path(reference_impl.__file__).parent / "alerts.rules.yml"
RULE_TESTS = Path(__file__).parent / "alerts.test.yml"
START = 1_800_000_000.0


class Clock:
    """Unix seconds, moved by hand."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def monitoring(clock: Clock) -> Monitoring:
    return Monitoring(clock)


def alerts(monitoring: Monitoring) -> dict[str, Any]:
    report: Any = monitoring.report()
    return {one["name"]: one for one in report["alerts"]}


def metrics(text: str) -> dict[str, float]:
    return {
        ",".join([sample.name, *sample.labels.values()]): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_before_anything_happened_all_is_well(monitoring: Monitoring) -> None:
    assert monitoring.report() == {
        "counting_since": "2027-01-15T08:00:00.000Z",
        "sync_events_last_hour": 0,
        "sync_events_by_source": {"webhook": 0, "send": 0, "health_check": 0},
        "consecutive_verification_failures": 0,
        "sync_attempts": 0,
        "sync_successes": 0,
        "sync_success_rate": 100.0,
        "alerts": [],
    }


@pytest.mark.parametrize(
    ("name", "count", "silent"),
    [
        ("InstanceSyncEvents", lambda one: one.synced("send"), 5),
        ("VerificationFailures", Monitoring.verification_failed, 10),
    ],
)
def test_an_alert_is_raised_by_one_more_than_its_threshold(
    monitoring: Monitoring, clock: Clock, name: str, count: Callable[[Monitoring], None], silent: int
) -> None:
    for _ in range(silent):
        count(monitoring)
    assert alerts(monitoring) == {}
    clock.now += 7
    count(monitoring)
    clock.now += 7
    raised = alerts(monitoring)[name]
    assert (raised["value"], raised["threshold"], raised["since"]) == (
        silent + 1,
        silent,
        "2027-01-15T08:00:07.000Z",
    )


def test_events_are_of_the_last_hour_only(monitoring: Monitoring, clock: Clock) -> None:
    monitoring.synced("webhook")
    clock.now += 10
    for _ in range(5):
        monitoring.synced("health_check")
    assert "InstanceSyncEvents" in alerts(monitoring)
    clock.now = START + HOUR
    report: Any = monitoring.report()
    assert report["sync_events_by_source"] == {"webhook": 0, "send": 0, "health_check": 5}
    assert report["sync_events_last_hour"] == 5
    assert alerts(monitoring) == {}


def test_a_confirmed_verification_clears_the_alert(monitoring: Monitoring) -> None:
    for _ in range(11):
        monitoring.verification_failed()
    assert alerts(monitoring)["VerificationFailures"]["severity"] == "critical"
    monitoring.verified()
    assert alerts(monitoring) == {}
    assert metrics(monitoring.metrics().decode())["session_verification_failures_total"] == 11


@pytest.mark.parametrize(("failed", "raised"), [(0, set()), (1, {"SyncSuccessRate"})])
def test_ninety_nine_in_a_hundred_is_too_few(monitoring: Monitoring, failed: int, raised: set[str]) -> None:
    for number in range(100):
        monitoring.attempted(found=number >= failed)
    assert alerts(monitoring).keys() == raised
    assert monitoring.report()["sync_success_rate"] == 100 - failed


def test_the_metrics_say_the_same_as_the_report(system: System, stubs: list[Stub]) -> None:
    system.database.add(142, SESSION, stubs[0].url)
    stubs[1].hold()
    system.send()
    system.send()
    stubs[1].sessions.clear()
    system.send()
    stubs[2].hold()
    system.webhook(event(), stubs[2].url)
    client = system.app.test_client()
    report = client.get("/api/monitoring").get_json()
    read = metrics(client.get("/metrics").get_data(as_text=True))
    assert read == {
        "instance_sync_events_total,webhook": 1,
        "instance_sync_events_total,send": 1,
        "instance_sync_events_total,health_check": 0,
        "session_verification_failures_total": 2,
        "session_verification_failures_consecutive": report["consecutive_verification_failures"],
        "instance_sync_attempts_total": report["sync_attempts"],
        "instance_sync_successes_total": report["sync_successes"],
    }
    assert (report["sync_attempts"], report["sync_successes"], report["sync_success_rate"]) == (2, 1, 50)
    assert report["sync_events_by_source"] == {"webhook": 1, "send": 1, "health_check": 0}
    assert report["consecutive_verification_failures"] == 1


def test_prometheus_reads_the_rules_and_raises_each_alert_at_its_threshold() -> None:
    promtool = program("promtool", "prometheus")
    for words in (["check", "rules", str(RULES)], ["test", "rules", str(RULE_TESTS)]):
        ended = subprocess.run([promtool, *words], capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stdout + ended.stderr

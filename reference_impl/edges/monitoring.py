"""What is counted, and the three alerts (contract, section 3): since this process started, over all accounts."""

from __future__ import annotations

import operator
import threading
import time
from collections import Counter, deque
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from prometheus_client.metrics_core import Metric

SOURCES = ("webhook", "send", "health_check")
HOUR = 3600.0
"""Seconds."""


@dataclass(frozen=True)
class Alert:
    """A condition that is reported while it holds; ``threshold`` is the last value without it."""

    name: str
    severity: str
    threshold: float
    is_raised: Callable[[float, float], bool]


SYNC_EVENTS = Alert("InstanceSyncEvents", "warning", 5, operator.gt)
VERIFICATION_FAILURES = Alert("VerificationFailures", "critical", 10, operator.gt)
SYNC_SUCCESS_RATE = Alert("SyncSuccessRate", "info", 99, operator.le)


class Monitoring(Collector):
    """Counts, and knows since when each alert is raised; safe to use from any thread."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._since = clock()
        self._events: Counter[str] = Counter(dict.fromkeys(SOURCES, 0))
        self._recent: deque[tuple[float, str]] = deque()
        self._failures = self._consecutive = self._attempts = self._successes = 0
        self._raised: dict[Alert, float] = {}
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def synced(self, source: str) -> None:
        """Count a write that moved a location."""
        with self._lock:
            self._events[source] += 1
            self._recent.append((self._clock(), source))
            self._look()

    def verified(self) -> None:
        """Record that an assigned instance confirmed its session."""
        with self._lock:
            self._consecutive = 0
            self._look()

    def verification_failed(self) -> None:
        """Count a send whose assigned instance did not confirm the session."""
        with self._lock:
            self._failures += 1
            self._consecutive += 1
            self._look()

    def attempted(self, *, found: bool) -> None:
        """Count a scan made for a send, and whether it found the holder."""
        with self._lock:
            self._attempts += 1
            self._successes += found
            self._look()

    def report(self) -> dict[str, object]:
        """Return what ``GET /api/monitoring`` answers."""
        with self._lock:
            values = self._look()
            recent = Counter(source for _, source in self._recent)
            return {
                "counting_since": _iso(self._since),
                "sync_events_last_hour": len(self._recent),
                "sync_events_by_source": {source: recent[source] for source in self._events},
                "consecutive_verification_failures": self._consecutive,
                "sync_attempts": self._attempts,
                "sync_successes": self._successes,
                "sync_success_rate": self._rate(),
                "alerts": [
                    {
                        "name": alert.name,
                        "severity": alert.severity,
                        "since": _iso(since),
                        "value": values[alert],
                        "threshold": alert.threshold,
                    }
                    for alert, since in self._raised.items()
                ],
            }

    def metrics(self) -> bytes:
        """Return what ``GET /metrics`` answers: Prometheus text."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        """Yield the counts to Prometheus' library."""
        with self._lock:
            events = CounterMetricFamily("instance_sync_events", "Moved locations.", labels=["source"])
            for source, count in self._events.items():
                events.add_metric([source], count)
            yield events
            for name, words, count in (
                ("session_verification_failures", "Sends whose instance did not confirm.", self._failures),
                ("instance_sync_attempts", "Scans made for a send.", self._attempts),
                ("instance_sync_successes", "Scans that found the holder.", self._successes),
            ):
                yield CounterMetricFamily(name, words, value=count)
            yield GaugeMetricFamily(
                "session_verification_failures_consecutive",
                "Failures since the last confirmed verification.",
                value=self._consecutive,
            )

    def _look(self) -> dict[Alert, float]:
        """Drop events older than an hour, raise and clear alerts, and return the values that decide."""
        now = self._clock()
        while self._recent and self._recent[0][0] <= now - HOUR:
            self._recent.popleft()
        values: dict[Alert, float] = {
            SYNC_EVENTS: len(self._recent),
            VERIFICATION_FAILURES: self._consecutive,
            SYNC_SUCCESS_RATE: self._rate(),
        }
        for alert, value in values.items():
            if alert.is_raised(value, alert.threshold):
                self._raised.setdefault(alert, now)
            else:
                self._raised.pop(alert, None)
        return values

    def _rate(self) -> float:
        return 100.0 * self._successes / self._attempts if self._attempts else 100.0


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

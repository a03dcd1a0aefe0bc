"""`python -m tests.harness.frontier.limited LIMIT`: serve the reference with a limit that is known exactly."""

from __future__ import annotations

import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from tests.mutants.defects.resilience_verification import first_thousand_sessions_read
from tests.mutants.machinery.patching import around_sends, around_webhooks

if TYPE_CHECKING:
    from collections.abc import Callable

LATEST_SECONDS = 3.0
MOST_SESSIONS = 1000
MOST_SENDS = 30


def webhooks_three_seconds_late() -> None:
    """Drop a webhook that is more than three seconds late."""

    def act(_parts: Any, _account: Any, delivery: Any, apply: Callable[[], bool]) -> bool:
        return time.time() - delivery.timestamp <= LATEST_SECONDS and apply()

    around_webhooks(act)


def thirty_sends_at_once() -> None:
    """Break all that are sent at the same moment, if they are more than thirty."""
    lock, under_way, ready = threading.Lock(), [0], threading.Event()

    def act(_parts: Any, _account_id: Any, _message: Any, send: Callable[[], Any]) -> Any:
        with lock:
            under_way[0] += 1
            if under_way[0] > MOST_SENDS:
                ready.set()
        try:
            # The others come within this time, if there are any, whatever the machine does.
            if ready.wait(0.3):
                raise RuntimeError("too many sends at once")
            return send()
        finally:
            with lock:
                under_way[0] -= 1
                if not under_way[0]:
                    ready.clear()

    around_sends(act)


LIMITS = {
    "webhook-delay": (webhooks_three_seconds_late, LATEST_SECONDS),
    "sessions": (first_thousand_sessions_read, MOST_SESSIONS),
    "sends-at-once": (thirty_sends_at_once, MOST_SENDS),
}
"""By the axis on which it is found: what patches the reference, and the limit."""


def main(axis: str) -> None:
    """Serve the reference with the limit on this axis."""
    LIMITS[axis][0]()
    sys.argv = ["reference"]
    # Only now, so that what a patch replaces is what it imports.
    from reference_impl.__main__ import main as reference  # noqa: PLC0415

    reference()


if __name__ == "__main__":
    main(sys.argv[1])

"""Its worker, beside the server: takes webhooks from the queue one by one, and makes the scheduled health check."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any

from reference_impl.edges.accounts import NotStorableError
from reference_impl.fix.health_check import HealthCheck
from reference_impl.fix.locations import LocationSync
from reference_impl.fix.webhooks import Delivery, Event

if TYPE_CHECKING:
    from reference_impl.server import Parts
    from tests.laravel_shape.table import Sessions

POLL_SECONDS = 0.02


def work(parts: Parts, sessions: Sessions) -> None:
    """Process what waits, until the process is ended."""
    pause = threading.Event()
    # Both programs start together, and the server migrates.
    while not sessions.migrated:
        pause.wait(POLL_SECONDS)
    if parts.settings.health_check_interval:
        HealthCheck(parts).run_every(parts.settings.health_check_interval)
    sync = LocationSync(parts)
    while True:
        for number, job in sessions.waiting():
            _process(sync, sessions, job)
            sessions.done(number)
        pause.wait(POLL_SECONDS)


def _process(sync: LocationSync, sessions: Sessions, job: dict[str, Any]) -> None:
    event = Event.parse(job["body"].encode())
    account = sessions.by_session(event.session_id)
    if account is None or event.workspace_id not in {None, account.workspace_id}:
        return
    forgets = os.environ.get("MISTAKE") == "location_not_queued"
    location = None if forgets else job["location"]
    try:
        sync.apply(account, Delivery(event, location, job["at"], job["signature"]))
    except NotStorableError:
        return

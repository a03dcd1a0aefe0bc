"""What each of its processes is made of."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, cast

from reference_impl.background import BackgroundLoop
from reference_impl.edges.instances import InstanceClient
from reference_impl.edges.log import EventLog
from reference_impl.edges.monitoring import Monitoring
from reference_impl.fix.locator import Locator
from reference_impl.fix.syncs import Syncs
from reference_impl.server import Parts
from reference_impl.settings import Settings
from tests.laravel_shape.table import Sessions

if TYPE_CHECKING:
    from reference_impl.edges.accounts import Accounts

VERIFY_TIMEOUT, SEND_TIMEOUT = 0.9, 2.0
"""Seconds: constants of this program, which nobody can set from outside."""


class DailyLog(EventLog):
    """Lines of JSON, in a file for each day."""

    def __init__(self, folder: Path, secrets: tuple[str, ...]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        super().__init__(str(folder / f"laravel-{datetime.now(UTC):%Y-%m-%d}.log"), secrets)

    def _write(self, level: str, text: str, fields: dict[str, object]) -> None:
        safe = {name: self._safe(value) for name, value in fields.items()}
        context = json.dumps(safe, separators=(",", ":")).replace(" ", "\\u0020")
        message, now = json.dumps(text), json.dumps(datetime.now(UTC).isoformat())
        line = f'{{"message":{message},"context":{context},"level_name":"{level}","datetime":{now}}}\n'
        os.write(self._file, line.encode())


def make_parts(host: str = "127.0.0.1", port: int = 0) -> tuple[Parts, Sessions]:
    """Make the parts that the environment configures."""
    own = os.environ
    instances = tuple(own[f"NODE_{number}_URL"] for number in range(1, 5))
    if own.get("MISTAKE") == "three_of_four":
        instances = instances[:3]
    settings = Settings(
        host=host,
        port=port,
        node_instances=instances,
        hmac_secret=own["WHATSAPP_WEBHOOK_SECRET"],
        api_key=own["WHATSAPP_NODE_KEY"],
        verify_timeout=VERIFY_TIMEOUT,
        send_timeout=SEND_TIMEOUT,
        signature_ttl=float(own["WHATSAPP_WEBHOOK_TOLERANCE"]),
        health_check_interval=float(own["WHATSAPP_CHECK_EVERY"]),
    )
    log = DailyLog(Path(own["STORAGE_PATH"]) / "logs", settings.secrets)
    sessions, client, monitoring = Sessions(own["DB_URL"]), InstanceClient(settings), Monitoring()
    accounts = cast("Accounts", sessions)
    syncs, locator = Syncs(accounts, log, monitoring), Locator(settings, client)
    return Parts(settings, log, accounts, client, BackgroundLoop(), locator, monitoring, syncs), sessions

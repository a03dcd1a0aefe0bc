"""Sound designs: what is logged and counted, and where."""

from __future__ import annotations

import json
import os
import sys
from collections import Counter, deque
from datetime import UTC, datetime

from prometheus_client.core import GaugeMetricFamily, HistogramMetricFamily
from sqlalchemy import Column, Integer, MetaData, Table, Text, insert, select, update

from reference_impl.edges import monitoring
from reference_impl.edges.accounts import connect
from reference_impl.edges.answers import Holding
from reference_impl.edges.log import EventLog
from reference_impl.edges.monitoring import Monitoring
from reference_impl.fix.locator import moment
from reference_impl.fix.sender import Sender
from reference_impl.fix.webhooks import WebhookReceiver
from tests.mutants.machinery.patching import around, around_webhooks
from tests.mutants.machinery.registry import OPERATIONS, sound_design
from tests.mutants.machinery.several_processes import (
    count_together,
    know_together,
    serve_in_two_processes,
    shared_memory,
)

COUNTS = Table("sync_counts", MetaData(), Column("id", Integer, primary_key=True), Column("value", Text))


def _lines_written(line) -> None:
    """Change how lines are written, from level, text and fields without secrets."""

    def written(self, level, text, fields):
        safe = {name: self._safe(value) for name, value in fields.items()}
        os.write(self._file, f"{line(level, text, safe)}\n".encode())

    EventLog._write = written


def _php_json(fields):
    return json.dumps(fields, separators=(",", ":")).replace("/", "\\/")


@sound_design
def logs_as_laravel_does() -> None:
    """Lines have Laravel's format: an emoji before the text, slashes escaped, an empty list at the end."""
    emoji = {"INFO": "\N{ANTICLOCKWISE DOWNWARDS AND UPWARDS OPEN CIRCLE ARROWS} ", "ERROR": "❌ "}
    _lines_written(
        lambda level, text, fields: (
            f"[{datetime.now(UTC):%Y-%m-%d %H:%M:%S}] production.{level}: "
            f"{emoji.get(level, '⚠️ ')}{text} {_php_json(fields)} []"
        )
    )


@sound_design
def logs_more_than_is_asked() -> None:
    """Lines have more fields, some of them nested, and there are others between them, of other shapes."""
    send, receive = Sender.send, WebhookReceiver.receive

    def sent(self, account_id, message):
        self.parts.log.info("Sending a message", account_id=account_id, length=len(message.text))
        return send(self, account_id, message)

    def received(self, headers, body):
        self.parts.log.info("Webhook received", length=len(body), agent=headers.get("User-Agent"))
        return receive(self, headers, body)

    def line(level, text, fields):
        more = {"context": {"pid": os.getpid(), "tags": []}, **fields, "retries": 0, "tenant": None}
        told = json.dumps(more, ensure_ascii=False)
        return (
            f"{datetime.now(UTC).isoformat()} | {level:8} | {text} {told}\n  #0 {{main}} of {os.getpid()}\n"
        )

    Sender.send, WebhookReceiver.receive = sent, received
    _lines_written(line)


@sound_design(target='\n[log]\nvia = "stderr"\n')
def logs_to_standard_error() -> None:
    """The log goes to standard error, beside whatever else is written there."""

    @around(EventLog, "_write")
    def written(write, self, level, text, fields):
        sys.stderr.write("DeprecationWarning: {} of an old library\n")
        sys.stderr.flush()
        write(self, level, text, fields)


@sound_design(profiles=OPERATIONS)
def metrics_of_its_own() -> None:
    """There are more metrics and more in the report than is asked for, and times are Unix seconds."""
    collect, report = Monitoring.collect, Monitoring.report

    def collected(self):
        yield GaugeMetricFamily("sync_build_info", "The version.", labels=["version"], value=None)
        durations = HistogramMetricFamily("send_seconds", "Times of sends.")
        durations.add_metric([], buckets=[("0.1", 1), ("+Inf", 2)], sum_value=1.5)
        yield durations
        yield from collect(self)

    def told(self):
        return {"version": "1.4.0", "uptime": 12.5, **report(self), "instances": {"up": 4}}

    Monitoring.collect, Monitoring.report = collected, told
    monitoring._iso = lambda at: at


@sound_design(profiles=OPERATIONS)
def counts_outlive_a_restart() -> None:
    """What is counted is kept in a table of its own, and is still there after a restart."""
    engine = connect(os.environ["DATABASE_URL"])
    COUNTS.metadata.create_all(engine)
    init, look = Monitoring.__init__, Monitoring._look
    numbers = ("_since", "_failures", "_consecutive", "_attempts", "_successes")

    def opened(self, *parts, **more):
        init(self, *parts, **more)
        with engine.connect() as connection:
            kept = connection.execute(select(COUNTS.c.value)).scalar()
            if kept is None:
                connection.execute(insert(COUNTS).values(id=1, value="{}"))
                return
        value = json.loads(kept)
        self._recent = deque((at, source) for at, source in value.get("recent", []))
        self._events = Counter({**self._events, **value.get("events", {})})
        for name in numbers:
            setattr(self, name, value.get(name, getattr(self, name)))

    def looked(self):
        values = look(self)
        kept = {name: getattr(self, name) for name in numbers}
        told = json.dumps({**kept, "recent": list(self._recent), "events": dict(self._events)})
        with engine.connect() as connection:
            connection.execute(update(COUNTS).values(value=told))
        return values

    Monitoring.__init__, Monitoring._look = opened, looked


@sound_design
def verifications_for_webhooks_logged_too() -> None:
    """For every webhook the assigned instance is asked, and the log says if it holds the session."""

    def applied(parts, account, _delivery, apply):
        assigned = parts.settings.configured(account.assigned_instance_url)
        session_id = account.session_id or ""
        if assigned is not None:
            holding = parts.loop.run(parts.locator.ask(assigned, session_id, moment()))
            if holding is Holding.HELD:
                parts.log.info(
                    "Session verified in assigned instance", session_id=session_id, instance_url=assigned
                )
        return apply()

    around_webhooks(applied)


@sound_design
def two_processes_that_count_together() -> None:
    """Two processes serve the port, and share what they count and what they know of locations."""
    memory = shared_memory()
    count_together(memory)
    know_together(memory)
    serve_in_two_processes()

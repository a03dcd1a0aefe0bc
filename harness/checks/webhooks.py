"""Checks of what webhooks bring about: how they are answered, and what a write leaves behind. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from harness import log_events
from harness.checks.sending import matching, webhook_answered
from harness.errors import ConformanceFailure
from harness.wording import few, quoted, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from fake_instances.journal import WebhookAnswered
    from harness.contract import LogLine, Row

_MOST_LINES = 2
"""Lines of the log that a finding quotes; they are alike."""
RECENT_SECONDS = 300.0
"""How long ago a write of a scenario may be at most; far less than clocks of two time zones differ."""
CLOCK_SECONDS = 5.0
"""How far a database's own clock may be ahead."""


def answered_below_500(answers: Iterable[WebhookAnswered]) -> None:
    """Check that each of these webhooks was answered, and with no status of a breakdown."""
    for answer in answers:
        webhook_answered(answer, range(200, 500), "below 500")


def window_in_force(answers: Mapping[int, WebhookAnswered], window: int) -> None:
    """Check the answers to webhooks that are off by so many seconds, given by these, less than 0 for the past."""
    for seconds, answer in answers.items():
        inside = abs(seconds) < window
        when = f"{abs(seconds)} s {'ago' if seconds < 0 else 'ahead'}"
        wanted = f"{'2xx' if inside else '401'} where it is signed {when} and the window is {window} s"
        webhook_answered(answer, range(200, 300) if inside else {401}, wanted)


def taken_or_refused(answer: WebhookAnswered) -> None:
    """Check that a webhook that may be refused for its size met no breakdown; a connection may be cut."""
    if answer.status is None and "time" not in (answer.reason or "").lower():
        return
    webhook_answered(answer, range(200, 500), "below 500")


def row_repeated(before: Row, after: Row | None) -> None:
    """Check that a row says what it said before, whether or not it was written once more."""
    if after is None:
        raise ConformanceFailure("the row stays as it was", "the row is gone")
    same = {**after.columns, "updated_at": before.columns["updated_at"]}
    if difference := before.difference(type(after)(same)):
        raise ConformanceFailure("the row stays as it was", difference)


def updated_just_now(row: Row | None) -> None:
    """Check that a row's `updated_at` is the time of a write in this scenario, in UTC."""
    now = datetime.now(UTC)
    wanted = f"the row's updated_at is the time of the write in UTC, shortly before {now:%Y-%m-%d %H:%M:%S}"
    if row is None:
        raise ConformanceFailure(wanted, "the row is gone")
    value = row.columns["updated_at"]
    moment = _moment(value)
    if moment is None:
        raise ConformanceFailure(
            f"{wanted}, as ISO 8601 or YYYY-MM-DD HH:MM:SS", f"it is {shown(value)}, which is neither"
        )
    age = (now - moment).total_seconds()
    if not -CLOCK_SECONDS <= age <= RECENT_SECONDS:
        direction = f"{age:.0f} s ago" if age > 0 else f"{-age:.0f} s ahead"
        raise ConformanceFailure(wanted, f"it is {shown(str(value))}, {direction}")


def _moment(value: object) -> datetime | None:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.strip())
        except ValueError:
            return None
    if not isinstance(value, datetime):
        return None
    try:
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    except OverflowError:  # the first or the last day that there is, in another zone
        return None


def filling_logged(lines: Sequence[LogLine], session_id: str, url: str) -> None:
    """Check that the log has a line of a webhook's move whose old URL is null."""
    fields = {"session_id": session_id, "new_url": url}
    found = matching(lines, log_events.AUTO_SYNC, fields)
    if not any(not line.fields.get("old_url") for line in found):
        told = "; ".join(line.text for line in found) or "none"
        raise ConformanceFailure(
            f"the log has a line {quoted(log_events.AUTO_SYNC)} with old_url null and new_url {url}",
            f"of such lines about the session it has {told}",
        )


def moves_logged(lines: Sequence[LogLine], session_id: str, count: int) -> None:
    """Check that the log has a line for each of so many moves by webhook, and no more."""
    found = matching(lines, log_events.AUTO_SYNC, {"session_id": session_id})
    if len(found) != count:
        told = few([line.text for line in found], _MOST_LINES, "; ") or "none"
        raise ConformanceFailure(
            f"the log has {count} lines {quoted(log_events.AUTO_SYNC)} of the session, one for each move",
            f"it has {len(found)}: {told}",
        )

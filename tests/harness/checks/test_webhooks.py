"""Checks of webhooks: what they are answered, and what they leave in rows and in the log."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest

from fake_instances.journal import WebhookAnswered
from harness import log_events
from harness.checks import security, webhooks
from harness.errors import ConformanceFailure
from tests.harness.support import SESSION, line, row

if TYPE_CHECKING:
    from collections.abc import Callable

JAKARTA = timezone(timedelta(hours=7))
CLAIM = "http://user:word@evil.example:3002/a?k=v"


def answer(status: int | None, reason: str | None = None) -> WebhookAnswered:
    return WebhookAnswered(instance=3002, webhook=1, status=status, reason=reason)


def text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S")


@pytest.mark.parametrize(
    "written",
    [
        lambda now: now.replace(tzinfo=None),
        lambda now: now,
        lambda now: now.astimezone(JAKARTA),
        lambda now: now.astimezone(JAKARTA).isoformat(),
        text,
        lambda now: now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        lambda now: now.strftime("%Y-%m-%dT%H:%M:%S.123Z"),
    ],
    ids=["naive", "in UTC", "elsewhere", "as text with a zone", "as text", "with a Z", "with milliseconds"],
)
def test_every_way_to_write_a_time_in_utc_is_read(written: Callable[[datetime], object]) -> None:
    webhooks.updated_just_now(row(updated_at=written(datetime.now(UTC))))


@pytest.mark.parametrize(
    ("written", "told"),
    [
        (lambda now: text(now.astimezone(JAKARTA)), "s ahead"),
        (lambda now: now.astimezone(JAKARTA).replace(tzinfo=None), "s ahead"),
        (lambda now: text(now.astimezone(timezone(timedelta(hours=-5)))), "s ago"),
        (lambda _now: "2020-01-01 00:00:00", "s ago"),
        (lambda now: int(now.timestamp()), "which is neither"),
        (lambda _now: "just now", "which is neither"),
        (lambda _now: "0001-01-01T00:00:00+14:00", "which is neither"),
        (lambda _now: None, "which is neither"),
    ],
    ids=["local", "local, naive", "west", "long past", "a number", "words", "before all time", "null"],
)
def test_any_other_time_is_a_finding(written: Callable[[datetime], object], told: str) -> None:
    with pytest.raises(ConformanceFailure, match=told):
        webhooks.updated_just_now(row(updated_at=written(datetime.now(UTC))))


def test_a_row_that_is_gone_has_no_time() -> None:
    with pytest.raises(ConformanceFailure, match="the row is gone"):
        webhooks.updated_just_now(None)


def test_a_repeated_webhook_may_write_the_time_and_nothing_else() -> None:
    webhooks.row_repeated(row(), row(updated_at="2026-01-01"))
    with pytest.raises(ConformanceFailure, match='status was "connected" and is now "failed"'):
        webhooks.row_repeated(row(), row(status="failed"))


def test_a_window_is_judged_on_both_sides_of_its_edges() -> None:
    webhooks.window_in_force({-30: answer(200), 30: answer(202), -90: answer(401), 90: answer(401)}, 60)
    with pytest.raises(ConformanceFailure, match="401 where it is signed 90 s ahead and the window is 60 s"):
        webhooks.window_in_force({-30: answer(200), 90: answer(200)}, 60)
    with pytest.raises(ConformanceFailure, match="2xx where it is signed 30 s ago and the window is 60 s"):
        webhooks.window_in_force({-30: answer(401)}, 60)


@pytest.mark.parametrize("fine", [answer(200), answer(413), answer(None, "ConnectionResetError: reset")])
def test_a_long_webhook_may_be_taken_refused_or_cut(fine: WebhookAnswered) -> None:
    webhooks.taken_or_refused(fine)


@pytest.mark.parametrize("wrong", [answer(500), answer(None, "TimeoutError: timed out")])
def test_a_long_webhook_must_be_answered_below_500(wrong: WebhookAnswered) -> None:
    with pytest.raises(ConformanceFailure, match="below 500"):
        webhooks.taken_or_refused(wrong)


def test_a_move_from_nowhere_has_a_null_old_url() -> None:
    fields = {"session_id": SESSION, "new_url": "http://two"}
    webhooks.filling_logged([line(log_events.AUTO_SYNC, **fields, old_url=None)], SESSION, "http://two")
    with pytest.raises(ConformanceFailure, match="old_url null"):
        webhooks.filling_logged([line(log_events.AUTO_SYNC, **fields, old_url="x")], SESSION, "http://two")


def refusal(shown: str) -> str:
    return f'{log_events.REFUSED_LOCATION} {{"session_id":"{SESSION}","claimed_url":"{shown}"}}'


@pytest.mark.parametrize(
    "shown",
    [
        CLAIM,
        "http://evil.example:3002/a",
        "http://[redacted]@evil.example:3002/a?[redacted]",
        r"http:\/\/evil.example:3002\/a",
        "http%3A%2F%2Fevil.example%3A3002%2Fa",
    ],
)
def test_every_safe_way_to_show_a_refused_location_is_accepted(shown: str) -> None:
    one = line(refusal(shown), session_id=SESSION, claimed_url=shown)
    security.refusal_logged_safely([one, one], SESSION, CLAIM)


@pytest.mark.parametrize("shown", ["evil.example", "[hidden]", "http://evil.example:3002"])
def test_a_line_without_the_whole_location_is_a_finding(shown: str) -> None:
    with pytest.raises(ConformanceFailure, match=r"evil\.example:3002/a at least"):
        security.refusal_logged_safely(
            [line(refusal(shown), session_id=SESSION, claimed_url=shown)], SESSION, CLAIM
        )


def test_a_leak_is_quoted_without_the_secret_and_with_its_place() -> None:
    secrets = {"the API key": "k" * 32, "the HMAC secret": "h" * 64}
    leaking = f"calling http://one/?api_key={'k' * 32} signed by {'h' * 64}"
    with pytest.raises(ConformanceFailure) as raised:
        security.nothing_secret(secrets, [("harmless", str), (leaking, lambda _: "sync.log, line 7")])
    told = raised.value.observed
    assert "the API key in sync.log, line 7: calling http://one/?api_key=[secret] signed by [secret]" in told
    assert "the HMAC secret in sync.log, line 7" in told
    assert not {"k" * 32, "h" * 64} & set(told.split())


def test_of_many_lines_alike_a_few_are_quoted_and_the_rest_is_counted() -> None:
    lines = [line(log_events.AUTO_SYNC, session_id=SESSION) for _ in range(18)]

    with pytest.raises(ConformanceFailure) as found:
        webhooks.moves_logged(lines, SESSION, 2)

    assert found.value.observed.startswith("it has 18: ")
    assert found.value.observed.endswith(" and 16 more")
    assert found.value.observed.count(log_events.AUTO_SYNC) == 2

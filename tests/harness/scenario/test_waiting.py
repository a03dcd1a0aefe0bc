"""How long it is waited for effects that may follow: since the last webhook, and not where none was sent."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

from fake_instances.journal import WebhookAnswered, WebhookSent, now
from harness.history import History
from harness.scenario.world import World

if TYPE_CHECKING:
    from collections.abc import Callable

    from fake_instances.journal import Entry

PATIENCE = 0.3


def waited(*entries: Entry, patience: float = PATIENCE) -> float:
    world = SimpleNamespace(history=History(entries), _webhook_patience=lambda: patience)
    began = time.monotonic()
    World.let_pass(cast("World", world))
    return time.monotonic() - began


def sent(webhook: int, ago: float) -> Entry:
    return WebhookSent(
        at=now() - ago, instance=3002, webhook=webhook, event="e", session_id=None, headers=(), body=b""
    )


def answered(webhook: int, ago: float) -> Entry:
    return WebhookAnswered(at=now() - ago, instance=3002, webhook=webhook, status=200)


def test_where_no_webhook_was_sent_nobody_waits() -> None:
    assert waited() < PATIENCE


@pytest.mark.parametrize(
    "happened",
    [
        lambda: (sent(1, 9), answered(1, 0)),
        # One that came from nowhere, and one that is not answered yet.
        lambda: (answered(0, 0),),
        lambda: (sent(1, 9), answered(1, 9), sent(2, 9)),
    ],
    ids=["answered", "in chunks", "under way"],
)
def test_the_last_webhook_is_given_its_time(happened: Callable[[], tuple[Entry, ...]]) -> None:
    assert waited(*happened()) > PATIENCE / 3


def test_what_has_passed_since_the_last_webhook_is_not_waited_for_again() -> None:
    assert waited(sent(1, 9), answered(1, 9)) < PATIENCE
    assert waited(sent(1, 0), answered(1, 0), patience=0.0) < PATIENCE

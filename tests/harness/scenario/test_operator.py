"""How long an operator waits for what was asked."""

from __future__ import annotations

import subprocess
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
import requests

from harness.contract import Settings
from harness.errors import ConformanceFailure
from harness.scenario import operator
from tests.harness.support import target

if TYPE_CHECKING:
    from harness.scenario.world import World


def world(**implementation: object) -> World:
    """Return as much of a world as an operator needs."""
    given = {"base_url": "http://127.0.0.1:1", "problem": None, "unheard": False, **implementation}
    made = SimpleNamespace(
        implementation=SimpleNamespace(**given),
        settings=Settings(),
        fleet=SimpleNamespace(numbers=(3001, 3002)),
        journal=SimpleNamespace(record=lambda _: None),
    )
    return cast("World", made)


def test_who_waited_in_vain_for_an_answer_waits_less(monkeypatch: pytest.MonkeyPatch) -> None:
    waited = []

    def request(*_: object, patience: float, **__: object) -> requests.Response:
        waited.append(patience)
        raise requests.ReadTimeout("no whole answer")

    monkeypatch.setattr(operator, "request", request)
    asked = world(target=target("program"))
    for _ in range(2):
        with pytest.raises(ConformanceFailure):
            operator.counted(asked)
    assert waited == [10, 2.5]


def command(*words: str) -> Any:
    """Return a target whose health check is a command."""
    operations = SimpleNamespace(command=words, dry_run=())
    return SimpleNamespace(operations=operations)


def test_a_health_check_that_does_not_end_is_a_finding_and_the_next_is_waited_for_less() -> None:
    waited = []

    def run_command(words: tuple[str, ...], *, timeout: float) -> None:
        waited.append(timeout)
        raise subprocess.TimeoutExpired(words, timeout)

    asked = world(target=command("check", "now"), run_command=run_command)
    for _ in range(2):
        with pytest.raises(ConformanceFailure) as raised:
            operator.check(asked)
        assert raised.value.expected == "the command check now runs"
    assert waited[1] == waited[0] / 4

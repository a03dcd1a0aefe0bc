"""How long a user waits for an answer."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
import requests

from harness.contract import Settings
from harness.scenario import client
from tests.harness.support import target

if TYPE_CHECKING:
    from harness.attach.control_plane import ControlPlane

NO_ANSWER = requests.ReadTimeout("no whole answer")


@pytest.fixture
def waited() -> list[float]:
    return []


def sends(
    monkeypatch: pytest.MonkeyPatch, waited: list[float], implementation: Any, comes: Exception | None
) -> None:
    """Have a user send a message, to which this comes; None for an answer."""
    answer = requests.Response()
    answer.status_code, answer._content = 200, b"{}"

    def request(*_: object, patience: float, **__: object) -> requests.Response:
        waited.append(round(patience, 3))
        if comes is not None:
            raise comes
        return answer

    monkeypatch.setattr(client, "request", request)
    client.ask_to_send(cast("ControlPlane", implementation), 1, 142, "628", "hello")


def test_who_waited_in_vain_is_waited_for_shorter_until_there_is_an_answer(
    monkeypatch: pytest.MonkeyPatch, waited: list[float]
) -> None:
    settings = Settings(verify_timeout=0.5, send_timeout=1.5)
    implementation = SimpleNamespace(
        target=target("program"),
        settings=settings,
        base_url="http://127.0.0.1:1",
        adapted=None,
        silent=0,
        problem=None,
    )
    for comes in (NO_ANSWER, NO_ANSWER, NO_ANSWER, NO_ANSWER, None, NO_ANSWER):
        sends(monkeypatch, waited, implementation, comes)
    assert waited == [18, 6.7, 2.7, 2.7, 2.7, 18]


def test_who_is_refused_did_not_wait(monkeypatch: pytest.MonkeyPatch, waited: list[float]) -> None:
    implementation = SimpleNamespace(
        target=target("program"),
        settings=Settings(),
        base_url="http://127.0.0.1:1",
        adapted=None,
        silent=0,
        problem="gone",
    )
    for _ in range(2):
        sends(monkeypatch, waited, implementation, requests.ConnectionError("refused"))
    assert waited[0] == waited[1]

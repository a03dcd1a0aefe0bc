"""The health check where scenarios cannot look: its command, and bodies that are no order."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.reference_impl.support import Stub, System


def test_a_session_that_is_only_disconnected_stays_where_it_is(system: System, stubs: list[Stub]) -> None:
    system.database.add(142, "one", stubs[0].url)
    stubs[0].hold("one", "disconnected")
    assert system.post("/api/health-check", b"{}").json["verified"] == 1
    stubs[2].hold("one")
    assert system.post("/api/health-check", b"{}").json["updated"] == 1
    assert system.database.url(142) == stubs[2].url


@pytest.mark.parametrize("body", [b"[]", b"{", b'{"dry_run": "yes"}'])
def test_a_body_that_is_no_order_is_refused_and_does_nothing(
    system: System, stubs: list[Stub], body: bytes
) -> None:
    system.database.add(142, "one", stubs[0].url)
    stubs[1].hold("one")
    assert system.post("/api/health-check", body).status == 422
    assert system.database.url(142) == stubs[0].url


def test_the_command_prints_the_report(
    environment: dict[str, str], system: System, stubs: list[Stub]
) -> None:
    system.database.add(142, "one", stubs[0].url)
    stubs[1].hold("one")
    for more, url in ((["--dry-run"], stubs[0].url), ([], stubs[1].url)):
        ended = subprocess.run(
            [sys.executable, "-m", "reference_impl", "health-check", *more],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        assert json.loads(ended.stdout)["updated"] == 1
        assert system.database.url(142) == url

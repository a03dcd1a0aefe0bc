"""A control plane in Laravel's shape, attached by target keys alone, is acquitted; its mistakes are convicted."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from harness.cli.main import main
from tests.harness.commands import assert_nothing_is_left, features, run
from tests.harness.support import ROOT

if TYPE_CHECKING:
    from pathlib import Path

TARGET = str(ROOT / "tests" / "laravel_shape" / "laravel.toml")
MISTAKES = {
    "location_not_queued": "WEBHOOK-01",  # the job lacks the header that says where the session is
    "sends_straight": "VERIFY-01",  # nobody asks before the message is posted
    "three_of_four": "SCAN-01",  # the fourth variable was forgotten
    "signature_unchecked": "AUTH-03",  # a middleware is missing on the route
    "pretends_to_pretend": "HEALTH-06",  # the command has the option, and forgets it
}
SOUND = [*MISTAKES.values(), "SEND-09", "WEBHOOK-05", "HEALTH-02", "HEALTH-07", "HEALTH-12"]


def test_the_doctor_finds_it_attached(capsys: pytest.CaptureFixture[str]) -> None:
    room = ["--fleet-address", "127.0.0.64", "--fleet-ports", "free"]
    status = main(["doctor", "--target", TARGET, *room])
    said = capsys.readouterr().out
    assert status == 0, said
    assert re.findall(r"^✓ (.+)$", said, re.MULTILINE) == [
        "the start",
        "its clock",
        "rows",
        "webhooks",
        "rows and webhooks",
        "messages",
        "instances",
        "its log",
        "the health check",
        "a clean start",
    ]


@pytest.mark.thorough
def test_it_is_acquitted_of_what_its_mistakes_are_convicted_of(host: str, folder: Path) -> None:
    """Everything that it claims takes minutes: `instance-sync verify --target tests/laravel_shape/laravel.toml`."""
    wanted = [word for one in SOUND for word in ("--requirement", one)]
    ended = run(features(host, "--target", TARGET, *wanted), folder, patience=180)

    assert ended.returncode == 2, ended.stdout
    assert re.search(r"core +MUST 5 passed\n", ended.stdout), ended.stdout
    assert re.search(r"resilience +MUST 1 passed", ended.stdout), ended.stdout
    assert re.search(r"health-check +MUST 3 passed; SHOULD 1 passed", ended.stdout), ended.stdout
    assert "verdict         incomplete: nothing failed" in ended.stdout
    assert_nothing_is_left(host, folder)


@pytest.mark.parametrize("mistake", MISTAKES)
def test_each_mistake_is_convicted_by_its_requirement(
    mistake: str, host: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MISTAKE", mistake)
    requirement = MISTAKES[mistake]
    ended = run(features(host, "--target", TARGET, "--requirement", requirement), folder)

    assert ended.returncode == 1, ended.stdout
    assert re.search(rf"verdict +non-conformant: failed: {requirement}", ended.stdout), ended.stdout

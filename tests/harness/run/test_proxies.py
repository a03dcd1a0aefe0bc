"""A proxy in the environment is for the way out: nothing of a run goes over it."""

from __future__ import annotations

import socket
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from requests.utils import should_bypass_proxies

from harness.attach.drivers.program import command_program
from tests.harness.commands import assert_nothing_is_left, features, run
from tests.harness.support import launch_of, target

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "WS_PROXY")


def test_no_proxy_of_the_environment_is_asked(
    host: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        for name in (name for one in NAMES for name in (one, one.lower())):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.getsockname()[1]}")
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.setenv("no_proxy", "example.test")
        # A message is sent, a webhook is delivered, a log is read, every instance is asked, a check runs.
        asked = ("WEBHOOK-05", "SCAN-02", "HEALTH-02", "INSTANCE-07")
        chosen = [word for one in asked for word in ("--requirement", one)]
        ended = run(features(host, *chosen), folder)
        gateway = run(features(host, "--target", "fake-gateway", "--requirement", "INSTANCE-07"), folder)

        proxy.setblocking(False)
        with pytest.raises(BlockingIOError):
            proxy.accept()
    assert (ended.returncode, gateway.returncode) == (2, 2), ended.stdout + gateway.stdout
    for one in (ended, gateway):
        assert "verdict         incomplete: nothing failed" in one.stdout
    assert_nothing_is_left(host, folder)


@pytest.mark.parametrize("stated", ["", "example.test", "*"])
def test_an_implementation_that_uses_proxies_is_told_who_is_behind_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stated: str
) -> None:
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.setenv("no_proxy", stated)
    given = replace(launch_of(tmp_path), instances=("http://127.0.0.9:3001", "http://[::1]:3002"))
    environment = command_program(target(command=("true",)), given).environment

    assert environment["no_proxy"] == environment["NO_PROXY"]
    if stated == "*":
        assert environment["no_proxy"] == "*"
        return
    assert set(stated.split(",")) - {""} <= set(environment["no_proxy"].split(","))
    for url in (*given.instances, f"http://{given.host}:8000"):
        assert should_bypass_proxies(url, environment["no_proxy"])
    assert not should_bypass_proxies("http://elsewhere.test", environment["no_proxy"])

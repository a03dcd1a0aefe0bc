"""An implementation that runs already: attached by its URL, judged, and left running."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from harness.attach.drivers.command import launch
from harness.attach.drivers.program import free_port
from harness.attach.drivers.url import attach
from harness.attach.rows_by_sql import SqlAccounts
from harness.attach.setup import check_database, check_running
from harness.contract import Launch, Settings
from harness.errors import LaunchError, NotJudgedError, TargetError
from harness.targets.reader import load_target
from tests.harness.commands import features
from tests.harness.support import PATIENCE, target

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from harness.attach.drivers.command import CommandImplementation
    from harness.contract import Target

HOST = "127.0.0.61"
SECRETS = {"API_KEY": "an-api-key-that-was-there-before", "HMAC_SECRET": "a-secret-that-was-there-before"}
RUNNING = """\
[implementation]
name = "acme"
[launch]
url = "{url}"
[log]
file = "their.log"
[timing]
verify_timeout = 0.8
send_timeout = 2
"""


@pytest.fixture
def ports() -> list[int]:
    chosen: set[int] = set()
    while len(chosen) < 4:
        chosen.add(free_port(HOST))
    return sorted(chosen)


@pytest.fixture
def database(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'their.db'}"


@pytest.fixture
def running(tmp_path: Path, database: str, ports: list[int]) -> Iterator[CommandImplementation]:
    """Start the reference as somebody else would, and check that it still runs in the end."""
    reference = load_target("reference")
    SqlAccounts(database, reference).close()
    given = Launch(
        settings=Settings(),
        database_url=database,
        instances=[f"http://{HOST}:{port}" for port in ports],
        api_key=SECRETS["API_KEY"],
        hmac_secret=SECRETS["HMAC_SECRET"],
        log_file=tmp_path / "their.log",
        host="127.0.0.1",
    )
    (tmp_path / "scratch").mkdir()
    started = launch(reference, given, tmp_path / "scratch")
    try:
        yield started
        assert started.problem is None
    finally:
        started.stop()


def test_it_is_judged_except_for_what_only_a_launch_can_show(
    running: CommandImplementation, tmp_path: Path, ports: list[int], database: str
) -> None:
    file = tmp_path / "acme.toml"
    file.write_text(RUNNING.replace("{url}", running.base_url), "utf-8")
    where = ["--fleet-ports", ",".join(map(str, ports)), "--database", database]

    run = subprocess.run(
        [*features(HOST), "--target", str(file), *where],
        capture_output=True,
        text=True,
        timeout=6 * PATIENCE,
        env={**os.environ, **SECRETS},
        check=False,
    )

    assert run.returncode == 2, run.stdout + run.stderr
    assert "verdict         incomplete: nothing failed, but not judged: VERIFY-06\n" in run.stdout
    assert "acme is attached by its URL, and is not killed by the harness" in run.stdout
    assert not any(secret in run.stdout for secret in SECRETS.values())


def test_the_harness_does_not_end_what_it_did_not_start(running: CommandImplementation, acme: Target) -> None:
    attached = attach(replace(acme, url=running.base_url))
    with pytest.raises(NotJudgedError, match="is not killed by the harness"):
        attached.kill()
    attached.stop()
    assert attached.problem is None
    with pytest.raises(LaunchError, match=r"acme answered 404 to GET .*/nowhere: launch.ready names what"):
        attach(replace(acme, url=running.base_url, ready="/nowhere"))
    running.stop()
    assert "does not answer GET" in str(attached.problem)
    running.start()


# What is said when it cannot be attached


@pytest.fixture
def acme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Target:
    """Return a target at a URL where nothing listens, with its secrets in the environment."""
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    return target(url=f"http://127.0.0.1:{free_port('127.0.0.1')}", name="acme", directory=tmp_path)


@pytest.mark.parametrize(
    ("api_key", "secret", "said"),
    [
        ("", "", "API_KEY and HMAC_SECRET must be in the environment"),
        ("their API key", "", "HMAC_SECRET must be in the environment"),
        ("their API key", "short", "HMAC_SECRET must have 8 characters or more"),
    ],
)
def test_its_secrets_come_from_the_environment(
    acme: Target, monkeypatch: pytest.MonkeyPatch, api_key: str, secret: str, said: str
) -> None:
    check_running(acme, in_workers=False)
    monkeypatch.setenv("API_KEY", api_key)
    monkeypatch.setenv("HMAC_SECRET", secret)
    with pytest.raises(TargetError, match=f"^{said}"):
        check_running(acme, in_workers=False)


def test_several_workers_would_each_bring_instances(acme: Target) -> None:
    with pytest.raises(TargetError, match="run it without -n"):
        check_running(acme, in_workers=True)


@pytest.mark.parametrize("given", ["sqlite", "sqlite://", "postgresql://127.0.0.1", "oracle://x/y", "?"])
def test_its_own_database_must_be_named(acme: Target, given: str) -> None:
    for named in ("sqlite:////a/b.db", "postgresql://u:p@127.0.0.1/x", "mysql://127.0.0.1/x"):
        check_database(acme, named)
    with pytest.raises(TargetError, match=r"a target with launch\.url has a database already; give its URL"):
        check_database(acme, given)


def test_one_that_does_not_answer_is_reported(acme: Target) -> None:
    said = rf"acme does not answer GET {acme.url}/health .*: is it running there"
    with pytest.raises(LaunchError, match=said):
        attach(acme)

"""An implementation that runs already: attached by its URL, judged, and left running."""

from __future__ import annotations

import os
import re
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
from harness.errors import NotJudgedError, TargetError
from harness.targets.reader import load_target, read_target
from tests.harness.commands import features
from tests.harness.support import HOOKS, PATIENCE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from harness.attach.drivers.command import CommandImplementation

HOST = "127.0.0.61"
SECRETS = {"API_KEY": "an-api-key-that-was-there-before", "HMAC_SECRET": "a-secret-that-was-there-before"}
RUNNING = """\
[implementation]
name = "acme"
[launch]
url = "{url}"
{reached}
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
    """Start the reference as somebody else would have, and hold that it still runs in the end."""
    target = load_target("reference")
    SqlAccounts(database, target).close()
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
    started = launch(replace(target, environment={"CONFORMANCE_HOOKS": "on"}), given, tmp_path / "scratch")
    try:
        yield started
        assert started.problem is None
    finally:
        started.stop()


def judged(file: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*features(HOST), "--target", str(file), *options],
        capture_output=True,
        text=True,
        timeout=6 * PATIENCE,
        env={**os.environ, **SECRETS},
        check=False,
    )


def test_it_is_judged_as_if_it_had_been_launched_save_for_what_a_launch_alone_can_show(
    running: CommandImplementation, tmp_path: Path, ports: list[int], database: str
) -> None:
    file = tmp_path / "acme.toml"
    reached = '[log]\nfile = "their.log"\n'
    file.write_text(RUNNING.replace("{url}", running.base_url).replace("{reached}", reached), "utf-8")
    where = ["--fleet-ports", ",".join(map(str, ports)), "--database", database]

    run = judged(file, *where)

    assert run.returncode == 2, run.stdout + run.stderr
    assert "verdict         incomplete: nothing failed, but not judged: VERIFY-06\n" in run.stdout
    assert re.search(
        r"^core +MUST 32 passed, 1 not judged; SHOULD 3 passed, 1 not judged$", run.stdout, re.MULTILINE
    )
    assert "acme is attached by its URL, and is not killed by the harness" in run.stdout
    assert not any(secret in run.stdout for secret in SECRETS.values())


def test_the_default_timeout_is_judged_where_it_is_in_force(
    running: CommandImplementation, tmp_path: Path, ports: list[int]
) -> None:
    file = tmp_path / "acme.toml"
    text = RUNNING.replace("{url}", running.base_url).replace("{reached}", HOOKS)
    file.write_text(text.replace("0.8", "3"), "utf-8")

    run = judged(file, "--fleet-ports", ",".join(map(str, ports)), "--requirement", "VERIFY-06")

    # It was started with 0.8 seconds, and gives up long before the 3 that its file tells.
    assert run.returncode == 1, run.stdout + run.stderr
    assert "\nverdict         non-conformant: failed: VERIFY-06\n" in run.stdout


# What is said when it cannot be attached


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "acme.toml"
    url = f"http://127.0.0.1:{free_port('127.0.0.1')}"
    path.write_text(RUNNING.replace("{url}", url).replace("{reached}", '[log]\nfile = "a"'), "utf-8")
    return path


def test_its_secrets_come_from_the_environment(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("API_KEY", raising=False)
    monkeypatch.setenv("HMAC_SECRET", "")
    with pytest.raises(TargetError, match="API_KEY and HMAC_SECRET must be in the environment"):
        check_running(read_target(file), in_workers=False)
    monkeypatch.setenv("API_KEY", "their API key")
    with pytest.raises(TargetError, match=r"^HMAC_SECRET must be in the environment"):
        check_running(read_target(file), in_workers=False)
    monkeypatch.setenv("HMAC_SECRET", "short")
    with pytest.raises(TargetError, match=r"^HMAC_SECRET must have 8 characters or more"):
        check_running(read_target(file), in_workers=False)
    monkeypatch.setenv("HMAC_SECRET", "their HMAC secret")
    check_running(read_target(file), in_workers=False)


def test_several_workers_would_each_bring_instances(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(TargetError, match="run it without -n"):
        check_running(read_target(file), in_workers=True)


@pytest.mark.parametrize("given", ["sqlite", "sqlite://", "postgresql://127.0.0.1", "oracle://x/y", "?"])
def test_its_own_database_must_be_named(file: Path, given: str) -> None:
    with pytest.raises(TargetError, match=r"a target with launch\.url has a database already; give its URL"):
        check_database(read_target(file), given)


@pytest.mark.parametrize(
    "given", ["sqlite:////a/b.db", "postgresql://u:p@127.0.0.1/x", "mysql://127.0.0.1/x"]
)
def test_any_database_with_a_name_will_do(file: Path, given: str) -> None:
    check_database(read_target(file), given)


def test_one_that_does_not_answer_is_told(file: Path) -> None:
    target = read_target(file)
    with pytest.raises(
        Exception, match=rf"acme does not answer GET {target.url}/health .*: is it running there"
    ):
        attach(target)


def test_what_the_harness_did_not_start_it_does_not_end(running: CommandImplementation, file: Path) -> None:
    attached = attach(replace(read_target(file), url=running.base_url))
    with pytest.raises(NotJudgedError, match="is not killed by the harness"):
        attached.kill()
    attached.stop()
    assert attached.problem is None
    running.stop()
    assert attached.problem is not None
    assert "does not answer GET" in attached.problem
    running.start()


def test_a_ready_check_that_is_not_answered_200_is_told(running: CommandImplementation, file: Path) -> None:
    with pytest.raises(
        Exception, match=r"acme answered 404 to GET .*/nowhere: launch.ready names what answers"
    ):
        attach(replace(read_target(file), url=running.base_url, ready="/nowhere"))

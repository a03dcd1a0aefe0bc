"""The same verdict each time: the reference, by every driver, on every database, its rows by SQL and by HTTP.

Each run is compared with one expectation, requirement by requirement. What a run cannot be judged by in its nature
stands beside it, with the reason that the report must give. One run has its instances as containers too. By command,
on SQLite and by SQL the reference is judged wherever the features run, and with HTTP hooks in tests/test_wheel.py.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest

from harness.attach.control_plane import random_secrets
from harness.attach.drivers.command import launch
from harness.attach.drivers.program import free_port
from harness.attach.rows_by_sql import SqlAccounts
from harness.catalogue.features import catalogue, features_root
from harness.catalogue.requirements import Level, Profile
from harness.catalogue.verdict import Conclusion, Outcome
from harness.contract import Launch, Settings
from harness.report.folder import REPORT_JSON
from harness.report.model import Report, parse_json
from harness.targets.reader import load_target
from tests.container_images import image
from tests.database_servers import mariadb, postgresql
from tests.harness.attach.test_databases import databases
from tests.harness.support import HOOKS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PATIENCE = 400
CLAIMED = tuple(one for one in Profile if one is not Profile.INSTANCE)
"""Everything that a control plane can claim; instance is about the other side."""
SERVERS = {"postgresql": postgresql, "mariadb": mariadb}
BY_COMMAND = 'command = ["{python}", "-m", "reference_impl"]\n'
NOT_LAUNCHED = "the reference is attached by its URL, and not"


@dataclass(frozen=True)
class Way:
    """How the reference is attached: what stands in its target file, and with which database."""

    launched: str
    database: str = "sqlite"
    hooks: str = ""
    containers: bool = False
    """Whether each instance is a container."""
    claims: tuple[Profile, ...] = CLAIMED
    not_judged: dict[str, str] = field(default_factory=dict)
    """What cannot be judged, by requirement, with the reason that the report gives."""


WAYS = {
    "command, MariaDB, instances as containers": Way(BY_COMMAND, "mariadb", containers=True),
    "image, PostgreSQL": Way('image = "{image}"\n', "postgresql"),
    "image, PostgreSQL, health check alone": Way(
        'image = "{image}"\n', "postgresql", claims=(Profile.HEALTH_CHECK,)
    ),
    "url, SQLite, rows and log by HTTP": Way(
        'url = "{url}"\n',
        hooks=HOOKS,
        not_judged={
            "WEBHOOK-15": "the reference is attached by its URL, and is not killed by the harness",
            "WEBHOOK-21": "its rows are reached over hooks, by which nobody can hold its database",
            "HEALTH-07": f"{NOT_LAUNCHED} launched with other settings",
            "MONITOR-09": f"{NOT_LAUNCHED} restarted by the harness",
        },
    ),
}

GUARDING = "image, PostgreSQL, health check alone"
"""The way that guards every change: one image, one database server, and the profile that writes most rows."""


@pytest.fixture
def room(worker_id: str) -> tuple[str, list[int]]:
    """Return an address that no other worker uses, and free ports there, for the instances."""
    host = f"127.0.0.{66 + int(worker_id.removeprefix('gw') if worker_id != 'master' else 0)}"
    ports: set[int] = set()
    while len(ports) < 4:
        ports.add(free_port(host))
    return host, sorted(ports)


@contextlib.contextmanager
def running(folder: Path, host: str, ports: list[int], secrets: tuple[str, str]) -> Iterator[str]:
    """Run the reference as somebody else would, with the contract's default verify timeout, and return its URL."""
    scratch = folder / "theirs"
    scratch.mkdir()
    database, target = f"sqlite:///{scratch / 'their.db'}", load_target("reference")
    SqlAccounts(database, target).close()
    api_key, hmac_secret = secrets
    given = Launch(
        settings=Settings(verify_timeout=None),
        database_url=database,
        instances=[f"http://{host}:{port}" for port in ports],
        api_key=api_key,
        hmac_secret=hmac_secret,
        log_file=scratch / "their.log",
        host="127.0.0.1",
    )
    started = launch(replace(target, environment={"CONFORMANCE_HOOKS": "on"}), given, scratch)
    try:
        yield started.base_url
        assert started.problem is None
    finally:
        started.stop()


def judged(way: Way, folder: Path, host: str, ports: list[int]) -> tuple[int, Report, str]:
    """Judge the reference; return the exit code, the report, and what was printed."""
    file, saved, (api_key, hmac_secret) = folder / "target.toml", folder / "reports", random_secrets()
    claims = ", ".join(f'"{one}"' for one in way.claims)
    text = f'[implementation]\nname = "the reference"\nclaims = [{claims}]\n[launch]\n{way.launched}'
    with contextlib.ExitStack() as opened:
        options = ["--fleet-address", host, "--fleet-ports", ",".join(map(str, ports))]
        timing = ""
        if "{image}" in text:
            text = text.replace("{image}", image("reference"))
        if "{url}" in text:
            url = opened.enter_context(running(folder, host, ports, (api_key, hmac_secret)))
            text = text.replace("{url}", url)
            timing = "[timing]\nverify_timeout = 3\nsend_timeout = 2\n"
        else:
            text += 'databases = ["sqlite", "postgresql", "mysql"]\n'
        server = ""
        if way.database in SERVERS:
            server = opened.enter_context(SERVERS[way.database]())
            options += ["--database", server]
        if way.containers:
            options += ["--fleet-host", "containers", "--fleet-image", image("fleet")]
        file.write_text(text + way.hooks + timing, "utf-8")
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
        environment |= {
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "API_KEY": api_key, "HMAC_SECRET": hmac_secret,
        }  # fmt: skip
        words = [sys.executable, "-m", "pytest", str(features_root()), "--target", str(file), *options]
        words += ["-q", "-p", "no:cacheprovider", "-p", "pytest_bdd.plugin", "-p", "harness.run.plugin"]
        run = subprocess.run(
            [*words, "--report", str(saved)], capture_output=True, text=True, timeout=PATIENCE,
            env={**environment, "TMPDIR": str(folder)}, check=False,
        )  # fmt: skip
        assert not server or databases(server) == set()
    output = run.stdout + run.stderr
    assert (saved / REPORT_JSON).is_file(), output
    return run.returncode, parse_json((saved / REPORT_JSON).read_text("utf-8")), output


def expected(way: Way) -> dict[str, tuple[Outcome, tuple[str, ...]]]:
    """Return the outcome of every requirement by which implementations are judged, and why where it is not judged."""
    told = {}
    for one in catalogue().values():
        if not one.judged:
            continue
        if one.profile not in way.claims:
            told[one.id] = (Outcome.NOT_CLAIMED, ())
        elif one.id in way.not_judged:
            told[one.id] = (Outcome.NOT_JUDGED, (way.not_judged[one.id],))
        else:
            told[one.id] = (Outcome.PASSED, ())
    return told


@pytest.mark.parametrize(
    "name",
    [one if one == GUARDING else pytest.param(one, marks=pytest.mark.thorough) for one in WAYS],
)
def test_the_reference_gets_the_same_verdict_however_it_is_attached(
    name: str, tmp_path: Path, room: tuple[str, list[int]]
) -> None:
    way = WAYS[name]

    status, report, output = judged(way, tmp_path, *room)

    told = {
        one.id: (one.outcome, one.reasons if one.outcome is Outcome.NOT_JUDGED else ())
        for one in report.requirements
        if one.judged
    }
    assert told == expected(way), output
    # What only a launch can show decides nothing: no MUST is among it.
    assert all(catalogue()[one].level is Level.SHOULD for one in way.not_judged)
    assert (status, report.verdict.conclusion) == (0, Conclusion.CONFORMANT), output
    musts = [one for one in catalogue().values() if one.level is Level.MUST and one.profile in way.claims]
    assert report.verdict.why == f"all {len(musts)} MUSTs of the claimed profiles passed"

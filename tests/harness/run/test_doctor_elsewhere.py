"""What the doctor says of attachments that are wrong in one way each: what runs already, images, database servers."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sql

from harness.attach.drivers.command import launch
from harness.attach.drivers.program import free_port
from harness.attach.rows_by_sql import SqlAccounts
from harness.cli.main import main
from harness.contract import Launch, Settings
from harness.errors import HarnessError
from harness.targets.reader import load_target
from tests.container_images import image
from tests.database_servers import postgresql
from tests.harness.commands import COMMAND
from tests.harness.run.test_doctor import LAUNCHED, ROOM, changes, examined
from tests.harness.support import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOST = "127.0.0.62"
KEY, SECRET = "a-key-that-it-was-started-with", "a-secret-that-it-was-started-with"
RUNNING = """
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


@dataclass(frozen=True)
class Running:
    """The reference as somebody else started it, its target file, and the instances that it knows."""

    file: Path
    database: str
    ports: list[int]

    def options(self, *, database: str = "", ports: str = "") -> list[str]:
        """Return the doctor's options; the right ones, unless told otherwise."""
        ports = ports or ",".join(map(str, self.ports))
        return ["--fleet-address", HOST, "--fleet-ports", ports, "--database", database or self.database]


@pytest.fixture
def running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    """Start the reference as somebody else would have."""
    monkeypatch.setenv("API_KEY", KEY)
    monkeypatch.setenv("HMAC_SECRET", SECRET)
    chosen: set[int] = set()
    while len(chosen) < 4:
        chosen.add(free_port(HOST))
    target, database = load_target("reference"), f"sqlite:///{tmp_path / 'their.db'}"
    SqlAccounts(database, target).close()
    given = Launch(
        settings=Settings(),
        database_url=database,
        instances=[f"http://{HOST}:{port}" for port in sorted(chosen)],
        api_key=KEY,
        hmac_secret=SECRET,
        log_file=tmp_path / "their.log",
        host="127.0.0.1",
    )
    started = launch(replace(target, environment={}), given, tmp_path)
    try:
        file = tmp_path / "acme.toml"
        file.write_text(RUNNING.replace("{url}", started.base_url), "utf-8")
        yield Running(file, database, sorted(chosen))
    finally:
        started.stop()


def test_of_what_runs_and_is_attached_correctly_everything_is_good(
    running: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    status, said = examined(running.file, capsys, *running.options())
    assert (status, changes(said)) == (0, {}), said


WRONG = {
    "another secret": (
        {"HMAC_SECRET": "another secret"}, "", {},
        {"webhooks": "HMAC_SECRET in this environment must be the one it was started with"}),
    "another key": (
        {"API_KEY": "another key"}, "", {},
        {"instances": "API_KEY in this environment must be the one it was started with", "messages": ""}),
    "another table": (
        {}, '[state]\ntable = "accounts"\n', {},
        {"webhooks": "webhook.path is right, for a wrong signature is refused there; what it lacks is the session: "
         "it must read table accounts of the database that it uses", "messages": "", "instances": ""}),
    "another database": (
        {}, "", {"database": "sqlite:///other.db"},
        {"webhooks": "webhook.path is right, for a wrong signature", "messages": "", "instances": ""}),
    "a log that is not there": (
        {}, '[log]\nfile = "no.log"\n', {}, {"its log": "it must append to {folder}/no.log, which log.file names"}),
    "other instances": (
        {}, "", {"ports": "free"},
        {"instances": "it must have been started with these instances, now http://", "messages": ""}),
}  # fmt: skip


@pytest.mark.parametrize(("secrets", "more", "options", "causes"), WRONG.values(), ids=WRONG.keys())
def test_each_wrong_attachment_of_what_runs_is_reported_by_its_cause(  # noqa: PLR0917
    secrets: dict[str, str],
    more: str,
    options: dict[str, str],
    causes: dict[str, str],
    running: Running,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in secrets.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(running.file.parent)
    text = running.file.read_text("utf-8")
    running.file.write_text(
        text.replace('[log]\nfile = "their.log"\n', more) if "[log]" in more else text + more
    )

    status, said = examined(running.file, capsys, *running.options(**options))

    told = changes(said)
    assert told.keys() == causes.keys(), said
    for name, cause in causes.items():
        assert told[name].startswith(cause.format(folder=running.file.parent)), said
    assert status == 2
    assert KEY not in said
    assert SECRET not in said


@pytest.mark.parametrize("attached", ["launched", "running"])
def test_a_database_server_that_does_not_let_the_harness_in_is_reported_without_its_password(
    attached: str, running: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    with postgresql() as url:
        wrong = sql.make_url(url).set(password="very-secret").render_as_string(hide_password=False)
        dead = f"postgresql://harness:very-secret@127.0.0.1:{free_port('127.0.0.1')}"
        for server in (wrong, dead):
            if attached == "launched":
                running.file.write_text(LAUNCHED + 'databases = ["postgresql"]\n', "utf-8")
            database = server if attached == "launched" else f"{server}/acme"
            status, said = examined(running.file, capsys, *running.options(database=database))
            assert changes(said).keys() == {"the start"}, said
            assert changes(said)["the start"].startswith(
                "--database must have the address, user and password"
            )
            assert "***@127.0.0.1" in said
            assert "very-secret" not in said
            assert status == 2


# Images


def imaged(file: Path, name: str, *lines: str) -> None:
    text = LAUNCHED.replace('command = ["{python}", "-m", "reference_impl"]', f"image = {json.dumps(name)}")
    file.write_text(text + "".join(f"{line}\n" for line in lines), "utf-8")


def test_an_image_that_is_not_there_is_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    image("reference")  # there is an engine
    imaged(tmp_path / "acme.toml", "localhost/not-there:1")
    status, said = examined(tmp_path / "acme.toml", capsys)
    assert changes(said).keys() == {"the start"}, said
    assert changes(said)["the start"].startswith("launch.image must name an image that is here or can be")
    assert "there is no image localhost/not-there:1 here" in said
    assert status == 2


def test_an_image_that_ends_is_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    imaged(tmp_path / "acme.toml", image("reference"), 'env = { PORT = "no port" }')
    status, said = examined(tmp_path / "acme.toml", capsys)
    assert changes(said) == {
        "the start": "what its last output names; launch.image and launch.env say what is started"
    }, said
    assert "no port" in said.partition("its last output:")[2]
    assert status == 2


def test_instances_that_a_container_cannot_reach_are_reported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    imaged(tmp_path / "acme.toml", image("reference"), 'network = "published"')
    status, said = examined(tmp_path / "acme.toml", capsys)
    assert "in a container with its own network that is the container itself" in said
    assert 'write network = "host" under [launch]' in changes(said)["instances"], said
    assert status == 2


# The harness itself


@pytest.mark.parametrize(
    ("problem", "told"),
    [
        (ZeroDivisionError("a mistake of ours"), "the harness broke; nothing was judged"),
        (HarnessError("a webhook was lost"), "a webhook was lost"),
    ],
    ids=["a mistake", "a harness error"],
)
def test_what_the_harness_itself_got_wrong_is_a_harness_error_and_no_verdict(
    problem: Exception,
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def broken(_world: object) -> None:
        raise problem

    monkeypatch.setattr("harness.run.doctor.control_plane.examine", broken)
    file = tmp_path / "acme.toml"
    file.write_text(LAUNCHED, "utf-8")
    assert main(["doctor", "--target", str(file), *ROOM]) == 3
    said = capsys.readouterr().err
    assert said.endswith(f"instance-sync: {told}\n")
    # Only where the harness has a mistake is there something to look up.
    assert ("ZeroDivisionError: a mistake of ours" in said) is ("broke" in told)


def test_a_reader_that_leaves_does_not_make_it_well(tmp_path: Path) -> None:
    here, there = os.pipe()
    os.close(here)
    (tmp_path / "acme.toml").write_text(LAUNCHED.replace("-m", "-x"), "utf-8")
    words = [str(COMMAND), "doctor", "--target", str(tmp_path / "acme.toml"), *ROOM]
    ended = subprocess.run(words, stdout=there, stderr=subprocess.PIPE, timeout=PATIENCE, check=False)
    os.close(there)
    assert (ended.returncode, ended.stderr) == (2, b"")

"""Real database servers for tests: each in its own folder, on a free loopback port, gone afterwards."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sql

from harness.attach.databases import connect
from harness.attach.drivers.program import free_port
from tests.prerequisites import program

if TYPE_CHECKING:
    from collections.abc import Iterator

START_SECONDS = 60.0


@contextlib.contextmanager
def postgresql() -> Iterator[str]:
    """Run a PostgreSQL server and yield its URL."""
    initdb, server = program("initdb", "postgresql"), program("postgres", "postgresql")
    with _folder() as (folder, user):
        data = folder / "data"
        password = folder / "password"
        password.write_text("secret", "utf-8")
        options = ["--username", "harness", "--auth", "scram-sha-256", "--pwfile", str(password)]
        options += ["--no-sync", "--encoding", "UTF8"]
        _run([initdb, "--pgdata", str(data), *options], folder, user)
        port = free_port("127.0.0.1")
        listening = f"-c listen_addresses=127.0.0.1 -c fsync=off -p {port} -k {folder}".split()
        with _running([server, "-D", str(data), *listening], folder, user):
            url = f"postgresql://harness:secret@127.0.0.1:{port}"
            _wait_for(f"{url}/postgres", folder)
            yield url


@contextlib.contextmanager
def mariadb() -> Iterator[str]:
    """Run a MariaDB server and yield its URL."""
    install, server = program("mariadb-install-db", "mariadb-server"), program("mariadbd", "mariadb-server")
    with _folder() as (folder, user):
        data, socket_file, port = folder / "data", folder / "server.sock", free_port("127.0.0.1")
        plain = ["--no-defaults", f"--datadir={data}", f"--tmpdir={folder}"]
        _run([install, *plain, "--auth-root-authentication-method=normal", "--skip-test-db"], folder, user)
        granted = folder / "grant.sql"
        granted.write_text(
            "CREATE USER harness@'%' IDENTIFIED BY 'secret';\nGRANT ALL ON *.* TO harness@'%';\n", "utf-8"
        )
        listening = ["--bind-address=127.0.0.1", f"--port={port}", f"--socket={socket_file}"]
        fast = ["--innodb-flush-log-at-trx-commit=0", "--innodb-flush-method=nosync", "--skip-name-resolve"]
        fast += ["--innodb-doublewrite=0", f"--init-file={granted}"]
        with _running([server, *plain, *listening, *fast], folder, user):
            url = f"mysql://harness:secret@127.0.0.1:{port}"
            _wait_for(f"{url}/mysql", folder)
            yield url


@contextlib.contextmanager
def _folder() -> Iterator[tuple[Path, str | None]]:
    # A short path: the name of a socket must fit into 107 bytes. Servers refuse to run as root.
    user = "nobody" if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="database-", dir="/tmp"))
    try:
        if user is not None:
            os.chown(folder, pwd.getpwnam(user).pw_uid, -1)
        yield folder, user
    finally:
        shutil.rmtree(folder)


def _run(command: list[str], folder: Path, user: str | None) -> None:
    done = subprocess.run(
        command, user=user, cwd=folder, capture_output=True, text=True, timeout=START_SECONDS, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@contextlib.contextmanager
def _running(command: list[str], folder: Path, user: str | None) -> Iterator[None]:
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(
            command, user=user, cwd=folder, stdout=output, stderr=output, process_group=0
        )
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(START_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_for(url: str, folder: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    engine = connect(url)
    while True:
        try:
            engine.connect().close()
        except sql.exc.OperationalError:
            if time.monotonic() > deadline:
                raise AssertionError((folder / "output").read_text()) from None
        else:
            return

"""Fixtures: four stub instances, a database, and the implementation in this process or in one of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from reference_impl import before_fix
from reference_impl.__main__ import build
from reference_impl.server import Parts
from reference_impl.settings import Settings
from tests.reference_impl.support import (
    API_KEY,
    CREATE,
    SECRET,
    SEND_TIMEOUT,
    VERIFY_TIMEOUT,
    Database,
    Process,
    Stub,
    System,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def stubs() -> Iterator[list[Stub]]:
    made = [Stub() for _ in range(4)]
    yield made
    for stub in made:
        stub.close()


@pytest.fixture
def database(tmp_path: Path) -> Database:
    made = Database(tmp_path / "accounts.db")
    with made.connect() as connection:
        connection.execute(CREATE)
    return made


@pytest.fixture
def environment(stubs: list[Stub], database: Database, tmp_path: Path) -> dict[str, str]:
    return {
        "HOST": "127.0.0.1",
        "PORT": "0",
        "DATABASE_URL": f"sqlite:///{database.path}",
        "NODE_INSTANCES": ",".join(stub.url for stub in stubs),
        "HMAC_SECRET": SECRET,
        "API_KEY": API_KEY,
        "VERIFY_TIMEOUT": str(VERIFY_TIMEOUT),
        "SEND_TIMEOUT": str(SEND_TIMEOUT),
        "LOG_FILE": str(tmp_path / "reference.log"),
    }


@pytest.fixture
def start(environment: dict[str, str], database: Database) -> Iterator[Callable[..., System]]:
    """Make the implementation from the environment as it is by then."""
    made: list[System] = []

    def make(build: Callable[[Parts], Any] = build) -> System:
        parts = Parts.of(Settings.from_environment(environment))
        made.append(System(parts, database, Path(environment["LOG_FILE"]), build(parts)))
        return made[-1]

    yield make
    for system in made:
        system.parts.close()


@pytest.fixture
def system(start: Callable[..., System]) -> System:
    return start()


@pytest.fixture
def unfixed(start: Callable[..., System]) -> System:
    return start(before_fix.build)


@pytest.fixture
def launch(environment: dict[str, str]) -> Iterator[Callable[..., Process]]:
    launched: list[subprocess.Popen[str]] = []

    def make(module: str = "reference_impl") -> Process:
        # Nothing else writes to its standard error, so the port stands in the first line there.
        process = subprocess.Popen(
            [sys.executable, "-m", module],
            env={**os.environ, **environment, "LOG_FILE": ""},
            stderr=subprocess.PIPE,
            text=True,
        )
        launched.append(process)
        assert process.stderr is not None
        line = process.stderr.readline()
        assert "Listening" in line
        return Process(process, json.loads(line[line.index("{") :])["port"])

    yield make
    for process in launched:
        process.kill()
        process.communicate()

"""Images for tests: built from the project's Dockerfile, by the container engine of this machine."""

from __future__ import annotations

import contextlib
import fcntl
import functools
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import docker
from docker.errors import BuildError, DockerException

from harness.attach.drivers.container import LABEL
from tests.prerequisites import lacking

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
_NOT_REACHED = re.compile(r"no such host|dial tcp|i/o timeout|TLS handshake")
BASE_VARIABLE = "BASE_IMAGE"
"""Names the image that the Dockerfile builds on, where its own default cannot be pulled."""


def engine() -> docker.DockerClient:
    """Give a client of the container engine; skip the test, or fail it in CI, where none answers."""
    try:
        client = docker.from_env()
        client.ping()
    except DockerException as problem:
        words = f"no container engine answers: {problem}"
        lacking(words)
    return client


@functools.cache
def image(kind: str) -> str:
    """Build the image "reference" or "fleet" and give its id: the tag may be another checkout's a moment later."""
    arguments = {"BASE": base} if (base := os.environ.get(BASE_VARIABLE)) else {}
    with contextlib.closing(engine()) as client, _one_at_a_time(), _pulled():
        built, _ = client.images.build(
            path=str(ROOT),
            target=kind,
            tag=f"instance-sync-{kind}:test",
            buildargs=arguments,
            network_mode="host",
            rm=True,
            forcerm=True,
        )
        return str(built.id)


def postgresql_image() -> str | None:
    """Give an image of PostgreSQL, built where the official one cannot be pulled; None where that will do."""
    if (base := os.environ.get(BASE_VARIABLE)) is None:
        return None
    with contextlib.closing(engine()) as client, _one_at_a_time(), _pulled():
        built, _ = client.images.build(
            path=str(ROOT / "tests" / "postgres_image"),
            tag="instance-sync-postgresql:test",
            buildargs={"BASE": base},
            network_mode="host",
            rm=True,
            forcerm=True,
        )
        return str(built.id)


@contextlib.contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Wait until no other worker builds: who comes second finds what the first has made."""
    with (ROOT / "Dockerfile").open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def _pulled() -> Iterator[None]:
    """Skip the test, or fail it in CI, where the registry that a base image comes from is not reached."""
    try:
        yield
    except BuildError as problem:
        list(problem.build_log)  # to its end, where its connection is closed
        if _NOT_REACHED.search(str(problem)):
            words = f"no base image: {problem}; {BASE_VARIABLE} can name one"
            lacking(words)
        raise


def containers(client: docker.DockerClient, folder: Path) -> list[str]:
    """Give the containers of a run, by the folder in which it makes its temporary files."""
    found = client.api.containers(all=True, filters={"label": LABEL})
    return [one["Id"] for one in found if Path(one["Labels"][LABEL]).is_relative_to(folder)]

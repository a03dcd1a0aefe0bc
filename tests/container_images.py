"""Images for tests: built from the project's Dockerfile, by the container engine of this machine."""

from __future__ import annotations

import contextlib
import fcntl
import functools
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from docker.errors import BuildError

from harness.attach.drivers import container
from harness.attach.drivers.container import LABEL
from tests.prerequisites import lacking

if TYPE_CHECKING:
    from collections.abc import Iterator

    import docker

ROOT = Path(__file__).parent.parent
_NOT_REACHED = re.compile(r"no such host|dial tcp|i/o timeout|TLS handshake")
BASE_VARIABLE = "BASE_IMAGE"
"""Names the image that the Dockerfile builds on, where its own default cannot be pulled."""


def engine() -> docker.DockerClient:
    """Return a client of the container engine; if none answers, skip the test, or fail it in CI."""
    try:
        return container.engine()
    except container.NoContainerError as problem:
        lacking(str(problem))


@functools.cache
def image(kind: str) -> str:
    """Build the image "reference" or "fleet" and return its id: another checkout may take the tag at any moment."""
    base = os.environ.get(BASE_VARIABLE)
    return _built(ROOT, kind, {"BASE": base} if base else {}, target=kind)


def postgresql_image() -> str | None:
    """Build an image of PostgreSQL if the official one cannot be pulled; None if that will do."""
    base = os.environ.get(BASE_VARIABLE)
    return base and _built(ROOT / "tests" / "postgres_image", "postgresql", {"BASE": base})


def _built(folder: Path, name: str, arguments: dict[str, str], target: str | None = None) -> str:
    with contextlib.closing(engine()) as client, _one_at_a_time(), _pulled():
        built, _ = client.images.build(
            path=str(folder),
            target=target,
            tag=f"instance-sync-{name}:test",
            buildargs=arguments,
            network_mode="host",
            rm=True,
            forcerm=True,
        )
        return str(built.id)


@contextlib.contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Wait until no other worker builds, to find what it has made."""
    with (ROOT / "Dockerfile").open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def _pulled() -> Iterator[None]:
    """Skip the test, or fail it in CI, if the registry of the base image is not reached."""
    try:
        yield
    except BuildError as problem:
        list(problem.build_log)  # to its end, where its connection is closed
        if _NOT_REACHED.search(str(problem)):
            lacking(f"no base image: {problem}; {BASE_VARIABLE} can name one")
        raise


def containers(client: docker.DockerClient, folder: Path) -> list[str]:
    """Return the containers of a run, by the folder of its temporary files."""
    found = client.api.containers(all=True, filters={"label": LABEL})
    return [one["Id"] for one in found if Path(one["Labels"][LABEL]).is_relative_to(folder)]

"""Images for tests: built from the project's Dockerfile, by the container engine of this machine."""

from __future__ import annotations

import functools
import os
from pathlib import Path

import docker
import pytest
from docker.errors import DockerException

from tests.prerequisites import ALL_REQUIRED

ROOT = Path(__file__).parent.parent
BASE_VARIABLE = "BASE_IMAGE"
"""Names the image that the Dockerfile builds on, where its own default cannot be pulled."""


def engine() -> docker.DockerClient:
    """Give a client of the container engine; skip the test, or fail it in CI, where none answers."""
    try:
        client = docker.from_env()
        client.ping()
    except DockerException as problem:
        words = f"no container engine answers: {problem}"
        if os.environ.get(ALL_REQUIRED):
            pytest.fail(words)
        pytest.skip(words)
    return client


@functools.cache
def image(kind: str) -> str:
    """Build the image "reference" or "fleet" and give its name."""
    name = f"instance-sync-{kind}:test"
    arguments = {"BASE": base} if (base := os.environ.get(BASE_VARIABLE)) else {}
    client = engine()
    client.images.build(
        path=str(ROOT), target=kind, tag=name, buildargs=arguments, network_mode="host", rm=True, forcerm=True
    )
    client.close()
    return name

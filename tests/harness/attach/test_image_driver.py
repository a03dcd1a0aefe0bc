"""An image as an implementation, in a real container engine: judged like any, and no container is left."""

from __future__ import annotations

import contextlib
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.attach.drivers.command import launch
from harness.attach.drivers.container import LABEL
from harness.attach.rows_by_sql import SqlAccounts
from harness.errors import LaunchError
from tests.container_images import engine, image
from tests.harness.commands import features, started
from tests.harness.support import PATIENCE, launch_of, target, until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from docker import DockerClient

TARGET = """
[implementation]
name = "reference in a container"
claims = ["core"]
[launch]
image = "{image}"
databases = ["sqlite", "postgresql", "mysql"]
"""


@pytest.fixture(scope="module")
def client() -> Iterator[DockerClient]:
    """Give the engine; in the end no container of the harness is left there."""
    with contextlib.closing(engine()) as opened:
        yield opened


@pytest.fixture
def file(client: DockerClient, tmp_path: Path) -> Path:
    """Give the target file of the reference as an image."""
    assert client is not None
    path = tmp_path / "image.toml"
    path.write_text(TARGET.format(image=image("reference")), "utf-8")
    return path


def containers(client: DockerClient, folder: Path) -> list[str]:
    """Give the containers of a run, by the folder in which it makes its temporary files."""
    found = client.api.containers(all=True, filters={"label": LABEL})
    return [one["Id"] for one in found if Path(one["Labels"][LABEL]).is_relative_to(folder)]


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_run_leaves_no_container(
    client: DockerClient, file: Path, host: str, folder: Path, by: signal.Signals
) -> None:
    with started(features(host, "--target", str(file)), folder) as process:
        until(lambda: bool(containers(client, folder)), "the container starts")
        process.send_signal(by)
        process.wait(PATIENCE)
    until(lambda: not containers(client, folder), "the container is gone")


def test_an_image_that_ends_is_told_with_its_last_output(client: DockerClient, tmp_path: Path) -> None:
    assert client is not None
    ends = target(image=image("reference"), environment={"PORT": "no port"})
    with pytest.raises(LaunchError) as raised:
        launch(ends, launch_of(tmp_path), tmp_path)
    assert "no port" in str(raised.value).partition("its last output:")[2]


def test_an_image_that_is_nowhere_is_named(client: DockerClient, tmp_path: Path) -> None:
    assert client is not None
    with pytest.raises(LaunchError) as raised:
        launch(target(image="localhost/not-there:1"), launch_of(tmp_path), tmp_path)
    assert "there is no image localhost/not-there:1 here, and it cannot be pulled" in str(raised.value)


def test_a_container_with_a_network_of_its_own_is_reached_by_its_published_port(
    client: DockerClient, tmp_path: Path
) -> None:
    assert client is not None
    published, given = target(image=image("reference"), network="published"), launch_of(tmp_path)
    SqlAccounts(given.database_url, published).close()
    running = launch(published, given, tmp_path)
    try:
        assert running.base_url.startswith("http://127.0.0.1:")
        assert running.problem is None
    finally:
        running.stop()
    assert running.problem is not None

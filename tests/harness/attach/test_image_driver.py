"""An image as an implementation, in a real container engine: judged like any, and no container is left."""

from __future__ import annotations

import contextlib
import signal
from typing import TYPE_CHECKING

import pytest

from harness.attach.drivers.command import launch
from harness.attach.rows_by_sql import SqlAccounts
from harness.errors import LaunchError
from tests.container_images import containers, engine, image
from tests.harness.commands import features, started
from tests.harness.support import PATIENCE, launch_of, target, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from docker import DockerClient

TARGET = """
[implementation]
name = "reference in a container"
claims = ["core"]
[launch]
image = "{image}"
"""


@pytest.fixture(scope="module")
def client() -> Iterator[DockerClient]:
    with contextlib.closing(engine()) as opened:
        yield opened


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_run_leaves_no_container(
    client: DockerClient, tmp_path: Path, host: str, folder: Path, by: signal.Signals
) -> None:
    file = tmp_path / "image.toml"
    file.write_text(TARGET.format(image=image("reference")), "utf-8")
    with started(features(host, "--target", str(file)), folder) as process:
        until(lambda: bool(containers(client, folder)), "the container starts")
        process.send_signal(by)
        process.wait(PATIENCE)
    until(lambda: not containers(client, folder), "the container is gone")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("", r"its last output:(.|\n)*no port"),
        ("localhost/not-there:1", "there is no image localhost/not-there:1 here, and it cannot be pulled"),
    ],
    ids=["ends", "is nowhere"],
)
@pytest.mark.usefixtures("client")
def test_an_image_that_does_not_come_up_is_reported(tmp_path: Path, name: str, said: str) -> None:
    wrong = target(image=name or image("reference"), environment={"PORT": "no port"})
    with pytest.raises(LaunchError, match=said):
        launch(wrong, launch_of(tmp_path), tmp_path)


@pytest.mark.usefixtures("client")
def test_a_container_with_its_own_network_is_reached_by_its_published_port(tmp_path: Path) -> None:
    published, given = target(image=image("reference"), network="published"), launch_of(tmp_path)
    SqlAccounts(given.database_url, published).close()
    running = launch(published, given, tmp_path)
    try:
        assert running.base_url.startswith("http://127.0.0.1:")
        assert running.problem is None
    finally:
        running.stop()
    assert running.problem is not None

"""Instances as containers, in a real engine: one row through everything, and nothing is left behind."""

from __future__ import annotations

import contextlib
import io
import re
import signal
import socket
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from fake_instances import Fleet, FleetError, InstanceAddress
from fake_instances.faults import Reset
from fake_instances.hosts.remote import RemoteServer
from fake_instances.journal import MessageDelivered, RequestArrived
from harness.attach import fleet_containers
from harness.attach.fleet_containers import ContainerHost, ContainerRunner
from harness.errors import LaunchError
from tests.container_images import containers, engine, image
from tests.fake_instances.support import (
    API_KEY,
    POSTED,
    SECRET,
    SEND,
    SESSION,
    STATUS,
    Caller,
    address_of,
    ask,
    entries,
    truth,
)
from tests.harness.commands import assert_nothing_is_left, features, run, started
from tests.harness.support import PATIENCE, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from docker import DockerClient
    from docker.models.containers import Container

pytestmark = pytest.mark.thorough

KEEPER = """
import sys
from fake_instances import Fleet, InstanceAddress
from harness.attach.fleet_containers import ContainerHost
from harness.run.interruption import Interruption

addresses = [InstanceAddress(number, "127.0.0.1", 0) for number in (3001, 3002)]
fleet = Fleet(addresses, api_key="key", secret="secret", hosting=ContainerHost(sys.argv[1]))
with Interruption().heard(), fleet:
    fleet.pause(3002)
    print("one runs, one stands still", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(scope="module")
def client() -> Iterator[DockerClient]:
    with contextlib.closing(engine()) as opened:
        yield opened


def fleet_of(name: str) -> Fleet:
    addresses = [InstanceAddress(number, "127.0.0.1", 0) for number in (3001, 3002)]
    return Fleet(addresses, api_key=API_KEY, secret=SECRET, hosting=ContainerHost(name))


def container_of(client: DockerClient, fleet: Fleet, number: int = 3001) -> Container:
    server = fleet._instances[number]._server
    assert isinstance(server, RemoteServer)
    assert isinstance(server.runner, ContainerRunner)
    assert server.runner.name is not None
    return client.containers.get(server.runner.name)


def events_of(client: DockerClient, container: Container, since: float) -> dict[str, dict[str, Any]]:
    """Return what the engine did to a container up to now, by name."""
    told = client.events(
        since=int(since), until=int(time.time()) + 1, filters={"container": container.id}, decode=True
    )
    return {one["Action"]: one["Actor"]["Attributes"] for one in told}


def test_an_instance_is_a_container_that_is_frozen_killed_and_started_anew(client: DockerClient) -> None:
    with fleet_of(image("fleet")) as fleet:
        fleet.hold(SESSION, on=3001)
        before, since, url = container_of(client, fleet), time.time(), fleet.url(3001)
        assert before.id != container_of(client, fleet, 3002).id
        assert before.attrs["HostConfig"]["NetworkMode"] == "host"
        assert SECRET not in str(before.attrs)

        with Caller(fleet) as caller:
            assert caller.get(STATUS).status == 200
            fleet.pause(3001)
            assert container_of(client, fleet).status == "paused"
            caller.send(ask("POST", SEND, POSTED))
            assert caller.hears_nothing()
            fleet.resume(3001)
            assert caller.receive().json["success"]
        fleet.arm(Reset(), 3001, times=1)
        with Caller(fleet) as caller:
            caller.send(ask("GET", STATUS))
            assert caller.until_the_end() == (b"", "RST")
        with Caller(fleet) as caller:
            assert caller.get(STATUS).status == 200
            fleet.pause(3001)
            caller.send(ask("POST", SEND, POSTED))
            fleet.stop_instance(3001, abruptly=True)
            assert caller.is_cut()

        told = events_of(client, before, since)
        assert told["kill"]["signal"] == str(int(signal.SIGKILL))
        assert told["die"]["exitCode"] == str(128 + signal.SIGKILL)
        assert "destroy" in told
        assert len(entries(fleet, MessageDelivered)) == 1
        with (
            socket.create_server(address_of(url)),
            pytest.raises(FleetError, match=r"is in use by .*\(pid \d+\)$"),
        ):
            fleet.start_instance(3001)
        last = entries(fleet, RequestArrived)[-1].request
        fleet.start_instance(3001)
        assert (container_of(client, fleet).id != before.id, fleet.url(3001)) == (True, url)
        assert truth(fleet).status == 200
        assert entries(fleet, RequestArrived)[-1].request == last + 1


# What cannot be


@pytest.mark.parametrize(
    ("engine_at", "said"),
    [
        (
            "",
            "there is no image localhost/not-there:1 here, and it cannot be pulled.*; in the project's folder run:",
        ),
        ("unix:///nowhere", "no container engine answers: .* or take --fleet-host processes"),
    ],
    ids=["no image", "no engine"],
)
@pytest.mark.usefixtures("client")
def test_a_run_without_an_image_or_an_engine_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, host: str, folder: Path, engine_at: str, said: str
) -> None:
    if engine_at:
        monkeypatch.setenv("DOCKER_HOST", engine_at)
    ended = run(
        features(host, "--fleet-host", "containers", "--fleet-image", "localhost/not-there:1"), folder
    )
    assert ended.returncode == 4, ended.stdout + ended.stderr
    assert re.search(f"(?s)--fleet-host containers: {said}", ended.stderr), ended.stderr
    assert_nothing_is_left(host, folder)


def test_an_image_without_instances_is_reported_with_its_output(client: DockerClient) -> None:
    without = f"FROM {image('fleet')}\nENV PATH=/nowhere\n"
    other, _ = client.images.build(fileobj=io.BytesIO(without.encode()), rm=True, forcerm=True)
    said = (
        r"(?s)for an instance ended at once: its last output:\n    .*python.*: .*docker build --target fleet"
    )
    with pytest.raises(LaunchError, match=said):
        fleet_of(str(other.id)).start()


@pytest.mark.usefixtures("client")
def test_an_image_of_another_version_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fleet_containers, "fingerprint", lambda: b"another")
    with pytest.raises(LaunchError, match="has another version of the instances than this harness: in the"):
        fleet_of(image("fleet")).start()


# What is left


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGKILL], ids=lambda one: one.name)
def test_an_interrupted_program_leaves_no_container_even_one_that_stood_still(
    client: DockerClient, folder: Path, by: signal.Signals
) -> None:
    with started([sys.executable, "-c", KEEPER, image("fleet")], folder) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "one runs, one stands still\n"
        assert len(containers(client, folder)) == 2
        process.send_signal(by)
        process.wait(PATIENCE)
    until(lambda: not containers(client, folder), "the containers are gone")
    until(lambda: not list(folder.iterdir()), "their folders are gone")

"""Instances as containers, in a real engine: what is done to one is real, and nothing of any is left."""

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
from fake_instances.faults import Hang, Refuse, Reset
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
    fired,
    truth,
)
from tests.harness.commands import assert_nothing_is_left, features, run, started
from tests.harness.support import PATIENCE, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from docker import DockerClient
    from docker.models.containers import Container

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


@pytest.fixture(scope="module")
def running(client: DockerClient) -> Iterator[Fleet]:
    """Start one fleet of two instances for the tests that do something to one of them."""
    assert client is not None
    with fleet_of(image("fleet")) as fleet:
        yield fleet


@pytest.fixture
def fleet(running: Fleet) -> Iterator[Fleet]:
    """Give that fleet with the session on 3001; afterwards it is as it was."""
    running.hold(SESSION, on=3001)
    yield running
    running.reset()
    running.journal.forget()


def fleet_of(name: str) -> Fleet:
    addresses = [InstanceAddress(number, "127.0.0.1", 0) for number in (3001, 3002)]
    return Fleet(addresses, api_key=API_KEY, secret=SECRET, hosting=ContainerHost(name))


def container_of(client: DockerClient, fleet: Fleet, number: int = 3001) -> Container:
    server = fleet._instances[number]._server
    assert isinstance(server, RemoteServer)
    assert isinstance(server.runner, ContainerRunner)
    assert server.runner.name is not None
    return client.containers.get(server.runner.name)


def events_of(client: DockerClient, container: Container, since: float) -> list[dict[str, Any]]:
    """Give what the engine says it did to a container, up to now."""
    told = client.events(
        since=int(since), until=int(time.time()) + 1, filters={"container": container.id}, decode=True
    )
    return [{"did": one["Action"], **one["Actor"]["Attributes"]} for one in told]


def test_each_instance_is_a_container_on_the_network_of_the_machine(
    client: DockerClient, fleet: Fleet
) -> None:
    both = [container_of(client, fleet, number) for number in fleet.numbers]
    assert len({one.id for one in both}) == 2
    for one in both:
        assert one.status == "running"
        assert one.attrs["HostConfig"]["NetworkMode"] == "host"
        assert "HMAC_SECRET" not in str(one.attrs)
        assert SECRET not in str(one.attrs)
    assert truth(fleet).status == 200


def test_one_that_stands_still_is_frozen_by_the_engine_and_answers_when_it_goes_on(
    client: DockerClient, fleet: Fleet
) -> None:
    with Caller(fleet) as caller, Caller(fleet, 3002) as elsewhere:
        assert caller.get(STATUS).status == 200
        fleet.pause(3001)
        assert container_of(client, fleet).status == "paused"
        caller.send(ask("POST", SEND, POSTED))
        assert caller.hears_nothing()
        assert elsewhere.get(STATUS).status == 404
        assert not entries(fleet, MessageDelivered)
        fleet.resume(3001)
        assert container_of(client, fleet).status == "running"
        assert caller.receive().json["success"]
    assert len(entries(fleet, MessageDelivered)) == 1


@pytest.mark.parametrize("standing_still", [False, True], ids=["running", "standing still"])
def test_one_that_is_killed_is_ended_by_sigkill_and_carries_nothing_out_any_more(
    client: DockerClient, fleet: Fleet, *, standing_still: bool
) -> None:
    before, since = container_of(client, fleet), time.time()
    with Caller(fleet) as caller:
        assert caller.get(STATUS).status == 200
        if standing_still:
            fleet.pause(3001)
            caller.send(ask("POST", SEND, POSTED))
        fleet.stop_instance(3001, abruptly=True)
        assert caller.is_cut()
    told = {one["did"]: one for one in events_of(client, before, since)}
    assert told["kill"]["signal"] == str(int(signal.SIGKILL))
    assert told["die"]["exitCode"] == str(128 + signal.SIGKILL)
    assert "destroy" in told
    assert not entries(fleet, MessageDelivered)
    with socket.create_server(address_of(fleet.url(3001))):
        pass  # the port is free


def test_one_that_is_restarted_is_another_container_that_counts_on(
    client: DockerClient, fleet: Fleet
) -> None:
    assert truth(fleet).status == 200
    before, last = container_of(client, fleet), entries(fleet, RequestArrived)[-1].request
    since, url = time.time(), fleet.url(3001)
    fleet.restart(3001)
    assert "destroy" in [one["did"] for one in events_of(client, before, since)]
    assert container_of(client, fleet).id != before.id
    assert fleet.url(3001) == url
    assert truth(fleet).status == 200
    assert entries(fleet, RequestArrived)[-1].request == last + 1


def test_a_port_in_use_is_told_with_its_process(fleet: Fleet) -> None:
    fleet.stop_instance(3001)
    with (
        socket.create_server(address_of(fleet.url(3001))),
        pytest.raises(FleetError, match=r"is in use by .*\(pid \d+\)$"),
    ):
        fleet.start_instance(3001)


def test_faults_are_carried_out_on_the_sockets_of_the_container(client: DockerClient, fleet: Fleet) -> None:
    at_first = container_of(client, fleet).id
    fleet.arm(Reset(), 3001, times=1)
    with Caller(fleet) as caller:
        caller.send(ask("GET", STATUS))
        assert caller.until_the_end() == (b"", "RST")
    refused = fleet.arm(Refuse(), 3001)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address_of(fleet.url(3001)), PATIENCE)
    fleet.clear(fault=refused)
    hang = fleet.arm(Hang(), 3001, times=1)
    with Caller(fleet) as caller:
        caller.send(ask("GET", STATUS))
        fired(fleet, hang)
        assert caller.hears_nothing()
        fleet.clear()
        assert caller.until_the_end() == (b"", "FIN")
    assert truth(fleet).status == 200
    assert container_of(client, fleet).id == at_first


# What cannot be


def refused(host: str, folder: Path, name: str) -> str:
    ended = run(features(host, "--fleet-host", "containers", "--fleet-image", name), folder)
    assert ended.returncode == 4, ended.stdout + ended.stderr
    assert_nothing_is_left(host, folder)
    return ended.stderr


def test_an_image_that_is_nowhere_is_told_with_the_way_out(
    client: DockerClient, host: str, folder: Path
) -> None:
    assert client is not None
    told = refused(host, folder, "localhost/not-there:1")
    assert "there is no image localhost/not-there:1 here, and it cannot be pulled" in told
    assert "run: docker build --target fleet --tag localhost/not-there:1 ." in told


def test_an_engine_that_does_not_answer_is_told_with_the_way_out(
    monkeypatch: pytest.MonkeyPatch, host: str, folder: Path
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{folder}/nobody")
    told = refused(host, folder, "any")
    assert "--fleet-host containers: no container engine answers" in told
    assert "or take --fleet-host processes" in told


def test_an_image_without_instances_is_told_with_what_it_said(client: DockerClient) -> None:
    without = f"FROM {image('fleet')}\nENV PATH=/nowhere\n"
    other, _ = client.images.build(fileobj=io.BytesIO(without.encode()), rm=True, forcerm=True)
    with pytest.raises(LaunchError) as raised:
        fleet_of(str(other.id)).start()
    told = str(raised.value)
    assert re.search(r"for an instance ended at once: its last output:\n    .*python.*: ", told), told
    assert "docker build --target fleet" in told


def test_an_image_of_another_version_is_told(client: DockerClient, monkeypatch: pytest.MonkeyPatch) -> None:
    assert client is not None
    monkeypatch.setattr(fleet_containers, "fingerprint", lambda: b"another")
    with pytest.raises(LaunchError, match="has another version of the instances than this harness: in the"):
        fleet_of(image("fleet")).start()


# What is left


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda one: one.name)
def test_who_is_interrupted_leaves_no_container_even_one_that_stood_still(
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


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGKILL], ids=lambda one: one.name)
def test_a_run_cut_short_amid_its_scenarios_leaves_no_container(
    client: DockerClient, host: str, folder: Path, by: signal.Signals
) -> None:
    words = ["-vv", "--profile", "core", "--fleet-host", "containers", "--fleet-image", image("fleet")]
    with started(features(host, *words), folder) as process:
        assert process.stdout is not None
        assert any("PASSED" in line for line in process.stdout)
        assert len(containers(client, folder)) == 4
        process.send_signal(by)
        process.communicate(timeout=PATIENCE)
    until(lambda: not containers(client, folder), "the containers are gone")
    assert_nothing_is_left(host, folder)

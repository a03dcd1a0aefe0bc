"""Fixtures: a running fleet, a control plane, and a caller on a fresh or a kept-alive connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fake_instances import Fleet, InstanceAddress
from fake_instances.hosts.processes import ProcessHost
from fake_instances.hosts.threads import ThreadHost
from tests.fake_instances.support import API_KEY, SECRET, SESSION, Caller, ControlPlane

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fake_instances.hosts.threads import Host

HOSTS: dict[str, Callable[[], Host]] = {"threads": ThreadHost, "processes": ProcessHost}


@pytest.fixture
def make_fleet() -> Iterator[Callable[..., Fleet]]:
    """Make fleets of instances 3001 and 3002, not yet started; all are stopped in the end."""
    made: list[Fleet] = []

    def make(host: str = "threads") -> Fleet:
        addresses = [InstanceAddress(number, "127.0.0.1", 0) for number in (3001, 3002)]
        made.append(Fleet(addresses, api_key=API_KEY, secret=SECRET, hosting=HOSTS[host]()))
        return made[-1]

    yield make
    for fleet in made:
        fleet.stop()


@pytest.fixture
def fleet(make_fleet: Callable[[], Fleet]) -> Fleet:
    """Start a fleet whose instance 3001 holds the session connected."""
    started = make_fleet().start()
    started.hold(SESSION, on=3001)
    return started


@pytest.fixture
def control_plane(fleet: Fleet) -> Iterator[ControlPlane]:
    """Stand in for the control plane that the fleet announces to."""
    plane = ControlPlane()
    fleet.control_plane = plane.url
    yield plane
    plane.close()


@pytest.fixture(params=["fresh", "kept alive"])
def caller(fleet: Fleet, request: pytest.FixtureRequest) -> Iterator[Caller]:
    """Connect to instance 3001, by a connection that was not used yet, or over which one good answer came."""
    with Caller(fleet) as connected:
        if request.param == "kept alive":
            assert connected.get("/health").status == 200
        yield connected


@pytest.fixture
def fresh(fleet: Fleet) -> Iterator[Caller]:
    """Connect to instance 3001, by a connection that was not used yet."""
    with Caller(fleet) as connected:
        yield connected

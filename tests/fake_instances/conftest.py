"""Fixtures: a running fleet, a control plane, and a caller on a fresh or a kept-alive connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fake_instances import Fleet, InstanceAddress
from fake_instances.faults import Refuse
from fake_instances.hosts.processes import ProcessHost
from fake_instances.hosts.threads import ThreadHost
from tests.fake_instances.support import API_KEY, SECRET, SESSION, Caller, ControlPlane

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fake_instances.hosts.threads import Host

HOSTS: dict[str, Callable[[], Host]] = {"threads": ThreadHost, "processes": ProcessHost}


@pytest.fixture
def make_fleet() -> Iterator[Callable[[], Fleet]]:
    """Make fleets of instances 3001 and 3002, not yet started; all are stopped in the end."""
    made: list[Fleet] = []

    def make() -> Fleet:
        addresses = [InstanceAddress(number, "127.0.0.1", 0) for number in (3001, 3002)]
        made.append(Fleet(addresses, api_key=API_KEY, secret=SECRET))
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


@pytest.fixture(params=HOSTS)
def hosting(request: pytest.FixtureRequest) -> str:
    """Name each way of running instances in turn."""
    return str(request.param)


@pytest.fixture
def make_hosted_fleet(hosting: str) -> Iterator[Callable[[], Fleet]]:
    """Make fleets of instances 3001 and 3002 on each host, not yet started; all are stopped in the end."""
    made: list[Fleet] = []

    def make() -> Fleet:
        made.append(_fleet_on(hosting))
        return made[-1]

    yield make
    for fleet in made:
        fleet.stop()


@pytest.fixture(scope="session")
def processes() -> Iterator[Callable[[], Fleet]]:
    """Start one fleet of instances 3001 and 3002 on the process host, when it is first asked for."""
    started: list[Fleet] = []

    def give() -> Fleet:
        if not started:
            started.append(_fleet_on("processes").start())
        return started[0]

    yield give
    for fleet in started:
        fleet.stop()


@pytest.fixture
def hosted(
    hosting: str, make_hosted_fleet: Callable[[], Fleet], processes: Callable[[], Fleet]
) -> Iterator[Fleet]:
    """Give a fleet on each host, its instance 3001 holding the session connected.

    A module that calls its own `fleet` by this name runs on both hosts. Processes take long to start, so their
    fleet is shared; behind every test its connections are gone and its journal is empty, though it counts on.
    """
    if hosting == "threads":
        started = make_hosted_fleet().start()
        started.hold(SESSION, on=3001)
        yield started
        return
    fleet = processes()
    fleet.hold(SESSION, on=3001)
    yield fleet
    fleet.reset()
    for number in fleet.numbers:
        fleet.arm(Refuse(), number)  # ends every connection, and waits for what goes on there
    fleet.reset()
    fleet.control_plane = None
    fleet.journal.forget()


def _fleet_on(hosting: str) -> Fleet:
    addresses = [InstanceAddress(number, "127.0.0.1", 0) for number in (3001, 3002)]
    return Fleet(addresses, api_key=API_KEY, secret=SECRET, hosting=HOSTS[hosting]())

"""What one worker sets up once for all scenarios: a fleet, and the implementation that faces it."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Self

from fake_instances import Fleet, PortInUseError
from fake_instances.addresses import DOCUMENT_PORTS, LOOPBACK, InstanceAddress, address_of
from fake_instances.hosts.processes import ProcessHost
from fake_instances.hosts.threads import Host, ThreadHost
from harness.attach.adapted.fleet import dialect_of
from harness.attach.control_plane import ControlPlane, Place, random_secrets
from harness.attach.databases import SQLITE, check_own_database, kind_of
from harness.attach.drivers.program import can_bind
from harness.attach.drivers.url import shared_secrets
from harness.attach.fleet_containers import ContainerHost
from harness.contract import DEFAULT_SEND_TIMEOUT, Settings, Target
from harness.errors import LaunchError, TargetError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
HOSTS: dict[str, Callable[[str], Host]] = {
    "threads": lambda _: ThreadHost(),
    "processes": lambda _: ProcessHost(),
    "containers": ContainerHost,
}
"""How the instances can run, by the name that `--fleet-host` takes; each is made with the `--fleet-image`."""

_WORKERS_FROM = "127.0.0.11"
_BLOCK, _BLOCKS = 65536, 8
"""Where workers look for addresses, in this order: 127.0.0.11 and those behind it, then 127.1.0.11, and so on."""


class Setup:
    """A fleet and a running implementation that know each other. A context manager.

    `hosting` is how the instances run, as threads of this process by default. `database` is "sqlite", or the URL of a
    server on which each implementation gets its own database.
    """

    def __init__(
        self,
        target: Target,
        addresses: Sequence[InstanceAddress],
        settings: Settings | None = None,
        *,
        hosting: Host | None = None,
        database: str = SQLITE,
    ) -> None:
        check_database(target, database)
        self._database = database
        self.target = target
        # What is launched gets settings that keep a run short; what runs already has its own.
        there = Settings(verify_timeout=None, send_timeout=DEFAULT_SEND_TIMEOUT) if target.url else Settings()
        self.settings = settings or there
        self.secrets = api_key, hmac_secret = shared_secrets() if target.url else random_secrets()
        self.dialect = dialect_of(target, api_key)
        if self.dialect is not None:
            if not isinstance(hosting, ThreadHost | None):
                raise TargetError(
                    f"{target.name} has an adapter with a dialect of the instances, which only "
                    "--fleet-host threads speaks"
                )
            hosting = ThreadHost(self.dialect)
        self.fleet = Fleet(addresses, api_key=api_key, secret=hmac_secret, hosting=hosting)
        self.implementation: ControlPlane
        self._host = launch_host(addresses[0].host)
        self._open = contextlib.ExitStack()

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as opened:
            self._scratch = Path(tempfile.mkdtemp(prefix="instance-sync-"))
            opened.callback(shutil.rmtree, self._scratch, ignore_errors=True)
            start_fleet(self.fleet)
            opened.callback(self.fleet.stop)
            self.implementation = opened.enter_context(
                self._attach(self.target, self.settings, self._scratch)
            )
            self._open = opened.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    @contextlib.contextmanager
    def another(self, target: Target, settings: Settings) -> Iterator[ControlPlane]:
        """Replace the implementation, while the context lasts, by another with its own database."""
        before = self.implementation
        with tempfile.TemporaryDirectory(dir=self._scratch, ignore_cleanup_errors=True) as scratch:
            try:
                with self._attach(target, settings, Path(scratch)) as substitute:
                    substitute.silent, substitute.unheard = before.silent, before.unheard
                    self.implementation = substitute
                    yield substitute
            finally:
                self.implementation = before
                before.face_fleet()

    def _attach(self, target: Target, settings: Settings, scratch: Path) -> ControlPlane:
        made = ControlPlane(target, settings, self.fleet, Place(self._host, scratch, self._database))
        made.dialect = self.dialect
        return made


def check_database(target: Target, database: str) -> None:
    """Check that a target can be launched with a database; TargetError if it cannot."""
    if target.url:
        if not target.state_path:
            check_own_database(database)
        return
    kind = kind_of(database)
    if kind not in target.databases:
        raise TargetError(
            f"{target.name} understands {', '.join(target.databases)}, and --database gives {kind}; choose another, "
            f'or add "{kind}" to launch.databases'
        )


def check_running(target: Target, *, in_workers: bool) -> None:
    """Check that a target which runs already, or logs to a file of its own, can be judged by so many processes.

    Raises:
        TargetError: its secrets are not known, or several workers would each bring instances that it does not face;
            or several launches would write to one log.
    """
    if in_workers and target.shares_a_log and not target.url:
        raise TargetError(
            f"{target.name} logs to a file that every launch of it shares: run it without -n, or have each write to "
            "a folder of its own, {data} in launch.env and in log.file"
        )
    if not target.url:
        return
    shared_secrets()
    if in_workers:
        raise TargetError(f"{target.name} runs already, and faces one set of instances: run it without -n")


def fleet_addresses(host: str, ports: str) -> tuple[InstanceAddress, ...]:
    """Return the document's four instances on a host; an IPv6 address may stand in brackets, as in a URL.

    `ports` is "document" for 3001-3004, "free" for ports that the system chooses, or four numbers with commas.

    Raises:
        TargetError: `ports` is none of these.
    """
    words = {"document": ",".join(map(str, DOCUMENT_PORTS)), "free": "0,0,0,0"}.get(ports, ports).split(",")
    chosen = [int(word) for word in words if word.strip().isdecimal() and int(word) < 65536]
    if len(chosen) != len(DOCUMENT_PORTS) or (ports != "free" and len({*chosen} - {0}) != len(words)):
        raise TargetError(
            f"--fleet-ports {ports!r}: write document, free, or four different ports such as 4001,4002,4003,4004"
        )
    name = host.removeprefix("[").removesuffix("]")
    return tuple(
        InstanceAddress(number, name, port) for number, port in zip(DOCUMENT_PORTS, chosen, strict=True)
    )


def worker_addresses(given: str | None, ports: str, worker: int) -> tuple[InstanceAddress, ...]:
    """Return the instances of one of several workers, counted from 0, each on a loopback address of its own.

    These follow the address that was `given`; without one they are addresses on which the ports are free. Where the
    system lacks such an address, the ports are those that it chooses, on the address that it has.

    Raises:
        TargetError: the system lacks it, and the user chose other ports than the document's.
    """
    first = address_of((given or _WORKERS_FROM).strip("[]"))
    for block in range(1 if given else _BLOCKS):
        host = given if given and not worker else _following(first, worker + block * _BLOCK)
        addresses = fleet_addresses(host, ports)
        if can_bind(address_of(addresses[0].host)) and (given or all(map(_is_free, addresses))):
            return addresses
    if ports not in {"document", "free"}:
        raise TargetError(
            f"--fleet-ports {ports} with several workers: this system has no address of its own for each; "
            "take --fleet-ports free, or run it with -n 0"
        )
    return fleet_addresses(given or LOOPBACK[0], "free")


def check_fleet_address(host: str) -> None:
    """Check that instances can listen on a host; TargetError if it is none of this machine."""
    if not can_bind(address_of(fleet_addresses(host, "free")[0].host)):
        raise TargetError(
            f"--fleet-address {host} is no address of this machine; write localhost, a loopback address such as "
            "127.0.0.2 or ::1, or leave it out"
        )


def _following(address: str, steps: int) -> str:
    """Return the address so many steps on; the address itself if it is a name, or there is none."""
    try:
        return str(ip_address(address) + steps)
    except ValueError:
        return address


def _is_free(one: InstanceAddress) -> bool:
    return can_bind(one.host, one.port)


def launch_host(fleet: str) -> str:
    """Return the address for an implementation beside a fleet: an IPv4 one, which every program can listen on."""
    return LOOPBACK[0] if ":" in fleet else address_of(fleet)


def start_fleet(fleet: Fleet) -> Fleet:
    """Start a fleet, or report by a LaunchError which other ports and addresses can be chosen."""
    try:
        return fleet.start()
    except PortInUseError as problem:
        raise LaunchError(
            f"{problem}; free it, or choose other ports with --fleet-ports free (or four numbers, "
            "4001,4002,4003,4004), or another loopback address with --fleet-address 127.0.0.2",
            "what has the port, or --fleet-ports and --fleet-address: where the instances listen",
        ) from None
    except OSError as problem:
        raise LaunchError(
            f"the instances cannot listen: {problem}; choose an address with --fleet-address",
            "--fleet-address must be an address of this machine",
        ) from None

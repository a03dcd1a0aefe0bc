"""The options of the harness in pytest, and what they come to."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from fake_instances.addresses import LOCALHOST
from harness.attach.fleet_containers import DEFAULT_IMAGE, check_fleet_image
from harness.attach.setup import (
    HOSTS,
    check_database,
    check_fleet_address,
    check_running,
    fleet_addresses,
    worker_addresses,
)
from harness.catalogue.requirements import Level, Profile
from harness.errors import TargetError
from harness.report.folder import FOLDER
from harness.run.asked.rerun import check_same, failed_in, report_before
from harness.run.scope import HANDED, Scope

if TYPE_CHECKING:
    import pytest

    from fake_instances.addresses import InstanceAddress


def add_options(parser: pytest.Parser) -> None:
    """Add the options of the harness to pytest's."""
    group = parser.getgroup("instance-sync", "conformance of an instance sync implementation")
    group.addoption(
        "--target",
        default="reference",
        metavar="NAME|FILE",
        help="the implementation to judge: reference, before-fix, or a target file (default: reference)",
    )
    _add_selection(group)
    group.addoption(
        "--report",
        metavar="DIR",
        help="save the report here as report.html, report.json, report.xml (JUnit) and report.md, "
        "and what happened in each scenario as history/*.jsonl (default: nothing is saved)",
    )
    group.addoption(
        "--unchecked",
        action="store_true",
        help="judge without checking first that everything is attached correctly",
    )
    _add_surroundings(group)


def _add_selection(group: pytest.OptionGroup) -> None:
    group.addoption(
        "--requirement",
        action="append",
        default=[],
        metavar="ID",
        help="run only the scenarios of this requirement, such as SCAN-01; may be given more than once",
    )
    group.addoption(
        "--profile",
        action="append",
        default=[],
        choices=[str(one) for one in Profile],
        metavar="NAME",
        help=f"run only the scenarios of this profile ({', '.join(Profile)}); may be given more than once",
    )
    group.addoption(
        "--level",
        action="append",
        default=[],
        choices=[str(one) for one in Level],
        metavar="LEVEL",
        help=f"run only the scenarios of requirements of this level ({', '.join(Level)})",
    )
    group.addoption(
        "--gate",
        action="append",
        default=[],
        metavar="PROFILE",
        help="judge and report everything, and take the exit code from this profile alone; several with commas, or "
        "given more than once",
    )
    group.addoption(
        "--rerun-failed",
        action="store_true",
        help="run only what ran and did not pass in the report saved last (in --report, or else in "
        f"{FOLDER}/), and go on from that report: the verdict is that of the whole",
    )
    group.addoption(
        "--keep",
        action="store_true",
        help="stop at the first scenario that failed, with the implementation, its database and the instances alive, "
        "and say how to look at them and how to end",
    )
    group.addoption(
        "--list",
        action="store_true",
        dest="list_scenarios",
        help="list the scenarios that would run, with their requirements, and run nothing",
    )


def _add_surroundings(group: pytest.OptionGroup) -> None:
    group.addoption(
        "--fleet-host",
        default="threads",
        choices=list(HOSTS),
        help="how the instances run: as threads of this process, each as a process, or each as a container "
        "(default: threads)",
    )
    group.addoption(
        "--fleet-image",
        default=DEFAULT_IMAGE,
        metavar="IMAGE",
        help="the image of instances that run as containers, which `docker build --target fleet "
        f"--tag {DEFAULT_IMAGE} .` makes in the project's folder (default: {DEFAULT_IMAGE})",
    )
    group.addoption(
        "--fleet-address",
        metavar="ADDRESS",
        help="the loopback address of the four instances; with -n the first worker has it, and each further one the "
        "address after that of the one before, such as 127.0.0.3 after 127.0.0.2 (default: localhost; with -n, an "
        "address for each worker from 127.0.0.11 on)",
    )
    group.addoption(
        "--fleet-ports",
        default="document",
        metavar="PORTS",
        help="where they listen: document (3001-3004), free, or four ports such as 4001,4002,4003,4004 "
        "(default: document)",
    )
    group.addoption(
        "--database",
        default="sqlite",
        metavar="sqlite|URL",
        help="what implementations are given: sqlite, or the URL of a PostgreSQL, MySQL or MariaDB server on which "
        "databases may be made, such as postgresql://user:password@127.0.0.1:5432 (default: sqlite)",
    )
    group.addoption(
        "--order-seed",
        type=int,
        metavar="N",
        help="run the scenarios in the random order that this number gives, the same each time "
        "(default: in the catalogue's order)",
    )
    group.addoption(
        "--fleet-seed",
        type=int,
        metavar="N",
        help="the seed that made-up names and numbers derive from (default: a new one, shown in the header)",
    )


def scope_of(config: pytest.Config) -> Scope:
    """Return what a run judges, by its options; choose a seed where none is given. TargetError if one is wrong."""
    options, again, before = config.option, None, None
    handed = getattr(config, "workerinput", {}).get(HANDED)
    if handed is not None:
        options.fleet_seed, again = handed
    elif options.fleet_seed is None:
        options.fleet_seed = secrets.randbelow(2**32)
    if options.rerun_failed and handed is None:
        before = report_before(options.report)
        again = failed_in(before)
        options.report = options.report or FOLDER
    if options.keep and getattr(options, "numprocesses", None):
        raise TargetError("--keep stops in the middle of a run, which several workers cannot: take -n 0")
    scope = Scope(options, again)
    if before is not None:
        check_same(before, scope.target, scope.catalogue, scope.suite)
        scope.go_on_from(before)
    fleet_addresses(LOCALHOST, options.fleet_ports)
    check_fleet_address(options.fleet_address or LOCALHOST)
    check_database(scope.target, options.database)
    check_running(scope.target, in_workers=bool(getattr(options, "numprocesses", None)))
    if options.fleet_host == "containers" and handed is None and not options.list_scenarios:
        check_fleet_image(options.fleet_image)
    return scope


def addresses_of(config: pytest.Config) -> tuple[InstanceAddress, ...]:
    """Return where the instances of this worker listen; for who deals out to workers, where those of the first do."""
    worker = getattr(config, "workerinput", {}).get("workerid", "")
    number = int(worker.removeprefix("gw")) if worker else None
    if getattr(config.option, "dist", "no") != "no":
        number = 0
    given, ports = config.option.fleet_address, config.option.fleet_ports
    return (
        fleet_addresses(given or LOCALHOST, ports)
        if number is None
        else worker_addresses(given, ports, number)
    )

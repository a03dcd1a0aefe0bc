"""The options that choose what is judged and where it is reported, and what they come to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.attach.fleet_containers import DEFAULT_IMAGE
from harness.attach.setup import HOSTS, fleet_addresses
from harness.catalogue.requirements import Level, Profile
from harness.catalogue.verdict import Outcome
from harness.errors import TargetError
from harness.report.folder import FOLDER, REPORT_JSON
from harness.report.model import parse_json

if TYPE_CHECKING:
    import pytest

    from fake_instances.addresses import InstanceAddress


def add_options(group: pytest.OptionGroup) -> None:
    """Add the options that select scenarios and save reports."""
    group.addoption(
        "--profile",
        action="append",
        default=[],
        metavar="NAME",
        help=f"run only the scenarios of this profile ({', '.join(Profile)}); may be given more than once",
    )
    group.addoption(
        "--level",
        action="append",
        default=[],
        metavar="LEVEL",
        help=f"run only the scenarios of requirements of this level ({', '.join(Level)})",
    )
    group.addoption(
        "--rerun-failed",
        action="store_true",
        default=False,
        help=f"run only what ran and did not pass in the report saved last (in --report, or else {FOLDER}/)",
    )
    group.addoption(
        "--list",
        action="store_true",
        default=False,
        dest="list_scenarios",
        help="list the scenarios that would run, with their requirements, and run nothing",
    )
    group.addoption(
        "--report",
        default=None,
        metavar="DIR",
        help="save the report here as report.html, report.json, report.xml (JUnit) and report.md, "
        "and what happened in each scenario as history/*.jsonl",
    )


def add_hosting_options(group: pytest.OptionGroup) -> None:
    """Add the options that say how the instances run."""
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


def failed_before(folder: str | None) -> list[str]:
    """Give the ids of the scenarios that ran and did not pass in the report saved last.

    Raises:
        TargetError: there is none, it cannot be read, or its run had not ended.
    """
    path = Path(folder or FOLDER) / REPORT_JSON
    try:
        report = parse_json(path.read_text("utf-8"))
    except OSError as problem:
        raise TargetError(
            f"--rerun-failed: {path} cannot be read ({problem.strerror}); run once with --report {path.parent}"
        ) from None
    except ValueError:
        raise TargetError(
            f"--rerun-failed: {path} is no report of this version; run once with --report {path.parent}"
        ) from None
    if not report.complete:
        raise TargetError(
            f"--rerun-failed: the run in {path} never ended, so nobody knows what failed; run it again whole"
        )
    return [one.id for one in report.scenarios if one.ran and one.outcome is not Outcome.PASSED]


def run_on_one_process(options: Any) -> None:
    """Have a run that executes nothing need no workers, whatever `-n` says."""
    options.numprocesses, options.dist, options.tx = 0, "no", []


def addresses_of(config: pytest.Config) -> tuple[InstanceAddress, ...]:
    """Give where the instances of this worker listen."""
    worker = getattr(config, "workerinput", {}).get("workerid", "")
    number = int(worker.removeprefix("gw")) if worker else None
    address = config.option.fleet_address or ("127.0.0.1" if number is None else f"127.0.0.{11 + number}")
    fallback = number is not None and not config.option.fleet_address
    return fleet_addresses(address, config.option.fleet_ports, fallback=fallback)

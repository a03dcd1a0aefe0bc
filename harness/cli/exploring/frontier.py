"""`instance-sync frontier`: how much an implementation bears, beside the reference."""

from __future__ import annotations

import json
import os
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import click

from harness.attach.databases import SQLITE
from harness.attach.setup import Setup, check_database, check_fleet_address, check_running, fleet_addresses
from harness.catalogue.requirements import Profile
from harness.cli.group import epilog
from harness.cli.options import targets
from harness.errors import TargetError
from harness.exit_codes import DONE, ExitCode
from harness.frontier import axes, page, telling
from harness.frontier.measuring import Measuring, Subject
from harness.report.folder import replace_all
from harness.run.interruption import Interruption
from harness.run.progress import Line, say
from harness.run.workers import cores_of_this_process
from harness.scenario.world import World
from harness.targets.reader import load_target
from harness.wording import visible

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.contract import Target
    from harness.frontier.measuring import Measured

_EXAMPLES = """\
  instance-sync frontier --target acme.toml                      every axis, beside the reference
  instance-sync frontier --target acme.toml --report reports     save frontier.html and frontier.json too
  instance-sync frontier --target acme.toml --axis drip --axis moves
  instance-sync frontier --list                                  what is measured, and when it holds
"""
_REFERENCE = "reference"


def _axis_names(_context: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Complete the name of an axis."""
    return [one.name for one in axes.AXES if one.name.startswith(incomplete)]


@click.command(epilog=epilog("frontier", _EXAMPLES))
@click.option(
    "--target", default=_REFERENCE, metavar="NAME|FILE", help="what to measure", shell_complete=targets
)
@click.option(
    "--axis",
    "names",
    multiple=True,
    metavar="NAME",
    help="only this axis; may be repeated  [default: all]",
    shell_complete=_axis_names,
)
@click.option("--repeats", type=click.IntRange(1, 100), default=5, help="how often a value is tried at most")
@click.option("--seconds", type=click.FloatRange(min=1), default=300.0, help="how long to measure in all")
@click.option(
    "--report",
    type=click.Path(path_type=Path, file_okay=False),
    help="save frontier.html and frontier.json here",
)
@click.option("--database", default=SQLITE, metavar="sqlite|URL", help="as for verify")
@click.option("--fleet-address", default="localhost", metavar="ADDRESS", help="where the instances listen")
@click.option(
    "--fleet-ports", default="document", metavar="PORTS", help="document (3001-3004), free, or four ports"
)
@click.option("--list", "listed", is_flag=True, help="list the axes, and measure nothing")
def command(  # noqa: PLR0913 - its options
    *,
    target: str,
    names: tuple[str, ...],
    repeats: int,
    seconds: float,
    report: Path | None,
    database: str,
    fleet_address: str,
    fleet_ports: str,
    listed: bool,
) -> ExitCode:
    """Measure how much an implementation bears: the largest value of each strain at which everything still holds.

    It judges nobody. The reference is measured in the same run, so that the machine is known by it.
    """
    chosen = axes.named(names)
    if listed:
        say("\n".join(telling.axis_lines(chosen)) + "\n")
        return DONE
    loaded = [load_target(one) for one in dict.fromkeys((target, _REFERENCE))]
    _check(loaded[0], database, fleet_address)
    if report is not None:
        report.mkdir(parents=True, exist_ok=True)  # before minutes are spent
    versions = {_told_as(one, loaded[0]): one.version for one in loaded}
    line = Line(sys.stderr)
    results: list[Measured] = []
    with Interruption().obeyed(), ExitStack() as started:
        subjects = []
        for place, one in enumerate(loaded):
            line.show(f"starting {visible(one.name)}")
            # Whatever is attached faces the instances where the user wants them; the reference takes any ports.
            addresses = fleet_addresses(fleet_address, "free" if place else fleet_ports)
            own = SQLITE if place else database
            setup = started.enter_context(Setup(one, addresses, database=own))
            _warm_up(setup)
            subjects.append(Subject(_told_as(one, loaded[0]), setup))
        before, began = os.getloadavg()[0], time.monotonic()
        measuring = Measuring(
            subjects, chosen, repeats=repeats, seconds=seconds, tell=lambda words: line.show(visible(words))
        )
        for measured in measuring.results():
            results.append(measured)
            words = f"{measured.axis.name} of {measured.subject}: {telling.interval(measured.frontier)}"
            line.end(visible(f"{words}, {measured.seconds:.0f} s"))
        conditions = telling.Conditions(
            subjects[0].setup.implementation.settings,
            repeats,
            time.monotonic() - began,
            before,
            os.getloadavg()[0],
            cores_of_this_process(),
        )
    lines: Iterable[str] = (
        "",
        *telling.table(results, [*versions]),
        "",
        *telling.note_lines(results),
        "",
        *map(visible, telling.conditions_lines(conditions)),
    )
    say("\n".join(lines) + "\n")
    if report is not None:
        saved = telling.to_json(results, versions, conditions)
        text = json.dumps(saved, indent=1, ensure_ascii=False) + "\n"
        shown = page.render(results, versions, conditions)
        replace_all({report / "frontier.json": text, report / "frontier.html": shown})
        say(visible(f"saved {report / 'frontier.html'} and frontier.json") + "\n")
    return DONE


def _check(target: Target, database: str, address: str) -> None:
    if not {*target.claims} - {Profile.INSTANCE}:
        raise TargetError(
            f"{target.name} claims no profile of a control plane, and only those can be measured"
        )
    check_database(target, database)
    check_running(target, in_workers=False)
    check_fleet_address(address)


def _told_as(one: Target, first: Target) -> str:
    """Return the name by which an implementation is told; the reference has its own where the target took it."""
    return one.name if one is first or one.name != first.name else f"{one.name}, built in"


def _warm_up(setup: Setup) -> None:
    """Have everything loaded that is loaded at first use."""
    world = World(setup, Random(0))  # noqa: S311 - names, not secrets
    world.warm_up()
    world.close()

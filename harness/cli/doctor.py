"""`instance-sync doctor`: whether the harness and an implementation understand each other, and what to change."""

from __future__ import annotations

import contextlib
import random
import shlex
from typing import TYPE_CHECKING

import click
from sqlalchemy.exc import SQLAlchemyError

from harness.attach.gateway_setup import GatewaySetup
from harness.attach.setup import Setup, check_database, check_fleet_address, check_running, fleet_addresses
from harness.cli.group import epilog
from harness.cli.options import fleet_options, targets
from harness.errors import AdapterError, ConformanceFailure, LaunchError, NotJudgedError
from harness.exit_codes import DONE, ExitCode
from harness.redaction import redact_values
from harness.run.doctor import control_plane, gateway
from harness.run.doctor.finding import Finding, adapter_failed, lines_of
from harness.run.interruption import Interruption
from harness.run.progress import say
from harness.scenario.gateway_world import GatewayWorld
from harness.scenario.world import World
from harness.targets.reader import load_target
from harness.wording import visible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.contract import Target

_EXAMPLES = """\
  instance-sync doctor --target acme.toml
  instance-sync doctor --target acme.toml --database postgresql://user:password@127.0.0.1:5432
"""


@click.command(epilog=epilog("doctor", _EXAMPLES))
@click.option(
    "--target", default="reference", metavar="NAME|FILE", help="what to examine", shell_complete=targets
)
@click.option("--database", default="sqlite", metavar="sqlite|URL", help="as for verify")
@fleet_options
@click.pass_context
def command(
    context: click.Context, target: str, database: str, fleet_address: str, fleet_ports: str
) -> ExitCode:
    """Try everything that judging needs, before any judging, and say what to change."""
    bad = 0
    with Interruption().obeyed():
        loaded = load_target(target)
        say(visible(f"{loaded.name} {loaded.version}, attached by {_way(loaded)}") + "\n")
        for finding in _findings(loaded, database, fleet_address, fleet_ports):
            bad += not finding.good
            say(visible("\n".join(lines_of(finding))) + "\n")
    if bad:
        say(f"\n{bad} to change; nothing was judged\n")
        return ExitCode.INCOMPLETE
    say(f"\nready to be judged: instance-sync verify {_given(context)}\n")
    return DONE


def _given(context: click.Context) -> str:
    """Return the options by which verify judges what was examined."""
    words = ["--target", context.params["target"]]
    for option in context.command.params:
        value = context.params.get(option.name or "")
        if option.name != "target" and value not in {None, option.default}:
            shown = "…" if option.name == "database" else value  # which may have a password in it
            words += [option.opts[0], shown]
    return shlex.join(words).replace("'…'", "…")


def _way(target: Target) -> str:
    return "command" if target.command else "image" if target.image else "url" if target.url else "[instance]"


def _findings(target: Target, database: str, address: str, ports: str) -> Iterator[Finding]:
    addresses = fleet_addresses(address, ports)
    check_fleet_address(address)
    if target.command or target.image or target.url:
        check_database(target, database)
        check_running(target, in_workers=False)
        try:
            setup = Setup(target, addresses, database=database)
        except AdapterError as problem:
            yield adapter_failed(problem)
            return
        yield from _control_plane(setup, target)
    if target.gateway is not None:
        yield from _gateways(GatewaySetup(target.gateway, addresses[0].host))


def _control_plane(setup: Setup, target: Target) -> Iterator[Finding]:
    try:
        with setup:
            yield control_plane.started(target)
            world = World(setup, random.Random(0))  # noqa: S311 - names, not secrets
            try:
                yield from control_plane.examine(world)
            finally:
                # Rows that cannot be written cannot be removed either, which has been reported by then.
                with contextlib.suppress(NotJudgedError, SQLAlchemyError):
                    world.close()
    except AdapterError as problem:
        yield redact_values(adapter_failed(problem), setup.secrets)
    except LaunchError as problem:
        yield control_plane.started(target, problem)
    except ConformanceFailure as problem:
        yield control_plane.ended(problem)


def _gateways(setup: GatewaySetup) -> Iterator[Finding]:
    try:
        with setup:
            world = GatewayWorld(setup, random.Random(0))  # noqa: S311 - names, not secrets
            try:
                yield from gateway.examine_gateways(world)
            finally:
                world.close()
    except AdapterError as problem:
        yield redact_values(adapter_failed(problem), setup.secrets)
    except (LaunchError, NotJudgedError) as problem:
        yield gateway.started(problem)

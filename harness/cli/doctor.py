"""`instance-sync doctor`: whether the harness and an implementation understand each other, and what to change."""

from __future__ import annotations

import argparse
import contextlib
import random
import shlex
import sys
import textwrap
import traceback
from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError

from harness.attach.gateway_setup import GatewaySetup
from harness.attach.setup import Setup, check_database, check_running, fleet_addresses
from harness.errors import ConformanceFailure, HarnessError, LaunchError, NotJudgedError, TargetError
from harness.run import doctor
from harness.run.doctor import Finding
from harness.run.interruption import Interruption
from harness.run.progress import say
from harness.scenario.gateway_world import GatewayWorld
from harness.scenario.world import World
from harness.targets.reader import load_target

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.contract import Target

WHAT = "find out whether the harness and your implementation understand each other"
INCOMPLETE, HARNESS_ERROR, USAGE_ERROR, INTERRUPTED = 2, 3, 4, 130
_WIDTH = 100
_EXAMPLES = """\
examples:
  instance-sync doctor --target acme.toml
  instance-sync doctor --target acme.toml --database postgresql://user:password@127.0.0.1:5432

exit codes:
  0  everything that was tried went well: instance-sync verify can judge it
  2  something did not; nothing is said about conformance
  3  the harness itself broke
  4  an option or the target file is wrong
"""


def main(arguments: Sequence[str]) -> int:
    """Examine a target, print every finding as it comes, and give the exit code."""
    try:
        options = _parser().parse_args(arguments)
    except SystemExit as ended:
        return USAGE_ERROR if ended.code else 0
    bad = 0
    try:
        with Interruption().obeyed():
            target = load_target(options.target)
            say(f"{target.name} {target.version}, attached by {_way(target)}\n")
            for finding in _findings(target, options):
                bad += not finding.good
                say("\n".join(_lines(finding)) + "\n")
    except TargetError as problem:
        sys.stderr.write(f"instance-sync: {problem}\n")
        return USAGE_ERROR
    except HarnessError as problem:
        sys.stderr.write(f"instance-sync: {problem}; nothing more is said of {options.target}\n")
        return HARNESS_ERROR
    except Exception:  # noqa: BLE001 - the command's last word: it must never look like a verdict
        sys.stderr.write(
            f"{traceback.format_exc()}instance-sync: the harness broke; nothing more is said of {options.target}\n"
        )
        return HARNESS_ERROR
    except KeyboardInterrupt:
        sys.stderr.write("\ninstance-sync: interrupted; everything that it started is stopped\n")
        return INTERRUPTED
    told = (
        f"{bad} to change; nothing was judged"
        if bad
        else f"ready to be judged: instance-sync verify {_given(options)}"
    )
    say(f"\n{told}\n")
    return INCOMPLETE if bad else 0


def _given(options: argparse.Namespace) -> str:
    """Give the options by which the same is judged that was examined."""
    words = ["--target", options.target]
    for name in ("database", "fleet_address", "fleet_ports"):
        value = getattr(options, name)
        if value != _parser().get_default(name):
            told = "…" if name == "database" else value  # which may have a password in it
            words += [f"--{name.replace('_', '-')}", told]
    return shlex.join(words).replace("'…'", "…")


def _way(target: Target) -> str:
    return "command" if target.command else "image" if target.image else "url" if target.url else "[instance]"


def _findings(target: Target, options: argparse.Namespace) -> Iterator[Finding]:
    addresses = fleet_addresses(options.fleet_address, options.fleet_ports)
    if target.command or target.image or target.url:
        check_database(target, options.database)
        check_running(target, in_workers=False)
        yield from _control_plane(Setup(target, addresses, database=options.database), target)
    if target.gateway is not None:
        yield from _gateways(GatewaySetup(target.gateway, options.fleet_address))


def _control_plane(setup: Setup, target: Target) -> Iterator[Finding]:
    tried = f"have instances listen, reach its database, and have it answer GET {target.ready} with 200"
    try:
        with setup:
            yield Finding("the start", tried, "it did")
            world = World(setup, random.Random(0))  # noqa: S311 - names, not secrets
            try:
                yield from doctor.examine(world)
            finally:
                # Rows that cannot be written cannot be removed either, which is told by then.
                with contextlib.suppress(NotJudgedError, SQLAlchemyError):
                    world.close()
    except LaunchError as problem:
        yield Finding("the start", tried, str(problem), problem.mend or "[launch], until it comes up")
    except ConformanceFailure as problem:
        mend = "what makes it end or lose rows, by its own output: it must go on running while it is judged"
        yield Finding("its running", f"see that {problem.expected}", problem.observed, mend)


def _gateways(setup: GatewaySetup) -> Iterator[Finding]:
    tried = "launch four gateway instances, have a session connect on one, and wait for its webhook"
    try:
        with setup:
            world = GatewayWorld(setup, random.Random(0))  # noqa: S311 - names, not secrets
            try:
                world.connect(3001)
            finally:
                world.close()
    except (LaunchError, NotJudgedError) as problem:
        yield Finding(
            "gateways", tried, str(problem), "[instance], which says how one is launched and handled"
        )
    else:
        yield Finding("gateways", tried, "it came")


def _lines(finding: Finding) -> Iterator[str]:
    yield f"{'✓' if finding.good else '✗'} {finding.name}"
    parts = [("tried", finding.tried), ("came back", finding.came_back), ("change", finding.mend)]
    for label, words in parts:
        first, *rest = words.splitlines() or [""]
        if words:
            yield from textwrap.wrap(
                first, _WIDTH, initial_indent=f"    {label:<11}", subsequent_indent=" " * 15,
                break_long_words=False, break_on_hyphens=False,
            )  # fmt: skip
            yield from (f"{' ' * 15}{line}" for line in rest)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="instance-sync doctor",
        description="Tries, before any judging, everything that judging needs, and says what to change.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--target", default="reference", metavar="NAME|FILE", help="what to examine")
    parser.add_argument(
        "--database", default="sqlite", metavar="sqlite|URL", help="as for verify (default: sqlite)"
    )
    parser.add_argument(
        "--fleet-address", default="127.0.0.1", metavar="ADDRESS", help="where the instances listen"
    )
    parser.add_argument(
        "--fleet-ports", default="document", metavar="PORTS", help="document (3001-3004), free, or four ports"
    )
    return parser

"""Options that several commands take, and what completes them in a shell."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.catalogue.features import catalogue
from harness.catalogue.requirements import closest
from harness.errors import TargetError
from harness.targets.reader import built_in_targets

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.catalogue.requirements import Requirement

    Command = Callable[..., int | None]


def targets(_context: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Complete the name of a target, or the path of a target file."""
    folder = Path(incomplete) if incomplete.endswith("/") else Path(incomplete).parent
    found = sorted(folder.glob("[!.]*")) if folder.is_dir() else []
    files = [f"{one}/" if one.is_dir() else str(one) for one in found]
    known = [*built_in_targets(), *(one for one in files if one.endswith((".toml", "/")))]
    return [one for one in known if one.startswith(incomplete)]


def requirement_ids(_context: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Complete the id of a requirement."""
    return [one for one in catalogue() if one.startswith(incomplete.upper())]


def named_requirement(name: str) -> Requirement:
    """Return the requirement with this id, as users write it; TargetError, with the likely one, if there is none."""
    known = catalogue()
    id_ = name.upper().replace("_", "-")
    if id_ not in known:
        guess = closest(id_, tuple(known))
        hint = f"did you mean {guess}?" if guess else "instance-sync requirements lists them"
        raise TargetError(f"there is no requirement {name}; {hint}")
    return known[id_]


def fleet_options(command: Command) -> Command:
    """Add the options that say where the instances of a fleet listen."""
    address = click.option(
        "--fleet-address", default="localhost", metavar="ADDRESS", help="where the instances listen"
    )
    ports = click.option(
        "--fleet-ports",
        default="document",
        metavar="PORTS",
        help="document (3001-3004), free, or four ports with commas.",
    )
    return address(ports(command))

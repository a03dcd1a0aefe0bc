"""What runs, and listens, because a unit is told."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import psutil

from harness.explore.campaign import program
from tests.harness.support import can_listen, until

if TYPE_CHECKING:
    from pathlib import Path


def of_units(folder: Path) -> list[psutil.Process]:
    """Return the processes of units whose temporary folders are in this one."""
    return [
        one
        for one in psutil.process_iter(["cmdline", "environ", "status"])
        if (one.info["environ"] or {}).get("TMPDIR", "").startswith(f"{folder}/instance-sync-")
        and one.info["status"] != psutil.STATUS_ZOMBIE
    ]


def telling(folder: Path) -> list[psutil.Process]:
    """Return the programs that tell units now: those whose instances listen."""
    return [
        one for one in of_units(folder) if program.__name__ in (one.info["cmdline"] or ()) and listening(one)
    ]


def listening(process: psutil.Process) -> list[tuple[str, int]]:
    """Return where a process listens."""
    with contextlib.suppress(psutil.NoSuchProcess):
        found = process.net_connections("tcp")
        return [(one.laddr.ip, one.laddr.port) for one in found if one.status == psutil.CONN_LISTEN]
    return []


def assert_no_unit_is_left(folder: Path, ports: list[tuple[str, int]]) -> None:
    """Check that no process, no listening port and no temporary folder of a unit is left."""
    until(lambda: not of_units(folder), "every process of a unit is gone")
    until(lambda: not [*folder.glob("instance-sync-*")], "every folder of a unit is gone")
    assert [one for one in ports if not can_listen(*one)] == []

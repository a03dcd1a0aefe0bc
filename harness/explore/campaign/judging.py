"""Judges a target by `verify` on whichever worker of a cluster is free, and brings its report back."""

from __future__ import annotations

import itertools
import os
import sys
import tempfile
from ipaddress import IPv4Address
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.attach.drivers.guarded import Guarded
from harness.attach.drivers.program import can_bind
from harness.errors import HarnessError, TargetError
from harness.explore.campaign import cluster
from harness.explore.campaign.digests import campaign_of

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence

END_SECONDS = 60.0
"""How long an interrupted run may take to stop what it started."""
_LOOK_SECONDS = 0.5
_LARGEST = 64 * 1024 * 1024
"""Bytes of a report, with all its files, that are brought back."""
_LAST_LINES = 12
_FIRST_ADDRESS, _MOST_WORKERS, _PLACES = IPv4Address("127.64.0.0"), 16, 700_000
"""Each run has as many loopback addresses of its own as `verify` has workers at most."""
_turns = itertools.count()


def verify_words(target: str, own: Sequence[str]) -> list[str]:
    """Return the words of the command that judges a target."""
    return [sys.executable, "-m", "harness.cli.main", "verify", "--target", target, *own]


def last_lines(output: Path) -> str:
    """Return the last lines of what a run has printed, indented."""
    lines = output.read_text("utf-8", "replace").splitlines()
    return "\n".join(f"  {line}" for line in lines[-_LAST_LINES:])


def judged(
    scheduler: str, jobs: Mapping[str, tuple[str, Sequence[str]]], tell: Callable[[str], None]
) -> Generator[tuple[str, int, dict[str, str], str]]:
    """Have targets judged, each with further words for `verify`, by the workers of a cluster.

    Yields, as each has ended, its key, its exit status, the files of its report by their names, and its last lines.

    Raises:
        TargetError, LaunchError, HarnessError: as `cluster.done`.
    """
    given = {
        key: {"target": target, "words": [*words], "digests": _digests(target)}
        for key, (target, words) in jobs.items()
    }
    for key, outcome in cluster.done(scheduler, given, _judge, tell):
        yield key, outcome["status"], outcome["files"], outcome["last"]


def _digests(target: str) -> list[str]:
    campaign = campaign_of(target, "", 0)
    return [campaign.harness, campaign.target]


def _judge(job: dict[str, Any], worker: str, is_stopped: Callable[[], bool]) -> dict[str, object]:
    """Judge one target in a program of its own, and return its report: what a worker is given to do."""
    target, words = job["target"], job["words"]
    if _digests(target) != job["digests"]:
        raise TargetError(
            f"worker {worker} has another harness, or another target {target}, than where the comparison was begun; "
            "install the same version, and copy the file, with its adapter, to the same path"
        )
    with tempfile.TemporaryDirectory(prefix="instance-sync-", ignore_cleanup_errors=True) as made:
        scratch, report = Path(made), Path(made) / "report"
        output = scratch / "output.txt"
        command = verify_words(target, [*_address(words), "--report", str(report), *words])
        guarded = Guarded(command, scratch, END_SECONDS, output=output)
        try:
            while (status := guarded.wait(_LOOK_SECONDS)) is None:
                if is_stopped():
                    raise HarnessError("the comparison was ended")
            return {"status": status, "files": _files(report), "last": last_lines(output)}
        finally:
            guarded.end()


def _files(folder: Path) -> dict[str, str]:
    found = [one for one in sorted(folder.rglob("*")) if one.is_file() and not one.is_symlink()]
    if (size := sum(one.stat().st_size for one in found)) > _LARGEST:
        raise HarnessError(f"the report has {size} bytes, and at most {_LARGEST} are brought back")
    return {one.relative_to(folder).as_posix(): one.read_text("utf-8") for one in found}


def _address(words: Sequence[str]) -> list[str]:
    if any(one.startswith(("--fleet-address", "--fleet-ports")) for one in words):
        return []
    place = (os.getpid() * _MOST_WORKERS + next(_turns)) % _PLACES
    host = str(_FIRST_ADDRESS + _MOST_WORKERS * place)
    return ["--fleet-address", host] if can_bind(host) else ["--fleet-ports", "free"]

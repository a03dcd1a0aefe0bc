"""Judges hostile programs, and prints what each costs: `python -m tests.harness.hostile.table [KIND ...]`.

Exits with 1 if one took too long, too much memory, broke the harness, or left something behind.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from harness.cli.group import WIDTH
from tests.harness.hostile import gateway, program

KINDS = (*program.KINDS, *gateway.KINDS)

REQUIREMENTS = ("TIMELINE-01", "SCAN-02", "VERIFY-02", "WEBHOOK-03")
OF_A_CHECK = ("HEALTH-02",)
"""Judged too, of programs whose health check is hostile."""
OF_A_GATEWAY = ("INSTANCE-01", "INSTANCE-03", "INSTANCE-04")
"""Judged of programs that are a gateway, and no control plane."""
MOST_SECONDS, MOST_MEGABYTES = 60, 400
_ROOT = Path(__file__).parents[3]
_LOOK_SECONDS = 0.05
_TARGET = """\
[implementation]
name = "hostile"
version = "1"
claims = ["core", "health-check"]

[launch]
command = [{python}, {program}, {kind}]
ready_timeout = 5

[health_check]
via = "command"
command = [{python}, {program}, {kind}, "now"]
"""
_GATEWAY = """\
[implementation]
name = "hostile"
version = "1"
claims = ["instance"]

[instance]
command = [{python}, "-m", "tests.harness.hostile.gateway", {kind}]
env = {{ CONTROL_PLANE = "{{control_plane}}", PYTHONPATH = {root} }}
ready = "/ready"
ready_timeout = 5
patience = 1

[instance.connect]
url = "{{url}}/connect"
body = {{ session_id = "{{session_id}}" }}
"""
_MORE = {
    "rows": '[state]\nvia = "http"\npath = "/rows"\n',
    "log": '[log]\nvia = "http"\npath = "/log?after={cursor}"\n',
}
"""What a target says where the program serves hooks."""


@dataclass(frozen=True)
class Judged:
    """What came of one program; `left` are files of the run that are still there."""

    kind: str
    seconds: float
    megabytes: float
    code: int
    outcomes: tuple[str, ...]
    left: tuple[str, ...]
    output: str

    @property
    def well(self) -> bool:
        """Whether it ended as any program must: judged or not, within time and memory, and with nothing left."""
        bounded = self.seconds <= MOST_SECONDS and self.megabytes <= MOST_MEGABYTES
        return bounded and self.code in {1, 2} and not self.left and "harness error" not in self.outcomes

    def __str__(self) -> str:
        sign = " " if self.well else "!"
        told = (
            ", ".join(f"{self.outcomes.count(one)} {one}" for one in sorted({*self.outcomes})) or "no report"
        )
        return (
            f"{sign} {self.kind:28} {self.seconds:6.1f} s {self.megabytes:6.0f} MB  exit {self.code}  {told}"
        )


def memory_of(pid: int) -> int:
    """Return the bytes that the harness uses, with its workers: all of its session. A program has another."""
    used = 0
    with contextlib.suppress(psutil.Error):
        first = psutil.Process(pid)
        session = os.getsid(pid)
        for one in (first, *first.children(recursive=True)):
            with contextlib.suppress(psutil.Error, ProcessLookupError):
                if os.getsid(one.pid) == session:
                    used += one.memory_info().rss
    return used


def judged(kind: str, folder: Path, host: str) -> Judged:
    """Judge one program in an empty folder."""
    target, report, temporary = folder / "hostile.toml", folder / "reports", folder / "temporary"
    temporary.mkdir()
    words = {"python": sys.executable, "program": program.__file__, "kind": kind, "root": str(_ROOT)}
    is_gateway = kind in gateway.KINDS
    told = (_GATEWAY if is_gateway else _TARGET).format(
        **{name: json.dumps(word) for name, word in words.items()}
    )
    target.write_text(told + _MORE.get(kind.partition(":")[0], ""), "utf-8")
    command = [sys.executable, "-m", "harness", "verify", "--target", str(target), "--report", str(report)]
    # Many are nothing that the check takes for attached.
    command += ["-q", "--unchecked", "--fleet-address", host, "--fleet-ports", "free"]
    asked = (*REQUIREMENTS, *OF_A_CHECK) if kind.startswith("check:") else REQUIREMENTS
    asked = OF_A_GATEWAY if is_gateway else asked
    command += [word for one in asked for word in ("--requirement", one)]
    began = time.monotonic()
    with (folder / "output").open("w+b") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=output, env={**os.environ, "TMPDIR": str(temporary)}
        )
        most = 0
        while process.poll() is None:
            if time.monotonic() - began > 2 * MOST_SECONDS:
                process.kill()
            most = max(most, memory_of(process.pid))
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_LOOK_SECONDS)
        output.seek(0)
        told = output.read().decode("utf-8", "replace")
    found = (
        json.loads((report / "report.json").read_text("utf-8")) if (report / "report.json").exists() else {}
    )
    return Judged(
        kind,
        time.monotonic() - began,
        most / 1024**2,
        process.returncode,
        tuple(one["outcome"] for one in found.get("scenarios", ()) if one["ran"]),
        tuple(one.name for one in temporary.iterdir()),
        told,
    )


def main() -> int:
    """Judge the programs that are named, or all."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "kinds", nargs="*", metavar="KIND", help=f"by default all: {', '.join(KINDS)}"[:WIDTH]
    )
    parser.add_argument("--fleet-address", default="127.0.0.1")
    options = parser.parse_args()
    ill = 0
    for kind in options.kinds or KINDS:
        with tempfile.TemporaryDirectory() as folder:
            one = judged(kind, Path(folder), options.fleet_address)
        sys.stdout.write(f"{one}\n")
        sys.stdout.flush()
        if not one.well:
            ill += 1
            sys.stdout.write(f"{one.output[-3000:]}\nleft: {one.left}\n")
    return min(ill, 1)


if __name__ == "__main__":
    sys.exit(main())

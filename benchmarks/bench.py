"""`python -m benchmarks.bench`: how fast a fake instance answers, beside mountebank and plain Flask.

Every number comes from one run on this machine. The servers are measured in turn, round after round, and medians
are shown, so that whatever else the machine does hits all alike.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import platform
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.figures import HEADING, middle, ratio, row
from benchmarks.load import BenchmarkError, Measured, measure, wrk
from benchmarks.serve_fake import API_KEY, session_id
from benchmarks.servers import Server, body_of, install_mountebank, mountebank, python_server, version_of

DETAILED = "/health/detailed"
STATUS = "/api/sessions/{id}/status"
SESSIONS_SHOWN = 95
"""How many sessions make the body of /health/detailed 15 KB."""
BODY = range(14_500, 16_000)
"""What counts as 15 KB, in bytes."""
SPARE = 64
"""Bytes by which bodies may differ: an uptime and a final newline are not equally long everywhere."""
FEW, MANY = 10, 100_000


def status_path(sessions: int) -> str:
    """Give the status route of a session in the middle of those held."""
    return f"/api/sessions/{session_id(sessions // 2)}/status?api_key={API_KEY}"


def options(words: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--seconds", type=_count, default=2, help="how long each server is asked in a round")
    parser.add_argument("--rounds", type=_count, default=5)
    parser.add_argument("--connections", type=_count, default=8, help="how many ask at once")
    return parser.parse_args(words)


def run(chosen: argparse.Namespace) -> list[str]:
    """Measure everything and give the lines to show.

    Raises:
        BenchmarkError: something is not installed, did not come up or answered wrongly.
    """
    wrk()
    install_mountebank()
    with contextlib.ExitStack() as stack:
        say("starting the servers")
        fake = stack.enter_context(
            python_server("fake instance", "serve_fake", str(SESSIONS_SHOWN), path=DETAILED)
        )
        body = body_of(fake.url)
        file = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "body.json"
        file.write_bytes(body)
        flask = stack.enter_context(
            python_server("Flask on Werkzeug", "serve_flask", str(file), path=DETAILED)
        )
        closing, kept = (
            stack.enter_context(mountebank(body.decode(), path=DETAILED, keep_alive=keep_alive))
            for keep_alive in (False, True)
        )
        few, many = (
            stack.enter_context(
                python_server(f"fake, {held:,} sessions", "serve_fake", str(held), path=status_path(held))
            )
            for held in (FEW, MANY)
        )
        servers = [fake, flask, closing, kept, few, many]
        sizes = {server: len(body_of(server.url)) for server in servers}
        check_sizes([sizes[server] for server in (fake, flask, closing, kept)])
        check_sizes([sizes[server] for server in (few, many)], among=None)
        rounds = measure_in_turn(servers, chosen)
    medians = {one: middle(rounds[one]) for one in servers}
    return [
        f"machine  {os.cpu_count()} cores, Python {platform.python_version()}, Node.js {version_of('node')}",
        f"load     {chosen.connections} connections by wrk, {chosen.rounds} rounds of {chosen.seconds} s each",
        "",
        HEADING,
        *(
            row(one.label, STATUS, medians[one], sizes[one])
            if one in {few, many}
            else row(one.label, DETAILED, medians[one], sizes[one])
            for one in servers
        ),
        "",
        ratio("fake instance / mountebank", rounds[fake], rounds[closing]),
        ratio("fake instance / mountebank, keep-alive", rounds[fake], rounds[kept]),
        ratio("fake instance / Flask on Werkzeug", rounds[fake], rounds[flask]),
        ratio(f"status, time for {MANY:,} / {FEW} sessions", rounds[few], rounds[many]),
    ]


def check_sizes(sizes: list[int], among: range | None = BODY) -> None:
    """See that what will be compared is of equal size.

    Raises:
        BenchmarkError: it is not.
    """
    if max(sizes) - min(sizes) > SPARE or (among is not None and sizes[0] not in among):
        raise BenchmarkError(f"the bodies are not what should be compared: {sizes} bytes")


def measure_in_turn(servers: list[Server], chosen: argparse.Namespace) -> dict[Server, list[Measured]]:
    """Warm every server up, then measure one after the other, round after round."""
    for server in servers:
        say(f"warming up: {server.label}")
        measure(server.url, connections=chosen.connections, seconds=1)
    rounds: dict[Server, list[Measured]] = {server: [] for server in servers}
    for number in range(1, chosen.rounds + 1):
        for server in servers:
            server.forget()
            measured = measure(server.url, connections=chosen.connections, seconds=chosen.seconds)
            rounds[server].append(measured)
            say(f"round {number} of {chosen.rounds}: {server.label} {measured.rate:,.0f} requests/s")
    return rounds


def say(progress: str) -> None:
    """Tell how far things are, beside the result."""
    print(progress, file=sys.stderr, flush=True)  # noqa: T201


def main() -> None:
    """Measure and print."""
    chosen = options()
    for ends in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ends, signal.default_int_handler)
    try:
        lines = run(chosen)
    except (BenchmarkError, subprocess.TimeoutExpired) as problem:
        sys.exit(f"bench: {problem}")
    except KeyboardInterrupt:
        sys.exit("bench: interrupted")
    print("\n".join(lines))  # noqa: T201


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number


if __name__ == "__main__":
    main()

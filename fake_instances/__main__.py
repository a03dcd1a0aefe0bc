"""`python -m fake_instances`: runs a fleet by hand, until Ctrl-C."""

from __future__ import annotations

import argparse
import contextlib
import itertools
import os
import signal
import sys
import threading
from random import Random
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from fake_instances.addresses import DOCUMENT_PORTS, InstanceAddress
from fake_instances.control.server import ControlServer
from fake_instances.errors import PortInUseError
from fake_instances.fleet import Fleet
from fake_instances.hosts.processes import ProcessHost
from fake_instances.hosts.threads import ThreadHost
from fake_instances.journal import collect_seldom
from fake_instances.sessions import Session
from fake_instances.webhooks.retries import POLICIES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

USAGE_ERROR = 4
INTERRUPTED = 130
_EXAMPLES = """\
examples:
  python -m fake_instances --incident                  session 142 of the document, held by 3002
  python -m fake_instances --sessions 40 --seed 7      forty made-up sessions, the same ones each time
  python -m fake_instances --address 0.0.0.0 --ports 3002 --url http://instance-3002:3002
                                                       one of four, each in a container of its own
  curl -s http://127.0.0.1:3100/status                 how the fleet is
  curl -s http://127.0.0.1:3100/faults -H 'Content-Type: application/json' \\
       -d '{"instance": 3001, "fault": {"kind": "hang"}}'
  curl -s http://127.0.0.1:3100/openapi.json           everything else that can be ordered

environment:
  API_KEY, HMAC_SECRET    what instances demand and sign with; by default fake-api-key and fake-hmac-secret,
                          which guard nothing

exit codes: 0 after SIGTERM, 130 after Ctrl-C, 4 when something cannot be used as given
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a fleet until it is told to end, and give the exit code."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.url and len(options.url) != len(options.ports):
        parser.error(f"--url was given {len(options.url)} times: give one for each port of --ports, or none")
    ended: list[int] = []
    told = threading.Event()

    def end(number: int, _frame: object) -> None:
        ended.append(number)
        told.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    try:
        with contextlib.ExitStack() as opened:
            fleet = opened.enter_context(_fleet(options))
            for session, on in _sessions(options, fleet.numbers):
                fleet.hold(session, on)
            control = opened.enter_context(ControlServer(fleet, options.address, options.control_port))
            collect_seldom()
            _introduce(fleet, control, options.seed)
            told.wait()
    except PortInUseError as problem:
        sys.stderr.write(f"fake_instances: {problem}; free it, or choose others with --ports\n")
        return USAGE_ERROR
    except OSError as problem:
        sys.stderr.write(
            f"fake_instances: cannot listen: {problem}; see --address, --ports and --control-port\n"
        )
        return USAGE_ERROR
    return INTERRUPTED if ended[:1] == [signal.SIGINT] else 0


def _fleet(options: argparse.Namespace) -> Fleet:
    urls = options.url or [None] * len(options.ports)
    addresses = [
        InstanceAddress(number, options.address, port, url)
        for number, port, url in zip(_numbers(options.ports), options.ports, urls, strict=True)
    ]
    fleet = Fleet(
        addresses,
        api_key=os.environ.get("API_KEY") or "fake-api-key",
        secret=os.environ.get("HMAC_SECRET") or "fake-hmac-secret",
        hosting=ProcessHost() if options.processes else ThreadHost(),
    )
    fleet.control_plane = options.control_plane
    fleet.announcer.policy = POLICIES[options.retries].scaled(options.retry_unit)
    return fleet


def _numbers(ports: Sequence[int]) -> list[int]:
    # A port that the system chooses is known only later: the instance is named as in the document.
    spare = (number for number in itertools.count(DOCUMENT_PORTS[0]) if number not in ports)
    return [port or next(spare) for port in ports]


def _sessions(options: argparse.Namespace, numbers: Sequence[int]) -> Iterator[tuple[Session, int]]:
    if options.sessions:
        yield from _made_up(options, numbers)
    if options.incident:
        incident = Session(
            "webjs_1_1763798326_U9tUyl0b", 1, "62811801641", connected_at="2024-11-22T10:00:00.000Z"
        )
        yield incident, numbers[min(1, len(numbers) - 1)]


def _made_up(options: argparse.Namespace, numbers: Sequence[int]) -> Iterator[tuple[Session, int]]:
    # It loads every provider: only who wants made-up sessions waits for that.
    from faker import Faker  # noqa: PLC0415

    random, faker = Random(options.seed), Faker()  # noqa: S311 - made-up data, the same for a seed
    faker.seed_instance(options.seed)
    for index in range(options.sessions):
        workspace = random.randint(2, 9000)
        name = faker.bothify("????????", letters="abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789")
        session = Session(
            f"webjs_{workspace}_{1763798326 + index}_{name}",
            workspace,
            faker.numerify("628##########"),
            connected_at="2024-11-22T10:00:00.000Z",
            last_activity="2024-11-22T10:05:00.000Z",
        )
        yield session, numbers[index % len(numbers)]


def _introduce(fleet: Fleet, control: ControlServer, seed: int) -> None:
    lines = [
        f"instance {number}  {fleet.url(number)}  {len(fleet.sessions(number))} sessions"
        for number in fleet.numbers
    ]
    lines += [f"control        {control.url}/status  (and /openapi.json)", f"seed           {seed}", ""]
    sys.stdout.write("\n".join(lines))
    sys.stdout.flush()


def _ports(text: str) -> list[int]:
    words = text.split(",")
    chosen = [int(word) for word in words if word.strip().isdecimal() and int(word) < 65536]
    named = [port for port in chosen if port]
    if len(chosen) != len(words) or len(set(named)) != len(named):
        raise argparse.ArgumentTypeError(f"{text!r}: write different ports with commas, such as 3001,3002")
    return chosen


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r}: write a port from 1 to 65535, or 0 for any")
    return int(text)


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) > 1_000_000:
        raise argparse.ArgumentTypeError(f"{text!r}: write a whole number from 0 to 1000000")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= 3600:
        raise argparse.ArgumentTypeError(f"{text!r}: write seconds over 0 and up to 3600, such as 0.25")
    return seconds


def _url(text: str) -> str:
    try:
        parts = urlsplit(text)
        usable = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable or parts.path not in {"", "/"} or parts.query or parts.fragment:
        raise argparse.ArgumentTypeError(f"{text!r}: write a base URL such as http://instance-3002:3002")
    return text.removesuffix("/")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:  # type: ignore[override]
        self.exit(USAGE_ERROR, f"{self.prog}: {message}\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m fake_instances",
        description="Runs fake gateway instances that can be told to misbehave.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    document = ",".join(str(port) for port in DOCUMENT_PORTS)
    parser.add_argument(
        "--ports",
        type=_ports,
        default=list(DOCUMENT_PORTS),
        help=f"one for each instance (default {document})",
    )
    parser.add_argument("--address", default="127.0.0.1", help="where they listen (default 127.0.0.1)")
    parser.add_argument(
        "--url",
        type=_url,
        action="append",
        help="by which an instance names itself, once for each of --ports (default: its address and port)",
    )
    parser.add_argument(
        "--control-port", type=_port, default=3100, help="of the control API (default 3100; 0: any)"
    )
    parser.add_argument(
        "--sessions", type=_count, default=0, help="made-up sessions, spread over the instances"
    )
    parser.add_argument("--seed", type=_count, default=1, help="of what is made up (default 1)")
    parser.add_argument("--incident", action="store_true", help="session 142's, on the second instance")
    parser.add_argument("--processes", action="store_true", help="each instance a process of its own")
    parser.add_argument("--control-plane", metavar="URL", help="where webhooks go")
    parser.add_argument(
        "--retries",
        choices=list(POLICIES),
        default="never",
        help="when an announcement that failed is tried again (default never)",
    )
    parser.add_argument(
        "--retry-unit", type=_seconds, default=1.0, metavar="SECONDS", help="each wait, in these (default 1)"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())

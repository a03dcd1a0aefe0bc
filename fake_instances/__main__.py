"""`python -m fake_instances`: runs a fleet by hand, until Ctrl-C."""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import sys
import threading
from random import Random
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from fake_instances.addresses import DOCUMENT_PORTS, LOCALHOST, InstanceAddress, address_of
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

NAME = "python -m fake_instances"
USAGE_ERROR = 4
INTERRUPTED = 130
_EPILOG = """\
\b
examples:
  python -m fake_instances --incident                  the session of account 142, held by 3002
  python -m fake_instances --sessions 40 --fleet-seed 7  forty made-up sessions, the same ones each time
  python -m fake_instances --fleet-address 0.0.0.0 --fleet-ports 3002 --instance-url http://instance-3002:3002
                                                       one of four, each in its own container
  curl -s http://127.0.0.1:3100/status                 the state of the fleet
  curl -s http://127.0.0.1:3100/faults -H 'Content-Type: application/json' \\
       -d '{"instance": 3001, "fault": {"kind": "hang"}}'
  curl -s http://127.0.0.1:3100/openapi.json           everything else that can be ordered

\b
environment:
  API_KEY, HMAC_SECRET    what instances demand and sign with; by default fake-api-key and fake-hmac-secret,
                          which guard nothing

\b
exit codes: 0 after SIGTERM, 130 after Ctrl-C, 4 when something cannot be used as given
"""


_BEFORE = {
    "--address": "--fleet-address",
    "--ports": "--fleet-ports",
    "--seed": "--fleet-seed",
    "--url": "--instance-url",
}
_SETTINGS = {"help_option_names": ["-h", "--help"], "show_default": True, "max_content_width": 100}
_COUNT = click.IntRange(0, 1_000_000)


def _read_ports(_context: click.Context, _param: click.Parameter, text: str) -> list[int]:
    words = text.split(",")
    chosen = [int(word) for word in words if word.strip().isdecimal() and int(word) < 65536]
    named = [port for port in chosen if port]
    if len(chosen) != len(words) or len(set(named)) != len(named):
        raise click.BadParameter(f"{text!r}: write different ports with commas, such as 3001,3002")
    return chosen


def _read_urls(_context: click.Context, _param: click.Parameter, texts: Sequence[str]) -> list[str]:
    for text in texts:
        try:
            parts = urlsplit(text)
            usable = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
        except ValueError:
            usable = False
        if not usable or parts.path not in {"", "/"} or parts.query or parts.fragment:
            raise click.BadParameter(f"{text!r}: write a base URL such as http://instance-3002:3002")
    return [text.removesuffix("/") for text in texts]


def _option(name: str, words: str, **how: Any) -> click.Option:
    return click.Option([name], help=words, **how)


_OPTIONS = [
    _option(
        "--fleet-ports",
        "one for each instance",
        default=",".join(map(str, DOCUMENT_PORTS)),
        callback=_read_ports,
    ),
    _option("--fleet-address", "where they listen", default=LOCALHOST),
    _option(
        "--instance-url",
        "the URL by which an instance names itself, once for each of --fleet-ports (default: its address and port)",
        multiple=True,
        callback=_read_urls,
    ),
    _option("--control-port", "of the control API; 0: any", type=click.IntRange(0, 65535), default=3100),
    _option("--sessions", "made-up sessions, spread over the instances", type=_COUNT, default=0),
    _option("--fleet-seed", "of what is made up", type=_COUNT, default=1),
    _option("--incident", "the session of account 142, on the second instance", is_flag=True),
    _option("--processes", "each instance in its own process", is_flag=True),
    _option("--control-plane", "where webhooks go", metavar="URL"),
    _option(
        "--retries",
        "when a webhook that did not get through is sent again",
        type=click.Choice(list(POLICIES)),
        default="never",
    ),
    _option(
        "--retry-unit",
        "the length of each wait is counted in these",
        type=click.FloatRange(0, 3600, min_open=True),
        default=1.0,
        metavar="SECONDS",
    ),
]


class _Renamed(click.Command):
    """Takes the names that options had before too, which scripts may use."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        parts = [one.partition("=") for one in args]
        return super().parse_args(ctx, [f"{_BEFORE.get(name, name)}{eq}{value}" for name, eq, value in parts])


@click.command(NAME, cls=_Renamed, params=_OPTIONS, epilog=_EPILOG, context_settings=_SETTINGS)
def command(**given: Any) -> int:
    """Run fake gateway instances that can be told to misbehave."""
    options = SimpleNamespace(**given)
    if options.instance_url and len(options.instance_url) != len(options.fleet_ports):
        raise click.UsageError(
            f"--instance-url was given {len(options.instance_url)} times: "
            "give one for each port of --fleet-ports, or none"
        )
    signals: list[int] = []
    ended = threading.Event()

    def end(number: int, _frame: object) -> None:
        signals.append(number)
        ended.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    try:
        with contextlib.ExitStack() as opened:
            fleet = opened.enter_context(_fleet(options))
            for session, on in _sessions(options, fleet.numbers):
                fleet.hold(session, on)
            control = opened.enter_context(
                ControlServer(fleet, address_of(options.fleet_address), options.control_port)
            )
            collect_seldom()
            _introduce(fleet, control, options.fleet_seed)
            ended.wait()
    except PortInUseError as problem:
        raise click.UsageError(f"{problem}; free it, or choose others with --fleet-ports") from None
    except OSError as problem:
        raise click.UsageError(
            f"cannot listen: {problem}; see --fleet-address, --fleet-ports and --control-port"
        ) from None
    return INTERRUPTED if signals[0] == signal.SIGINT else 0


def main() -> int:
    """Run a fleet until Ctrl-C or SIGTERM, and return the exit code."""
    try:
        return int(command.main(prog_name=NAME, standalone_mode=False))
    except click.UsageError as problem:
        sys.stderr.write(f"{NAME}: {problem.format_message()}\n")
        return USAGE_ERROR


def _fleet(options: SimpleNamespace) -> Fleet:
    urls = options.instance_url or [None] * len(options.fleet_ports)
    addresses = [
        InstanceAddress(number, options.fleet_address, port, url)
        for number, port, url in zip(_numbers(options.fleet_ports), options.fleet_ports, urls, strict=True)
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


def _sessions(options: SimpleNamespace, numbers: Sequence[int]) -> Iterator[tuple[Session, int]]:
    if options.sessions:
        yield from _made_up(options, numbers)
    if options.incident:
        incident = Session(
            "webjs_1_1763798326_U9tUyl0b", 1, "62811801641", connected_at="2024-11-22T10:00:00.000Z"
        )
        yield incident, numbers[min(1, len(numbers) - 1)]


def _made_up(options: SimpleNamespace, numbers: Sequence[int]) -> Iterator[tuple[Session, int]]:
    # It loads every provider, which takes a while: only for those who want made-up sessions.
    from faker import Faker  # noqa: PLC0415

    random, faker = Random(options.fleet_seed), Faker()  # noqa: S311 - made-up data, the same for a seed
    faker.seed_instance(options.fleet_seed)
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


if __name__ == "__main__":
    sys.exit(main())

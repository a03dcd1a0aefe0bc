"""`instance-sync fleet`: drives a fleet that runs somewhere, over its control API.

Every command is one order over HTTP; what cannot be ordered is explained by the fleet itself.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import TYPE_CHECKING, Any, NoReturn

import requests

from fake_instances.control.actions import ACTIONS
from harness.attach.http import request
from harness.cli import fleet_words
from harness.cli.fleet_orders import COMMANDS, Order, act, journal_after
from harness.errors import HarnessError

if TYPE_CHECKING:
    from collections.abc import Sequence

DEFAULT_CONTROL = "http://127.0.0.1:3100"
CONTROL_VARIABLE = "INSTANCE_SYNC_CONTROL"
_ANSWER_SECONDS = 60.0
_FOLLOW_SECONDS = 20

EXAMPLES = """\
examples:
  python -m fake_instances --incident &                   a fleet on 3001-3004, its control API on 3100
  instance-sync fleet status
  instance-sync fleet migrate webjs_1_1763798326_U9tUyl0b 3004 --silent
  instance-sync fleet migrate webjs_1_1763798326_U9tUyl0b 3003 --silent --after-answer-of 3004
  instance-sync fleet fault 3002 drip size=10 every=0.5 --endpoint health_detailed --times 2
  instance-sync fleet fault 3001 sends-then-fails by.kind=reset
  instance-sync fleet faults                              every kind of fault and what it takes
  instance-sync fleet clear 3002
  instance-sync fleet control-plane http://127.0.0.1:8000
  instance-sync fleet webhook 3002 webjs_1_1763798326_U9tUyl0b claim=http://evil.example
  instance-sync fleet journal --follow
"""
EXIT_CODES = """\
exit codes:
  0    done
  3    no fleet answers there
  4    the command, or what it orders, cannot be; the fleet's own sentence says why
  130  Ctrl-C
"""


class FleetUnreachableError(HarnessError):
    """No control API answers at the URL."""


class OrderRefusedError(HarnessError):
    """The fleet did not carry an order out; the message is its own sentence."""


def add_commands(commands: Any) -> None:
    """Add `fleet` and its commands to the command line."""
    fleet = commands.add_parser(
        "fleet",
        help="drive a running fleet: migrate, fault, clear, webhook, status, journal, ...",
        description="Drives a running fleet (python -m fake_instances) over its control API.",
        epilog=f"{EXAMPLES}\n{EXIT_CODES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    each = fleet.add_subparsers(metavar="COMMAND", required=True)
    common = _common()
    for name, words, add, order in COMMANDS:
        command = each.add_parser(name, help=words, description=words.capitalize() + ".", parents=[common])
        add(command)
        command.set_defaults(run=run, order=order)
    for action in ACTIONS:
        words = f"{action} an instance"
        command = each.add_parser(action, help=words, description=words.capitalize() + ".", parents=[common])
        command.add_argument("instance", type=int)
        if action in {"start", "restart"}:
            command.add_argument("--without-sessions", action="store_true", help="it comes back with none")
        command.set_defaults(run=run, order=act, action=action)


def run(options: argparse.Namespace) -> int:
    """Give one order and tell what came of it; or follow the journal until Ctrl-C.

    Raises:
        FleetUnreachableError: no control API answers.
        OrderRefusedError: a parameter cannot be read, or the fleet does not carry the order out.
    """
    if getattr(options, "follow", False):
        _follow(options)
    try:
        order: Order = options.order(options)
    except ValueError as problem:
        raise OrderRefusedError(str(problem)) from None
    answer = _carry_out(options.control, order)
    _say([json.dumps(answer, ensure_ascii=False)] if options.json else order.told(answer))
    return 0


def _follow(options: argparse.Namespace) -> NoReturn:
    after = options.after
    while True:
        answer = _carry_out(options.control, journal_after(after, options.kind, wait=_FOLLOW_SECONDS))
        _say(
            [
                json.dumps(one, ensure_ascii=False) if options.json else fleet_words.entry_line(one)
                for one in answer["entries"]
            ]
        )
        after = answer["last"]


def _carry_out(control: str, order: Order) -> Any:
    url = control.rstrip("/") + order.path
    try:
        answer = request(order.method, url, patience=_ANSWER_SECONDS, body=order.body)
        value = answer.json()
    except requests.exceptions.JSONDecodeError:
        raise _not_a_fleet(control) from None
    except requests.RequestException as problem:
        raise FleetUnreachableError(
            f"no fleet answers at {control} ({type(problem).__name__}); start one with python -m fake_instances, "
            f"or say where it is with --control or {CONTROL_VARIABLE}"
        ) from None
    if answer.ok:
        return value
    if not isinstance(value, dict) or value.keys() != {"error"}:
        raise _not_a_fleet(control)
    raise OrderRefusedError(value["error"])


def _not_a_fleet(control: str) -> FleetUnreachableError:
    return FleetUnreachableError(
        f"what answers at {control} is no control API of a fleet; the fleet printed where its own is when it started"
    )


def _say(lines: Sequence[str]) -> None:
    for line in lines:
        sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _common() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument(
        "--control",
        default=os.environ.get(CONTROL_VARIABLE) or DEFAULT_CONTROL,
        metavar="URL",
        help=f"the fleet's control API (default: {CONTROL_VARIABLE}, or {DEFAULT_CONTROL})",
    )
    parser.add_argument("--json", action="store_true", help="print what the control API answered")
    return parser

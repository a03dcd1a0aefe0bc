"""The command line, `instance-sync`: one module a command."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING

import click
from click.shell_completion import shell_complete

from harness.cli.exits import exit_code
from harness.cli.group import WIDTH, Commands, epilog

if TYPE_CHECKING:
    from collections.abc import Sequence

NAME = "instance-sync"
_COMPLETE = "_INSTANCE_SYNC_COMPLETE"
"""The variable by which a shell asks for completions."""
COMMANDS = {
    "reproduce": "Show the incident step by step, really doing each step.",
    "fleet": "Drive a running fleet: migrate, fault, clear, webhook, status, journal, ...",
    "compare": "Judge several implementations, and show requirements against verdicts.",
    "init": "Write a target file for your implementation, from answers or from options.",
    "doctor": "Find out whether the harness and your implementation understand each other.",
    "explore": "Look for what nobody wrote a scenario for: make up stories, and judge each.",
    "frontier": "Measure how much an implementation bears, beside the reference.",
    "requirements": "List the requirements, with their scenarios.",
    "explain": "Explain one requirement: what it asks, what usually goes wrong, what came of it.",
    "steps": "List the steps that scenarios are written with.",
    "verify": "Judge an implementation by every feature; takes pytest's options too.",
}
_ROOMS = {"explore": "exploring.", "frontier": "exploring."}
"""Commands that are in a room of their own."""
EXAMPLES = """\
  instance-sync reproduce                      see the incident happen, and the fix repair it
  instance-sync reproduce --pause              the same, with time for curl between the steps
  instance-sync verify                         judge the reference implementation
  instance-sync verify --target before-fix     judge the control plane as it was at the incident
  instance-sync init                           write a target file for your own
  instance-sync doctor --target mine.toml      whether yours is attached correctly, and what to change
  instance-sync verify --target mine.toml      judge your own
  instance-sync verify --requirement SCAN-01   one requirement only; the verdict is then incomplete
  instance-sync fleet status                   the state of a fleet that you run; fleet --help has the rest
  instance-sync verify --profile core --list   which scenarios would run
  instance-sync verify --report reports        save the report as HTML, JSON, JUnit and Markdown
  instance-sync verify --rerun-failed          only what did not pass in the report in reports/
  instance-sync compare mine.toml before-fix   two or more side by side, requirement by requirement
  instance-sync explore --target mine.toml     what breaks it that no scenario tries
  instance-sync frontier --target mine.toml    how late, how slow, how many: what it still bears
  instance-sync requirements --level must      what is judged, and by which scenarios
  instance-sync explain SCAN-01                what it asks, and what usually goes wrong
  instance-sync steps webhook                  the steps for scenarios of your own
"""


def _load(name: str) -> click.Command:
    # All of them together take most of a second.
    command: click.Command = import_module(f"harness.cli.{_ROOMS.get(name, '')}{name}").command
    return command


instance_sync = Commands(
    NAME,
    COMMANDS,
    _load,
    help="Reproduces the incident of account 142, and judges implementations of its fix.",
    epilog=epilog("verify", EXAMPLES),
    context_settings={
        "help_option_names": ["-h", "--help"],
        "max_content_width": WIDTH,
        "show_default": True,
    },
)
click.version_option(package_name=NAME, message="%(package)s %(version)s")(instance_sync)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command, and return its exit code."""
    if asked := os.environ.get(_COMPLETE):
        return shell_complete(instance_sync, {}, NAME, _COMPLETE, asked)

    def run() -> int | None:
        given = sys.argv[1:] if arguments is None else arguments
        with instance_sync.make_context(NAME, list(given)) as context:
            ended: int | None = instance_sync.invoke(context)
        return ended

    return exit_code(run)


if __name__ == "__main__":
    sys.exit(main())

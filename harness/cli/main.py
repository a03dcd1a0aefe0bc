"""The command line, `instance-sync`: reads arguments, calls the work, and gives the exit code."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import traceback
from typing import TYPE_CHECKING

import pytest

from harness.catalogue import features
from harness.cli import compare as compare_command
from harness.cli import doctor as doctor_command
from harness.cli import fleet as fleet_commands
from harness.cli import init as init_command
from harness.cli import reproduce
from harness.cli import requirements as requirements_command
from harness.cli import steps as steps_command
from harness.errors import ConformanceFailure, HarnessError, TargetError
from harness.run.interruption import Interruption

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

USAGE_ERROR = 4
"""What the user named is wrong; nothing was judged. Pytest's own status for that, so both commands agree."""
HARNESS_ERROR, INTERRUPTED = 3, 130

_EXIT_CODES = """\
exit codes:
  0  conformant        every MUST of every claimed profile passed
  1  non-conformant    a claimed MUST failed
  2  incomplete        nothing failed, but a claimed MUST was not judged, or nothing ran
  3  harness error     the harness itself broke
  4  usage error       an option, a target or a requirement is wrong; nothing was judged
"""
_EXAMPLES = """\
examples:
  instance-sync reproduce                      see the incident happen, and the fix repair it
  instance-sync reproduce --pause              the same, with time for curl between the steps
  instance-sync verify                         judge the reference implementation
  instance-sync verify --target before-fix     judge the control plane as it was at the incident
  instance-sync init                           write a target file for your own
  instance-sync doctor --target mine.toml      whether yours is attached rightly, and what to change
  instance-sync verify --target mine.toml      judge your own
  instance-sync verify --requirement SCAN-01   one requirement only; the verdict is then incomplete
  instance-sync fleet status                   how a fleet is that runs by hand; fleet --help has the rest
  instance-sync verify --profile core --list   which scenarios that would run
  instance-sync verify --report reports        save the report as HTML, JSON, JUnit and Markdown
  instance-sync verify --rerun-failed          only what did not pass in the report in reports/
  instance-sync compare mine.toml before-fix   two or more side by side, requirement by requirement
  instance-sync requirements --level must      what is judged, and by which scenarios
  instance-sync steps webhook                  the steps for scenarios of your own
"""


_WHOLE: dict[str, Callable[[Sequence[str]], int]] = {
    "compare": compare_command.main,
    "init": init_command.main,
    "doctor": doctor_command.main,
    "requirements": requirements_command.main,
    "steps": steps_command.main,
}
"""The commands that read their own arguments."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and give its exit code."""
    parser = _parser()
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:1] == ["verify"] and not {"-h", "--help"} & set(given):
        return _verify(given[1:])
    try:
        if given and given[0] in _WHOLE:
            return _WHOLE[given[0]](given[1:])
        options = parser.parse_args(given)
        with Interruption().obeyed():
            status: int = options.run(options)
            return status
    except SystemExit as ended:
        return USAGE_ERROR if ended.code else 0
    except (HarnessError, ConformanceFailure) as problem:
        sys.stderr.write(f"instance-sync: {problem}\n")
        return _exit_code(problem)
    except BrokenPipeError:
        # Whoever read has enough; Python must not find the same out once more when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        sys.stderr.write("\ninstance-sync: interrupted; everything that it started is stopped\n")
        return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="instance-sync",
        description="Reproduces the incident of account 142, and judges implementations of its fix.",
        epilog=_EXAMPLES + "\n" + _EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"instance-sync {features.harness_version()}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    story = commands.add_parser(
        "reproduce",
        help="tell the incident step by step, really doing each step",
        description="Tells the incident of account 142 step by step, and really does each thing it prints.",
        epilog="example:\n  instance-sync reproduce --pause",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    story.add_argument(
        "--pause", action="store_true", help="wait for Enter between steps, with every port open"
    )
    story.add_argument(
        "--fleet-address", default="127.0.0.1", metavar="ADDRESS", help="where the instances listen"
    )
    story.add_argument(
        "--fleet-ports", default="document", metavar="PORTS", help="document (3001-3004), free, or four ports"
    )
    story.set_defaults(run=_reproduce)
    fleet_commands.add_commands(commands)
    commands.add_parser("compare", help=compare_command.WHAT, add_help=False)
    commands.add_parser("init", help=init_command.WHAT, add_help=False)
    commands.add_parser("doctor", help=doctor_command.WHAT, add_help=False)
    commands.add_parser("requirements", help=requirements_command.WHAT, add_help=False)
    commands.add_parser("steps", help=steps_command.WHAT, add_help=False)
    commands.add_parser(
        "verify",
        help="judge an implementation by every feature; takes pytest's options too",
        description="Judges an implementation by every feature that comes with the harness.",
        usage="instance-sync verify [--target NAME|FILE] [--profile NAME] [--requirement ID] [--level LEVEL]\n"
        "                            [--rerun-failed] [--list] [--report DIR] [any option of pytest]",
        epilog=_EXAMPLES + "\n" + _EXIT_CODES + "\nEvery option: pytest --help, group instance-sync.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        add_help=True,
    )
    return parser


def _reproduce(options: argparse.Namespace) -> int:
    return reproduce.tell(options.fleet_address, options.fleet_ports, pause=options.pause)


def _verify(arguments: Sequence[str]) -> int:
    root = features.features_root()
    # Nothing of the folder that the user stands in has a say: the same run everywhere.
    own = ["-c", os.devnull, f"--rootdir={root}", "-p", "no:cacheprovider", "--import-mode=importlib"]
    # Pytest loads a plugin before it knows that it may rewrite the plugin's modules; there is nothing to heed.
    own += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]
    # What Faker brings to pytest is not used, and takes half a second of every start.
    own += ["-p", "no:faker"]
    try:
        return int(pytest.main([*own, *arguments, str(root)]))
    except Exception:  # noqa: BLE001 - Python's own status for it, 1, would say that the implementation failed
        with contextlib.suppress(OSError):
            traceback.print_exc()
        return HARNESS_ERROR


def _exit_code(problem: HarnessError | ConformanceFailure) -> int:
    match problem:
        case TargetError() | fleet_commands.OrderRefusedError():
            return USAGE_ERROR
        case ConformanceFailure() | fleet_commands.FleetUnreachableError():
            return 3
        case _:
            return 2


if __name__ == "__main__":
    sys.exit(main())

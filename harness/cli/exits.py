"""The one place where errors become exit codes."""

from __future__ import annotations

import contextlib
import os
import sys
import traceback
from typing import TYPE_CHECKING

import click

from harness.catalogue.requirements import CatalogueError
from harness.errors import ConformanceFailure, HarnessError, LaunchError, TargetError
from harness.exit_codes import DONE, ExitCode
from harness.wording import visible

if TYPE_CHECKING:
    from collections.abc import Callable

_EXPECTED: tuple[tuple[type[BaseException], ExitCode], ...] = (
    (TargetError, ExitCode.USAGE_ERROR),
    (LaunchError, ExitCode.INCOMPLETE),
    (HarnessError, ExitCode.HARNESS_ERROR),
    (ConformanceFailure, ExitCode.HARNESS_ERROR),
    (CatalogueError, ExitCode.HARNESS_ERROR),
    (OSError, ExitCode.HARNESS_ERROR),
)
"""Errors whose message is enough, and what they come to: the first that fits."""


def exit_code(run: Callable[[], int | None]) -> int:
    """Run a command, report what goes wrong on standard error, and return the exit code."""
    try:
        return run() or DONE
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except click.ClickException as problem:
        problem.show()
        return ExitCode.USAGE_ERROR
    except BrokenPipeError:
        # The reader has left. Python must not find that out again when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except KeyboardInterrupt as problem:
        _report(f"\ninstance-sync: interrupted; {str(problem) or 'everything that it started is stopped'}\n")
        return ExitCode.INTERRUPTED
    except Exception as problem:  # noqa: BLE001 - Python's own exit code for it, 1, is a verdict
        for kind, code in _EXPECTED:
            if isinstance(problem, kind):
                _report(f"instance-sync: {problem}\n")
                return code
        _report(f"{traceback.format_exc()}instance-sync: the harness broke; nothing was judged\n")
        return ExitCode.HARNESS_ERROR


def _report(text: str) -> None:
    with contextlib.suppress(OSError):
        sys.stderr.write(visible(text))

"""`instance-sync compare`: judges several implementations one after another, and puts their verdicts side by side."""

from __future__ import annotations

import argparse
import contextlib
import re
import subprocess
import sys
import tempfile
import time
import traceback
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.attach.drivers import guard
from harness.errors import TargetError
from harness.report.comparison import (
    compare,
    render_comparison_html,
    render_comparison_markdown,
    render_comparison_text,
)
from harness.report.folder import HISTORY, REPORT_JSON, replace
from harness.report.model import parse_json
from harness.run.interruption import Interruption
from harness.run.progress import Line, say, told
from harness.targets.reader import built_in_targets, load_target

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from harness.report.model import Report

USAGE_ERROR, HARNESS_ERROR, INTERRUPTED = 4, 3, 130

WHAT = "judge several implementations, and show requirements against verdicts"
_EPILOG = """\
A TARGET is what verify --target takes, which is judged now, or the report.json of a run, or its folder.
Everything behind -- is handed on to each verify.

examples:
  instance-sync compare reference before-fix
  instance-sync compare ours.toml theirs.toml --report comparison
  instance-sync compare reports-of-may reports-of-june
  instance-sync compare ours.toml before-fix -- --profile core -n 2

A requirement tells apart where one passes it and another fails it; what was not judged says nothing.

exit codes: the worst of those compared: 3 a harness error, 1 one is non-conformant, 2 one is incomplete, 0 all
are conformant; 4 when a target, a report or an option is wrong, before anything is judged.
"""
MARKDOWN, HTML = "comparison.md", "comparison.html"
_END_SECONDS = 60.0
"""How long a run that is interrupted may take to stop what it started."""
_PROGRESS_SECONDS = 0.5
_FEWEST = 2
_LISTED = re.compile(r"^\d+ scenarios?, (\d+) runs?$", re.MULTILINE)
_OWN_BUSINESS = {
    "--target": "name it before the --",
    "--report": "give --report before the --; every run has a folder of its own in it",
    "--rerun-failed": "a comparison is about whole runs",
} | dict.fromkeys(
    ("--list", "--collect-only", "--co", "-h", "--help", "--version", "-V"),
    "nothing would be judged; ask verify itself",
)


@dataclass(frozen=True, slots=True)
class _Saved:
    """A report that is there already."""

    given: str
    report: Report


@dataclass(frozen=True, slots=True)
class _ToJudge:
    """A target that is judged now, with the report in a folder of its own."""

    given: str
    folder: Path


class _RunFailedError(Exception):
    """A run ended without a report that says how."""


def main(arguments: Sequence[str]) -> int:
    """Judge what is not judged yet, print the table, and give the exit code."""
    own, handed_on = _split(arguments)
    parser = _parser()
    try:
        options = parser.parse_args(own)
        if len(options.targets) < _FEWEST:
            parser.error("give at least two targets or reports: one alone is what verify is for")
    except SystemExit as ended:
        return USAGE_ERROR if ended.code else 0
    try:
        with Interruption().obeyed():
            return _compare(options.targets, options.report, handed_on)
    except TargetError as problem:
        sys.stderr.write(f"instance-sync: {problem}\n")
        return USAGE_ERROR
    except (_RunFailedError, OSError) as problem:
        sys.stderr.write(f"instance-sync: {problem}\n")
        return HARNESS_ERROR
    except Exception:  # noqa: BLE001 - Python's own exit code for it is 1, which is a verdict
        sys.stderr.write(f"{traceback.format_exc()}instance-sync: the harness broke; nothing was compared\n")
        return HARNESS_ERROR
    except KeyboardInterrupt:
        sys.stderr.write("\ninstance-sync: interrupted; everything that it started is stopped\n")
        return INTERRUPTED


def _compare(targets: Sequence[str], report: str | None, handed_on: Sequence[str]) -> int:
    _check_handed_on(handed_on)
    with ExitStack() as cleanup:
        made = None if report else cleanup.enter_context(tempfile.TemporaryDirectory(prefix="instance-sync-"))
        folder = Path(report or made or "").absolute()
        entries = [_entry(given, folder, place) for place, given in enumerate(targets, 1)]
        _prepare(folder)
        runs = [_Run(one, handed_on, made) for one in entries if isinstance(one, _ToJudge)]
        # All are looked at before one is judged: that one is wrong must not show when the others took minutes.
        for run in runs:
            run.check()
        # Of a comparison that was saved here before, nothing must pass for this one's.
        for old in [*(run.saved for run in runs), folder / MARKDOWN, folder / HTML]:
            old.unlink(missing_ok=True)
        for place, run in enumerate(runs, 1):
            run.judge(f"{place} of {len(runs)}")
        judged = iter(runs)
        reports = [one.report if isinstance(one, _Saved) else next(judged).report for one in entries]
        compared = compare(reports)
        text = render_comparison_text(compared)
        if report:
            replace(folder / MARKDOWN, render_comparison_markdown(compared))
            replace(folder / HTML, render_comparison_html(compared))
            text += f"saved in {folder}: {HTML}, {MARKDOWN}\n"
        say(text)
        return compared.exit_code


def _split(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    given = list(arguments)
    if "--" not in given:
        return given, []
    at = given.index("--")
    return given[:at], given[at + 1 :]


def _check_handed_on(options: Sequence[str]) -> None:
    for one in options:
        if (name := one.partition("=")[0]) in _OWN_BUSINESS:
            raise TargetError(f"{name} cannot be handed on to verify: {_OWN_BUSINESS[name]}")


def _entry(given: str, folder: Path, place: int) -> _Saved | _ToJudge:
    path = Path(given)
    # A folder that happens to be called reference takes nothing away from the target of that name.
    built_in = given in built_in_targets()
    if not built_in and (path.is_dir() or path.suffix == ".json"):
        return _Saved(given, _read(path / REPORT_JSON if path.is_dir() else path, given))
    load_target(given)
    return _ToJudge(given, folder / f"{place}-{path.stem}")


def _read(file: Path, given: str) -> Report:
    try:
        report = parse_json(file.read_text("utf-8"))
    except OSError as problem:
        raise TargetError(
            f"{given}: {file} cannot be read: {problem.strerror}; verify --report FOLDER saves one"
        ) from None
    except ValueError as problem:
        told = str(problem).splitlines()[0]
        raise TargetError(
            f"{given}: {file} is no report of this version ({told}); judge the target again"
        ) from None
    if not report.complete:
        raise TargetError(f"{given}: the run that wrote {file} had not ended; judge the target again")
    return report


def _prepare(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as problem:
        raise TargetError(
            f"--report {folder}: cannot write there: {problem.strerror}; name a folder that can be made"
        ) from None


class _Run:
    """Judges one target, by `verify` as a program of its own under a guard: it ends when this process does.

    `scratch` is the folder that goes when this process is killed; None where it is to stay.
    """

    def __init__(self, entry: _ToJudge, handed_on: Sequence[str], scratch: str | None) -> None:
        self._entry = entry
        self._handed_on = handed_on
        self._scratch = scratch or "-"
        self._output = entry.folder / "output.txt"
        self.saved = entry.folder / REPORT_JSON
        self._runs = 0
        self._report: Report | None = None

    @property
    def report(self) -> Report:
        """What came of it, once it was judged."""
        assert self._report is not None  # noqa: S101 - judge() was called
        return self._report

    def check(self) -> None:
        """Find out, without judging, whether verify accepts the target and the options, and how much there is to do.

        Raises:
            TargetError: it does not.
        """
        self._entry.folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="instance-sync-", dir=self._entry.folder) as made:
            output = Path(made) / "output.txt"
            status = self._verify(["--list"], output, lambda: None)
            if status == USAGE_ERROR:
                raise TargetError(f"{self._entry.given} could not be judged:\n{_tail(output)}")
            listed = _LISTED.search(output.read_text("utf-8", "replace"))
        self._runs = int(listed[1]) if listed else 0

    def judge(self, which: str) -> None:
        """Judge it, and tell progress on standard error.

        Raises:
            _RunFailedError: it ended without a report that says how.
        """
        head, began = f"judging {self._entry.given}, {which}", time.monotonic()
        line = Line(sys.stderr)
        line.begin(head)

        def progress() -> None:
            done = sum(1 for _ in (self._entry.folder / HISTORY).glob("*.jsonl"))
            line.show(f"{head}: {told(done, self._runs, 0, time.monotonic() - began)}")

        self._output.unlink(missing_ok=True)
        status = self._verify(["--report", str(self._entry.folder)], self._output, progress)
        try:
            report = parse_json(self.saved.read_text("utf-8"))
        except (OSError, ValueError):
            report = None
        if report is None or not report.complete or report.verdict.conclusion.exit_code != status:
            line.end(f"{head}: failed")
            raise _RunFailedError(
                f"judging {self._entry.given} ended with {status} and no report that agrees:\n{_tail(self._output)}"
            )
        line.end(f"{head}: {report.verdict.conclusion.value}, {time.monotonic() - began:.0f} s")
        self._report = report

    def _verify(self, own: Sequence[str], output: Path, progress: Callable[[], None]) -> int:
        keeper = [sys.executable, "-I", "-S", guard.__file__, str(output), self._scratch]
        command = [sys.executable, "-m", "harness.cli.main", "verify", "--target", self._entry.given, *own]
        guarded = subprocess.Popen(  # noqa: S603 - this program itself
            [*keeper, f"{_END_SECONDS:g}", *command, *self._handed_on],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        assert guarded.stdin is not None  # noqa: S101 - for the type checker: it was given a pipe
        try:
            while True:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    return guarded.wait(_PROGRESS_SECONDS)
                progress()
        finally:
            # Its Ctrl-C is ours alone, so that it hears of the end once, and stops all that it started in peace.
            with contextlib.suppress(BrokenPipeError):
                guarded.stdin.write(b"stop")
                guarded.stdin.flush()
            with contextlib.suppress(BrokenPipeError):
                guarded.stdin.close()
            guarded.wait(_END_SECONDS + 5)


def _tail(output: Path) -> str:
    lines = output.read_text("utf-8", "replace").splitlines()
    return "\n".join(f"  {line}" for line in lines[-12:])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="instance-sync compare",
        description="Judges implementations one after another and shows requirements against verdicts.",
        usage="instance-sync compare TARGET TARGET [TARGET ...] [--report DIR] [-- OPTIONS OF VERIFY]",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("targets", nargs="+", metavar="TARGET", help="an implementation, or a saved report")
    parser.add_argument(
        "--report", metavar="DIR", help="save the matrix, and every run's reports in folders of their own"
    )
    return parser

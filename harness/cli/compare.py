"""`instance-sync compare`: judges several implementations one after another, and puts their verdicts side by side."""

from __future__ import annotations

import re
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.attach.drivers.guarded import Guarded
from harness.cli.group import epilog
from harness.cli.options import targets as complete_targets
from harness.errors import HarnessError, TargetError
from harness.exit_codes import ExitCode
from harness.report.comparison import (
    compare,
    render_comparison_html,
    render_comparison_markdown,
    render_comparison_text,
)
from harness.report.folder import HISTORY, REPORT_JSON, make_folder, replace
from harness.report.model import parse_json
from harness.run.interruption import Interruption
from harness.run.progress import Line, say, told
from harness.targets.reader import built_in_targets, load_target

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from harness.report.model import Report

_EXAMPLES = """\
  instance-sync compare reference before-fix
  instance-sync compare ours.toml theirs.toml --report comparison
  instance-sync compare reports-of-may reports-of-june
  instance-sync compare ours.toml before-fix -- --profile core -n 2
"""
_NOTE = """\
Everything after -- is handed on to each verify.

A requirement tells targets apart where one passes it and another fails it; what was not judged says nothing.
Of the exit codes of those compared, the worst is returned: 3, then 1, then 2.
"""
MARKDOWN, HTML = "comparison.md", "comparison.html"
_END_SECONDS = 60.0
"""How long an interrupted run may take to stop what it started."""
_PROGRESS_SECONDS = 0.5
_FEWEST = 2
_LISTED = re.compile(r"^\d+ scenarios?, (\d+) runs?$", re.MULTILINE)
_OWN_BUSINESS = {
    "--target": "name it before the --",
    "--report": "give --report before the --; every run has its own folder in it",
    "--rerun-failed": "a comparison is about whole runs",
    "--keep": "a comparison is about whole runs",
    "--watch": "a comparison is about whole runs",
} | dict.fromkeys(
    ("--list", "--collect-only", "--co", "-h", "--help", "--version", "-V"),
    "nothing would be judged; ask verify itself",
)


class _Comparison(click.Command):
    """Leaves to verify what is written after `--`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        at = args.index("--") if "--" in args else len(args)
        ctx.obj = args[at + 1 :]
        return super().parse_args(ctx, args[:at])

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        return [*super().collect_usage_pieces(ctx), "[-- OPTIONS OF VERIFY]"]


@click.command(cls=_Comparison, epilog=epilog("compare", _EXAMPLES, _NOTE))
@click.argument(
    "targets",
    nargs=-1,
    metavar="TARGET TARGET [TARGET]...",
    shell_complete=complete_targets,
    help="what verify --target takes, which is judged now; or the report.json of a run, or its folder",
)
@click.option(
    "--report",
    metavar="DIR",
    type=click.Path(),
    help="save the matrix, and the reports of every run in its own folder",
)
@click.pass_obj
def command(handed_on: Sequence[str], targets: Sequence[str], report: str | None) -> int:
    """Judge implementations one after another, and show requirements against verdicts."""
    if len(targets) < _FEWEST:
        raise click.UsageError("give at least two targets or reports: one alone is what verify is for")
    with Interruption().obeyed():
        return _compare(targets, report, handed_on)


def _compare(targets: Sequence[str], report: str | None, handed_on: Sequence[str]) -> int:
    for option in handed_on:
        if (name := option.partition("=")[0]) in _OWN_BUSINESS:
            raise TargetError(f"{name} cannot be handed on to verify: {_OWN_BUSINESS[name]}")
    with ExitStack() as cleanup:
        made = None if report else cleanup.enter_context(tempfile.TemporaryDirectory(prefix="instance-sync-"))
        folder = Path(report or made or "").absolute()
        entries = [
            _entry(given, folder / f"{place}-{Path(given).stem}", handed_on, made)
            for place, given in enumerate(targets, 1)
        ]
        make_folder(folder, str(folder))
        runs = [one for one in entries if isinstance(one, _Run)]
        # All are checked before the first is judged: a mistake must not show only after minutes.
        for run in runs:
            run.check()
        # Nothing of a comparison that was saved here before may pass for this one's.
        for old in [*(run.saved for run in runs), folder / MARKDOWN, folder / HTML]:
            old.unlink(missing_ok=True)
        judged = {run: run.judge(f"{place} of {len(runs)}") for place, run in enumerate(runs, 1)}
        compared = compare([judged[one] if isinstance(one, _Run) else one for one in entries])
        text = render_comparison_text(compared)
        if report:
            replace(folder / MARKDOWN, render_comparison_markdown(compared))
            replace(folder / HTML, render_comparison_html(compared))
            text += f"saved in {folder}: {HTML}, {MARKDOWN}\n"
        say(text)
        return compared.exit_code


def _entry(given: str, folder: Path, handed_on: Sequence[str], scratch: str | None) -> Report | _Run:
    path = Path(given)
    # A folder that happens to be called reference does not hide the target of that name.
    if given not in built_in_targets() and (path.is_dir() or path.suffix == ".json"):
        return _read(path / REPORT_JSON if path.is_dir() else path, given)
    load_target(given)
    return _Run(given, folder, handed_on, scratch)


def _read(file: Path, given: str) -> Report:
    try:
        report = parse_json(file.read_text("utf-8"))
    except OSError as problem:
        raise TargetError(
            f"{given}: {file} cannot be read: {problem.strerror}; verify --report FOLDER saves one"
        ) from None
    except ValueError:
        raise TargetError(
            f"{given}: {file} is not a report of this version; judge the target again"
        ) from None
    if not report.complete:
        raise TargetError(f"{given}: the run that wrote {file} had not ended; judge the target again")
    return report


class _Run:
    """Judges one target by `verify` in its own program under a guard, so that it ends when this process does.

    `scratch` is the folder that is removed when this process is killed; None if there is none.
    """

    def __init__(self, given: str, folder: Path, handed_on: Sequence[str], scratch: str | None) -> None:
        self._given = given
        self._folder = folder
        self._handed_on = handed_on
        self._scratch = Path(scratch or "-")
        self._output = folder / "output.txt"
        self.saved = folder / REPORT_JSON
        self._runs = 0

    def check(self) -> None:
        """Ask verify whether it accepts target and options (TargetError if not), and how much there is to do."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="instance-sync-", dir=self._folder) as made:
            output = Path(made) / "output.txt"
            status = self._verify(["--list"], output, lambda: None)
            if status == ExitCode.USAGE_ERROR:
                raise TargetError(f"{self._given} could not be judged:\n{_tail(output)}")
            listed = _LISTED.search(output.read_text("utf-8", "replace"))
        self._runs = int(listed[1]) if listed else 0

    def judge(self, which: str) -> Report:
        """Judge it, report progress on standard error, and return the report; HarnessError if there is none."""
        head, began = f"judging {self._given}, {which}", time.monotonic()
        line = Line(sys.stderr)
        line.begin(head)

        def progress() -> None:
            done = sum(1 for _ in (self._folder / HISTORY).glob("*.jsonl"))
            line.show(f"{head}: {told(done, self._runs, 0, time.monotonic() - began)}")

        self._output.unlink(missing_ok=True)
        status = self._verify(["--report", str(self._folder)], self._output, progress)
        try:
            report = parse_json(self.saved.read_text("utf-8"))
        except (OSError, ValueError):
            report = None
        if report is None or not report.complete or report.verdict.deciding.exit_code != status:
            line.end(f"{head}: failed")
            raise HarnessError(
                f"judging {self._given} ended with {status} and no report that agrees:\n{_tail(self._output)}"
            )
        line.end(f"{head}: {report.verdict.conclusion.value}, {time.monotonic() - began:.0f} s")
        return report

    def _verify(self, own: Sequence[str], output: Path, progress: Callable[[], None]) -> int:
        command = [sys.executable, "-m", "harness.cli.main", "verify", "--target", self._given, *own]
        guarded = Guarded([*command, *self._handed_on], self._scratch, _END_SECONDS, output=output)
        try:
            while (status := guarded.wait(_PROGRESS_SECONDS)) is None:
                progress()
            return status
        finally:
            # It does not get our Ctrl-C, so that it hears of the end once and can stop all that it started.
            guarded.end()


def _tail(output: Path) -> str:
    lines = output.read_text("utf-8", "replace").splitlines()
    return "\n".join(f"  {line}" for line in lines[-12:])

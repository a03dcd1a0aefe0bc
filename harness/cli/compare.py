"""`instance-sync compare`: judges several implementations one after another, and puts their verdicts side by side."""

from __future__ import annotations

import re
import secrets
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
from harness.explore.campaign import judging
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
    from collections.abc import Callable, Mapping, Sequence

    from harness.report.model import Report

_EXAMPLES = """\
  instance-sync compare reference before-fix
  instance-sync compare ours.toml theirs.toml --report comparison
  instance-sync compare reports-of-may reports-of-june
  instance-sync compare ours.toml before-fix -- --profile core -n 2
  instance-sync compare ours.toml theirs.toml --seeds 1,2,3                each three times, in three orders
  instance-sync compare ours.toml theirs.toml --scheduler tcp://10.0.0.5:8786
"""
_NOTE = """\
Everything after -- is handed on to each verify.

A requirement tells targets apart where one passes it and another fails it; what was not judged says nothing.
Of the exit codes of those compared, the worst is returned: 3, then 1, then 2.
"""
MARKDOWN, HTML = "comparison.md", "comparison.html"
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
@click.option(
    "--seeds",
    metavar="SEEDS",
    help="judge each target once for each of these numbers, with commas: in the order and with the names of each",
)
@click.option(
    "--scheduler", metavar="URL", help="have a Dask cluster judge them, as many at a time as it can"
)
@click.pass_obj
def command(
    handed_on: Sequence[str],
    targets: Sequence[str],
    report: str | None,
    seeds: str | None,
    scheduler: str | None,
) -> int:
    """Judge implementations one after another, and show requirements against verdicts."""
    if len(targets) < _FEWEST and not seeds:
        raise click.UsageError("give at least two targets or reports: one alone is what verify is for")
    with Interruption().obeyed():
        return _compare(targets, report, handed_on, seeds, scheduler)


def _compare(
    targets: Sequence[str],
    report: str | None,
    handed_on: Sequence[str],
    seeds: str | None,
    scheduler: str | None,
) -> int:
    for option in handed_on:
        if (name := option.partition("=")[0]) in _OWN_BUSINESS:
            raise TargetError(f"{name} cannot be handed on to verify: {_OWN_BUSINESS[name]}")
    with ExitStack() as cleanup:
        made = None if report else cleanup.enter_context(tempfile.TemporaryDirectory(prefix="instance-sync-"))
        folder = Path(report or made or "").absolute()
        wanted = [(given, more) for given in targets for more in _orders(given, seeds)]
        entries = [
            _entry(given, folder / f"{place}-{Path(given).stem}", [*handed_on, *more], made)
            for place, (given, more) in enumerate(wanted, 1)
        ]
        if len(entries) < _FEWEST:
            raise TargetError("give at least two targets, reports or seeds: one alone is what verify is for")
        make_folder(folder, str(folder))
        runs = [one for one in entries if isinstance(one, _Run)]
        # All are checked before the first is judged: a mistake must not show only after minutes.
        for run in runs:
            run.check()
        # Nothing of a comparison that was saved here before may pass for this one's.
        for old in [*(run.saved for run in runs), folder / MARKDOWN, folder / HTML]:
            old.unlink(missing_ok=True)
        judged = (
            _judged_by_cluster(scheduler, runs)
            if scheduler and runs
            else {run: run.judge(f"{place} of {len(runs)}") for place, run in enumerate(runs, 1)}
        )
        compared = compare([judged[one] if isinstance(one, _Run) else one for one in entries])
        text = render_comparison_text(compared)
        if report:
            replace(folder / MARKDOWN, render_comparison_markdown(compared))
            replace(folder / HTML, render_comparison_html(compared))
            text += f"saved in {folder}: {HTML}, {MARKDOWN}\n"
        say(text)
        return compared.exit_code


def _orders(given: str, seeds: str | None) -> list[list[str]]:
    """Return the options of `verify` for each order in which a target is judged. A report is one already."""
    if not seeds or _is_report(given):
        return [[]]
    numbers = [one.strip() for one in seeds.split(",")]
    if not all(one.isdecimal() for one in numbers):
        raise TargetError(f"--seeds {seeds}: write numbers with commas, such as 1,2,3")
    return [["--order-seed", one, "--fleet-seed", one] for one in dict.fromkeys(numbers)]


def _judged_by_cluster(scheduler: str, runs: Sequence[_Run]) -> dict[_Run, Report]:
    by_key = {f"{place}-{run.given}-{secrets.token_hex(4)}": run for place, run in enumerate(runs, 1)}
    line, head = Line(sys.stderr), f"judging {len(runs)} by {scheduler}"
    line.begin(head)
    found: dict[_Run, Report] = {}
    jobs = {key: (run.given, run.handed_on) for key, run in by_key.items()}
    for key, status, files, last in judging.judged(scheduler, jobs, line.end):
        found[by_key[key]] = by_key[key].take(status, files, last)
        line.show(f"{head}: {len(found)} done")
    line.end(f"{head}: done")
    return found


def _is_report(given: str) -> bool:
    # A folder that happens to be called reference does not hide the target of that name.
    return given not in built_in_targets() and (Path(given).is_dir() or Path(given).suffix == ".json")


def _entry(given: str, folder: Path, handed_on: Sequence[str], scratch: str | None) -> Report | _Run:
    if _is_report(given):
        path = Path(given)
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
        self.given = given
        self.handed_on = tuple(handed_on)
        self._folder = folder
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
                raise TargetError(f"{self.given} could not be judged:\n{judging.last_lines(output)}")
            listed = _LISTED.search(output.read_text("utf-8", "replace"))
        self._runs = int(listed[1]) if listed else 0

    def judge(self, which: str) -> Report:
        """Judge it, report progress on standard error, and return the report; HarnessError if there is none."""
        head, began = f"judging {self.given}, {which}", time.monotonic()
        line = Line(sys.stderr)
        line.begin(head)

        def progress() -> None:
            done = sum(1 for _ in (self._folder / HISTORY).glob("*.jsonl"))
            line.show(f"{head}: {told(done, self._runs, 0, time.monotonic() - began)}")

        self._output.unlink(missing_ok=True)
        status = self._verify(["--report", str(self._folder)], self._output, progress)
        try:
            report = self._saved_report(status, judging.last_lines(self._output))
        except HarnessError:
            line.end(f"{head}: failed")
            raise
        line.end(f"{head}: {report.verdict.conclusion.value}, {time.monotonic() - began:.0f} s")
        return report

    def take(self, status: int, files: Mapping[str, str], last: str) -> Report:
        """Save the report that a worker of a cluster has made, and return it; HarnessError if there is none."""
        for name, content in files.items():
            path = self._folder / name
            if not path.resolve().is_relative_to(self._folder.resolve()):
                raise HarnessError(f"a worker sent {name!r}, which is outside its report")
            path.parent.mkdir(parents=True, exist_ok=True)
            replace(path, content)
        return self._saved_report(status, last)

    def _saved_report(self, status: int, last: str) -> Report:
        try:
            report = parse_json(self.saved.read_text("utf-8"))
        except (OSError, ValueError):
            report = None
        if report is None or not report.complete or report.verdict.deciding.exit_code != status:
            raise HarnessError(f"judging {self.given} ended with {status} and no report that agrees:\n{last}")
        return report

    def _verify(self, own: Sequence[str], output: Path, progress: Callable[[], None]) -> int:
        command = judging.verify_words(self.given, [*own, *self.handed_on])
        guarded = Guarded(command, self._scratch, judging.END_SECONDS, output=output)
        try:
            while (status := guarded.wait(_PROGRESS_SECONDS)) is None:
                progress()
            return status
        finally:
            # It does not get our Ctrl-C, so that it hears of the end once and can stop all that it started.
            guarded.end()

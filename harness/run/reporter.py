"""Collects records in the process that writes the verdict, ends the run with that, and saves the reports."""

from __future__ import annotations

import contextlib
import sys
import time
import warnings
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from harness.catalogue.features import harness_version
from harness.catalogue.verdict import Conclusion, Outcome
from harness.report import text
from harness.report.assembly import assemble
from harness.report.folder import REPORT_HTML
from harness.report.model import RunReport
from harness.run.asked.rerun import continued
from harness.run.progress import Progress
from harness.run.scope import COLLECTED, HANDED, Scope, record_in
from harness.run.workers import fixed_shares

if TYPE_CHECKING:
    from collections.abc import Collection, Generator

    from harness.report.folder import ReportFolder
    from harness.report.model import Report
    from harness.run.attachment import Attachment
    from harness.run.interruption import Interruption

NOT_ENDED = "the run has not ended; if none is under way, it was cut short"

_OF_WHAT_WAS_LEFT_OPEN = (
    ResourceWarning,
    pytest.PytestUnraisableExceptionWarning,
    pytest.PytestUnhandledThreadExceptionWarning,
)


class Reporter:
    """The hooks that tally, judge and report.

    Args:
        scope: what is judged.
        folder: where reports are saved, or None.
        interruption: hears the signals that are to end the run.
        attachment: says whether what is to be judged is attached.

    """

    def __init__(
        self, scope: Scope, folder: ReportFolder | None, interruption: Interruption, attachment: Attachment
    ) -> None:
        self._attachment = attachment
        self._interruption = interruption
        self._heard = contextlib.ExitStack()
        self._hearing = False
        self._scope = scope
        self._folder = folder
        self._began = time.monotonic()
        self._began_at = datetime.now(UTC).isoformat(timespec="seconds")
        self._other_tests_failed = False
        self._crash = ""
        self._lost = ""
        self._interrupted = "the run was interrupted"
        self._afterwards: list[str] = []
        self._unsaved = ""
        self._report: Report | None = None

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Save a report that says that the run has not ended, until it has; on a terminal, show progress."""
        if sys.stderr.isatty() and session.config.get_verbosity() <= 0:
            session.config.pluginmanager.register(Progress(self._scope.tally, sys.stderr))
        if self._folder is not None and not session.config.option.collectonly:
            self._save(
                partial(self._folder.begin, self._assembled(session.config, NOT_ENDED, complete=False))
            )

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take in what came of a scenario, or that another test failed."""
        if (record := record_in(report)) is not None:
            counts = self._scope.tally.add(replace(record, lines=""))
            if counts and self._folder is not None and record.history:
                self._save(partial(self._folder.keep, record.history, record.lines))
            if not counts and report.when == "teardown" and record.outcome is Outcome.NOT_JUDGED:
                # Its scenario has failed, which counts. What is left running must be told all the same.
                self._afterwards.append(record.reason)
        elif report.failed:
            self._other_tests_failed = True

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Take note that something could not even be collected."""
        self._other_tests_failed |= report.failed

    def pytest_internalerror(self, excrepr: object) -> None:
        """Take note that the harness broke."""
        self._crash = f"pytest or the harness broke: {str(excrepr).splitlines()[-1]}"

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Any) -> Any:
        """Give each worker its share of the scenarios, unless another way of sharing was asked for."""
        if config.option.dist != "load" or config.option.maxschedchunk is not None:
            return None
        return fixed_shares(config, log, self._scope.tally, self._scope.durations)

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Give a worker what it cannot find out for itself: the last report is gone when it begins."""
        again = self._scope.selection.again
        node.workerinput[HANDED] = (node.config.option.fleet_seed, None if again is None else sorted(again))

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: list[str]) -> None:
        """Take note of what a worker is to run; where that is scenarios, have SIGTERM end the run as Ctrl-C does."""
        self._scope.tally.expect(ids)
        if self._scope.tally.concerned and not self._hearing:
            self._hearing = True
            self._heard.enter_context(self._interruption.heard())

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """Take note of how many scenarios a worker found, and whether it was lost."""
        if error is not None:
            self._lost = f"a worker was lost: {str(error).splitlines()[0]}"
        output = getattr(node, "workeroutput", {})
        self._scope.collected = max(self._scope.collected, output.get(COLLECTED, 0))

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, None, None]:
        """End the run with the verdict, whatever another plugin does at its end, and not with that one's status."""
        try:
            with self._heard:
                yield
        except (pytest.exit.Exception, KeyboardInterrupt) as problem:
            self._interrupted = f"the run was interrupted while it ended: {problem or 'by a signal'}"
            session.exitstatus = pytest.ExitCode.INTERRUPTED
        except Exception as problem:  # noqa: BLE001 - whatever it is, there is a verdict to report
            what = f"{type(problem).__name__}: {problem}"
            self._crash = self._crash or f"pytest or the harness broke while the run ended: {what}"
        self._finish(session)

    def _finish(self, session: pytest.Session) -> None:
        """Compute the verdict, when there were scenarios, and make the run end with its exit code."""
        scope, options = self._scope, session.config.option
        if session.exitstatus == pytest.ExitCode.USAGE_ERROR or options.collectonly:
            return
        if options.list_scenarios and scope.tally.concerned and not self._crash:
            return
        if not scope.collected and not scope.tally.concerned and self._folder is None:
            return
        report = self._assembled(session.config, self._trouble(session), complete=True)
        if self._folder is not None:
            self._save(partial(self._folder.write, report))
        self._report = report
        good = report.verdict.exit_code == Conclusion.CONFORMANT.exit_code
        session.exitstatus = 1 if good and self._other_tests_failed else report.verdict.exit_code
        if self._unsaved:
            session.exitstatus = Conclusion.HARNESS_ERROR.exit_code

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(
        self, terminalreporter: pytest.TerminalReporter, config: pytest.Config
    ) -> Generator[None, None, None]:
        """Keep pytest from telling each failure that a cause tells: they would scroll the verdict away.

        They are counted all the same, and with -v each is told.
        """
        if self._report is None or config.get_verbosity() > 0:
            return (yield)
        told = {id_ for one in self._report.causes for id_ in one.scenarios}
        stats = terminalreporter.stats
        whole: dict[Any, list[Any]] = {name: stats[name] for name in ("failed", "error") if name in stats}
        try:
            for name, reports in whole.items():
                stats[name] = [one for one in reports if not _is_among(one, told)]
            return (yield)
        finally:
            stats.update(whole)

    def tell(self, terminalreporter: pytest.TerminalReporter, *, every_failure: bool) -> None:
        """Print the verdict, and where the report is."""
        if self._report is None:
            return
        terminalreporter.section("conformance", "=")
        notes = [f"afterwards      {reason}" for reason in self._afterwards]
        if self._unsaved:
            notes.append(f"report          could not be saved: {self._unsaved}")
        elif self._folder is not None:
            notes.append(f"report          {self._folder.path / REPORT_HTML}")
        if self._other_tests_failed and self._report.verdict.exit_code == Conclusion.CONFORMANT.exit_code:
            notes.append("other tests     failed, so this run is no success all the same")
        lines = text.unwritten(self._report)
        if self._attachment.why:
            # What is not attached is told above, and a list of all that was not judged says no more.
            lines += [
                *notes,
                f"verdict         {self._report.verdict.conclusion}: not attached, as told above",
            ]
        else:
            lines += text.summary(self._report, every_failure=every_failure, notes=notes)
        for line in lines:
            terminalreporter.write_line(line)

    @pytest.hookimpl(tryfirst=True)
    def pytest_unconfigure(self) -> None:
        """Keep the verdict's exit code: with warnings as errors, pytest would end with 1 for what was left open.

        An interruption leaves sockets and files open wherever it comes.
        """
        if self._report is not None:
            for kind in _OF_WHAT_WAS_LEFT_OPEN:
                warnings.simplefilter("ignore", kind)

    def _assembled(self, config: pytest.Config, trouble: str, *, complete: bool) -> Report:
        scope, options = self._scope, config.option
        keywords = f"-k {options.keyword}" if options.keyword else ""
        markers = f"-m {options.markexpr}" if options.markexpr else ""
        run = RunReport(
            harness=harness_version(),
            catalogue=scope.catalogue.revision,
            began=self._began_at,
            seconds=round(time.monotonic() - self._began, 3),
            seed=options.fleet_seed,
            order_seed=options.order_seed,
            workers=getattr(options, "numprocesses", None) or 0,
            selection=scope.selection.words(keywords, markers),
        )
        if scope.before is not None:
            run = continued(run, scope.before, len(scope.tally.came))
        return assemble(
            scope.target,
            scope.catalogue,
            scope.tally.verdict(scope.claims, trouble=trouble, crash=self._crash),
            records=[*scope.tally.records, *scope.tally.unrun(scope.claims)],
            run=run,
            defects=scope.defects,
            sections=scope.sections,
            complete=complete,
            gate=scope.tally.verdict(scope.gate, trouble=trouble, crash=self._crash) if scope.gate else None,
        )

    def _trouble(self, session: pytest.Session) -> str:
        if session.exitstatus == pytest.ExitCode.INTERRUPTED:
            return self._interrupted
        if self._attachment.why:
            return self._attachment.why
        stopped = session.shouldstop or session.shouldfail
        return self._lost or (f"the run stopped early: {stopped}" if stopped else "")

    def _save(self, write: partial[None]) -> None:
        try:
            write()
        except OSError as problem:
            self._unsaved = self._unsaved or str(problem)


class Ending:
    """Prints the verdict behind everything that pytest prints itself, so that it comes last."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, None, None]:
        """Print it when pytest's own summary is out."""
        yield
        terminal = session.config.pluginmanager.get_plugin("terminalreporter")
        if terminal is not None:
            self._reporter.tell(terminal, every_failure=session.config.get_verbosity() > 0)


def _is_among(report: Any, scenarios: Collection[str]) -> bool:
    """Return whether a report of pytest's is of a run of one of these scenarios."""
    record = record_in(report)
    return record is not None and record.outcome is Outcome.FAILED and record.id in scenarios

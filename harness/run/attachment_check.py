"""The hooks that check once a run that everything is attached, and end it where something is not."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

import pytest

from harness.run.doctor.finding import lines_of
from harness.wording import visible

if TYPE_CHECKING:
    from collections.abc import Collection

    from harness.run.attachment import Attachment
    from harness.run.interruption import Interruption
    from harness.run.scope import Scope


class AttachmentCheck:
    """Checks before the first scenario: in this process, or before workers are dealt any."""

    def __init__(self, scope: Scope, attachment: Attachment, interruption: Interruption) -> None:
        self._scope = scope
        self._attachment = attachment
        self._interruption = interruption
        self._checked = self._ended = False
        self._waiting = 0

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> None:
        """Check before the scenarios of this process."""
        option = session.config.option
        if option.list_scenarios or option.collectonly or session.testsfailed:
            return
        records = [record for item in session.items if (record := self._scope.record(item)) is not None]
        self._check({one for record in records for one in record.requirement_ids})
        self._end_if_unattached()

    @pytest.hookimpl(optionalhook=True, trylast=True)
    def pytest_xdist_node_collection_finished(self, node: Any) -> None:
        """Check while workers, which have found their scenarios, wait to be dealt some: their ports are free yet.

        The run ends when all of them wait: one that is stopped while it still looks for scenarios takes seconds.
        """
        option = node.config.option
        workers = option.numprocesses or len(option.tx)
        self._waiting += 1
        if not self._checked and (requirements := self._scope.tally.requirements()):
            self._attachment.find_ports_in_use(workers)
            self._check(requirements)
            self._attachment.close()
        if self._waiting >= workers:
            self._end_if_unattached()

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self) -> None:
        """End the run if a worker, which others would be waited for with, was lost."""
        self._end_if_unattached()

    @pytest.hookimpl(tryfirst=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print what is not attached, and the way on."""
        if not self._attachment.why:
            return
        terminalreporter.section("attachment", "=")
        for finding in self._attachment.findings:
            for line in lines_of(finding):
                terminalreporter.write_line(visible(line))
        option = terminalreporter.config.option
        target = shlex.quote(str(option.target))
        terminalreporter.write_line("")
        terminalreporter.write_line(
            f"not attached; nothing was judged. To try everything: instance-sync doctor --target {target}"
        )
        terminalreporter.write_line("If all of it is a mistake of what is judged, judge it so: --unchecked")

    def _check(self, requirements: Collection[str]) -> None:
        """Check what the scenarios of these requirements need. What only proves the instrument needs nothing."""
        judged = [one for id_ in requirements if (one := self._scope.catalogue[id_]).judged]
        profiles = {one.profile for one in judged} & {*self._scope.claims}
        if not profiles:
            return
        self._checked = True
        with self._interruption.heard():
            self._attachment.check(profiles)

    def _end_if_unattached(self) -> None:
        if self._attachment.why and not self._ended:
            self._ended = True
            raise pytest.Session.Failed("not attached")

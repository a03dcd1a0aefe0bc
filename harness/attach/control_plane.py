"""One running implementation, with its table and its log, which faces one fleet."""

from __future__ import annotations

import contextlib
import os
import secrets
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

from fake_instances.webhooks.delivery import unchanged
from harness.attach.adapted.control_plane import AdaptedAccounts, AdaptedControlPlane
from harness.attach.databases import SQLITE, fresh_database, own_database, without_password
from harness.attach.drivers.command import CommandImplementation, launch
from harness.attach.drivers.guarded import output_file, output_file_beside
from harness.attach.drivers.one_off import run_once
from harness.attach.drivers.program import program_beside
from harness.attach.drivers.url import RunningImplementation, attach
from harness.attach.hooks import HttpAccounts, HttpLog
from harness.attach.log_file import FileLog, SeveralLogs
from harness.attach.rows_by_sql import SqlAccounts
from harness.contract import Launch, Settings, Target
from harness.errors import NotJudgedError
from harness.history import ImplementationKilled, ImplementationStarted
from harness.placeholders import filled_text

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Mapping

    from fake_instances import Fleet
    from harness.attach.adapted.fleet import FleetDialect


@dataclass(frozen=True, slots=True)
class Place:
    """The address and the existing folder for an implementation, and its database.

    `database` is "sqlite", or the URL of a server on which it gets its own; for a `url` target, of the one it has.
    """

    host: str
    scratch: Path
    database: str = SQLITE


class ControlPlane:
    """A running implementation with its own database, which gets the webhooks of a fleet. A context manager.

    What launches it raises LaunchError if it does not come up or go away.
    """

    def __init__(self, target: Target, settings: Settings, fleet: Fleet, place: Place) -> None:
        self.target = target
        self.settings = settings.under(target)
        self._fleet = fleet
        self._place = place
        self._open = contextlib.ExitStack()
        self._given = Launch(
            settings=settings,
            database_url="",
            instances=fleet.urls,
            api_key=fleet.api_key,
            hmac_secret=fleet.secret,
            log_file=place.scratch / "sync.log",
            host=place.host,
        )
        self._implementation: CommandImplementation | RunningImplementation | None = None
        self.log = self._log_source()
        self.dialect: FleetDialect | None = None
        """What the fleet speaks to it, where that is not the contract's own."""
        self.silent = 0
        """How many users in a row waited in vain for an answer, those who waited together counted as one."""
        self.unheard = False
        """Whether the last operator waited in vain."""
        kind = target.adapter
        self.adapted = None if kind is None else AdaptedControlPlane(kind, target, self._given, self)
        self.accounts: SqlAccounts | HttpAccounts | AdaptedAccounts

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as opened:
            url = self._place.database
            if not self.target.url:
                url = opened.enter_context(fresh_database(url, self._place.scratch))
            self._given = replace(self._given, database_url=url)
            self.accounts = self._account_store()
            opened.callback(self.accounts.close)
            opened.callback(self._stop)
            self.launch()
            self._open = opened.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    @property
    def base_url(self) -> str:
        """Where the implementation listens; empty after it was killed."""
        return "" if self._implementation is None else self._implementation.base_url

    @property
    def database(self) -> str:
        """Where its rows are, for somebody who wants to look, without a password."""
        return without_password(self._given.database_url) if self._given.database_url else "its own"

    @property
    def killed(self) -> bool:
        """Whether the harness ended it, and has not launched it again."""
        return self._implementation is None

    @property
    def problem(self) -> str | None:
        """Why the implementation is not running, or None while it runs."""
        return "it was killed" if self._implementation is None else self._implementation.problem

    @property
    def crash(self) -> str | None:
        """How the implementation ended by itself, with its last output; None while it runs or was killed."""
        return None if self._implementation is None else self._implementation.problem

    @property
    def written(self) -> Mapping[Path, str]:
        """The files that its lines go to, each with what it is: its output, if it is launched here, and its log."""
        target, found = self.target, dict[Path, str]()
        if not target.url:
            found[output_file(self._place.scratch)] = "output"
        if target.log == "file":
            given = {"log_file": self._given.log_file}
            files = [Path(filled_text(one, given)) for one in target.log_files]
            found |= dict.fromkeys(files or [Path(target.log_file or self._given.log_file)], "log")
        return found

    def launch(self) -> None:
        """Launch the implementation with its database as it is, and send the fleet's webhooks to it."""
        self._implementation = (
            attach(self.target) if self.target.url else launch(self.target, self._given, self._place.scratch)
        )
        self._fleet.journal.record(ImplementationStarted(base_url=self.base_url))
        self.face_fleet()

    def face_fleet(self) -> None:
        """Send the fleet's webhooks to this implementation."""
        self._fleet.control_plane = self.base_url + self.target.webhook_path
        if self.dialect is not None:
            self.dialect.spoken = self.target.adapter is not None
        self._fleet.translate(unchanged if self.adapted is None else self.adapted.webhook)

    def check_adapter(self) -> None:
        """Check that its adapter translated everything so far; NotJudgedError if it could not."""
        for one in (self.adapted, self.dialect):
            if one is not None:
                one.check()

    def kill(self) -> None:
        """End the implementation as `kill -9` would. Its database and log stay."""
        if self._implementation is not None:
            self._implementation.kill()
            self._fleet.journal.record(ImplementationKilled())
            self._implementation = None

    def relaunch(self) -> None:
        """Stop the implementation, if it runs, and launch it again."""
        self._stop()
        self.launch()

    def restart(self) -> None:
        """Stop and launch it again, as part of what is judged; NotJudgedError if the harness does not launch it."""
        if self.target.url:
            raise self._unable("restarted by the harness")
        self.relaunch()

    def begin_anew(self, target: Target | None, settings: Settings | None) -> None:
        """Make a `url` target forget everything, as if it were launched as this target with these settings.

        Raises:
            NotJudgedError: it runs with others, or would forget only when it is launched.
        """
        if target is not None or (settings is not None and settings.in_force != self.settings.in_force):
            raise self._unable("launched with other settings")
        if not self.target.state_path:
            raise NotJudgedError(
                f"{self.target.name} is attached by its URL, and its rows by SQL: it cannot begin anew for a scenario"
            )
        self.accounts.remove([])

    def run_command(self, words: tuple[str, ...], *, timeout: float) -> subprocess.CompletedProcess[str]:
        """Run a command of the implementation beside it, with the same environment, in the target's folder.

        Raises:
            OSError: it cannot be run.
            OverlongOutputError: it printed too much, and was ended.
            subprocess.TimeoutExpired: it took longer than `timeout` seconds, and was ended.
        """
        port = int(self.base_url.rpartition(":")[2] or 0)
        program = program_beside(words, self.target, self._given, port)
        return run_once(program, self.target.directory, timeout, self._open)

    def _account_store(self) -> SqlAccounts | HttpAccounts | AdaptedAccounts:
        if self.adapted is not None:
            return self.adapted.accounts(self._rows_of_the_target)
        return self._rows_of_the_target()

    def _rows_of_the_target(self) -> SqlAccounts | HttpAccounts:
        by_sql = not self.target.state_path
        if by_sql or not self.target.url:
            # With hooks too: the contract has the table exist before a launch, however its rows are read.
            with own_database(self._given.database_url):
                accounts = SqlAccounts(self._given.database_url, self.target)
            if by_sql:
                return accounts
            accounts.close()
        return HttpAccounts(self.target, lambda: self.base_url)

    def _log_source(self) -> FileLog | SeveralLogs | HttpLog:
        match self.target.log:
            case "file" if self.target.log_file is not None:
                return SeveralLogs([self.target.log_file])
            case "file" if self.target.log_files:
                given = {"log_file": self._given.log_file, "data": self._place.scratch}
                return SeveralLogs([Path(filled_text(one, given)) for one in self.target.log_files])
            case "file":
                return FileLog(self._given.log_file)
            case "stderr":
                scratch, beside = self._place.scratch, range(1, len(self.target.also) + 1)
                return SeveralLogs(
                    [output_file(scratch), *(output_file_beside(scratch, number) for number in beside)]
                )
            case "http":
                return HttpLog(self.target, lambda: self.base_url)
            case _:
                return FileLog(Path(os.devnull))

    def _stop(self) -> None:
        implementation, self._implementation = self._implementation, None
        if implementation is not None:
            implementation.stop()

    def _unable(self, what: str) -> NotJudgedError:
        return NotJudgedError(f"{self.target.name} is attached by its URL, and not {what}")


def random_secrets() -> tuple[str, str]:
    """Make an API key and an HMAC secret for one run."""
    return secrets.token_hex(16), secrets.token_hex(32)

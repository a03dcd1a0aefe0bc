"""What the steps of one scenario act on. Everything that happens is recorded first."""

from __future__ import annotations

import contextlib
import itertools
import time
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from fake_instances import FleetError
from fake_instances.faults import Refuse
from fake_instances.stranger.listener import Stranger
from harness.checks import sending
from harness.errors import ConformanceFailure, NotJudgedError
from harness.history import History, RowRead, RowSet, StepReached, UserAnswered, UserSends
from harness.scenario.account import Account, session_by
from harness.scenario.at_rest import AtRest
from harness.scenario.client import CALLS, ask_to_send, columns_of
from harness.scenario.occasions import Occasions
from harness.scenario.patience import Patience
from harness.scenario.texts.words import Words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path
    from random import Random

    from fake_instances import Fleet, Session
    from fake_instances.faults import Endpoint, Fault
    from fake_instances.journal import Journal, WebhookAnswered
    from fake_instances.webhooks.message import Webhook
    from harness.attach.control_plane import ControlPlane
    from harness.attach.setup import Setup
    from harness.checks.health_check import CheckReport
    from harness.checks.resilience import Trouble
    from harness.contract import LogLine, Row, Settings, Target

_account_ids = itertools.count(1000)


class World(Patience):
    """What the steps of one scenario act on. `close` restores everything.

    Args:
        setup: the fleet and the implementation, shared with other scenarios of this worker.
        random: this scenario's own source of names, derived from the run's seed.

    """

    def __init__(self, setup: Setup, random: Random) -> None:
        self._setup = setup
        self._random = random
        self.words = Words(random)
        self.fleet: Fleet = setup.fleet
        self.journal: Journal = setup.fleet.journal
        self.secrets = setup.secrets
        self._started = self.journal.last
        self._steps: tuple[StepReached, ...] = ()  # before the implementation was replaced
        self._log_started = setup.implementation.log.position()
        self._accounts: list[Account] = []
        self._occasions = Occasions()
        self._rows: dict[int, Row] = {}
        self._at_rest: AtRest | None = None
        self._open = contextlib.ExitStack()
        self.answers: list[UserAnswered] = []
        self.webhook_answers: list[WebhookAnswered] = []
        self.trouble_over: Trouble | None = None
        self._report: CheckReport | None = None
        self._webhook: Webhook | None = None
        self._delivered, self._began_at = 0, time.time()
        self.fleet.announcer.clock = self._moment

    # Whom it is about

    @property
    def implementation(self) -> ControlPlane:
        """The implementation under test."""
        return self._setup.implementation

    @property
    def settings(self) -> Settings:
        """What the implementation was launched with."""
        return self.implementation.settings

    @property
    def timeout(self) -> float:
        """The shortest time that anything is judged by, in seconds."""
        return min(self.settings.verify_timeout_in_force, self.settings.send_timeout_in_force)

    @property
    def account(self) -> Account:
        """The first account, which the scenario is about."""
        return self._accounts[0]

    @property
    def other_account(self) -> Account:
        """The second account; NotJudgedError if there is none, as where a story is shrunk."""
        if len(self._accounts) < 2:
            raise NotJudgedError("there is no other account")
        return self._accounts[1]

    @property
    def holder(self) -> int:
        """The one instance that holds the session of the first account."""
        holders = self.fleet.holders(self.account.session_id)
        if len(holders) != 1:
            raise NotJudgedError(f"{len(holders)} instances hold the session where one must")
        return holders[0]

    @property
    def answer(self) -> UserAnswered:
        """What a user was last told."""
        return self.answers[-1]

    @property
    def webhook(self) -> Webhook:
        """The webhook that was sent last."""
        if self._webhook is None:
            raise NotJudgedError("no webhook was sent before")
        return self._webhook

    @property
    def report(self) -> CheckReport:
        """What the last health check reported."""
        if self._report is None:
            raise AssertionError("no health check was run before")
        return self._report

    @report.setter
    def report(self, report: CheckReport) -> None:
        self._report = report

    @cached_property
    def stranger(self) -> Stranger:
        """A listener that is none of the instances and answers as if it held every session, until the end."""
        host = urlsplit(self.fleet.urls[0]).hostname or "127.0.0.1"
        return self._open.enter_context(Stranger(self.journal, host, sessions=lambda: [self.account.session]))

    @property
    def history(self) -> History:
        """Everything that happened in this scenario so far; NotJudgedError if the journal overflowed."""
        try:
            return History((*self._steps, *self.journal.entries(after=self._started)))
        except FleetError as problem:
            raise NotJudgedError(str(problem)) from None

    # Setting up

    def use(self, target: Target | None = None, settings: Settings | None = None) -> None:
        """Use another implementation, or the same one with other settings, until the scenario ends.

        Raises:
            LaunchError: it did not come up.
            NotJudgedError: it is attached by its URL, and can neither be launched otherwise nor be emptied.
        """
        if self._accounts:
            raise AssertionError("choose the implementation before the first account is made")
        self._steps = tuple(self.history.of(StepReached))
        if self.implementation.target.url:
            self.implementation.begin_anew(target, settings)
        else:
            substitute = self._setup.another(target or self._setup.target, settings or self._setup.settings)
            self._open.enter_context(substitute)
        self._log_started = self.implementation.log.position()
        if not (answer := self.warm_up()).told_sent:
            raise NotJudgedError(
                f"{self.implementation.target.name}, launched for this scenario, did not send its first message: "
                + sending.told_of_answer(answer)
            )
        warmed, self._accounts = self._accounts, []
        self.implementation.accounts.remove([account.id for account in warmed])
        self.fleet.reset()
        self._started = self.journal.last

    def new_session(self, session_id: str | None = None, phone_number: str | None = None) -> Session:
        """Make a session that was never used before, not yet held by any instance."""
        return session_by(self._random, session_id, phone_number)

    def new_account(
        self,
        *,
        on: int | None,
        assigned: str | None,
        account_id: int | None = None,
        session: Session | None = None,
        id_of: str = "",
    ) -> Account:
        """Make an account whose session instance `on` holds (or none), and its row, written long past."""
        account = Account(account_id or next(_account_ids), session or self.new_session(), id_of)
        if on is not None:
            self.fleet.hold(account.session, on)
        self._accounts.append(account)
        self._put(account, assigned, "connected")
        return account

    def set_status(self, status: str) -> None:
        """Write the account's row anew with another status."""
        assigned = self.existing_row().assigned_instance_url
        self._put(self.account, assigned, status)

    def assign(self, url: str | None, account: Account | None = None) -> None:
        """Set a row's assigned instance by hand."""
        one = account or self.account
        self.implementation.accounts.assign(one.id, url)
        self._record_set(one, url)

    def arm(
        self,
        fault: Fault,
        on: int,
        endpoints: Iterable[Endpoint],
        *,
        times: int | None = None,
        optional: bool = False,
    ) -> None:
        """Arm a fault. If it never happens the scenario is not judged, unless it is optional."""
        number = self.fleet.arm(fault, on, endpoints, times=times)
        if optional or isinstance(fault, Refuse):
            # Whoever refuses a connection never learns of it.
            self._occasions.optional.add(number)

    def take_for_granted(self, control: Callable[[], None]) -> None:
        """Judge a failure of this scenario only if a control passes after it, when nothing else is under way."""
        self._occasions.controls.append(control)

    def remember_rows(self) -> None:
        """Remember every row as it is now, to compare it later."""
        for account in self._accounts:
            self._rows[account.id] = self.existing_row(account)

    # Acting

    def warm_up(self) -> UserAnswered:
        """Send one message before time is judged, so that whatever is loaded at first use is loaded."""
        first, *_ = self.fleet.numbers
        return self.send("warm-up", self.new_account(on=first, assigned=self.fleet.url(first)))

    def send(
        self, text: str, account: Account | None = None, *, recipient: str | None = None
    ) -> UserAnswered:
        """Have a user send a message through the implementation, and return what the user was told."""
        self.remember_rows()
        answer = self.hand_over(self.announce(text, account, recipient=recipient))
        self.answers.append(answer)
        self.fleet.settle(self.settings.verify_timeout_in_force)
        return answer

    def announce(
        self, text: str, account: Account | None = None, *, recipient: str | None = None
    ) -> UserSends:
        """Record that a user is about to send a message from an account, whose row was remembered.

        Without a `recipient` it goes to somebody whom nobody wrote to before.
        """
        one = account or self.account
        return self.journal.record(
            UserSends(
                call=next(CALLS),
                account_id=one.id,
                session_id=one.session_id,
                assigned=self.row_before(one).assigned_instance_url,
                recipient=recipient or self.words.recipient(),
                text=text,
            )
        )

    def hand_over(self, send: UserSends, body: Mapping[str, object] | None = None) -> UserAnswered:
        """Hand an announced message to the implementation, and record what the user was told."""
        # A sender that has no account is named by a session that nobody has.
        session = next((one.session for one in self._accounts if one.id == send.account_id), None)
        answer = ask_to_send(
            self.implementation,
            send.call,
            send.account_id,
            send.recipient,
            send.text,
            session=session or self.new_session(),
            body=body,
        )
        return self.journal.record(answer)

    def deliver(self, webhook: Webhook, *, settle: bool = True) -> WebhookAnswered:
        """Send a webhook exactly as it is, and return what the implementation answered.

        With `settle`, wait until the instances have answered what the webhook made the implementation ask.
        """
        self.remember_rows()
        self._webhook = webhook
        self._delivered += 1
        answered = self.fleet.send(webhook).wait()
        self.webhook_answers.append(answered)
        if settle:
            self.fleet.settle(self.settings.verify_timeout_in_force)
        return answered

    # Looking

    def row(self, account: Account | None = None) -> Row | None:
        """Read a row as it stands now."""
        one, read = account or self.account, self.implementation.accounts.get
        row = self._at_rest.row(one.id, read) if self._at_rest else read(one.id)
        if row is not None:
            status = str(row.columns["status"])
            self.journal.record(RowRead(account_id=one.id, assigned=row.assigned_instance_url, status=status))
        return row

    @contextlib.contextmanager
    def at_rest(self) -> Iterator[None]:
        """Read no row again inside, for as long as nothing happens: nothing else could change one."""
        self._at_rest = AtRest(self.journal)
        try:
            yield
        finally:
            self._at_rest = None

    def existing_row(self, account: Account | None = None) -> Row:
        """Read a row, which must be there."""
        row = self.row(account)
        if row is None:
            raise ConformanceFailure("the account's row is there", "it is gone")
        return row

    def check_assigned(self, number: int, account: Account | None = None) -> None:
        """Check that a row, as it stands now, is assigned to an instance."""
        sending.row_says(self.row(account), self.fleet.url(number), f"instance {number}")

    def row_before(self, account: Account | None = None) -> Row:
        """Return a row as it was before the last action."""
        return self._rows[(account or self.account).id]

    @property
    def accounts(self) -> tuple[Account, ...]:
        """Every account of the scenario, in the order in which they were made."""
        return tuple(self._accounts)

    def log_lines(self) -> Sequence[LogLine]:
        """Return the lines that the implementation logged in this scenario so far."""
        return self.implementation.log.lines(self._log_started)

    # Ending

    def check_faults_fired(self) -> None:
        """Check that every fault that is not optional really happened; NotJudgedError if one did not."""
        self.implementation.check_adapter()
        self._occasions.check_came(self.history)

    def check_controls(self) -> None:
        """After a failure, check what its judgement takes for granted; ConformanceFailure if that does not hold."""
        if self._occasions.controls:
            self.fleet.clear()
            self.journal.record(StepReached(text="Afterwards, as a control, with nothing else under way"))
        for control in self._occasions.controls:
            control()

    @property
    def written(self) -> Mapping[Path, str]:
        """The files of the implementation's output and log."""
        return self.implementation.written

    def check_implementation_runs(self) -> None:
        """Check that the implementation did not end by itself. A failure has its last output."""
        if (crash := self.implementation.crash) is not None:
            raise ConformanceFailure("the implementation goes on running", crash)

    def close(self) -> None:
        """Clear every fault and session, remove the rows, and bring back the implementation if it is gone.

        Raises:
            LaunchError: the implementation did not come up again.
            ConformanceFailure: it had ended by itself.
        """
        crash = self.implementation.crash
        self.fleet.announcer.clock = time.time
        self.fleet.reset()
        with self._open:
            # Rows may be reachable through the implementation alone.
            if crash is not None or self.implementation.killed:
                self.implementation.relaunch()
            self.implementation.accounts.remove([account.id for account in self._accounts])
        self.fleet.settle(self.settings.verify_timeout_in_force)
        if crash is not None:
            raise ConformanceFailure("the implementation goes on running", crash)

    def _moment(self) -> float:
        """Return when a webhook is signed: a second after the last at least, so that their order is certain."""
        return max(time.time(), self._began_at + self._delivered)

    def _put(self, account: Account, assigned: str | None, status: str) -> None:
        self.implementation.accounts.put(columns_of(account.id, account.session, assigned, status))
        self._record_set(account, assigned)

    def _record_set(self, account: Account, url: str | None) -> None:
        self.journal.record(RowSet(account_id=account.id, assigned=url))
        self._rows[account.id] = self.existing_row(account)

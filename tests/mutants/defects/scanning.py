"""Mistakes in finding the session elsewhere, and in repairing the row."""

from __future__ import annotations

import time
from dataclasses import replace

from reference_impl.before_fix import StraightSender
from reference_impl.edges.answers import Holding
from reference_impl.edges.log import EventLog
from reference_impl.edges.messages import SendError, Sent
from reference_impl.fix.locator import Finding, Locator, moment
from reference_impl.fix.syncs import Source, Syncs
from tests.mutants.machinery.patching import around, around_log, around_sends
from tests.mutants.machinery.registry import mutant, rows

REPAIRED = "A mismatched row is repaired by the next send"
LOGGED = "The repair is logged with the value before the write"
NOWHERE = "A session that no instance holds fails the send and changes nothing"
PASSED_OVER = "Earlier instances with sessions of others are passed over"
ONE_MISBEHAVES = "One misbehaving instance does not hide the holder"
TWO_MISBEHAVE = "Two misbehaving instances do not hide the holder"
DRAWN_BY_A_COPY = "A stale copy does not draw the row while the holder cannot be asked"
KEEPS_ITS_ROW = "A holder that cannot be asked keeps its row"

URL = "assigned_instance_url"


def scan_only(choose) -> None:
    """Make a scan ask only some instances, chosen from all and the assigned one."""

    @around(Locator, "scan")
    async def partial(scan, self, session_id, since, *, assigned, **rest):
        every = self._instances
        self._instances = choose(every, assigned)
        try:
            return await scan(self, session_id, since, assigned=assigned, **rest)
        finally:
            self._instances = every


def scan_in_order(judge) -> None:
    """Make a scan ask one instance after another, while `judge` approves the answers so far."""

    async def scan(
        self,
        session_id,
        since,
        *,
        assigned,
        ignoring,
        **_rest,
    ):
        began_at, holdings = time.time(), dict.fromkeys(self._instances, Holding.UNKNOWN)
        answers: list[Holding] = []
        for base in self._instances:
            if base == assigned or base in ignoring:
                continue
            holdings[base] = await self.ask(base, session_id, max(since, moment()))
            if holdings[base] is Holding.HELD:
                return Finding(base, holdings, began_at)
            answers.append(holdings[base])
            if not judge(answers):
                break
        return Finding(None, holdings, began_at)

    Locator.scan = scan


def _when_not_found(act) -> None:
    """Call `act` when a send fails because the session was not found; None lets it fail."""

    def acts(parts, account_id, message, send):
        try:
            return send()
        except SendError as error:
            if error.code not in {"session_not_found", "session_unverifiable"}:
                raise
            if (sent := act(parts, account_id, message, error)) is None:
                raise
            return sent

    around_sends(acts)


@mutant("SCAN-01", *rows(REPAIRED, "3001-3004", "3002-3004", "3003-3004"))
def last_instance_left_out() -> None:
    """The scan leaves out the last instance."""
    scan_only(lambda every, _assigned: every[:-1])


@mutant(
    "SCAN-01",
    *rows(REPAIRED, "3002-3001", "3003-3001", "3003-3002", "3004-3001", "3004-3002", "3004-3003"),
)
def earlier_instances_left_out() -> None:
    """The scan begins at the assigned instance and leaves out those before it."""
    scan_only(lambda every, assigned: every[every.index(assigned) :] if assigned in every else every)


@mutant("SCAN-01", REPAIRED)
def row_not_repaired() -> None:
    """The message is sent through the holder, but the row keeps its wrong URL."""
    Syncs.write = lambda _self, _view, _new_url, **_rest: True


@mutant("SCAN-02", LOGGED)
def repair_logged_with_the_new_url_as_old() -> None:
    """The old URL in the log is read after the write."""
    around_log(
        lambda text, fields: (
            text,
            {**fields, "old_url": fields["new_url"]} if text == Source.SEND.value else fields,
        )
    )


@mutant("SCAN-03", NOWHERE)
def posted_to_the_assigned_as_a_last_resort() -> None:
    """If no instance holds the session, the message is posted to the assigned one all the same."""
    _when_not_found(
        lambda parts, account_id, message, _error: StraightSender(parts).send(account_id, message)
    )


@mutant("SCAN-03", NOWHERE)
def nowhere_told_as_sent() -> None:
    """If no instance holds the session, the message is reported as sent."""
    _when_not_found(lambda _parts, _account_id, _message, _error: Sent("queued", "nowhere"))


@mutant("SCAN-03", NOWHERE)
def nowhere_told_as_a_missing_page() -> None:
    """If no instance holds the session, the user learns only that something was not found."""

    def act(_parts, _account_id, _message, _error):
        raise SendError("account_not_found", "404 Not Found")

    _when_not_found(act)


def copies_as_a_last_resort() -> None:
    """Make a scan that finds no holder take the first instance that lists the session at all."""

    @around(Locator, "scan")
    async def found(scan, self, session_id, since, **rest):
        finding = await scan(self, session_id, since, **rest)
        copies = finding.instances(Holding.NOT_CONNECTED)
        return finding if finding.holder or not copies else replace(finding, holder=copies[0])


@mutant("SCAN-06", DRAWN_BY_A_COPY)
def any_copy_is_better_than_none() -> None:
    """If nobody is known to hold the session connected, the row goes to whoever has any copy of it."""
    copies_as_a_last_resort()


@mutant("SCAN-03", NOWHERE)
def nowhere_logged_in_other_words() -> None:
    """The log says in other words that the session is in no instance."""

    @around(EventLog, "error")
    def told(error, self, text, **fields):
        error(self, text.replace("Session not found in any Node.js instance", "No instance has it"), **fields)


def _write_row(**changes):
    def act(parts, account_id, _message, _error):
        parts.accounts.write(parts.accounts.by_id(account_id), changes)

    return act


@mutant("SCAN-03", NOWHERE)
def row_of_a_lost_session_disconnected() -> None:
    """If no instance holds the session, the row's status is set to disconnected."""
    _when_not_found(_write_row(status="disconnected"))


@mutant("SCAN-04", PASSED_OVER)
def first_instance_with_any_session_taken() -> None:
    """The scan stops at the first instance that holds any session."""

    async def scan(
        self,
        _session_id,
        _since,
        *,
        assigned,
        ignoring,
        **_rest,
    ):
        began_at = time.time()
        for base in self._instances:
            roster = None if base in {assigned, *ignoring} else await self._client.roster(base)
            if roster is not None and roster.connected:
                return Finding(base, {base: Holding.HELD}, began_at)
        return Finding(None, dict.fromkeys(self._instances, Holding.ABSENT), began_at)

    Locator.scan = scan


@mutant(
    "SCAN-05",
    *rows(
        ONE_MISBEHAVES,
        "3001-3002-refuses connections-3003",
        "3001-3002-never answers-3003",
        "3001-3002-answers 500-3003",
        "3001-3002-answers broken JSON-3003",
        "3001-3002-answers HTML-3003",
        "3004-3001-answers null-3003",
    ),
    *rows(
        TWO_MISBEHAVE,
        "3001-3002-refuses connections-3003-answers 500-3004",
        "3001-3002-answers an empty body-3003-refuses connections-3004",
        "3001-3001-answers 500-3002-refuses connections-3003",
    ),
)
def scan_stopped_by_the_first_error() -> None:
    """Instances are asked one after another, and the first that cannot be asked ends the scan."""
    scan_in_order(lambda answers: answers[-1] is not Holding.UNKNOWN)


@mutant("SCAN-05", ONE_MISBEHAVES, TWO_MISBEHAVE)
def one_error_fails_the_whole_scan() -> None:
    """All instances are asked at once, and one error fails the whole scan."""

    @around(Locator, "scan")
    async def gathered(scan, self, session_id, since, **rest):
        finding = await scan(self, session_id, since, **rest)
        for base in self._instances:
            if await self.ask(base, session_id, moment()) is Holding.UNKNOWN:
                return Finding(None, finding.holdings, finding.began_at)
        return finding


@mutant("SCAN-06", KEEPS_ITS_ROW, DRAWN_BY_A_COPY)
def failing_scan_clears_the_row() -> None:
    """If the session is not found, the row's URL is cleared."""
    _when_not_found(_write_row(assigned_instance_url=None))


@mutant("SCAN-06", KEEPS_ITS_ROW, DRAWN_BY_A_COPY)
def failing_scan_assigns_another_instance() -> None:
    """If the session is not found, the row is assigned to the first instance."""

    def act(parts, account_id, _message, _error):
        account = parts.accounts.by_id(account_id)
        parts.accounts.write(account, {URL: parts.settings.node_instances[0]})

    _when_not_found(act)

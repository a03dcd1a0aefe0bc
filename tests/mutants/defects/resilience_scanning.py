"""Mistakes in scans that last, fail, run concurrently or come too late."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

from reference_impl.edges.answers import Holding
from reference_impl.edges.log import EventLog
from reference_impl.edges.messages import SendError, Sent
from reference_impl.fix.locator import Finding, Locator, moment
from reference_impl.fix.sender import Sender
from reference_impl.fix.syncs import Source, Syncs
from tests.mutants.defects.scanning import scan_in_order, scan_only
from tests.mutants.machinery.patching import around, around_sends
from tests.mutants.machinery.registry import mutant, rows

TWO_SILENT = "Two instances that never answer cost one verify timeout together"
LEFT_OPEN = "An instance that could not be asked leaves the answer open"
TWENTY = "Twenty sends at once repair the row once and ask each instance a few times"
SECOND_COPY = "A second copy elsewhere does not attract the row"
FASTER_COPY = "A second copy that answers faster does not attract the row"
LAST_WORD = "A webhook that lands while a scan waits for its answers has the last word"


@mutant("SCAN-07", *rows(TWO_SILENT, "3002-3003-3004"))
def instances_scanned_one_by_one() -> None:
    """A scan asks one instance after another, each with a timeout of its own."""
    scan_in_order(lambda _answers: True)


@mutant("SCAN-07", *rows(TWO_SILENT, "3003-3004-3002"))
def instances_scanned_one_by_one_from_the_last() -> None:
    """A scan asks one instance after another, the last first."""
    scan_in_order(lambda _answers: True)
    scan_only(lambda every, _assigned: every[::-1])


@mutant("SCAN-07", TWO_SILENT)
def silent_instances_asked_again_by_a_scan() -> None:
    """A scan asks all instances at once, waits for all, and asks silent ones a second time."""

    async def scan(self, session_id, since, *, ignoring, **_rest):
        began_at = time.time()

        async def asked(base):
            first = await self.ask(base, session_id, since)
            return await self.ask(base, session_id, moment()) if first is Holding.UNKNOWN else first

        every = [base for base in self._instances if base not in ignoring]
        holdings = dict(zip(every, await asyncio.gather(*map(asked, every)), strict=True))
        holder = next((base for base in every if holdings[base] is Holding.HELD), None)
        return Finding(holder, holdings, began_at)

    Locator.scan = scan


@mutant("SCAN-08", LEFT_OPEN)
def unasked_counts_as_absent() -> None:
    """If a scan finds nothing, the session is reported as nowhere, even if an instance could not be asked."""

    @around(Sender, "_not_found")
    def told(not_found, self, session_id, finding, trip):
        absent = dict.fromkeys(finding.holdings, Holding.ABSENT)
        return not_found(self, session_id, replace(finding, holdings=absent), trip)


@mutant("SCAN-08", LEFT_OPEN)
def failure_tells_nothing() -> None:
    """If a scan finds nothing, the user learns that sending failed, but not why."""
    Sender._not_found = lambda *_rest: SendError("rejected_by_instance", "Sending failed.")


def _unverifiable_logged(text_of, fields_of) -> None:
    """Log otherwise that the session could not be verified."""

    @around(EventLog, "error")
    def told(error, self, text, **fields):
        if "unasked" in fields:
            text, fields = text_of(text), fields_of(fields)
        error(self, text, **fields)


@mutant("SCAN-08", LEFT_OPEN)
def unverifiable_logged_in_other_words() -> None:
    """The log says in other words that the session could not be verified."""
    _unverifiable_logged(lambda _text: "Unable to verify the session", lambda fields: fields)


@mutant("SCAN-08", LEFT_OPEN)
def unasked_logged_as_a_number() -> None:
    """The log says how many instances could not be asked, and not which."""
    _unverifiable_logged(lambda text: text, lambda fields: {**fields, "unasked": len(fields["unasked"])})


@mutant("SCAN-09", TWENTY)
def every_send_asks_for_itself() -> None:
    """Each send asks each instance itself, even while others are asking."""

    async def question(self, base, _since):
        return asyncio.create_task(self._client.roster(base))

    Locator._question = question


def _scans_overwrite() -> None:
    """Write and log what a scan found, whatever the row says by now."""

    @around(Syncs, "write")
    def written(write, self, view, new_url, *, source, **rest):
        if source is not Source.SEND:
            return write(self, view, new_url, source=source, **rest)
        account = view.account
        self._accounts.write(account, {"assigned_instance_url": new_url})
        urls = {"old_url": account.assigned_instance_url, "new_url": new_url}
        self._log.info(Source.SEND.value, session_id=account.session_id, **urls)
        return True


@mutant("SCAN-09", TWENTY)
def every_send_moves_the_row() -> None:
    """Each send that scanned writes the row and logs a repair, even if another has repaired it."""
    _scans_overwrite()


@mutant("SCAN-09", TWENTY)
def sends_at_once_taken_for_one() -> None:
    """A second send of an account that is still sending is dropped as a double click."""
    sending: set[int] = set()

    def act(_parts, account_id, _message, send):
        if account_id in sending:
            return Sent("the-same", "the-same")
        sending.add(account_id)
        try:
            return send()
        finally:
            sending.discard(account_id)

    around_sends(act)


@mutant("SCAN-10", *rows(SECOND_COPY, "3004-3001"))
def first_holder_in_order_wins() -> None:
    """Instances are asked in their order, and the first that holds the session gets the row."""
    _taken_in_order(1)


@mutant("SCAN-10", *rows(SECOND_COPY, "3001-3004"), FASTER_COPY)
def last_holder_in_order_wins() -> None:
    """Of several holders, the last in order gets the row."""
    _taken_in_order(-1)


def _taken_in_order(step) -> None:
    """Verify the assigned instance only if no holder comes before it in this order."""

    @around(Locator, "ask")
    async def asked(ask, self, base, session_id, since):
        holdings = await asyncio.gather(*(ask(self, one, session_id, since) for one in self._instances))
        known = dict(zip(self._instances, holdings, strict=True))
        first = next((one for one in self._instances[::step] if known[one] is Holding.HELD), None)
        return Holding.ABSENT if known[base] is Holding.HELD and base != first else known[base]


@mutant("SCAN-10", FASTER_COPY)
def assigned_instance_given_little_time() -> None:
    """An assigned instance that has not answered after 0.2 seconds is passed over for a faster one."""

    @around(Sender, "_verify")
    def hurried(verify, self, account, assigned, trip):
        timeout, self.parts.locator._timeout = self.parts.locator._timeout, 0.2
        try:
            return verify(self, account, assigned, trip)
        finally:
            self.parts.locator._timeout = timeout


@mutant("SCAN-11", LAST_WORD)
def scan_overwrites_a_newer_webhook() -> None:
    """A scan overwrites what was written while it waited for its answers."""
    _scans_overwrite()

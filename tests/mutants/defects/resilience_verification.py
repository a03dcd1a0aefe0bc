"""Mistakes with slow, full or deployed instances, and with rows that name none."""

from __future__ import annotations

import asyncio
import os

import aiohttp

from reference_impl.edges import instances
from reference_impl.edges.answers import Roster, detailed_list, sessions_list
from reference_impl.edges.instances import InstanceClient
from reference_impl.edges.messages import SendError
from reference_impl.settings import Settings
from tests.mutants.defects.scanning import copies_as_a_last_resort, scan_in_order
from tests.mutants.machinery.patching import around_sends, with_environment
from tests.mutants.machinery.registry import mutant, rows

TOO_SLOW = "An answer that comes too slowly is given up after the verify timeout"
LOGIN_BEGINS = "A copy whose login only begins does not draw the row"
OTHER_STATE = "A copy in another state is passed over for the connected one"
STATISTICS = "A correct row is used though instances answer with statistics"
STATISTICS_REPAIR = "A mismatched row is repaired though instances answer with statistics"
UNUSUAL = "A session with an unusual id is found though instances answer with statistics"
UNCONFIGURED = "A row that names no configured instance leads to a scan"
MANY = "Ten thousand sessions hide neither a session nor its absence"


def _timed(headers, read, body) -> None:
    """Time the headers, each read of the socket, and the body of an answer separately, in seconds."""

    async def get(self, base, target):
        call = self._open().get(self._url(base, target), allow_redirects=False, timeout=read())
        async with asyncio.timeout(headers):
            response = await call
        async with response, asyncio.timeout(body):
            return instances.json_object(await response.read()) if response.status == 200 else None

    InstanceClient._get = get


@mutant("VERIFY-08", *rows(TOO_SLOW, "drips its answer byte by byte"))
def timeout_for_each_read() -> None:
    """The timeout starts again with each byte, as in many HTTP clients."""
    seconds = float(os.environ["VERIFY_TIMEOUT"])
    with_environment(lambda _given: {"VERIFY_TIMEOUT": "60"})
    _timed(None, lambda: aiohttp.ClientTimeout(sock_connect=seconds, sock_read=seconds), None)


@mutant("VERIFY-08", *rows(TOO_SLOW, "falls silent in mid-answer"))
def timeout_ends_with_the_headers() -> None:
    """After the headers, the body may take as long as the POST of a message."""
    seconds, longer = float(os.environ["VERIFY_TIMEOUT"]), float(os.environ["SEND_TIMEOUT"])
    with_environment(lambda _given: {"VERIFY_TIMEOUT": "60"})
    _timed(seconds, lambda: aiohttp.ClientTimeout(total=None), longer)


def _statuses_that_count(counts) -> None:
    of = Roster.of.__func__

    def changed(cls, entries):
        shown = [{**one, "status": "connected"} if counts(one["status"]) else one for one in entries]
        return of(cls, shown)

    Roster.of = classmethod(changed)


@mutant("VERIFY-09", OTHER_STATE, LOGIN_BEGINS)
def status_ignored() -> None:
    """Every listed session counts as held."""
    _statuses_that_count(lambda _status: True)
    scan_in_order(lambda _answers: True)


@mutant(
    "VERIFY-09",
    *rows(OTHER_STATE, "3001-3001-qr_scanning-3003", "3004-3004-authenticated-3001", "3002-3002-failed-3001"),
    LOGIN_BEGINS,
)
def everything_but_disconnected_counts() -> None:
    """A session counts as held unless it is listed as disconnected."""
    _statuses_that_count(lambda status: status != "disconnected")


@mutant("VERIFY-09", LOGIN_BEGINS)
def login_that_begins_taken_as_a_last_resort() -> None:
    """If nobody holds the session connected, the row goes to whoever has any copy of it."""
    copies_as_a_last_resort()


def _statistics_read_as(read) -> None:
    def listed(answer):
        details = answer.get("sessions", {}).get("details")
        return read(details) if isinstance(details, dict) else detailed_list(answer)

    instances.detailed_list = listed


@mutant("VERIFY-10", STATISTICS, STATISTICS_REPAIR, UNUSUAL)
def statistics_taken_for_an_empty_list() -> None:
    """Details that are no list count as an empty list."""
    _statistics_read_as(lambda _details: [])


@mutant("VERIFY-10", STATISTICS, STATISTICS_REPAIR, UNUSUAL)
def statistics_taken_for_a_list_of_those_they_name() -> None:
    """The two sessions that the statistics name count as the whole list."""
    _statistics_read_as(lambda details: [details["longest_uptime"], details["newest_session"]])


def _before_sends(check) -> None:
    """Check the row's URL before a send."""

    def act(parts, account_id, _message, send):
        check(parts, parts.accounts.by_id(account_id).assigned_instance_url)
        return send()

    around_sends(act)


@mutant("VERIFY-11", *rows(UNCONFIGURED, "nothing", "an empty text"))
def row_without_url_fails_the_send() -> None:
    """A row without an instance fails the send."""

    def check(_parts, url):
        if not url:
            raise SendError("session_unverifiable", "The account is assigned to no instance.")

    _before_sends(check)


@mutant("VERIFY-11", *rows(UNCONFIGURED, "a text that is no URL", "a host outside the instances"))
def unconfigured_url_fails_the_send() -> None:
    """A row that names an unknown instance fails the send."""

    def check(parts, url):
        if url and parts.settings.configured(url) is None:
            raise SendError("session_unverifiable", "The account is assigned to an unknown instance.")

    _before_sends(check)


@mutant("VERIFY-11", *rows(UNCONFIGURED, "a host outside the instances"))
def any_host_in_the_row_asked() -> None:
    """Any URL in the row is asked and trusted."""
    configured = Settings.configured
    Settings.configured = lambda self, url: (
        configured(self, url) or (url if (url or "").startswith("http://") else None)
    )
    InstanceClient._url = lambda _self, base, target: base + target


@mutant("VERIFY-12", MANY)
def answer_cut_at_a_megabyte() -> None:
    """An answer longer than a mebibyte is not used."""
    instances.LONGEST_LIST = 1024 * 1024


@mutant("VERIFY-12", MANY)
def first_thousand_sessions_read() -> None:
    """Only the first thousand sessions of a list are read."""
    instances.detailed_list = lambda answer: (detailed_list(answer) or [])[:1000]
    instances.sessions_list = lambda answer: (sessions_list(answer) or [])[:1000]

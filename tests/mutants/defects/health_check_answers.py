"""Mistakes in how the health check reads answers, where sends read them well."""

from __future__ import annotations

import asyncio
import json
from urllib.parse import unquote_plus

import aiohttp

from reference_impl.edges import instances
from reference_impl.edges.answers import Holding, Roster, sessions_list
from reference_impl.edges.instances import UNUSABLE
from reference_impl.fix.health_check import HealthCheck
from tests.mutants.defects.health_check import (
    MANY,
    MANY_STATISTICS,
    STALE_DRAWS,
    STRANGE,
    around_check,
    write_anyway,
)
from tests.mutants.machinery.patching import around
from tests.mutants.machinery.registry import mutant, rows

ALIKE = "A session whose id is only alike neither keeps nor attracts a row"
ALIKE_LOST = "A session that is found nowhere is not taken for one that is alike"
ASSIGNED_BAD = "An assigned instance that answers badly does not keep a row that lives elsewhere"
THIRD_BAD = "A third instance that answers badly stops no repair"
HOLDER_BAD = "A holder that answers badly keeps its row"
OTHER_STATE = "A copy in another state neither keeps nor attracts the row"
NO_MOVE = "A row is not moved to a copy that is not connected"
STATISTICS = "Rows are confirmed and repaired though instances answer with statistics"
SECOND = "A second copy elsewhere does not attract the row in a check"
FASTER = "A second copy that answers faster does not attract the row in a check"
RESTORED = "An instance that comes back with a copy of every session draws no row"
UNCONFIGURED = "A row that names no configured instance is repaired, and nobody outside is called"
STRANGER = "A stranger that a row names is not called, even if the session is found nowhere"
REDIRECTED = "An instance that redirects the check elsewhere is not followed there"

ALL_STATES = (
    "3002-disconnected-3003",
    "3002-qr_scanning-3001",
    "3002-authenticated-3004",
    "3002-failed-3003",
)


def rosters_read_as(change) -> None:
    """Change what a check makes of each usable answer, for each row's session."""

    def act(row, go_on):
        session_id = row.view.account.session_id
        go_on({base: None if one is None else change(one, session_id) for base, one in row.rosters.items()})

    around_check(act)


def ids_matched_by(matches) -> None:
    """Have a check take each listed session that matches for the row's own."""

    def change(roster, session_id):
        own = frozenset(session_id if matches(one, session_id) else one for one in roster.connected)
        return Roster(own, roster.others, roster.complete)

    rosters_read_as(change)


def asked_by(ask) -> None:
    """Have a check ask each instance in its own way."""

    async def one_asked(self, base):
        try:
            async with asyncio.timeout(self.parts.settings.verify_timeout):
                return await ask(self, base)
        except UNUSABLE:
            return None

    async def asked(self):
        bases = self.parts.settings.node_instances
        return dict(zip(bases, await asyncio.gather(*(one_asked(self, one) for one in bases)), strict=True))

    HealthCheck._ask_all = asked


async def listed_by(self, base) -> Roster | None:
    """Ask any URL for its list of sessions, and follow wherever it leads."""
    key = self.parts.settings.api_key
    async with (
        aiohttp.ClientSession() as caller,
        caller.get(f"{base.rstrip('/')}/api/sessions", params={"api_key": key}) as answer,
    ):
        told = await answer.json(content_type=None) if answer.status == 200 else {}
    listed = sessions_list(told) if isinstance(told, dict) else None
    return None if listed is None else Roster.of(listed)


@mutant(
    "HEALTH-11",
    *rows(ALIKE, "differs in case from"),
    *rows(ALIKE_LOST, "differs in case from"),
)
def check_compares_ids_without_case() -> None:
    """The check, unlike sends, compares session ids without regard to case."""
    ids_matched_by(lambda one, own: one.lower() == own.lower())


@mutant(
    "HEALTH-11",
    *rows(ALIKE, "contains", "begins like", "ends like"),
    *rows(ALIKE_LOST, "contains", "begins like"),
)
def check_looks_for_ids_inside_others() -> None:
    """The check finds a session wherever its id is a part of a listed one."""
    ids_matched_by(lambda one, own: own in one)


@mutant("HEALTH-11", *rows(ALIKE, "is the beginning of", "is the end of"))
def check_takes_a_part_of_the_id_for_the_id() -> None:
    """The check finds a session wherever a listed id is a part of its own."""
    ids_matched_by(lambda one, own: one in own)


@mutant(
    "HEALTH-11",
    *rows(ASSIGNED_BAD, "answers a list", "answers null", "answers a number"),
    *rows(THIRD_BAD, "3004-answers null"),
    *rows(HOLDER_BAD, "answers a list"),
    crashes=True,
)
def check_takes_every_answer_for_an_object() -> None:
    """The check asks for a key in whatever JSON comes, and fails whole at a list, a number or null."""

    async def ask(self, base):
        client = self.parts.client
        url = client._url(base, "/health/detailed")
        async with client._open().get(url, allow_redirects=False) as answer:
            told = json.loads(await answer.read()) if answer.status == 200 else {}
        if not isinstance(told, dict):
            raise TypeError(told)
        return await client.roster(base)

    asked_by(ask)


@mutant(
    "HEALTH-11",
    *rows(
        THIRD_BAD,
        "3003-refuses connections",
        "3004-answers 500",
        "3003-answers broken JSON",
        "3004-answers null",
        "3003-answers without sessions",
        "3004-answers without details",
        "3003-never answers",
    ),
    ASSIGNED_BAD,
    HOLDER_BAD,
    REDIRECTED,
)
def one_bad_answer_ends_the_repairs() -> None:
    """Where one instance gives no usable answer, no row is moved."""

    def act(row, go_on):
        if None in row.rosters.values():
            row.report.unreachable += 1
        else:
            go_on()

    around_check(act)


@mutant("HEALTH-11", ASSIGNED_BAD, HOLDER_BAD, REDIRECTED)
def a_bad_answer_confirms_the_row() -> None:
    """An assigned instance that gives no usable answer is taken for one that is busy, and the row for right."""

    def act(row, go_on):
        if row.is_unreachable:
            row.report.verified += 1
        else:
            go_on()

    around_check(act)


@mutant("HEALTH-11", HOLDER_BAD)
def a_bad_answer_loses_the_rows() -> None:
    """Rows whose instance gives no usable answer are moved to the first instance that answers."""

    def act(row, go_on):
        answering = next((base for base, one in row.rosters.items() if one is not None), None)
        if row.is_unreachable and answering:
            write_anyway(row.check, row.view, {"assigned_instance_url": answering})
        go_on()

    around_check(act)


@mutant(
    "HEALTH-11",
    *rows(OTHER_STATE, *ALL_STATES, "3001-disconnected-3004", "3001-qr_scanning-3003"),
    *rows(NO_MOVE, "3001-disconnected", "3003-qr_scanning", "3001-authenticated", "3002-failed"),
)
def check_counts_any_copy() -> None:
    """To the check, every listed session is held, whatever its status."""
    rosters_read_as(
        lambda roster, _own: Roster(roster.connected | roster.others, frozenset(), roster.complete)
    )


@mutant("HEALTH-11", STATISTICS)
def check_reads_statistics_as_no_session() -> None:
    """The check takes details that are no list for an empty list."""

    async def ask(self, base):
        answer = await self.parts.client._get(base, "/health/detailed")
        sessions = (answer or {}).get("sessions")
        if not isinstance(sessions, dict) or "details" not in sessions:
            return None
        details = sessions["details"]
        return Roster.of(details if isinstance(details, list) else [])

    asked_by(ask)


@mutant("HEALTH-11", *rows(SECOND, "3001-3004"))
def check_takes_the_last_of_two_holders() -> None:
    """The check gives a row to the last instance that holds its session, whether or not the assigned one does."""

    def act(row, go_on):
        session_id = row.view.account.session_id
        last = None
        for base, one in row.rosters.items():
            if one is not None and one.holding(session_id) is Holding.HELD:
                last = base
        only = {base: one if base == last else Roster.of([]) for base, one in row.rosters.items()}
        go_on(only if last else row.rosters)

    around_check(act)


@mutant("HEALTH-11", UNCONFIGURED)
def check_passes_over_rows_that_name_no_instance() -> None:
    """A row whose URL is none of the configured instances is counted as failed, and looked for nowhere."""

    def act(row, go_on):
        known = row.check.parts.settings.configured(row.view.account.assigned_instance_url)
        go_on(row.rosters if known else dict.fromkeys(row.rosters, Roster.of([])))

    around_check(act)


@mutant("HEALTH-11", *rows(SECOND, "3003-3001"), FASTER, RESTORED)
def check_takes_the_first_of_two_holders() -> None:
    """The check gives a row to the first instance that holds its session, whether or not the assigned one does."""

    def act(row, go_on):
        session_id = row.view.account.session_id
        first = None
        for base, one in row.rosters.items():
            if one is not None and one.holding(session_id) is Holding.HELD:
                first = first or base
        only = {base: one if base == first else Roster.of([]) for base, one in row.rosters.items()}
        go_on(only if first else row.rosters)

    around_check(act)


@mutant("HEALTH-11", *rows(UNCONFIGURED, "a host outside the instances"), STRANGER, REDIRECTED)
def check_asks_whoever_a_row_names() -> None:
    """The check asks the URL of each row, key included, whether or not it is an instance."""

    @around(HealthCheck, "run")
    def ran(run, self, *, dry_run=False):
        async def ask(base):
            try:
                async with asyncio.timeout(self.parts.settings.verify_timeout):
                    await listed_by(self, base)
            except (*UNUSABLE, TimeoutError):
                pass

        for view in self.parts.syncs.views():
            if (view.account.assigned_instance_url or "").startswith("http"):
                self.parts.loop.run(ask(view.account.assigned_instance_url))
        return run(self, dry_run=dry_run)


@mutant("HEALTH-11", REDIRECTED)
def check_follows_redirects() -> None:
    """The check goes wherever an instance redirects it, with the key."""
    asked_by(listed_by)


@mutant("HEALTH-05", STALE_DRAWS)
def any_copy_will_do_where_the_holder_is_silent() -> None:
    """Where no instance says that it holds the session, a row is moved to one that lists it in any state."""

    def act(row, go_on):
        session_id = row.view.account.session_id
        known = {base: one.holding(session_id) for base, one in row.rosters.items() if one is not None}
        listed = [base for base, holding in known.items() if holding is Holding.NOT_CONNECTED]
        if Holding.HELD not in known.values() and listed and None in row.rosters.values():
            row.check._correct(row.view, listed[0], row.report, at=0.0)
        else:
            go_on()

    around_check(act)


@mutant("HEALTH-01", STRANGE)
def check_decodes_ids() -> None:
    """The check decodes session ids as if they came from an address: a plus becomes a blank."""
    ids_matched_by(lambda one, own: unquote_plus(one) == unquote_plus(own))


@mutant("HEALTH-03", STRANGE)
def check_knows_plain_ids_only() -> None:
    """To the check, a session whose id has other than letters, digits and underscores is no session."""
    rosters_read_as(
        lambda roster, own: (
            roster if own.replace("_", "").isascii() and own.replace("_", "").isalnum() else Roster.of([])
        )
    )


@mutant("HEALTH-01", MANY, MANY_STATISTICS)
def check_reads_short_answers_only() -> None:
    """The check reads no answer of more than 100,000 bytes, where sends read longer ones."""
    longest = instances.LONGEST_LIST

    @around(HealthCheck, "_ask_all")
    async def asked(ask, self):
        instances.LONGEST_LIST = 100_000
        try:
            return await ask(self)
        finally:
            instances.LONGEST_LIST = longest


@mutant("HEALTH-01", MANY_STATISTICS)
def check_reads_the_first_page_of_a_list() -> None:
    """The check takes the first hundred entries of a list of sessions for the whole, and details as they are."""

    @around(HealthCheck, "_ask_all")
    async def asked(ask, self):
        instances.sessions_list = lambda answer: (sessions_list(answer) or [])[:100]
        try:
            return await ask(self)
        finally:
            instances.sessions_list = sessions_list

"""Mistakes in which instances the health check asks, and in what silence and absence mean to it."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from reference_impl.edges.answers import Roster, sessions_list
from reference_impl.edges.instances import UNUSABLE, InstanceClient
from reference_impl.fix.health_check import HealthCheck
from tests.mutants.defects.health_check import (
    BY_ITSELF,
    EVERY_ROW,
    FILLED,
    FORTY,
    LATER,
    LOST,
    MANY,
    MANY_STATISTICS,
    PAGES,
    SEEN_ELSEWHERE,
    SLASH_SILENT,
    STALE_DRAWS,
    STATUS,
    STRANGE,
    UNREACHED,
    around_check,
    when_counted,
    write_anyway,
)
from tests.mutants.defects.resilience_verification import STATISTICS, STATISTICS_REPAIR, UNUSUAL
from tests.mutants.machinery.patching import around
from tests.mutants.machinery.registry import mutant, rows


def _ask_for_lists(headers) -> None:
    """Ask instances for their lists of sessions, with the key in these headers only."""

    async def roster(self, base):
        try:
            async with asyncio.timeout(self._settings.verify_timeout):
                key = dict.fromkeys(headers, self._settings.api_key)
                url = self._url(base, "/api/sessions")
                async with self._open().get(url, headers=key, allow_redirects=False) as response:
                    listed = sessions_list(await response.json()) if response.status == 200 else None
        except UNUSABLE:
            return None
        return None if listed is None else Roster.of(listed)

    InstanceClient.roster = roster


@mutant("HEALTH-01", EVERY_ROW, FILLED, SEEN_ELSEWHERE, STRANGE, STATUS, MANY, MANY_STATISTICS, PAGES)
def key_sent_where_nobody_looks() -> None:
    """The key goes in a header, which instances do not read: each answers 401, and every session counts as lost."""
    _ask_for_lists({"X-API-Key": ""})


@mutant("HEALTH-01", EVERY_ROW, STRANGE, MANY_STATISTICS, PAGES)
def first_instance_with_sessions_gets_the_row() -> None:
    """A mismatched row goes to the first instance that holds any session."""
    correct = HealthCheck._correct

    def act(row, go_on):
        first = next((base for base, one in row.rosters.items() if one is not None and one.connected), None)

        def corrected(self, view, holder, report, *, at):
            correct(self, view, first or holder, report, at=at)

        HealthCheck._correct = corrected
        go_on()

    around_check(act)


@mutant("HEALTH-04", LOST)
def lost_sessions_go_to_the_first_instance() -> None:
    """A row whose session is found nowhere is assigned to the first instance."""
    when_counted(
        "failed",
        lambda row: write_anyway(row.check, row.view, {"assigned_instance_url": next(iter(row.rosters))}),
    )


@mutant("HEALTH-04", LOST)
def lost_sessions_set_disconnected() -> None:
    """A row whose session is found nowhere is set to disconnected."""
    when_counted("failed", lambda row: write_anyway(row.check, row.view, {"status": "disconnected"}))


@mutant(
    "HEALTH-05",
    UNREACHED,
    SLASH_SILENT,
    *rows(
        STALE_DRAWS,
        "3002-disconnected-refuses connections",
        "3002-qr_scanning-never answers",
        "3002-authenticated-answers 500",
    ),
)
def unreachable_rows_lose_their_url() -> None:
    """The URL of a row whose instance cannot be reached is cleared."""
    when_counted(
        "unreachable", lambda row: write_anyway(row.check, row.view, {"assigned_instance_url": None})
    )


@mutant("HEALTH-05", *rows(UNREACHED, "never answers"), *rows(STALE_DRAWS, "3002-qr_scanning-never answers"))
def check_waits_without_end() -> None:
    """The check gives an instance a minute to answer."""
    roster = InstanceClient.roster

    async def asked(self, base):
        patient = InstanceClient(replace(self._settings, verify_timeout=60.0))
        try:
            return await roster(patient, base)
        finally:
            await patient.close()

    async def ask_all(self):
        return {base: await asked(self.parts.client, base) for base in self.parts.settings.node_instances}

    HealthCheck._ask_all = ask_all


@mutant("HEALTH-07", BY_ITSELF, LATER)
def interval_taken_for_minutes() -> None:
    """The seconds of the interval are read as minutes."""
    run_every = HealthCheck.run_every
    HealthCheck.run_every = lambda self, seconds: run_every(self, 60 * seconds)


@mutant("HEALTH-08", FORTY)
def every_instance_asked_three_times() -> None:
    """The check asks every instance three times and uses the last answer."""

    @around(HealthCheck, "_ask_all")
    async def asked(ask_all, self):
        await ask_all(self)
        await ask_all(self)
        return await ask_all(self)


@mutant("VERIFY-10", STATISTICS, STATISTICS_REPAIR, UNUSUAL)
def key_left_out_when_asking() -> None:
    """The list of sessions is requested without a key: each instance answers 401."""
    _ask_for_lists({})

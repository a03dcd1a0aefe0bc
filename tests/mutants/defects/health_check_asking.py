"""Mistakes of the periodic check in whom it asks, how often, and what it makes of silence and absence."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from reference_impl.edges.answers import Roster, sessions_list
from reference_impl.edges.instances import UNUSABLE, InstanceClient
from reference_impl.fix.health_check import HealthCheck
from tests.mutants.defects.health_check import (
    BY_ITSELF,
    EVERY_ROW,
    FILLED,
    FORTY,
    LOST,
    SEEN_ELSEWHERE,
    UNREACHED,
    Row,
    around_check,
    write_anyway,
)
from tests.mutants.defects.resilience_verification import STATISTICS, STATISTICS_REPAIR
from tests.mutants.machinery.registry import mutant, rows

if TYPE_CHECKING:
    from collections.abc import Callable


def _ask_for_lists(headers: dict[str, str]) -> None:
    """Have the instances asked for their lists of sessions, with no key but in these headers."""

    async def roster(self: InstanceClient, base: str) -> Roster | None:
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


@mutant("HEALTH-01", EVERY_ROW, FILLED, SEEN_ELSEWHERE)
def key_sent_where_nobody_looks() -> None:
    """The key goes in a header, which instances do not read: each answers 401, and every session counts as lost."""
    _ask_for_lists({"X-API-Key": ""})


@mutant("HEALTH-01", EVERY_ROW)
def first_instance_with_sessions_gets_the_row() -> None:
    """A row that is not where it should be goes to the first instance that holds any session."""
    correct = HealthCheck._correct

    def act(row: Row, go_on: Callable[..., None]) -> None:
        first = next((base for base, one in row.rosters.items() if one is not None and one.connected), None)

        def corrected(self: HealthCheck, view: Any, holder: str, report: Any, *, at: float | None) -> None:
            correct(self, view, first or holder, report, at=at)

        HealthCheck._correct = corrected
        go_on()

    around_check(act)


@mutant("HEALTH-04", LOST)
def lost_sessions_go_to_the_first_instance() -> None:
    """A row whose session is found nowhere is given to the first instance, to begin anew there."""

    def act(row: Row, go_on: Callable[..., None]) -> None:
        before = row.report.failed
        go_on()
        if row.report.failed > before:
            write_anyway(row.check, row.view, {"assigned_instance_url": next(iter(row.rosters))})

    around_check(act)


@mutant("HEALTH-04", LOST)
def lost_sessions_set_disconnected() -> None:
    """A row whose session is found nowhere is set to disconnected."""

    def act(row: Row, go_on: Callable[..., None]) -> None:
        before = row.report.failed
        go_on()
        if row.report.failed > before:
            write_anyway(row.check, row.view, {"status": "disconnected"})

    around_check(act)


@mutant("HEALTH-05", UNREACHED)
def unreachable_rows_lose_their_url() -> None:
    """A row whose instance cannot be reached is cleared."""

    def act(row: Row, go_on: Callable[..., None]) -> None:
        before = row.report.unreachable
        go_on()
        if row.report.unreachable > before:
            write_anyway(row.check, row.view, {"assigned_instance_url": None})

    around_check(act)


@mutant("HEALTH-05", *rows(UNREACHED, "never answers"))
def check_waits_without_end() -> None:
    """The check gives an instance a minute to answer."""
    roster = InstanceClient.roster

    async def asked(self: InstanceClient, base: str) -> Roster | None:
        patient = InstanceClient(replace(self._settings, verify_timeout=60.0))
        try:
            return await roster(patient, base)
        finally:
            await patient.close()

    async def ask_all(self: HealthCheck) -> dict[str, Roster | None]:
        return {base: await asked(self.parts.client, base) for base in self.parts.settings.node_instances}

    HealthCheck._ask_all = ask_all


@mutant("HEALTH-07", BY_ITSELF)
def interval_taken_for_minutes() -> None:
    """The interval's seconds are taken for minutes."""
    run_every = HealthCheck.run_every
    HealthCheck.run_every = lambda self, seconds: run_every(self, 60 * seconds)


@mutant("HEALTH-08", FORTY)
def every_instance_asked_three_times() -> None:
    """The check asks every instance three times, and goes by the last answer."""
    ask_all = HealthCheck._ask_all

    async def asked(self: HealthCheck) -> dict[str, Roster | None]:
        await ask_all(self)
        await ask_all(self)
        return await ask_all(self)

    HealthCheck._ask_all = asked


@mutant("VERIFY-10", STATISTICS, STATISTICS_REPAIR)
def key_left_out_when_asking() -> None:
    """The list of sessions is asked for with no key at all: each instance answers 401."""
    _ask_for_lists({})

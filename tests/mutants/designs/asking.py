"""Sound designs: other ways to ask which instance holds a session."""

from __future__ import annotations

import asyncio
import time
from urllib.parse import quote

import aiohttp

from reference_impl.edges import instances
from reference_impl.edges.answers import Holding, Roster, json_object, sessions_list
from reference_impl.edges.instances import UNUSABLE, InstanceClient
from reference_impl.fix.locator import Finding, Locator, moment
from reference_impl.fix.sender import Sender
from tests.mutants.machinery.patching import around, around_sends
from tests.mutants.machinery.registry import sound_design


@sound_design
def verifies_by_the_session_list() -> None:
    """Instances are asked for their list of sessions, never for their health."""

    async def roster(self, base):
        try:
            async with asyncio.timeout(self._settings.verify_timeout):
                key = quote(self._settings.api_key, safe="")
                answer = await self._get(base, f"/api/sessions?api_key={key}")
        except UNUSABLE:
            return None
        listed = None if answer is None else sessions_list(answer)
        return None if listed is None else Roster.of(listed)

    InstanceClient.roster = roster


@sound_design
def verifies_by_the_status_of_the_session() -> None:
    """Instances are asked for the one session, which only sends of the same session can share."""
    ask, roster_of_all = Locator.ask, InstanceClient.roster

    async def asked(self, base, session_id, since):
        return await ask(self, f"{base} {session_id}", session_id, since)

    async def roster(self, base_and_session):
        base, _, session_id = base_and_session.partition(" ")
        if not session_id:
            # The health check asks for all sessions, not for each.
            return await roster_of_all(self, base)
        path = f"/api/sessions/{quote(session_id, safe='')}/status?api_key={quote(self._settings.api_key)}"
        try:
            async with (
                asyncio.timeout(self._settings.verify_timeout),
                self._open().get(self._url(base, path), allow_redirects=False) as response,
            ):
                told = json_object(await response.read()) or {}
        except UNUSABLE:
            return None
        if response.status == 404 and told.get("error") == "Session not found":
            return Roster.of([])
        return Roster.of([told]) if response.status == 200 and told.get("session_id") == session_id else None

    Locator.ask = asked
    InstanceClient.roster = roster


@sound_design
def asks_everyone_at_once_and_waits_for_all() -> None:
    """Every send asks all instances at once, the assigned one among them, and waits for the slowest."""

    @around(Sender, "_verify")
    def verified(verify, self, account, assigned, trip):
        parts, session_id = self.parts, account.session_id

        async def all_asked():
            every = parts.settings.node_instances
            await asyncio.gather(*(parts.locator.ask(base, session_id, trip.since) for base in every))

        parts.loop.run(all_asked())
        return verify(self, account, assigned, trip)


@sound_design
def verifies_twice() -> None:
    """An instance that lists the session is asked a second time."""

    @around(Locator, "ask")
    async def asked(ask, self, base, session_id, since):
        first = await ask(self, base, session_id, since)
        if first is not Holding.HELD:
            return first
        return await ask(self, base, session_id, moment())


@sound_design
def asks_again_behind_the_send() -> None:
    """After a message was sent, its instance is asked again whether it holds the session."""

    def act(parts, account_id, _message, send):
        sent = send()
        account = parts.accounts.by_id(account_id)
        parts.loop.run(parts.locator.ask(sent.instance_url, account.session_id, moment()))
        return sent

    around_sends(act)


@sound_design
def scans_the_assigned_instance_again() -> None:
    """A scan asks the assigned instance again with all the others, even if it was silent just now."""

    @around(Locator, "scan")
    async def scanned(scan, self, session_id, since, **rest):
        return await scan(self, session_id, max(since, moment()), **{**rest, "mute": None})


@sound_design
def scans_one_after_another() -> None:
    """A scan asks one instance after another, and goes on to the next when one has been silent for a little."""
    patience = 0.1

    async def look(self, session_id, _since, assigned, ignoring, mute):
        began_at, holdings = time.time(), dict[str, Holding]()
        if mute is not None:
            holdings[mute] = Holding.UNKNOWN
        tasks: dict[asyncio.Task[Holding], str] = {}
        for base in sorted(self._instances, key=lambda base: base != assigned):
            if base != mute:
                tasks[asyncio.create_task(self.ask(base, session_id, moment()))] = base
                await asyncio.wait(tasks, timeout=patience * self._timeout)
            if found := _held(tasks, assigned, ignoring):
                break
        else:
            while not (found := _held(tasks, assigned, ignoring)) and not all(one.done() for one in tasks):
                still_open = {one for one in tasks if not one.done()}
                await asyncio.wait(still_open, return_when=asyncio.FIRST_COMPLETED)
        own = [one for one, base in tasks.items() if base == assigned and not one.done()]
        if own:
            await asyncio.wait(own, timeout=self._gathering)
            found = _held(tasks, assigned, ignoring)
        holdings |= {base: one.result() for one, base in tasks.items() if one.done()}
        for one in tasks:
            one.cancel()
        return Finding(found, holdings, began_at)

    Locator._look_everywhere = look


def _held(tasks, assigned, ignoring):
    found = [
        base
        for one, base in tasks.items()
        if base not in ignoring and one.done() and one.result() is Holding.HELD
    ]
    return assigned if assigned in found else next(iter(found), None)


@sound_design
def asks_for_health_first() -> None:
    """An instance is asked whether it is healthy before it is asked which sessions it holds."""

    @around(InstanceClient, "_get")
    async def got(get, self, base, target):
        if target == "/health/detailed" and await get(self, base, "/health") is None:
            return None
        return await get(self, base, target)


@sound_design
def connections_are_kept_alive() -> None:
    """Connections to instances are used again; a message over a lost one may have arrived."""

    @around(InstanceClient, "_open")
    def kept(opened, self):
        if self._session is None:
            session = opened(self)
            trace = aiohttp.TraceConfig()
            trace.on_connection_reuseconn.append(instances._note_connected)
            trace.freeze()
            session._trace_configs.append(trace)
            session._connector._force_close = False
        return opened(self)

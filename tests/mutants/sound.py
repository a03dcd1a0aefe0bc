"""Sound implementations of other designs: the reference, working in another way that the contract leaves free."""

from __future__ import annotations

import asyncio
import threading
from collections import defaultdict
from typing import TYPE_CHECKING
from urllib.parse import quote

from reference_impl import sender
from reference_impl.answers import Holding, Outcome, Roster, json_object, sessions_list
from reference_impl.instances import UNUSABLE, InstanceClient
from reference_impl.locator import Locator, moment
from reference_impl.messages import SendError
from reference_impl.sender import Sender
from tests.mutants.patching import around_sends, around_webhooks
from tests.mutants.registry import variant

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from reference_impl.accounts import Account
    from reference_impl.messages import Message, Sent
    from reference_impl.parts import Parts
    from reference_impl.webhooks import Delivery


@variant
def verifies_by_the_session_list() -> None:
    """Instances are asked for their list of sessions, never for their health."""

    async def roster(self: InstanceClient, base: str) -> Roster | None:
        try:
            async with asyncio.timeout(self._settings.verify_timeout):
                key = quote(self._settings.api_key, safe="")
                answer = await self._get(base, f"/api/sessions?api_key={key}")
        except UNUSABLE:
            return None
        listed = None if answer is None else sessions_list(answer)
        return None if listed is None else Roster.of(listed)

    InstanceClient.roster = roster


@variant
def verifies_by_the_status_of_the_session() -> None:
    """Instances are asked for the one session, which only sends of the same session can share."""
    ask = Locator.ask

    async def asked(self: Locator, base: str, session_id: str, since: float) -> Holding:
        return await ask(self, f"{base} {session_id}", session_id, since)

    async def roster(self: InstanceClient, base_and_session: str) -> Roster | None:
        base, _, session_id = base_and_session.partition(" ")
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


@variant
def asks_everyone_at_once_and_waits_for_all() -> None:
    """Every send asks all instances at once, the assigned one among them, and waits for the slowest."""
    verify = Sender._verify

    def verified(self: Sender, session_id: str, assigned: str | None, trip: Any) -> Holding:
        async def all_asked() -> None:
            every = self._settings.node_instances
            await asyncio.gather(*(self._locator.ask(base, session_id, trip.since) for base in every))

        self._loop.run(all_asked())
        return verify(self, session_id, assigned, trip)

    Sender._verify = verified


@variant
def verifies_twice() -> None:
    """An instance that lists the session is asked again whether it still does."""
    ask = Locator.ask

    async def asked(self: Locator, base: str, session_id: str, since: float) -> Holding:
        first = await ask(self, base, session_id, since)
        if first is not Holding.HELD:
            return first
        return await ask(self, base, session_id, moment())

    Locator.ask = asked


@variant
def webhooks_wait_for_sends() -> None:
    """While a message of an account is being sent, a webhook about the account waits."""
    changed, sending = threading.Condition(), defaultdict[int, int](int)

    def sent(_parts: Parts, account_id: int, _message: Message, send: Callable[..., Sent]) -> Sent:
        with changed:
            sending[account_id] += 1
        try:
            return send()
        finally:
            with changed:
                sending[account_id] -= 1
                changed.notify_all()

    def applied(_parts: Parts, account: Account, _delivery: Delivery, apply: Callable[..., bool]) -> bool:
        with changed:
            changed.wait_for(lambda: not sending[account.id])
        return apply()

    around_sends(sent)
    around_webhooks(applied)


WORDS = {
    "session_not_found": "The session was not found on any gateway.",
    "session_unverifiable": "One of the gateways did not respond, and the others do not have the session.",
    "rejected_by_instance": "The gateway declined.",
    "delivery_unknown": "Nobody can tell whether the message went out.",
}


class _FreeError(SendError):
    """A failure without a code of the contract."""

    @property
    def status(self) -> int:
        return 500


@variant
def tells_failures_in_its_own_words() -> None:
    """Failures have no code of the contract, and another message is posted only where that is owed."""
    permitted = sender._may_try_again

    def sent(_parts: Parts, _account_id: int, _message: Message, send: Callable[..., Sent]) -> Sent:
        try:
            return send()
        except SendError as error:
            if error.code in WORDS:
                raise _FreeError("error", WORDS[error.code]) from error
            raise

    around_sends(sent)
    sender._may_try_again = lambda outcome, base, trip: (
        outcome is not Outcome.NOT_CONNECTED and permitted(outcome, base, trip)
    )

"""A gateway instance that is attached by an adapter: what it is told and asked, and what its webhooks mean."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from harness.adapters import values
from harness.adapters.signatures import LOCATION, SIGNATURE, TIMESTAMP, hmac_of
from harness.adapters.values import Call, Given, Message, NoReplyError, Reply, Session
from harness.attach.adapted.control_plane import adapter_of
from harness.attach.adapted.hooks import Asker, Hooks
from harness.errors import NotJudgedError
from harness.gateway_contract import Answer, Delivered, Tenant

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping

    from harness.adapters.base import GatewayAdapter
    from harness.gateway_contract import GatewayTarget

NAMED, SIGNED = "INSTANCE-01", "INSTANCE-02"
"""What gateways are not judged by that name no URL, or do not sign.

Such webhooks are completed when they come: nothing else may fail for want of what nobody judges.
"""
_NOBODY = "http://unnamed.invalid"

_STATUS = re.compile(r"/api/sessions/([^/?]+)/status")
_OPTIONAL_WEBHOOK: Any = values.Webhook | None


class AdaptedGateway:
    """One instance behind its adapter, or without a `number` the receiver of all its webhooks."""

    def __init__(  # noqa: PLR0913 - what an adapter is given
        self,
        kind: type[GatewayAdapter],
        target: GatewayTarget,
        url: Callable[[], str],
        control_plane: str,
        secrets: tuple[str, str],
        *,
        number: int = 0,
        sessions: MutableMapping[str, Session],
    ) -> None:
        self._hooks = Hooks(kind)
        self._ask = Asker(url, {})
        self._sessions = sessions
        self._aside = target.not_applicable
        self._secret = secrets[1]
        given = Given(
            url=url,
            api_key=secrets[0],
            secret=secrets[1],
            ask=self._ask,
            control_plane=control_plane,
            number=number,
            sessions=sessions,
        )
        self._adapter = adapter_of(kind, given)

    def do(self, name: str, tenant: Tenant, call: Call | None, patience: float) -> Answer:
        """Run the hook of a session by its name; return its answer."""
        self._sessions[tenant.session_id] = tenant
        return self._answer(getattr(self._adapter, name), tenant, call, patience=patience)

    def get(self, path: str, call: Call, patience: float) -> Answer:
        """Answer one of the contract's questions."""
        if found := _STATUS.fullmatch(path):
            return self._answer(self._adapter.status, unquote(found[1]), call, patience=patience)
        return self._answer(self._adapter.health, call, patience=patience)

    def send(self, session_id: str, recipient: str, text: str, call: Call, patience: float) -> Answer:
        """Hand a message over."""
        message = Message(session_id, recipient, text)
        return self._answer(self._adapter.send, message, call, patience=patience)

    def delivered(self, call: Call | None, patience: float) -> tuple[Delivered, ...] | None:
        """List what went out; None where the adapter leaves that to the target's hook."""
        with self._ask.within(patience):
            try:
                told = self._hooks.run(object, self._adapter.delivered, call)
                if told is None:
                    return None
                return self._hooks.run(tuple, _messages, told)
            except NoReplyError as problem:
                raise NotJudgedError(f"what went out cannot be read by the adapter: {problem}") from None

    def means(
        self, path: str, headers: tuple[tuple[str, str], ...], body: bytes
    ) -> tuple[str, tuple[tuple[str, str], ...], bytes]:
        """Return the contract's webhook that one means; itself where it means none there."""
        came = values.Webhook(path, headers, body)
        made = self._hooks.run_aside(_OPTIONAL_WEBHOOK, None, self._adapter.received, came)
        if made is None:
            return path, headers, body
        made_headers = tuple((str(name), str(value)) for name, value in made.headers)
        if NAMED in self._aside and made.header(LOCATION) is None:
            made_headers = (*made_headers, (LOCATION, _NOBODY))
        if SIGNED in self._aside and made.header(SIGNATURE) is None:
            stamp = made.header(TIMESTAMP) or str(int(time.time()))
            made_headers = tuple(pair for pair in made_headers if pair[0].lower() != TIMESTAMP.lower())
            signed = hmac_of(self._secret, stamp.encode() + made.body)
            made_headers = (*made_headers, (TIMESTAMP, stamp), (SIGNATURE, signed))
        return made.path, made_headers, bytes(made.body)

    def check(self) -> None:
        """Check that every webhook was understood since the last check; NotJudgedError if one could not be."""
        self._hooks.check()

    def _answer(self, hook: Callable[..., Any], *given: object, patience: float) -> Answer:
        with self._ask.within(patience):
            try:
                reply = self._hooks.run(Reply, hook, *given)
            except NoReplyError as problem:
                return Answer(None, str(problem), refused=problem.refused)
        text = reply.body.decode("utf-8", "replace")
        return Answer(reply.status, text)


def _messages(told: Any) -> tuple[Delivered, ...]:
    return tuple(Delivered(str(one.session_id), str(one.text)) for one in told)

"""The dialect that the fakes speak, by the adapter of the control plane that faces them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from harness.adapters.base import overrides
from harness.adapters.values import Call, Given, NoReplyError, Reply
from harness.attach.adapted.control_plane import adapter_of
from harness.attach.adapted.hooks import Hooks
from harness.history import HARNESS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.adapters.base import ControlPlaneAdapter
    from harness.contract import Target

_OPTIONAL_CALL: Any = Call | None


class FleetDialect:
    """Has the routes of the fakes speak as the adapter says. What goes wrong in it is remembered for `check`."""

    def __init__(self, kind: type[ControlPlaneAdapter], api_key: str) -> None:
        self._hooks = Hooks(kind)
        given = Given(url=lambda: "", api_key=api_key, secret="", ask=_ask_nobody)
        self._adapter = adapter_of(kind, given)
        self.spoken = True
        """Whether the control plane that the fakes face now is made for it."""

    def asked(
        self, method: str, target: str, headers: Sequence[tuple[str, str]], body: bytes
    ) -> tuple[str, str, bytes] | None:
        """Return the contract's request for one that came; None where the gateway has no such route."""
        if not self._is_for(headers):
            return method, target, body
        call = _call(method, target, headers, body)
        made = self._hooks.run_aside(_OPTIONAL_CALL, None, self._adapter.asked, call)
        if made is None:
            return None
        sent = body if made.body is call.body else b"" if made.body is None else _json(made.body)
        return made.method, made.url, sent

    def answered(
        self, came: tuple[str, str, Sequence[tuple[str, str]], bytes], status: int, body: bytes
    ) -> tuple[int, bytes]:
        """Return the gateway's answer for the contract's."""
        if not self._is_for(came[2]):
            return status, body
        reply = Reply(status, body)
        made = self._hooks.run_aside(Reply, reply, self._adapter.answered, _call(*came), reply)
        return made.status, bytes(made.body)

    def _is_for(self, headers: Sequence[tuple[str, str]]) -> bool:
        return self.spoken and ("User-Agent", HARNESS) not in headers  # the harness looks at the truth

    def check(self) -> None:
        """Check that everything was translated since the last check; NotJudgedError if something could not be."""
        self._hooks.check()


def dialect_of(target: Target, api_key: str) -> FleetDialect | None:
    """Return the dialect that the fakes are to speak to a control plane; None for the contract's own."""
    if target.adapter is None or not overrides(target.adapter, "asked"):
        return None
    return FleetDialect(target.adapter, api_key)


def _call(method: str, target: str, headers: Sequence[tuple[str, str]], body: bytes) -> Call:
    return Call(method, target, Reply(0, body).json, dict(headers))


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode(errors="replace")


def _ask_nobody(call: Call) -> Reply:
    raise NoReplyError(f"{call.method} {call.url}: how the fakes answer is decided without asking anybody")

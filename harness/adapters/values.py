"""The values that the hooks of an adapter take and return. No I/O."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from harness.gateway_contract import Tenant
from harness.json_text import json_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, MutableMapping, Sequence


class NoReplyError(Exception):
    """A call got no answer. `refused` if no connection was ever made. Let it through: it is no mistake of yours."""

    def __init__(self, words: str, *, refused: bool = False) -> None:
        self.refused = refused
        super().__init__(words)


@dataclass(frozen=True, slots=True)
class Call:
    """An HTTP call: a whole URL, or a path of what is attached. `body` is sent as JSON; None sends none."""

    method: str
    url: str
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def header(self, name: str) -> str:
        """Return a header's value, whatever the case of its name; empty without one."""
        return next((value for have, value in self.headers.items() if have.lower() == name.lower()), "")


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to a call."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, status: int, value: object) -> Reply:
        """Make the reply that has a value as its JSON."""
        return cls(status, json.dumps(value, ensure_ascii=False).encode(errors="replace"))

    @property
    def good(self) -> bool:
        """Whether the status is one of 2xx."""
        return 200 <= self.status < 300

    @property
    def json(self) -> Any:
        """The value that the body is the JSON of; None where it is not JSON."""
        try:
            return json_of(self.body)
        except ValueError:
            return None

    def at(self, *path: str | int) -> Any:
        """Return what stands at a path in the JSON, such as `at("key", "id")`; None where nothing does."""
        return _at(self.json, path)


@dataclass(frozen=True, slots=True)
class Webhook:
    """A webhook: the path it goes to, its headers in order (a name may occur twice), and its exact bytes."""

    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str | None:
        """Return the first value of a header, whatever the case of its name; None without one."""
        return next((value for have, value in self.headers if have.lower() == name.lower()), None)

    @property
    def json(self) -> Any:
        """The value that the body is the JSON of; None where it is not JSON."""
        try:
            return json_of(self.body)
        except ValueError:
            return None

    def at(self, *path: str | int) -> Any:
        """Return what stands at a path in the JSON, such as `at("data", "state")`; None where nothing does."""
        return _at(self.json, path)

    def renamed(self, **names: str) -> Webhook:
        """Return a copy with headers by other names: `renamed(X_Instance_Url="X-Node")`."""
        other = {name.replace("_", "-").lower(): to for name, to in names.items()}
        return replace(self, headers=tuple((other.get(have.lower(), have), to) for have, to in self.headers))


@dataclass(frozen=True, slots=True)
class Message:
    """A message that is handed over. To a control plane, `row` is the account's row as the harness last wrote it.

    `recipient` and `text` are wrong on purpose, or None, where a scenario sends what must be refused: pass on what
    they are.
    """

    session_id: str
    recipient: Any
    text: Any
    account_id: int = 0
    row: Mapping[str, object] = field(default_factory=dict)


Session = Tenant
"""A session that a gateway is to connect, to reconnect or to end."""


@dataclass(frozen=True, slots=True)
class Given:
    """What an adapter is given: where what is attached listens now, and what it shares with the other side.

    `sessions` has the sessions that gateways were told to connect, by id. `kept` is an adapter's own, and lives as
    long as what is attached.
    """

    url: Callable[[], str]
    api_key: str
    secret: str
    ask: Callable[[Call], Reply]
    instances: Sequence[str] = ()
    control_plane: str = ""
    number: int = 0
    sessions: MutableMapping[str, Session] = field(default_factory=dict)
    kept: MutableMapping[str, Any] = field(default_factory=dict)


def _at(value: Any, path: Sequence[str | int]) -> Any:
    for step in path:
        match value, step:
            case dict(), str():
                value = value.get(step)
            case list(), int() if -len(value) <= step < len(value):
                value = value[step]
            case _:
                return None
    return value

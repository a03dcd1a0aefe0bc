"""The sync contract as types: what an implementation is given, and what it is asked. No I/O."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from harness.wording import shown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from harness.adapters.base import ControlPlaneAdapter
    from harness.gateway_contract import GatewayTarget

MARGIN = 0.7
"""Seconds that any time bound allows beyond the timeouts in force, for process switches and slow disks."""
DEFAULT_SEND_TIMEOUT = 30.0
"""Seconds that the POST of a message may take where nothing else is set."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What an implementation is launched with (contract, section 1). Times are in seconds.

    With a `verify_timeout` of None the variable is left out, and the implementation's own default is in force.
    The fixed ones are what its target states instead, None where the variables count.
    """

    verify_timeout: float | None = 0.8
    send_timeout: float = 2.0
    signature_ttl: int = 300
    health_check_interval: float = 0.0
    fixed_verify_timeout: float | None = None
    fixed_send_timeout: float | None = None

    @property
    def verify_timeout_in_force(self) -> float:
        """The verify timeout by which bounds are scaled: the document's 3 seconds if none is set."""
        if self.fixed_verify_timeout is not None:
            return self.fixed_verify_timeout
        return 3.0 if self.verify_timeout is None else self.verify_timeout

    @property
    def send_timeout_in_force(self) -> float:
        """The send timeout by which bounds are scaled."""
        return self.send_timeout if self.fixed_send_timeout is None else self.fixed_send_timeout

    @property
    def in_force(self) -> Settings:
        """The same settings, with what they leave to the implementation written out."""
        return replace(
            self,
            verify_timeout=self.verify_timeout_in_force,
            send_timeout=self.send_timeout_in_force,
            fixed_verify_timeout=None,
            fixed_send_timeout=None,
        )

    def under(self, target: Target) -> Settings:
        """Return the same settings, with the timeouts that a target states to be fixed."""
        return replace(
            self, fixed_verify_timeout=target.verify_timeout, fixed_send_timeout=target.send_timeout
        )


@dataclass(frozen=True, slots=True)
class Row:
    """One row of `whatsapp_accounts` (contract, section 2).

    `columns` maps the contract's column names to values; the implementation's other columns keep their names.
    """

    columns: Mapping[str, object] = field(hash=False)

    @property
    def assigned_instance_url(self) -> str | None:
        """Where the control plane believes the session lives."""
        value = self.columns["assigned_instance_url"]
        return None if value is None else str(value)

    def difference(self, other: Row) -> str:
        """Say which columns differ, as "name was … and is now …"; empty if none does."""
        changed = (name for name in self.columns if self.columns[name] != other.columns.get(name))
        return ", ".join(
            f"{n} was {shown(self.columns[n])} and is now {shown(other.columns.get(n))}" for n in changed
        )


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of the implementation's log, and the JSON object in it, if there is one (section 4)."""

    text: str
    fields: Mapping[str, object] = field(hash=False)


@dataclass(frozen=True)
class SendTarget:
    """How a user's message is handed to the implementation, and which answers say that it was sent."""

    method: str = "POST"
    path: str = "/api/accounts/{account_id}/messages"
    headers: Mapping[str, str] = field(default_factory=dict, hash=False)
    body: Mapping[str, object] = field(
        default_factory=lambda: {"recipient_phone": "{recipient}", "message": "{text}"}, hash=False
    )
    succeeded_status: tuple[int, int] = (200, 299)
    succeeded_json: Mapping[str, object] = field(default_factory=lambda: {"success": True}, hash=False)


@dataclass(frozen=True)
class Operations:
    """How an operator reaches an implementation: a health check, by HTTP or by a command, and its counts."""

    path: str = "/api/health-check"
    command: tuple[str, ...] = ()
    dry_run: tuple[str, ...] = ("--dry-run",)
    monitoring: str = "/api/monitoring"
    metrics: str = "/metrics"


@dataclass(frozen=True)
class Target:
    """How an implementation is attached (contract, section 7). docs/target-file.md says what each field is.

    One of `command`, `image` and `url` is set, or none if no control plane is judged; `gateway` is None if no gateway
    instance is. With a `state_path` rows go through HTTP hooks there, without one through SQL. Paths are absolute.
    The timeouts are None where the variables, or the contract's defaults, are in force. `also` are programs beside
    the command. A log file may have a `*` in its name, and a `{placeholder}` for a folder of each launch.
    `not_applicable` has the ids of the requirements that its adapter declares to have no meaning there, each with its
    reason.
    """

    name: str
    version: str
    claims: tuple[str, ...]
    command: tuple[str, ...]
    directory: Path
    image: str = ""
    url: str = ""
    also: Sequence[tuple[str, ...]] = ()
    network: str = "host"
    databases: tuple[str, ...] = ("sqlite",)
    ready: str = "/health"
    ready_timeout: float = 20.0
    environment: Mapping[str, str] = field(default_factory=dict, hash=False)
    variables: Mapping[str, str] = field(default_factory=dict, hash=False)
    headers: Mapping[str, str] = field(default_factory=dict, hash=False)
    webhook_path: str = "/api/whatsapp/webhooks/webjs"
    asynchronous: bool = False
    max_body: int = 1024 * 1024
    send: SendTarget = field(default_factory=SendTarget)
    table: str = "whatsapp_accounts"
    columns: Mapping[str, str] = field(default_factory=dict, hash=False)
    defaults: Mapping[str, object] = field(default_factory=dict, hash=False)
    ids: str = "number"
    migrated: bool = False
    state_path: str = ""
    operations: Operations = field(default_factory=Operations)
    log: str = "file"
    log_path: str = ""
    log_file: Path | None = None
    log_files: Sequence[str] = ()
    verify_timeout: float | None = None
    send_timeout: float | None = None
    settle_seconds: float = 2.0
    gateway: GatewayTarget | None = None
    adapter: type[ControlPlaneAdapter] | None = field(default=None, hash=False)
    not_applicable: Mapping[str, str] = field(default_factory=dict, hash=False)

    def variable(self, name: str) -> str:
        """Return the target's own name for a variable of the contract's section 1."""
        return self.variables.get(name, name)

    def account_id(self, number: int) -> int | str:
        """Return the id of an account's row, of the kind that the table has, by the account's number."""
        return number if self.ids == "number" else stored_id(number, self.ids)

    @property
    def shares_a_log(self) -> bool:
        """Whether several launches would write to one log file, which could not be told apart."""
        return self.log_file is not None or any("{" not in one for one in self.log_files)


_UUID = "00000000-0000-4000-8000-"


def stored_id(number: int, kind: str) -> str:
    """Return an account's number as an id of a kind, "text" or "uuid"; a person sees the number in either."""
    return f"{_UUID}{number:012d}" if kind == "uuid" else str(number)


def account_number(stored: object) -> int:
    """Return the number of an account by its id as an implementation states it, whatever its kind; -1 for no id."""
    told = str(stored).strip().lower().removeprefix(_UUID)
    return int(told) if told.isascii() and told.isdecimal() and len(told) < 19 else -1


@dataclass(frozen=True, slots=True)
class Launch:
    """Everything that one launch of an implementation is given."""

    settings: Settings
    database_url: str
    instances: Sequence[str]
    api_key: str
    hmac_secret: str
    log_file: Path
    host: str
    values: Mapping[str, object] = field(default_factory=dict, hash=False)
    """More placeholders."""

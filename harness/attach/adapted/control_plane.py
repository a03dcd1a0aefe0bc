"""A control plane that is attached by an adapter: its messages, its rows and its webhooks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

import requests

from harness.adapters import base, values
from harness.adapters.base import ControlPlaneAdapter, overrides
from harness.adapters.values import Call, Given, Message, NoReplyError, Reply
from harness.attach.adapted.hooks import Asker, Hooks
from harness.attach.http import answer_of
from harness.contract import Row
from harness.errors import AdapterError, NotJudgedError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from fake_instances.webhooks.message import Webhook
    from harness.attach.hooks import HttpAccounts
    from harness.attach.rows_by_sql import SqlAccounts
    from harness.contract import Launch, Target

_A_ROW: Any = Mapping | None
_ROW = ("status", "assigned_instance_url", "updated_at")


class Listening(Protocol):
    """What listens somewhere at the moment."""

    @property
    def base_url(self) -> str:
        """Where."""


class AdaptedControlPlane:
    """One control plane behind its adapter."""

    def __init__(
        self, kind: type[ControlPlaneAdapter], target: Target, given: Launch, where: Listening
    ) -> None:
        self._hooks = Hooks(kind)
        self._ask = Asker(lambda: where.base_url, target.headers)
        self._template = target.send.body
        self._rows: dict[int, Mapping[str, object]] = {}
        self._adapter: ControlPlaneAdapter = adapter_of(
            kind,
            Given(
                url=lambda: where.base_url,
                api_key=given.api_key,
                secret=given.hmac_secret,
                ask=self._ask,
                instances=tuple(given.instances),
            ),
        )

    def accounts(self, otherwise: Callable[[], SqlAccounts | HttpAccounts]) -> AdaptedAccounts:
        """Return the rows, through the adapter's hooks where it has them."""
        adapter = self._adapter
        beneath = None if overrides(type(adapter), "write_row") else otherwise()
        return AdaptedAccounts(adapter, self._hooks, self._rows, beneath)

    def send(
        self, account_id: int, values: Mapping[str, object], call: Call, *, patience: float
    ) -> requests.Response:
        """Hand a message over, as `call` would in the contract's own way; return the answer as the adapter tells it.

        RequestException if none comes.
        """
        row = self._rows.get(account_id, {})
        template = self._template
        recipient, text = (
            _said(template, call.body, f"{{{one}}}", values[one]) for one in ("recipient", "text")
        )
        message = Message(str(row.get("session_id", "")), recipient, text, account_id, dict(row))
        with self._ask.within(patience):
            try:
                reply = self._hooks.run(Reply, self._adapter.send, message, call)
            except NoReplyError as problem:
                if isinstance(problem.__cause__, requests.RequestException):
                    raise problem.__cause__ from None
                raise requests.ConnectionError(str(problem)) from None
        return answer_of(reply.status, reply.headers, bytes(reply.body))

    def webhook(self, webhook: Webhook, url: str) -> tuple[Webhook, str]:
        """Return what goes out in a webhook's place, and where."""
        parts = urlsplit(url)
        came = values.Webhook(parts.path, webhook.headers, webhook.body)
        made = self._hooks.run_aside(values.Webhook, came, self._adapter.webhook, came)
        headers = tuple((str(name), str(value)) for name, value in made.headers)
        there = url.removesuffix(parts.path) + made.path if made.path != parts.path else url
        return replace(webhook, headers=headers, body=bytes(made.body)), there

    def check(self) -> None:
        """Check that every webhook was translated; NotJudgedError if one could not be."""
        self._hooks.check()


class AdaptedAccounts:
    """The rows of a control plane with an adapter: through its hooks, or `beneath` it where it has none."""

    def __init__(
        self,
        adapter: ControlPlaneAdapter,
        hooks: Hooks,
        rows: dict[int, Mapping[str, object]],
        beneath: SqlAccounts | HttpAccounts | None,
    ) -> None:
        self._adapter = adapter
        self._hooks = hooks
        self._rows = rows
        self._beneath = beneath

    def put(self, row: Mapping[str, object]) -> None:
        """Create or replace the row with this `id`."""
        self._rows[int(str(row["id"]))] = dict(row)
        if self._beneath is not None:
            self._beneath.put(row)
        else:
            self._run(object, self._adapter.write_row, dict(row))

    def get(self, account_id: int) -> Row | None:
        """Return a row as it stands now, or None."""
        if self._beneath is not None:
            return self._beneath.get(account_id)
        found = self._run(_A_ROW, self._adapter.read_row, account_id)
        if found is None:
            return None
        if absent := [name for name in _ROW if name not in found]:
            raise AdapterError(f"the adapter failed: read_row returned a row without {', '.join(absent)}")
        return Row(dict(found))

    def assign(self, account_id: int, url: str | None) -> None:
        """Set a row's assigned instance by hand, as the document does with tinker."""
        if self._beneath is not None:
            self._beneath.assign(account_id, url)
            return
        row = self.get(account_id)
        if row is None:
            raise NotJudgedError(f"account {account_id} has no row to assign an instance in")
        self.put(
            {**self._rows.get(account_id, {}), **row.columns, "id": account_id, "assigned_instance_url": url}
        )

    def remove(self, account_ids: Sequence[int]) -> None:
        """Remove rows."""
        if self._beneath is not None:
            self._beneath.remove(account_ids)
        else:
            self._run(object, self._adapter.remove_rows, tuple(account_ids))
        for one in account_ids:
            self._rows.pop(one, None)

    def held(self, account_id: int) -> AbstractContextManager[None]:
        """Hold the database; NotJudgedError where the adapter has the rows."""
        if self._beneath is None:
            raise NotJudgedError("its rows are reached by its adapter, by which nobody can hold its database")
        return self._beneath.held(account_id)

    def close(self) -> None:
        """Close every connection."""
        if self._beneath is not None:
            self._beneath.close()

    def _run(self, returns: Any, hook: Callable[..., Any], *given: Any) -> Any:
        try:
            return self._hooks.run(returns, hook, *given)
        except NoReplyError as problem:
            raise NotJudgedError(f"its rows cannot be reached by its adapter: {problem}") from None


def _said(template: object, sent: object, placeholder: str, otherwise: object) -> object:
    """Return what a body says where its template has a placeholder, which may be wrong on purpose or missing."""
    if not isinstance(template, Mapping):
        return otherwise if template != placeholder and str(otherwise) in str(sent) else sent
    for name, value in template.items():
        if placeholder in str(value):
            inner = sent.get(name) if isinstance(sent, Mapping) else None
            return None if inner is None else _said(value, inner, placeholder, otherwise)
    return otherwise


def adapter_of(kind: type[Any], given: Given) -> Any:
    """Make an adapter; NotJudgedError if it cannot be made."""
    return Hooks(kind).run(base.Adapter, kind, given)

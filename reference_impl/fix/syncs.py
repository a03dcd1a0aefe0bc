"""The one place through which every write of a location passes."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reference_impl.edges.accounts import Account, Accounts
    from reference_impl.edges.log import EventLog
    from reference_impl.edges.monitoring import Monitoring


class Source(Enum):
    """What made a sync; the value is its log text (contract, section 4)."""

    WEBHOOK = "Auto-syncing assigned_instance_url from webhook header"
    SEND = "Instance sync successful! Database updated"
    HEALTH_CHECK = "Health check corrected instance URL"


@dataclass(frozen=True)
class View:
    """What a writer of a location knows."""

    account: Account
    version: int
    """How much news of the location it includes; a webhook that merely confirmed the stored one counts."""


class Syncs:
    """Writes locations so that no older view overwrites a newer one; safe to use from any thread."""

    def __init__(self, accounts: Accounts, log: EventLog, monitoring: Monitoring) -> None:
        self._accounts = accounts
        self._monitoring = monitoring
        self._log = log
        self._lock = threading.RLock()
        self._versions: dict[int, int] = {}
        self._newest: dict[int, int] = {}

    def view(self, account_id: int) -> View | None:
        """Return an account's row and the news so far, or None if there is no such account."""
        # The version before the row: news in between makes the view too old, never too new.
        with self._lock:
            version = self._versions.get(account_id, 0)
        account = self._accounts.by_id(account_id)
        return None if account is None else View(account, version)

    def views(self) -> list[View]:
        """Return the view of every account that has a session."""
        with self._lock:
            versions = dict(self._versions)
        return [View(one, versions.get(one.id, 0)) for one in self._accounts.with_session()]

    def newest(self, account_id: int) -> int:
        """Return the Unix second of the latest news of an account's session, 0 for none."""
        with self._lock:
            return self._newest.get(account_id, 0)

    def heard(self, account_id: int, at: float) -> None:
        """Record that there is news of an account's session from this Unix time."""
        with self._lock:
            self._newest[account_id] = max(self._newest.get(account_id, 0), int(at))

    def write(
        self,
        view: View,
        new_url: str,
        *,
        source: Source,
        at: float,
        changes: Mapping[str, object] | None = None,
    ) -> bool:
        """Write a location that was true at the Unix time ``at``, and other changes in the same statement.

        The stored location is no move: it is neither written nor logged. Return False, having written nothing, if
        the row's location or the news of it changed since the view. Raises NotStorableError.
        """
        account = view.account
        moves = not account.is_at(new_url)
        written = {**(changes or {}), **({"assigned_instance_url": new_url} if moves else {})}
        with self._lock:
            known = self._versions.get(account.id, 0)
            if known != view.version or not self._accounts.write_if_unmoved(account, written):
                return False
            self._versions[account.id] = view.version + 1
            self.heard(account.id, at)
            if moves:
                # Logged under the lock, so that the lines have the order of the writes.
                who = {"account_id": account.id} if source is Source.HEALTH_CHECK else {}
                urls = {"old_url": account.assigned_instance_url, "new_url": new_url}
                self._log.info(source.value, **who, session_id=account.session_id, **urls)
                self._monitoring.synced(source.name.lower())
        return True

"""Opens the parts of which an implementation is made."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from typing import Self

from sqlalchemy.exc import ArgumentError, DBAPIError

from reference_impl.background import BackgroundLoop
from reference_impl.edges.accounts import Accounts, connect
from reference_impl.edges.instances import InstanceClient
from reference_impl.edges.log import EventLog
from reference_impl.edges.monitoring import Monitoring
from reference_impl.fix.locator import Locator
from reference_impl.fix.syncs import Source, Syncs
from reference_impl.settings import Settings, SettingsError


@dataclass(frozen=True)
class Parts:
    """What a running implementation works with; the one before the fix leaves some of it alone."""

    settings: Settings
    log: EventLog
    monitoring: Monitoring
    accounts: Accounts
    syncs: Syncs
    loop: BackgroundLoop
    client: InstanceClient
    locator: Locator
    ending: threading.Event = field(default_factory=threading.Event)
    """Set when everything ends, for whatever waits in between."""

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Open the log and the database, and start the background loop; raises SettingsError."""
        log = _open_log(settings)
        accounts = _open_accounts(settings.database_url)
        client = InstanceClient(settings)
        monitoring = Monitoring(one.name.lower() for one in Source)
        return cls(
            settings=settings,
            log=log,
            monitoring=monitoring,
            accounts=accounts,
            syncs=Syncs(accounts, log, monitoring),
            loop=BackgroundLoop(),
            client=client,
            locator=Locator(settings, client),
        )

    def anew(self) -> Self:
        """Give parts over the same connections that have counted, heard and seen nothing yet."""
        monitoring = Monitoring(one.name.lower() for one in Source)
        return replace(
            self,
            monitoring=monitoring,
            syncs=Syncs(self.accounts, self.log, monitoring),
            locator=Locator(self.settings, self.client),
            ending=threading.Event(),
        )

    def close(self) -> None:
        """Release everything."""
        self.ending.set()
        self.loop.run(self.client.close())
        self.loop.close()
        self.accounts.close()
        self.log.close()


def _open_log(settings: Settings) -> EventLog:
    try:
        return EventLog(settings.log_file, settings.secrets)
    except OSError as error:
        allowed = f"a file that can be written ({error.strerror})"
        raise SettingsError("LOG_FILE", repr(settings.log_file), allowed) from None


def _open_accounts(database_url: str) -> Accounts:
    # The URL itself may hold a password, and is not repeated.
    allowed = "the URL of a database that has the table whatsapp_accounts with the columns of the contract"
    try:
        accounts = Accounts(connect(database_url))
        accounts.check()
    except ArgumentError:
        raise SettingsError("DATABASE_URL", "no database URL", allowed) from None
    except ImportError as error:
        given = f"a URL that needs the missing Python package {error.name}"
        raise SettingsError("DATABASE_URL", given, allowed) from None
    except DBAPIError as error:
        given = f"a database that cannot be used ({' '.join(str(error.orig).split())})"
        raise SettingsError("DATABASE_URL", given, allowed) from None
    return accounts

"""Opens the parts of an implementation, and serves it until it is told to stop."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Self

from sqlalchemy.exc import ArgumentError, DBAPIError

# waitress has no type hints
from waitress.server import create_server  # type: ignore[import-untyped]

from reference_impl.background import BackgroundLoop
from reference_impl.edges.accounts import Accounts, connect
from reference_impl.edges.instances import InstanceClient
from reference_impl.edges.log import EventLog
from reference_impl.edges.monitoring import Monitoring
from reference_impl.fix.locator import Locator
from reference_impl.fix.syncs import Syncs
from reference_impl.settings import Settings, SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from _typeshed.wsgi import WSGIApplication

THREADS = 64
"""A send that hangs holds a thread for the send timeout."""
MOST_CONNECTIONS = 1000
LONGEST_READ = 16 * 1024 * 1024
"""Bytes of a body that are read before the connection is cut. The application answers 413 far earlier, but a client
that is still writing reads that only if its body is read too."""


@dataclass(frozen=True)
class Parts:
    """What an implementation is made of; the one without the fix uses some of it."""

    settings: Settings
    log: EventLog
    accounts: Accounts
    client: InstanceClient
    loop: BackgroundLoop
    locator: Locator
    monitoring: Monitoring
    syncs: Syncs
    ending: threading.Event = field(default_factory=threading.Event)
    """Set when everything ends."""

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Open the log and the database, and start the background loop; raises SettingsError."""
        try:
            log = EventLog(settings.log_file, settings.secrets)
        except OSError as error:
            allowed = f"a file that can be written ({error.strerror})"
            raise SettingsError("LOG_FILE", repr(settings.log_file), allowed) from None
        accounts, client, monitoring = _open_accounts(settings), InstanceClient(settings), Monitoring()
        syncs, locator = Syncs(accounts, log, monitoring), Locator(settings, client)
        return cls(settings, log, accounts, client, BackgroundLoop(), locator, monitoring, syncs)

    def anew(self) -> Self:
        """Return parts with the same connections that have counted, heard and seen nothing yet."""
        monitoring = Monitoring()
        syncs = Syncs(self.accounts, self.log, monitoring)
        locator = Locator(self.settings, self.client)
        return replace(self, monitoring=monitoring, syncs=syncs, locator=locator, ending=threading.Event())

    def close(self) -> None:
        """Release everything."""
        self.ending.set()
        self.loop.run(self.client.close())
        self.loop.close()
        self.accounts.close()
        self.log.close()


def _open_accounts(settings: Settings) -> Accounts:
    # The URL may hold a password, and is not repeated.
    try:
        accounts = Accounts(connect(settings.database_url))
        accounts.check()
    except ArgumentError:
        given = "no database URL"
    except ImportError as error:
        given = f"a URL that needs the missing Python package {error.name}"
    except DBAPIError as error:
        given = f"a database that cannot be used ({' '.join(str(error.orig).split())})"
    else:
        return accounts
    allowed = "the URL of a database that has the table whatsapp_accounts with the columns of the contract"
    raise SettingsError("DATABASE_URL", given, allowed)


@contextmanager
def opened_parts() -> Iterator[Parts]:
    """Open what the environment configures, and close it in the end; exit with status 2 if it is unusable."""
    try:
        with closing(Parts.of(Settings.from_environment(os.environ))) as parts:
            yield parts
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(2)


def serve(build: Callable[[Parts], WSGIApplication]) -> None:
    """Serve what ``build`` makes, configured by the environment, until a signal ends the process."""
    # Its warnings about a queue of one or two would stand among the log lines on standard error.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    with opened_parts() as parts:
        host, port = parts.settings.host, parts.settings.port
        try:
            server = create_server(
                build(parts),
                host=host,
                port=port,
                threads=THREADS,
                connection_limit=MOST_CONNECTIONS,
                max_request_body_size=LONGEST_READ,
                asyncore_use_poll=True,
                ident=None,
            )
        except (OSError, ValueError) as error:
            allowed = f"an address to listen on ({error})"
            raise SettingsError("HOST, PORT", f"{host}:{port}", allowed) from None

        def stop(number: int, _frame: object) -> None:
            # At once: a hung send must not hold the port. Every database write is committed and every log line
            # written when it is made, so there is nothing to wait for.
            parts.log.info("Stopped", signal=signal.Signals(number).name)
            os._exit(0)

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        parts.log.info("Listening", host=host, port=int(server.effective_port), pid=os.getpid())
        server.run()

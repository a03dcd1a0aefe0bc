"""What one worker sets up once and every scenario uses: a fleet, and the implementation that faces it."""

from __future__ import annotations

import contextlib
import shutil
import socket
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Self

from fake_instances import Fleet
from fake_instances.fleet import InstanceAddress, document_addresses
from harness.attachment import Attachment, random_secrets
from harness.contract import Settings, Target

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import TracebackType


class Rig:
    """A fleet and a running implementation that know each other. A context manager.

    Args:
        target: the implementation to attach.
        addresses: where the instances listen.
        settings: what the implementation is launched with.

    """

    def __init__(
        self, target: Target, addresses: Sequence[InstanceAddress], settings: Settings | None = None
    ) -> None:
        self.target = target
        self.settings = settings or Settings()
        api_key, hmac_secret = random_secrets()
        self.secrets = (api_key, hmac_secret)
        self.fleet = Fleet(addresses, api_key=api_key, secret=hmac_secret)
        self.implementation: Attachment
        self._host = addresses[0].host
        self._open = contextlib.ExitStack()

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as opened:
            self._scratch = Path(tempfile.mkdtemp(prefix="instance-sync-"))
            opened.callback(shutil.rmtree, self._scratch, ignore_errors=True)
            opened.enter_context(self.fleet)
            self.implementation = opened.enter_context(
                Attachment(self.target, self.settings, self.fleet, self._host, self._scratch)
            )
            self._open = opened.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    @contextlib.contextmanager
    def another(self, target: Target, settings: Settings) -> Iterator[Attachment]:
        """Put another implementation, with a database of its own, in the place of this one for a while.

        Raises:
            LaunchError: it did not come up.
        """
        before = self.implementation
        with tempfile.TemporaryDirectory(dir=self._scratch, ignore_cleanup_errors=True) as scratch:
            try:
                with Attachment(target, settings, self.fleet, self._host, Path(scratch)) as substitute:
                    self.implementation = substitute
                    yield substitute
            finally:
                self.implementation = before
                before.face_fleet()


def fleet_addresses(host: str, *, free_ports: bool, fallback: bool) -> tuple[InstanceAddress, ...]:
    """Give the document's four instances on a host.

    With `fallback`, where the system lacks that loopback address, give them on 127.0.0.1 and free ports.
    """
    if fallback and not _has_address(host):
        return document_addresses("127.0.0.1", free_ports=True)
    return document_addresses(host, free_ports=free_ports)


def _has_address(host: str) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((host, 0))
        except OSError:
            return False
        return True

"""Four gateway instances that are judged, and a stand-in for the control plane."""

from __future__ import annotations

import contextlib
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Self

from fake_instances.addresses import address_of
from fake_instances.journal import Journal
from harness.attach.adapted.gateway import AdaptedGateway
from harness.attach.control_plane import random_secrets
from harness.attach.gateway import Gateway, HookPatience
from harness.attach.webhook_receiver import Receiver
from harness.errors import LaunchError
from harness.gateway_contract import NUMBERS
from harness.targets.canned_answers import CannedAnswers

if TYPE_CHECKING:
    from harness.adapters.values import Session
    from harness.gateway_contract import GatewayTarget


class GatewaySetup:
    """Four running gateway instances on one address, and the receiver of their webhooks. A context manager."""

    def __init__(self, target: GatewayTarget, host: str) -> None:
        self.target = target
        self.journal = Journal()
        self.secrets = random_secrets()
        self._host = address_of(host)
        given = {"api_key": self.secrets[0], "hmac_secret": self.secrets[1]}
        self.receiver = Receiver(self.journal, self._host, CannedAnswers(target.control_plane, given))
        self._sessions: dict[str, Session] = {}
        self._patience = HookPatience()
        self.gateways: dict[int, Gateway] = {}
        self._adapted: AdaptedGateway | None = None
        self._open = contextlib.ExitStack()

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as opened:
            try:
                opened.enter_context(self.receiver)
            except OSError as problem:
                raise LaunchError(
                    f"the control plane's stand-in cannot listen: {problem}; choose an address with --fleet-address",
                    "--fleet-address must be an address of this machine",
                ) from None
            if self.target.adapter is not None:
                url = self.receiver.url
                self._adapted = AdaptedGateway(
                    self.target.adapter, self.target, lambda: "", url, self.secrets, sessions=self._sessions
                )
                self.receiver.means = self._adapted.means
            for number in NUMBERS:
                gateway = Gateway(
                    self.target,
                    number,
                    self._host,
                    self.receiver.url,
                    self.secrets,
                    self.journal,
                    self._sessions,
                    self._patience,
                )
                self.gateways[number] = gateway
                opened.callback(gateway.close)
            with ThreadPoolExecutor(len(NUMBERS)) as starters:
                for starting in [starters.submit(one.start) for one in self.gateways.values()]:
                    starting.result()
            self._open = opened.pop_all()
        return self

    def check_adapter(self) -> None:
        """Check that every webhook was understood so far; NotJudgedError if its adapter could not."""
        if self._adapted is not None:
            self._adapted.check()

    def __exit__(self, *_: object) -> None:
        self._open.close()

"""Messages that flow through every instance at once, each handed over again until it is taken."""

from __future__ import annotations

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from harness.errors import ConformanceFailure
from harness.history import MessagePosted
from harness.scenario.texts.words import recipient_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from fake_instances.journal import Journal
    from harness.attach.gateway import Gateway
    from harness.gateway_contract import Tenant

_PAUSE_SECONDS = 0.02


class Traffic:
    """Sends numbered messages over one session on each instance, from a thread each.

    A message that an instance declined, or that never reached one, is handed over again. One that got no answer
    or a 5xx may have gone out, and is left alone. `tenants` are those whose session each instance holds;
    `wait_for_more` waits for `patience` seconds at most.
    """

    def __init__(
        self,
        journal: Journal,
        gateways: Mapping[int, Gateway],
        tenants: Mapping[int, Tenant],
        patience: float,
    ) -> None:
        self._journal = journal
        self._gateways = gateways
        self._tenants = tenants
        self._patience = patience
        self._ended = threading.Event()
        self._sent = dict.fromkeys(tenants, 0)

    @contextlib.contextmanager
    def flowing(self) -> Iterator[None]:
        """Have messages flow inside the context. After it, each was taken or may have been."""
        with ThreadPoolExecutor(len(self._tenants)) as senders:
            flows = [senders.submit(self._flow, number) for number in self._tenants]
            try:
                yield
            finally:
                self._ended.set()
        for flow in flows:
            flow.result()

    def wait_for_more(self, number: int, count: int) -> None:
        """Wait until an instance has sent so many more messages; ConformanceFailure if it does not in time."""
        goal = self._sent[number] + count
        if not self._journal.wait_until(lambda: self._sent[number] >= goal, timeout=self._patience):
            raise ConformanceFailure(
                f"instance {number} goes on sending messages",
                f"it sent fewer than {count} in {self._patience:g} s",
            )

    def _flow(self, number: int) -> None:
        tenant, count = self._tenants[number], 0
        while not self._ended.is_set():
            count += 1
            self._hand_over(number, tenant, f"message {count} for instance {number}")
            self._ended.wait(_PAUSE_SECONDS)

    def _hand_over(self, number: int, tenant: Tenant, text: str) -> None:
        while True:
            posted = post(self._journal, self._gateways[number], number, tenant.session_id, text)
            if not posted.declined or self._ended.wait(_PAUSE_SECONDS):
                break
        self._sent[number] += posted.sent


def post(journal: Journal, gateway: Gateway, number: int, session_id: str, text: str) -> MessagePosted:
    """Hand one message to an instance, and record what it answered."""
    answer = gateway.send(session_id, recipient_of(text), text)
    return journal.record(
        MessagePosted(
            instance=number,
            session_id=session_id,
            text=text,
            status=answer.status,
            body=answer.body,
            refused=answer.refused,
        )
    )

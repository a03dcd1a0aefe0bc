"""How long a scenario waits for what an implementation does, by what its target says of it."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, TypeVar

from fake_instances.journal import WebhookAnswered, WebhookSent, now
from harness.errors import ConformanceFailure

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.attach.control_plane import ControlPlane
    from harness.contract import Settings
    from harness.history import History

Judged = TypeVar("Judged")

_POLL_SECONDS = 0.02


class Patience:
    """What of a World waits."""

    @property
    def implementation(self) -> ControlPlane:
        """The implementation under test."""
        raise NotImplementedError

    @property
    def settings(self) -> Settings:
        """What the implementation was launched with."""
        raise NotImplementedError

    @property
    def history(self) -> History:
        """Everything that happened in this scenario so far."""
        raise NotImplementedError

    def eventually(self, judge: Callable[[], Judged]) -> Judged:
        """Run a check of what a webhook brings about: once, or until it passes if the target says it may follow."""
        return self.within(self._webhook_patience(), judge)

    def soon(self, judge: Callable[[], Judged]) -> Judged:
        """Run a check until it passes, since it may lag a little behind in any implementation, as log lines do."""
        return self.within(max(self._webhook_patience(), self.implementation.target.settle_seconds), judge)

    def let_pass(self) -> None:
        """Wait, if the effects of a webhook may follow its answer, before it is judged that nothing changed."""
        answered = {one.webhook: one.at for one in self.history.of(WebhookAnswered)}
        due = [answered.get(one.webhook, now()) for one in self.history.of(WebhookSent)]
        left = max([*due, *answered.values()], default=0.0) + self._webhook_patience() - now()
        if left > 0:
            threading.Event().wait(left)

    def within(self, seconds: float, judge: Callable[[], Judged]) -> Judged:
        """Run a check until it passes. When the time is up, let its last failure through."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                return judge()
            except ConformanceFailure:
                if time.monotonic() >= deadline:
                    raise
            threading.Event().wait(_POLL_SECONDS)

    def _webhook_patience(self) -> float:
        target, patience = self.implementation.target, 2 * self.settings.verify_timeout_in_force
        return target.settle_seconds + patience if target.asynchronous else 0.0

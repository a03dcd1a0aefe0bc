"""Tries whether webhooks reach an implementation, fit its secret, and show in its rows."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, replace
from types import NoneType
from typing import TYPE_CHECKING

from fake_instances.webhooks.message import sign
from harness.attach import remedies
from harness.errors import ConformanceFailure
from harness.run.doctor import logs
from harness.run.doctor.finding import Finding
from harness.run.doctor.probing import is_nowhere, shape
from harness.run.doctor.signings import few_to_try

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fake_instances.webhooks.message import Webhook
    from harness.contract import Row
    from harness.scenario.world import World

DATE_SECONDS = 1.0
"""What a Date header leaves out: it has whole seconds."""
_PARTS_OF_A_SECOND = 4
_ANOTHER_SECRET = "no-secret-of-anybody"  # noqa: S105 - a wrong one, on purpose
_OTHER_SHAPES = {400, 415, 422}
_OF_LATENESS = "it answers webhooks first and processes them later: write webhook.asynchronous = true"
_OF_WORKERS = (
    "what processes webhooks must run: launch.also starts a worker beside it, and webhook.asynchronous says that "
    "effects follow later"
)
_TEXTS = ("status", "assigned_instance_url")


@dataclass(frozen=True, slots=True)
class Delivered:
    """What came of a webhook. `row` is whether its row followed, None where the webhook was refused."""

    webhook: Finding
    row: Finding | None
    stands_alone: bool
    """Whether the finding is what it is, whatever comes of a message."""

    @property
    def followed(self) -> bool:
        """Whether the webhook shows in its row."""
        return self.row is not None and self.row.good

    def findings(self, *, heard: bool) -> Iterator[Finding]:
        """Return what was found; `heard` is whether a message of the same account made it call an instance.

        Who calls instances for an account reads the right rows: what is wrong with webhooks is then a mistake.
        """
        unsure = not self.webhook.good and not self.stands_alone
        yield replace(self.webhook, unattached=not heard) if unsure else self.webhook
        if self.row is not None:
            late = self.row.mend == _OF_LATENESS
            yield self.row if self.row.good or late else replace(self.row, unattached=not heard)


def deliver_one(world: World, off: float | None) -> Delivered:
    """Deliver a genuine webhook; `off` is by how many seconds its clock is ahead, None where that is not known."""
    target, account = world.implementation.target, world.account
    world.set_status("disconnected")
    before = world.existing_row()
    url = world.implementation.base_url + target.webhook_path
    known = logs.count(world)
    genuine = world.fleet.webhook(account.session, world.holder, "session_ready")
    answered = world.deliver(genuine)
    world.implementation.check_adapter()
    check_that_it_runs(world, "while it takes a webhook")
    tried = f"POST {url}, a session_ready signed with the shared secret"
    status = answered.status
    came = f"it was answered {status}{shape(answered.body)}" if status else f"no answer: {answered.reason}"
    forged = _answer_to_forged(world) if status == 404 else None
    if forged is not None:
        came += f", and one with a wrong signature {forged}"
    # Not known where the clock could not be read.
    clock_is_off = None if off is None else abs(off) + DATE_SECONDS >= world.settings.signature_ttl
    mend = remedies.of_webhook(
        target, status, clock_is_off=clock_is_off, knows_the_path=forged in remedies.REFUSALS
    )
    finding = Finding("webhooks", tried, came + logs.last_words(world, status, known), mend)
    if finding.good:
        return Delivered(finding, _followed(world, before), stands_alone=True)
    if status in remedies.REFUSALS and not clock_is_off and (taken := _taken(world, genuine)):
        right = f"nothing: its secret is right, for it takes a webhook {taken}"
        return Delivered(replace(finding, mend=right), None, stands_alone=True)
    sure = status in {*remedies.REFUSALS, remedies.CSRF, 405} or (status is not None and 300 <= status <= 399)
    if status == 404 and forged not in remedies.REFUSALS:
        sure = is_nowhere("POST", url, target.headers)
    elif status in _OTHER_SHAPES:
        again = world.deliver(
            world.fleet.webhook(account.session, world.holder, "session_reconnected")
        ).status
        sure = again in _OTHER_SHAPES
    return Delivered(replace(finding, unattached=sure), None, stands_alone=sure)


def check_that_it_runs(world: World, when: str) -> None:
    """Check that it did not end by itself: everything after that would be blamed on something else."""
    if (crash := world.implementation.crash) is not None:
        raise ConformanceFailure(f"the implementation goes on running {when}", crash)


def _answer_to_forged(world: World) -> int | None:
    """Return how a forged webhook is answered: it may know no such path, or no such session."""
    forged = world.fleet.webhook(world.account.session, world.holder, "session_ready", secret=_ANOTHER_SECRET)
    return world.deliver(forged).status


def _taken(world: World, genuine: Webhook) -> str:
    """Return how a webhook with the right secret is that is taken, all the same; empty if none is."""
    for how, stamp, signature in _ways(world, genuine.body):
        other = genuine.with_header("X-Timestamp", stamp).with_header("X-HMAC-Signature", signature)
        status = world.deliver(other, settle=False).status
        if status is None:
            break
        # Anything but 2xx may come of a timestamp or a signature in another form, whatever the secret.
        if 200 <= status <= 299:
            return how
    return ""


def _ways(world: World, body: bytes) -> Iterator[tuple[str, str, str]]:
    secret = world.secrets[1]
    for way in few_to_try(secret, time.time(), body):
        yield f"that is signed {way.how}; {remedies.SIGNATURE}", way.stamp, way.signature
    # Who allows less than a second takes some webhooks in time: a timestamp has whole seconds.
    how = (
        "at some moments of a second, and refuses it at others; it must take one whose X-Timestamp is up to "
        f"{world.settings.signature_ttl} seconds off"
    )
    for _ in range(_PARTS_OF_A_SECOND):
        now = int(time.time())
        for stamp in (str(now), str(now + 1)):
            yield how, stamp, sign(secret, stamp, body)
        threading.Event().wait(1 / _PARTS_OF_A_SECOND)


def _followed(world: World, before: Row) -> Finding:
    target = world.implementation.target
    whose = "--database" if target.url else target.variable("DATABASE_URL")
    name, tried = "rows and webhooks", "read the row again, which that webhook says is connected"

    def changed() -> Row:
        row = world.existing_row()
        if row == before:
            raise ConformanceFailure("the webhook shows in the row", "nothing in it has changed")
        return row

    try:
        row = world.eventually(changed)
    except ConformanceFailure as problem:
        mend = f"it must use the database that {whose} names, and state.table must be its table there"
        came = problem.observed
        if target.asynchronous:
            mend += f"; or {_OF_WORKERS}"
        else:
            try:
                world.within(target.settle_seconds, changed)
            except ConformanceFailure:
                pass
            else:
                came, mend = "it changed, but only after the answer", _OF_LATENESS
        return Finding(name, tried, came, mend)
    changes = [name for name, value in row.columns.items() if value != before.columns.get(name)]
    came = f"changed: {', '.join(changes)}"
    other = {
        name: value for name in _TEXTS if not isinstance(value := row.columns.get(name), (str, NoneType))
    }
    if other:
        types = [f"{name} as {type(value).__name__}" for name, value in other.items()]
        mend = f"it must store {' and '.join(other)} as text: no text is equal to what is stored"
        return Finding(name, tried, f"{came}; but it stored {', '.join(types)}", mend)
    return Finding(name, tried, came)

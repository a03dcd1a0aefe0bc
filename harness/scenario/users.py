"""Users who act together, or wrongly. They act on a scenario's world, which records everything first."""

from __future__ import annotations

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from harness.errors import NotJudgedError
from harness.history import UserAnswered, UserSends
from harness.scenario.client import CALLS, spoil

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.scenario.account import Account
    from harness.scenario.world import World


def send_at_once(world: World, messages: Sequence[tuple[Account, str]]) -> None:
    """Have several users send at the same moment; then `world.answers` has what each was told."""
    world.remember_rows()
    ready = threading.Barrier(len(messages))
    sends = [world.announce(text, account) for account, text in messages]

    def send(one: UserSends) -> UserAnswered:
        ready.wait()
        return world.hand_over(one)

    with ThreadPoolExecutor(len(messages)) as users:
        world.answers = list(users.map(send, sends))
    world.fleet.settle(world.settings.verify_timeout_in_force)


@contextlib.contextmanager
def hanging_sends(world: World, accounts: Sequence[Account], on: int, *, patience: float) -> Iterator[None]:
    """Have users send from these accounts, and go on once all their messages hang on an instance.

    An implementation may not let so many through: wait for `patience` seconds at most. In the end, clear the
    instance's faults, so that nothing hangs any more.
    """
    sends = [world.announce("hanging", account) for account in accounts]
    with ThreadPoolExecutor(len(accounts)) as users:
        answers = [users.submit(world.hand_over, send) for send in sends]
        world.journal.wait_until(lambda: world.fleet.hanging(on) == len(accounts), timeout=patience)
        try:
            yield
        finally:
            world.fleet.clear(on)
        for answer in answers:
            answer.result()


def send_spoiled(world: World, placeholder: str, wrong: object) -> None:
    """Have a user send a message with `wrong` in place of a part, or without it for MISSING."""
    template = world.implementation.target.send.body
    body = spoil(template, placeholder, wrong)
    if body == template:
        raise NotJudgedError(f"the target's [send] body has no {placeholder}, so it cannot be sent wrongly")
    world.remember_rows()
    world.answers.append(world.hand_over(world.announce("hello"), body))


def send_from_nobody(world: World, text: str) -> None:
    """Have a user send from an account that does not exist."""
    nobody = UserSends(
        call=next(CALLS),
        account_id=max(account.id for account in world.accounts) + 1_000_000,
        session_id="",
        assigned=None,
        recipient=world.words.recipient(),
        text=text,
    )
    world.answers.append(world.hand_over(world.journal.record(nobody)))

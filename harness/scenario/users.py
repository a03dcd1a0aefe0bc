"""Users who act together, or wrongly. They act on a scenario's world, and everything is recorded there first."""

from __future__ import annotations

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from harness.errors import NotJudgedError
from harness.history import UserAnswered, UserSends
from harness.scenario.client import CALLS, ask_to_send, spoil

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.scenario.world import Account, World

RECIPIENT = "6281234567890"


def send_at_once(world: World, messages: Sequence[tuple[Account, str]]) -> None:
    """Have several users send at the same moment, and wait for all; `world.answers` has what each was told."""
    world.remember_rows()
    ready = threading.Barrier(len(messages))
    calls = [_announce(world, account, text) for account, text in messages]

    def send(number: int) -> UserAnswered:
        account, text = messages[number]
        ready.wait()
        return _ask(world, calls[number], account, text)

    with ThreadPoolExecutor(len(messages)) as users:
        world.answers = list(users.map(send, range(len(messages))))
    world.fleet.settle(world.settings.verify_timeout_in_force)


@contextlib.contextmanager
def hanging_sends(world: World, accounts: Sequence[Account], on: int, *, patience: float) -> Iterator[None]:
    """Have users send from these accounts, and go on once all their messages hang on an instance.

    An implementation may not let so many through: `patience`, in seconds, is the longest that is waited. In the
    end the instance's faults are cleared, so that nobody hangs any more.
    """
    calls = [_announce(world, account, "hanging") for account in accounts]
    with ThreadPoolExecutor(len(accounts)) as users:
        sends = [
            users.submit(_ask, world, call, account, "hanging")
            for call, account in zip(calls, accounts, strict=True)
        ]
        journal = world.fleet.journal
        journal.wait_until(lambda: world.fleet.hanging(on) == len(accounts), timeout=patience)
        try:
            yield
        finally:
            world.fleet.clear(on)
        for send in sends:
            send.result()


def send_spoiled(world: World, placeholder: str, wrong: object) -> None:
    """Have a user send a message with `wrong` in the place of a part, MISSING to leave it out.

    Raises:
        NotJudgedError: the target's body has no such part.
    """
    template = world.implementation.target.send.body
    body = spoil(template, placeholder, wrong)
    if body == template:
        raise NotJudgedError(f"the target's [send] body has no {placeholder}, so it cannot be sent wrongly")
    world.remember_rows()
    call = _announce(world, world.account, "hello")
    world.answers.append(_ask(world, call, world.account, "hello", body))


def send_from_nobody(world: World, text: str) -> None:
    """Have a user send from an account that does not exist."""
    account_id = max(account.id for account in world.accounts) + 1_000_000
    call = next(CALLS)
    nobody = UserSends(
        call=call, account_id=account_id, session_id="", assigned=None, recipient=RECIPIENT, text=text
    )
    world.fleet.journal.record(nobody)
    answer = ask_to_send(world.implementation, call, account_id, RECIPIENT, text)
    world.answers.append(world.fleet.journal.record(answer))


def _announce(world: World, account: Account, text: str) -> int:
    call = next(CALLS)
    world.fleet.journal.record(
        UserSends(
            call=call,
            account_id=account.id,
            session_id=account.session_id,
            assigned=world.row_before(account).assigned_instance_url,
            recipient=RECIPIENT,
            text=text,
        )
    )
    return call


def _ask(
    world: World, call: int, account: Account, text: str, body: dict[str, object] | None = None
) -> UserAnswered:
    return world.fleet.journal.record(
        ask_to_send(world.implementation, call, account.id, RECIPIENT, text, body=body)
    )

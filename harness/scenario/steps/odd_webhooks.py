"""Phrases about webhooks that come in another form, at a bad moment, or about sessions with unusual names."""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_bdd import given, then, when
from pytest_bdd.parsers import parse

from fake_instances.faults import VERIFICATION, Delay
from fake_instances.journal import WebhookSent
from fake_instances.webhooks.retries import DEPLOYED
from harness.checks import sending, webhooks
from harness.errors import ConformanceFailure, NotJudgedError
from harness.scenario import operator
from harness.scenario.actions import action
from harness.scenario.client import NEW_PHONE
from harness.scenario.texts import forms

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fake_instances.journal import WebhookAnswered
    from fake_instances.webhooks.message import Webhook
    from harness.scenario.account import Account
    from harness.scenario.world import World

_COPIES = 6
_AT_WORK = 16
"""How many webhooks of a burst are on their way at once."""
_HELD_SECONDS = 0.5
_LATE = 0.2
"""Of the verify timeout: how late instances answer while copies of a webhook are processed."""
_JAKARTA = "Asia/Jakarta"


def _genuine(world: World, number: int, event: str = "session_ready") -> Webhook:
    return world.fleet.webhook(world.account.session, number, event)


def _rewritten(world: World, number: int, form: Callable[[bytes], bytes]) -> Webhook:
    genuine = _genuine(world, number)
    return genuine.with_body(form(genuine.body)).signed(world.fleet.secret)


def _changed(world: World, number: int, **changes: object) -> Webhook:
    """Return a session_ready with other fields in its data; None takes a field away."""

    def form(body: bytes) -> bytes:
        value = json.loads(body)
        kept = {name: one for name, one in {**value["data"], **changes}.items() if one is not _ABSENT}
        return forms.written({**value, "data": kept})

    return _rewritten(world, number, form)


_ABSENT = object()


def _announced(world: World, first: Webhook, make: Callable[[], Webhook]) -> None:
    """Announce as the deployed gateway does."""
    _tried_again(world, world.deliver(first), make)


def _tried_again(world: World, answer: WebhookAnswered, make: Callable[[], Webhook]) -> None:
    """Go on as the deployed gateway does: what was answered 429 is made and sent again, a little later."""
    attempt = 1
    while answer.status == 429 and (wait := DEPLOYED.wait(attempt, answer.status)) is not None:
        threading.Event().wait(wait)
        attempt, answer = attempt + 1, world.deliver(make())


def _at_once(world: World, copies: Sequence[Webhook], places: int) -> None:
    """Send webhooks at the same moment, or so many at a time, and wait for every answer."""

    def deliver(webhook: Webhook) -> WebhookAnswered:
        return world.fleet.send(webhook).wait()

    world.remember_rows()
    with ThreadPoolExecutor(places) as senders:
        world.webhook_answers += senders.map(deliver, copies)
    world.fleet.settle(world.settings.verify_timeout_in_force)


# Whom it is about


@action(
    "two accounts on instance {number} with wrong rows, of which the first's session id {likeness} the other's",
    likeness=forms.LIKENESSES,
)
def alike_ids(world: World, number: int, likeness: str) -> None:
    """Make an account, and behind it another, whose session id a careless search takes for the first one's."""
    other, wrong = world.new_session(), next(one for one in world.fleet.numbers if one != number)
    # Of one workspace, by which a search may go too.
    for session in (replace(other, session_id=forms.LIKENESSES[likeness](other.session_id)), other):
        world.new_account(on=number, assigned=world.fleet.url(wrong), session=session)


@action("a session on instance {number}, announced before its account was there")
def announced_early(world: World, number: int) -> None:
    """Send the session_ready of a session that no account has yet."""
    session = world.new_session()
    world.fleet.hold(session, number)
    # Signed a little earlier, so that the next one is signed otherwise.
    webhook = world.fleet.webhook(session, number, "session_ready", timestamp=str(int(time.time()) - 2))
    world.deliver(webhook)
    world.let_pass()
    world.new_account(on=None, assigned=None, session=session)


@given("the implementation runs in Jakarta, seven hours ahead of UTC")
def in_jakarta(world: World) -> None:
    """Launch the implementation in another time zone. What runs already stays in its own."""
    target = world.implementation.target
    if not target.url:
        world.use(target=replace(target, environment={**target.environment, "TZ": _JAKARTA}))


@given(parse("the implementation was launched with a signature window of {seconds:d} seconds"))
def window_of(world: World, seconds: int) -> None:
    """Launch the implementation with another SIGNATURE_TTL. What runs already keeps its own."""
    if not world.implementation.target.url:
        world.use(settings=replace(world.settings, signature_ttl=seconds))


# What is sent


@action("instance {number} announces session_ready with header names in {case} case", case=forms.CASES)
def announces_in_case(world: World, number: int, case: str) -> None:
    """Send a genuine webhook whose header names are written in another case."""
    genuine = _genuine(world, number)
    named = tuple((forms.CASES[case](name), value) for name, value in genuine.headers)
    world.deliver(replace(genuine, headers=named))


@action("instance {number} announces session_ready in chunks of {size} bytes")
def announces_in_chunks(world: World, number: int, size: int) -> None:
    """Send a genuine webhook whose body comes in chunks, without a declared length."""
    world.deliver(_genuine(world, number).in_chunks(size))


@action("instance {number} announces session_ready written with {form}", form=forms.FORMS)
def announces_written(world: World, number: int, form: str) -> None:
    """Send a correctly signed webhook whose JSON says the same in another way."""
    world.deliver(_rewritten(world, number, forms.FORMS[form]))


@action(
    "instance {number} announces {event} with {oddity} in it, and then session_reconnected",
    event=("message_received", "session_ready"),
    oddity=forms.ODDITIES,
)
def announces_odd(world: World, number: int, event: str, oddity: str) -> None:
    """Send a correctly signed webhook whose text few can store, and a usual one after it."""
    genuine = _genuine(world, number, event)
    body = forms.with_field(genuine.body, "caption", forms.ODDITIES[oddity])
    world.deliver(genuine.with_body(body).signed(world.fleet.secret))
    world.deliver(_genuine(world, number, "session_reconnected"))


@action(
    "instance {number} announces session_ready with {oddity} as its {field}",
    oddity=forms.ODDITIES,
    field=["session id", "phone number", "workspace id"],
)
def announces_odd_name(world: World, number: int, oddity: str, field: str) -> None:
    """Send a correctly signed session_ready whose session or number has a name that few can store."""
    webhook = _changed(world, number, **{field.replace(" ", "_"): "-"})
    body = webhook.body.replace(b'"-"', forms.ODDITIES[oddity])
    world.deliver(webhook.with_body(body).signed(world.fleet.secret))


@action("instance {number} announces session_ready whose phone number is null")
def announces_null_phone(world: World, number: int) -> None:
    """Send a session_ready whose phone number is null, as a gateway does that does not know it yet."""
    world.deliver(_changed(world, number, phone_number=None))


@action("instance {number} announces session_ready without a workspace")
def announces_no_workspace(world: World, number: int) -> None:
    """Send a session_ready that names no workspace."""
    world.deliver(_changed(world, number, workspace_id=_ABSENT))


@action("instance {number} announces session_ready of the other account")
def announces_other(world: World, number: int) -> None:
    """Send a genuine session_ready of the second account's session."""
    world.deliver(world.fleet.webhook(world.other_account.session, number, "session_ready"))


@action(
    "instance {number}, whose clock is {seconds} seconds ahead, announces session_ready",
    given="instance {number}, whose clock is {seconds} seconds ahead, has announced session_ready",
)
def announced_ahead(world: World, number: int, seconds: int) -> None:
    """Send a genuine webhook that is signed ahead of time, inside the window."""
    stamp = str(int(time.time()) + seconds)
    world.deliver(world.fleet.webhook(world.account.session, number, "session_ready", timestamp=stamp))


@action("three moves of the session are announced, each {count} times at the same moment")
def announced_at_once(world: World, count: int) -> None:
    """Move the session from instance to instance, and send several copies of each announcement at once."""
    numbers = world.fleet.numbers
    for number in numbers:
        # Whoever asks is kept long enough for the copies to meet.
        world.arm(Delay(_LATE * world.settings.verify_timeout_in_force), number, VERIFICATION, optional=True)
    for _ in range(3):
        number = numbers[(numbers.index(world.holder) + 1) % len(numbers)]
        world.fleet.move(world.account.session_id, number)
        webhook = _genuine(world, number, "session_reconnected")
        _at_once(world, [webhook] * count, count)
        world.eventually(lambda goal=number: world.check_assigned(goal))  # type: ignore[misc]


@action("instance {number} announces {count} QR codes in a burst, and then session_ready")
def announces_behind_burst(world: World, number: int, count: int) -> None:
    """Send a burst of codes, one of each of the last seconds, and the session_ready that follows them."""
    now = int(time.time())
    burst = [
        world.fleet.webhook(
            world.account.session,
            number,
            "qr_code_generated",
            fields={"qr_code": f"2@{turn}"},
            timestamp=str(now - (count - 1 - turn)),
        )
        for turn in range(count)
    ]
    ready = world.fleet.webhook(world.account.session, number, "session_ready", timestamp=str(now))
    _at_once(world, burst, _AT_WORK)
    _announced(world, ready, lambda: _genuine(world, number))


@action("instance {number} announces session_ready while another writer holds the database")
def announces_held(world: World, number: int) -> None:
    """Hold the database for half a second, beginning before a webhook arrives. If answered 429, it comes again."""
    world.remember_rows()
    with world.implementation.accounts.held(world.account.id):
        before, delivery = world.journal.last, world.fleet.send(_genuine(world, number))
        world.journal.wait_until(lambda: _is_sent(world, before), timeout=_HELD_SECONDS)
        threading.Event().wait(_HELD_SECONDS)
    answer = delivery.wait()
    world.webhook_answers.append(answer)
    world.fleet.settle(world.settings.verify_timeout_in_force)
    _tried_again(world, answer, lambda: _genuine(world, number))


def _is_sent(world: World, before: int) -> bool:
    return any(isinstance(one, WebhookSent) for one in world.journal.entries(after=before))


@when("webhooks are signed inside and outside the window", target_fixture="answers_by_seconds")
def inside_and_outside(world: World) -> dict[int, WebhookAnswered]:
    """Send webhooks that are signed half a window off, and one and a half windows, either way."""
    window = world.settings.signature_ttl
    fields = {"phone_number": NEW_PHONE, "status": "connected"}
    answers = {}
    for seconds in (-window // 2, window // 2, -3 * window // 2, 3 * window // 2):
        stamp = str(int(time.time()) + seconds)
        webhook = world.fleet.webhook(
            world.account.session, world.holder, "session_ready", fields=fields, timestamp=stamp
        )
        answers[seconds] = world.deliver(webhook)
    return answers


@when("the health check runs, where there is one")
def check_where_there_is_one(world: World) -> None:
    """Have every account checked. Without a health check of its own, an implementation is not judged."""
    claimed = "health-check" in world.implementation.target.claims
    try:
        operator.check(world)
        world.check_assigned(world.holder)
    except ConformanceFailure:
        if claimed:
            raise
        raise NotJudgedError("it claims no health check, and none repaired the row") from None


# What is judged


@then("the webhook is answered below 500")
def answered_below_500(world: World) -> None:
    """Check that the webhook was accepted or refused, and nothing broke."""
    webhooks.answered_below_500(world.webhook_answers[-1:])


@then("both webhooks are answered below 500")
def both_below_500(world: World) -> None:
    """Check the answers to the last two webhooks."""
    webhooks.answered_below_500(world.webhook_answers[-2:])


@then(parse("the other account's row is assigned to instance {number:d}"))
def other_row_is_assigned(world: World, number: int) -> None:
    """Check where the second account's row points."""
    world.eventually(lambda: world.check_assigned(number, world.other_account))


@then("the first account's row was not written")
def first_row_not_written(world: World) -> None:
    """Check that the row whose session id is only alike is as it was."""
    world.let_pass()
    sending.row_untouched(world.row_before(), world.row(), "the first account's row")


@then("the row says what it said before")
def row_repeated(world: World) -> None:
    """Check every column but updated_at by what it was before the last action."""
    world.let_pass()
    webhooks.row_repeated(world.row_before(), world.row())


@then(parse("the log says that a webhook filled the URL with instance {number:d}"))
def filling_logged(world: World, number: int) -> None:
    """Check the line of a move from nowhere."""
    account: Account = world.account
    url = world.fleet.url(number)
    world.soon(lambda: webhooks.filling_logged(world.log_lines(), account.session_id, url))


@then("the log has three moves by webhook")
def three_moves(world: World) -> None:
    """Check that each move was logged once, however often it was announced."""
    world.let_pass()
    world.soon(lambda: webhooks.moves_logged(world.log_lines(), world.account.session_id, 3))


@then("its updated_at is the time of the write, in UTC")
def updated_just_now(world: World) -> None:
    """Check that whoever wrote the row set the time too."""
    world.eventually(lambda: webhooks.updated_just_now(world.row()))


@then("what is inside the window is accepted, and what is outside is refused with status 401")
def window_in_force(world: World, answers_by_seconds: dict[int, WebhookAnswered]) -> None:
    """Check each answer by how far its webhook was off."""
    webhooks.window_in_force(answers_by_seconds, world.settings.signature_ttl)

"""Phrases about users who send messages, and about what becomes of the messages."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from pytest_bdd import given, then, when
from pytest_bdd.parsers import parse
from pytest_bdd.parsers import re as regex

from fake_instances.journal import now
from harness.checks import sending
from harness.contract import MARGIN, Settings
from harness.errors import ConformanceFailure
from harness.scenario import users
from harness.targets.reader import load_target

if TYPE_CHECKING:
    from harness.scenario.world import World

_TEXTS = {
    "plain words": "Your order has been shipped.",
    "emoji": "Terima kasih 🙏🏽👨‍👩‍👧‍👦 ✅",
    "right-to-left": "مرحبا بكم 1234 שלום",
    "quotes": """She said "it's \\"fine\\"" & <b>left</b> {text} %s $1""",
    "newlines": "first line\nsecond line\r\n\tthird line",
    "blanks around it": "\t a tab before it, a line break after it \n",
    "4,000 characters": "0123456789" * 400,
}

_TRIES = 3


@given("the implementation without the fix")
def without_the_fix(world: World) -> None:
    """Use the incident's control plane instead of the implementation, for this scenario."""
    world.use(target=load_target("before-fix"))


@given("the implementation was launched without a verify timeout")
def launched_with_default(world: World) -> None:
    """Launch the implementation with its own default, for this scenario."""
    world.use(settings=Settings(verify_timeout=None, send_timeout=world.settings.send_timeout))


@given(parse('the user has sent "{message}" from the account'))
def has_sent(world: World, message: str) -> None:
    """Send from the account, and again until the user is told so: what follows builds on it."""
    for _ in range(_TRIES):
        if world.send(message).told_sent or world.history.deliveries(world.account.session_id, message):
            break
        # What an implementation remembers for a while from before the scene is no reason to give it up.
        threading.Event().wait(world.settings.verify_timeout_in_force)
    sending.told_sent(world.answer)


@when(parse('the user sends "{message}" from the account'))
@when(parse('the user sends "{message}" from account 142'))
def sends(world: World, message: str) -> None:
    """Send from the account that the scenario is about."""
    world.send(message)


@when(parse('the users of both accounts send "{message}" at the same time'))
def both_send(world: World, message: str) -> None:
    """Send from both accounts at once."""
    users.send_at_once(world, [(world.account, message), (world.other_account, message)])


@when(parse("the user sends a text with {content} from the account"))
def sends_content(world: World, content: str) -> None:
    """Send a text that is easily spoiled on its way."""
    world.send(_TEXTS[content])


@then(parse("instance {number:d} delivers the text with {content} once, unchanged"))
def delivers_content(world: World, number: int, content: str) -> None:
    """Check that text, recipient and session arrived as they were handed over."""
    history = world.history
    sending.delivered_once(history, world.account.session_id, _TEXTS[content], number)
    (delivery,) = history.deliveries(world.account.session_id)
    handed = history.sends[world.answer.call].recipient
    if delivery.recipient != handed:
        raise ConformanceFailure(f"the message goes to {handed}", f"it went to {delivery.recipient}")


@then(parse('instance {number:d} delivers "{message}" once'))
def delivers(world: World, number: int, message: str) -> None:
    """Check by the instances' own record of what they sent."""
    sending.delivered_once(world.history, world.account.session_id, message, number)


@then(parse('instance {number:d} delivers "{message}" of the other account once'))
def delivers_other(world: World, number: int, message: str) -> None:
    """Check by the instances' own record of what they sent."""
    sending.delivered_once(world.history, world.other_account.session_id, message, number)


@then("no instance delivers anything")
def nothing_delivered(world: World) -> None:
    """Check that nothing went out over the session."""
    sending.delivered_nowhere(world.history, world.account.session_id)


@then("no message is posted to any instance")
def nothing_posted(world: World) -> None:
    """Check that no instance was asked to send anything."""
    sending.nothing_posted(world.history, world.account.session_id)


@then(parse("no message is posted to instance {number:d}"))
def nothing_posted_to(world: World, number: int) -> None:
    """Check that one instance was not asked to send anything."""
    sending.nothing_posted(world.history, world.account.session_id, to=number)


@then(parse("instance {number:d} answered the message with status {status:d}"))
def answered_message(world: World, number: int, status: int) -> None:
    """Check what an instance answered to the one message that was posted."""
    history = world.history
    posts = history.posts(world.account.session_id)
    told = [(post.instance, history.answers[post.instance, post.request].status) for post in posts]
    if told != [(number, status)]:
        observed = (
            ", ".join(f"instance {where} answered {what}" for where, what in told) or "nothing was posted"
        )
        raise ConformanceFailure(
            f"the message is posted once, and instance {number} answers {status}", observed
        )


@then(regex(r"the user is told that it was (?P<denied>not )?sent"))
def told(world: World, denied: str | None) -> None:
    """Check the answer by the target's own terms."""
    (sending.told_failed if denied else sending.told_sent)(world.answer)


@then("the error says that the session was not found in any instance")
def says_not_found(world: World) -> None:
    """Check the sentence or the code of the failure."""
    sending.says_not_found_anywhere(world.answer)


@then("the assigned instance was asked before every post")
def asked_before_posts(world: World) -> None:
    """Check the order of verification and POST on the wire."""
    fleet = world.fleet
    numbers = {fleet.url(number): number for number in fleet.numbers}
    sending.verified_before_each_post(world.history, world.account.session_id, numbers)


@then(regex(r"the send took no longer than one verify timeout(?P<scan> and one scan)?"))
def took_at_most(world: World, scan: str | None) -> None:
    """Check the time of a send. A scan takes one verify timeout at most."""
    seconds = world.settings.verify_timeout_in_force * (2 if scan else 1)
    sending.took_at_most(world.answer, seconds, f"one verify timeout{scan or ''}")


@then(parse("instance {number:d} was given up after the verify timeout"))
def given_up(world: World, number: int) -> None:
    """Check how long the implementation waited for a verification that is never answered."""
    longest = world.settings.verify_timeout_in_force + MARGIN
    world.journal.wait_until(lambda: not world.fleet.hanging(number), timeout=longest)
    for session_id in {account.session_id for account in world.accounts}:
        sending.given_up_in_time(world.history, session_id, number, world.settings, now())

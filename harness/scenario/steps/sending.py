"""Phrases about users who send messages, and about what becomes of the messages."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_bdd import given, then, when
from pytest_bdd.parsers import parse
from pytest_bdd.parsers import re as regex

from fake_instances.journal import now
from harness.checks import sending
from harness.contract import MARGIN
from harness.errors import ConformanceFailure
from harness.scenario import users
from harness.scenario.actions import action
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
    "decomposed letters": "Cafe\u0301 and Caf\u00e9, \u1112\u1161\u11ab and \ud55c, \u212b and \u00c5, \ufb01",
    "invisible characters": "a\u00a0b\u200bc\u200ed\u2028e\ufefff\u202eg\u2060h",
    "digits alone": "007",
    "the word null": "null",
    "4,000 characters": "0123456789" * 400,
    # Two of ten are outside the plane where a character is one unit of UTF-16.
    "4,000 letters of many scripts": "a\u044f\u4f60\u0645\ud55c\u0915\u0e01\u10d0\U0001e900\U00010400" * 400,
}
_NUMBERS = {
    "of digits alone": "{}",
    "with a plus": "+{}",
    "with @c.us behind": "{}@c.us",
    "with @lid behind": "{}@lid",
}

_TRIES = 3


@given("the implementation without the fix")
def without_the_fix(world: World) -> None:
    """Use the incident's control plane instead of the implementation, for this scenario."""
    world.use(target=load_target("before-fix"))


@given("the implementation was launched without a verify timeout")
def launched_with_default(world: World) -> None:
    """Launch the implementation with its own default, for this scenario."""
    world.use(settings=replace(world.settings, verify_timeout=None, fixed_verify_timeout=None))


@given(parse('the user has sent "{message}" from the account'))
def has_sent(world: World, message: str) -> None:
    """Send from the account, and again until the user is told so: what follows builds on it."""
    text = world.words.vary(message)
    for _ in range(_TRIES):
        if world.send(text).told_sent or world.history.deliveries(world.account.session_id, text):
            break
        # What an implementation remembers for a while from before the scene is no reason to give it up.
        threading.Event().wait(world.settings.verify_timeout_in_force)
    sending.told_sent(world.answer)


@action(
    'the user sends "{message}" from the account',
    given='the user has tried to send "{message}" from the account',
)
def sends(world: World, message: str) -> None:
    """Send from the account that the scenario is about: these words, and one that is made up for the scenario."""
    world.send(world.words.vary(message))


@when(parse('the user sends "{message}" from account 142'))
def sends_exactly(world: World, message: str) -> None:
    """Send exactly these words from the document's account."""
    world.send(message)


@action('the user sends "{message}" to a number {form}', form=_NUMBERS)
def sends_to_number(world: World, message: str, form: str) -> None:
    """Send to a number that is written in one of the ways in which users write them."""
    world.send(world.words.vary(message), recipient=_NUMBERS[form].format(world.words.recipient()))


@action('the users of both accounts send "{message}" at the same time')
def both_send(world: World, message: str) -> None:
    """Send from both accounts at once."""
    text = world.words.vary(message)
    users.send_at_once(world, [(world.account, text), (world.other_account, text)])


@action("the user sends a text with {content} from the account", content=_TEXTS)
def sends_content(world: World, content: str) -> None:
    """Send a text that is easily spoiled on its way."""
    world.send(_TEXTS[content])


@then(parse("instance {number:d} delivers the text with {content} once, unchanged"))
def delivers_content(world: World, number: int, content: str) -> None:
    """Check that text, recipient and session arrived as they were handed over."""
    sending.delivered_once(world.history, world.account.session_id, _TEXTS[content], number)
    sending.each_to_its_own(world.history)


@then(parse('instance {number:d} delivers "{message}" once'))
def delivers(world: World, number: int, message: str) -> None:
    """Check by the instances' own record of what they sent."""
    sending.delivered_once(world.history, world.account.session_id, world.words.said(message), number)


@then("the message goes to that very number")
def goes_to_number(world: World) -> None:
    """Check that the recipient arrived as it was handed over."""
    sending.each_to_its_own(world.history)


@then(parse('instance {number:d} delivers "{message}" of the other account once'))
def delivers_other(world: World, number: int, message: str) -> None:
    """Check by the instances' own record of what they sent."""
    text = world.words.said(message)
    sending.delivered_once(world.history, world.other_account.session_id, text, number)


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


@then(parse("instance {number:d} was waited for"))
def waited_for(world: World, number: int) -> None:
    """Check that the implementation was still there when a late answer about its session went out."""
    world.fleet.settle(world.settings.verify_timeout_in_force + MARGIN)
    sending.waited_for(world.history, world.account.session_id, number)

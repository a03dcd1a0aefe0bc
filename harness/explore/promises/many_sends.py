"""Promises about messages that several users send, or one after another. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.explore.promises.base import NOTHING_SHOWN, Promise

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.explore.promises.base import Moment


def of_sends_at_once(moment: Moment) -> Iterator[Promise]:
    """Every one of many messages at once goes out from the one holder, if nobody misbehaves."""
    before = moment.before
    if before.holder is not None and before.well and moment.first_send:
        yield Promise("SCAN-09", f"instance {before.holder} delivers each message once")
        yield Promise("SCAN-09", f"the row is assigned to instance {before.holder}")
        if moment.log and moment.plain and before.named not in {None, before.holder}:
            yield Promise("SCAN-09", "the log has one move by scan")


def of_same_words(moment: Moment) -> Iterator[Promise]:
    """The same words again are another message, which goes out like the first."""
    before = moment.before
    if before.holder is not None and before.well and moment.first_send:
        yield Promise("SEND-15", f"instance {before.holder} delivers the words each time")


def of_sends_to_somebody(moment: Moment) -> Iterator[Promise]:
    """Messages of several users at once are not exchanged, if nobody misbehaves."""
    before, other = moment.before, moment.other_before
    if other is None or not (before.well and other.well and before.holder and other.holder):
        return
    if moment.first_send:
        if moment.action.kind.name == "both-send-their-own":
            yield Promise("SEND-08", "each message goes out once over the session of its own account")
        else:
            yield Promise("SEND-16", "each text went once to the person whom its user named")
            yield Promise("SEND-16", "each user is told of his own message")


def of_same_words_at_once(moment: Moment) -> Iterator[Promise]:
    """The same words to several people at once are as many messages, if nobody misbehaves."""
    before = moment.before
    if before.holder is not None and before.well and moment.first_send:
        yield Promise("SEND-16", f"instance {before.holder} delivers the words each time")


def of_same_words_from_both(moment: Moment) -> Iterator[Promise]:
    """The same words from another account are another message, which goes out over its session."""
    before, other = moment.before, moment.other_before
    if other is None or not (before.well and moment.first_send and before.holder == other.holder):
        return
    if before.holder is not None:
        yield Promise("SEND-15", f"instance {before.holder} delivers the words each time")


def of_overlapping(moment: Moment) -> Iterator[Promise]:
    """A send asks for itself: what another was answered before it came is no answer to it."""
    before, action = moment.before, moment.action
    if before.well and before.holder == before.named == action["old"] and moment.first_send:
        yield Promise("VERIFY-03", f'instance {action["new"]} delivers "second" once')
        yield Promise("VERIFY-03", f'the message "second" is not posted to instance {action["old"]}')


def of_twenty_moves(moment: Moment) -> Iterator[Promise]:
    """However often the one session moves, in one step each time, each message finds it, if nobody misbehaves."""
    if moment.before.well and moment.before.holder is not None and moment.first_send:
        yield Promise("SEND-07", "each message is delivered once by the instance that held the session")


def of_going_on(moment: Moment) -> Iterator[Promise]:
    """Whose trouble is over is used again within a verify timeout: users try for so long."""
    if moment.before.well and moment.before.holder is not None:
        yield Promise("SEND-18", f"instance {moment.before.holder} delivers the last of them")


def of_many_ways(moment: Moment) -> Iterator[Promise]:
    """Whatever is logged and answered, secrets are not."""
    if moment.log:
        yield Promise("AUTH-11", NOTHING_SHOWN)

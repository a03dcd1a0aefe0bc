"""Which promises an action brings, and the one place where they are collected. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.explore.promises import checks, many_sends, sends, webhooks
from harness.explore.promises.base import Promise, is_webhook

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from harness.explore.promises.base import Moment

MAKERS: Mapping[str, Callable[[Moment], Iterator[Promise]]] = {
    "sends": sends.of_send,
    "sends-content": sends.of_send,
    "sends-to-number": sends.of_send,
    "sends-from-other": sends.of_other_send,
    "twenty-send": many_sends.of_sends_at_once,
    "same-words": many_sends.of_same_words,
    "same-words-to-three": many_sends.of_same_words,
    "sends-wrongly": sends.of_wrong_send,
    "sends-from-nobody": sends.of_wrong_send,
    "both-send-their-own": many_sends.of_sends_to_somebody,
    "each-to-somebody": many_sends.of_sends_to_somebody,
    "same-words-at-once": many_sends.of_same_words_at_once,
    "same-words-from-both": many_sends.of_same_words_from_both,
    "sends-overlap": many_sends.of_overlapping,
    "moves-before-each": many_sends.of_twenty_moves,
    "go-on-sending": many_sends.of_going_on,
    "many-ways": many_sends.of_many_ways,
    "announces-much": webhooks.of_location,
    "announces-behind-burst": webhooks.of_location,
    "announces-held": webhooks.of_location,
    "announces-too-much": webhooks.of_too_much,
    "announces-odd": webhooks.of_odd_text_and_another,
    "announced-at-once": webhooks.of_copies_at_once,
    "announces": webhooks.of_announcement,
    "reconnects": webhooks.of_location,
    "announces-with-slash": webhooks.of_location,
    "announces-no-workspace": webhooks.of_location,
    "announces-null-phone": webhooks.of_location,
    "announces-in-case": webhooks.of_location,
    "announces-in-chunks": webhooks.of_location,
    "announces-written": webhooks.of_location,
    "announces-flawed": webhooks.of_flaw,
    "announces-at": webhooks.of_timestamp,
    "announces-signed": webhooks.of_other_moment,
    "announces-body": webhooks.of_body,
    "announces-odd-name": webhooks.of_odd_text,
    "announces-no-location": webhooks.of_no_location,
    "announces-empty-location": webhooks.of_no_location,
    "announces-unknown": webhooks.of_unknown,
    "announces-other-workspace": webhooks.of_other_workspace,
    "announces-other": webhooks.of_other_account,
    "names-location": webhooks.of_spoof,
    "again-from": webhooks.of_spoof,
    "webhook-again": webhooks.of_again,
    "webhook-late": webhooks.of_late,
    "started-again": webhooks.of_kill,
    "health-check-runs": checks.of_check,
    "health-check-dry-run": checks.of_dry_run,
}


def promises(moment: Moment) -> Iterator[Promise]:
    """Return what holds after an action of any sound implementation. One that was killed does nothing."""
    maker = MAKERS.get(moment.action.kind.name)
    if maker is not None and not moment.killed:
        yield from maker(moment)
        yield from sends.of_earlier_sends(moment)


def is_judged(name: str) -> bool:
    """Say whether something is promised after an action of this kind."""
    return name in MAKERS


__all__ = ["MAKERS", "is_judged", "is_webhook", "promises"]

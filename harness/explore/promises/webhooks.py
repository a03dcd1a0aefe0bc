"""Promises about webhooks: what is believed, what is refused, and what is left alone. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.contract import Settings
from harness.explore.promises.base import LOCATION_EVENTS, NOTHING_SHOWN, Promise, is_webhook
from harness.scenario.client import NEW_PHONE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.explore.promises.base import Moment

_ACCEPTED = "the webhook is accepted"
_REFUSED = "the webhook is refused with status 401"
_UNWRITTEN = "the row was not written"
_OTHERS_UNWRITTEN = "every other account's row was not written"
_NOTHING_LEAKED = "nothing of the message, its recipient or the API key reached the stranger"
_MISSING = ("no signature", "an empty signature", "no timestamp", "neither")
_FORMS = {
    "announces-in-case": "WEBHOOK-17",
    "announces-in-chunks": "WEBHOOK-17",
    "announces-written": "WEBHOOK-17",
    "announces-no-workspace": "WEBHOOK-14",
    "announces-null-phone": "WEBHOOK-02",
    "announces-with-slash": "WEBHOOK-11",
    "announces-much": "AUTH-08",
    "announces-behind-burst": "WEBHOOK-19",
    "announces-held": "WEBHOOK-21",
    "reconnects": "WEBHOOK-02",
}
_SAYS_MORE = frozenset(
    {"WEBHOOK-08", "WEBHOOK-14", "WEBHOOK-17", "WEBHOOK-19", "WEBHOOK-20", "WEBHOOK-21", "AUTH-08"}
)
"""Requirements by which a webhook is to be accepted, beside AUTH-01."""
_BRING_A_NUMBER = (
    "names-location",
    "again-from",
    "webhook-again",
    "announces-no-location",
    "announces-empty-location",
    "announces-signed",
    "many-ways",
)
"""Actions that may bring another phone number, which a webhook without one leaves there."""
_NEAR_SECONDS = 30
"""How far a timestamp may be from the window's end to be judged."""


def of_location(moment: Moment) -> Iterator[Promise]:
    """The one holder, which answers truly and in time, announces itself, signed and in time: it is believed.

    Who asks it finds the session there. Nothing newer was announced before.
    """
    action, before, now = moment.action, moment.before, moment.now
    number = now.holder if action.kind.name == "reconnects" else action["number"]
    if now.holder != number or number is None or before.pending or before.dialect or before.lying:
        yield from _of_claim(moment, int(number or 0))
        return
    if before.silent or moment.has("announces-signed"):
        return
    if moment.has("announced-ahead") and not _is_next_after_it(moment):
        return
    where = int(number)
    usual = "session_reconnected" if action.kind.name == "reconnects" else "session_ready"
    event = str(action.get("event") or usual)
    moved = _requirement_of_location(moment, event)
    is_said = moved in _SAYS_MORE or action.kind.name == "announces-null-phone"
    if moved != "WEBHOOK-12":
        yield Promise(moved if is_said else "AUTH-01", _ACCEPTED)
    yield Promise(moved, f"the row is assigned to instance {where}")
    yield Promise("WEBHOOK-03", 'the row has status "connected"')
    brings = action.kind.name != "announces-null-phone" and event == "session_ready"
    if brings or not moment.has(*_BRING_A_NUMBER):
        refused = "AUTH-03" if moment.has("announces-flawed") else "WEBHOOK-02"
        yield Promise("WEBHOOK-03" if brings else refused, "the row keeps its phone number")
    *_, last = moment.earlier
    is_unlike = last.kind.name == "set-row-status" and last["status"] != "connected"
    if before.named != where or is_unlike:
        yield Promise("STATE-01", "its updated_at is the time of the write, in UTC")
    if moment.other_before is not None:
        yield Promise("WEBHOOK-08", _OTHERS_UNWRITTEN)
    if moment.log:
        yield from _logged_move(moment, where)


def _requirement_of_location(moment: Moment, event: str) -> str:
    """Return the requirement whose scene this is, the most special one first."""
    if moment.has("account-with-id"):
        return "WEBHOOK-08"
    if moment.has("announced-early"):
        return "WEBHOOK-20"
    if moment.has("announced-ahead"):
        return "WEBHOOK-12"
    if moment.before.row is None:
        return "WEBHOOK-06"
    usual = "WEBHOOK-02" if event == "session_reconnected" else "WEBHOOK-01"
    return _FORMS.get(moment.action.kind.name, usual)


def _logged_move(moment: Moment, where: int) -> Iterator[Promise]:
    """Make the promises about the log's line of a move by webhook, of which a confirmation is none."""
    before = moment.before
    if before.row is None:
        yield Promise("WEBHOOK-05", f"the log says that a webhook filled the URL with instance {where}")
    elif before.named not in {None, where}:
        yield Promise(
            "WEBHOOK-05",
            f"the log says that a webhook moved the URL from instance {before.named} to instance {where}",
        )
    elif before.named == where and moment.first_webhook:
        yield Promise("WEBHOOK-11", "the log has no move by webhook")


def _is_next_after_it(moment: Moment) -> bool:
    """Say whether one webhook came from a clock that was ahead, and nothing but the next move after it."""
    webhooks = [one for one in moment.earlier if is_webhook(one)]
    return len(webhooks) == 1 and moment.action.kind.name in {"announces", "reconnects"}


def _of_claim(moment: Moment, number: int) -> Iterator[Promise]:
    """An instance announces a session that it does not hold, while the assigned one says that it does."""
    before = moment.before
    if before.named == before.holder and before.holder not in {None, number} and before.well:
        yield Promise("SPOOF-04", f"the row is still assigned to instance {before.named}")


def of_other_event(moment: Moment) -> Iterator[Promise]:
    """An event that carries no location is none, whoever sends it."""
    if moment.before.named is not None:
        yield Promise("WEBHOOK-07", f"the row is still assigned to instance {moment.before.named}")


def of_announcement(moment: Moment) -> Iterator[Promise]:
    """Make the promises about a genuine webhook of any event."""
    yield from (of_location if moment.action["event"] in LOCATION_EVENTS else of_other_event)(moment)


def of_flaw(moment: Moment) -> Iterator[Promise]:
    """Who cannot know that a webhook is genuine refuses it, and writes nothing."""
    flaw = str(moment.action["flaw"])
    known = "AUTH-02" if flaw in _MISSING else "AUTH-03" if _is_plain(flaw) else "AUTH-13"
    yield Promise(known, _REFUSED)
    yield Promise(known, _UNWRITTEN)
    if moment.log:
        yield Promise("AUTH-11", NOTHING_SHOWN)


def _is_plain(flaw: str) -> bool:
    return not any(word in flaw for word in ("accent", "two bytes", "full width", "emoji"))


def of_timestamp(moment: Moment) -> Iterator[Promise]:
    """Make the promises about a webhook that is signed over a moment which is none."""
    text = str(moment.action["text"])
    odd = any(
        word in text for word in ("Arabic", "full width", "blank that is none", "accent", "superscript")
    )
    known = "AUTH-13" if odd else "AUTH-06"
    yield Promise(known, _REFUSED)
    yield Promise(known, _UNWRITTEN)


def of_other_moment(moment: Moment) -> Iterator[Promise]:
    """A webhook from far outside the window is refused, and one from far inside of it is not."""
    seconds, window = int(moment.action["seconds"]), Settings().signature_ttl
    if seconds > window + _NEAR_SECONDS:
        known = "AUTH-04" if moment.action["direction"] == "ago" else "AUTH-05"
        yield Promise(known, _REFUSED)
        yield Promise(known, _UNWRITTEN)
    elif seconds < window - _NEAR_SECONDS and moment.first_webhook:
        before = moment.before
        if before.well and before.holder == moment.action["number"]:
            yield Promise("AUTH-01", _ACCEPTED)
            yield Promise("WEBHOOK-03", f'the row has phone number "{NEW_PHONE}"')


def of_body(_: Moment) -> Iterator[Promise]:
    """What is no webhook by its shape is refused in good order."""
    yield Promise("AUTH-07", "the webhook is answered with an error below 500")
    yield Promise("AUTH-07", _UNWRITTEN)


def of_odd_text(_: Moment) -> Iterator[Promise]:
    """Text that few can store breaks nothing."""
    yield Promise("WEBHOOK-17", "the webhook is answered below 500")


def of_no_location(moment: Moment) -> Iterator[Promise]:
    """Without a location, what else a webhook says is written, and the URL stays.

    Nothing newer was announced before.
    """
    if moment.skewed:
        return
    yield Promise("WEBHOOK-04", _ACCEPTED)
    yield Promise("WEBHOOK-04", 'the row has status "connected"')
    yield Promise("WEBHOOK-04", f'the row has phone number "{NEW_PHONE}"')
    if not moment.has(*_BRING_A_NUMBER):
        yield Promise("STATE-01", "its updated_at is the time of the write, in UTC")
    if moment.before.named is not None:
        yield Promise("WEBHOOK-04", f"the row is still assigned to instance {moment.before.named}")


def of_unknown(moment: Moment) -> Iterator[Promise]:
    """A session that no account has changes no row; who processes before answering says so."""
    yield Promise("WEBHOOK-10", "the webhook is answered below 500")
    yield Promise("WEBHOOK-10", _UNWRITTEN)
    if moment.other_before is not None:
        yield Promise("WEBHOOK-10", _OTHERS_UNWRITTEN)
    yield Promise("WEBHOOK-16", "the webhook is answered with an error below 500")


def of_other_workspace(_: Moment) -> Iterator[Promise]:
    """A webhook of another workspace is about another account."""
    yield Promise("WEBHOOK-14", _UNWRITTEN)
    yield Promise("WEBHOOK-16", "the webhook is answered with an error below 500")


def of_spoof(moment: Moment) -> Iterator[Promise]:
    """A signed webhook that names somebody else: only configured instances are stored, and only the holder."""
    action, before = moment.action, moment.before
    location, again = str(action["location"]), action.kind.name == "again-from"
    if location.startswith("instance "):
        yield from _of_claimed_instance(moment, int(location.split()[1]), again=again)
        return
    known = "SPOOF-05" if again else "SPOOF-01"
    if before.named is not None and not before.slash:
        yield Promise(known, "the row names a configured instance as it is configured")
    yield Promise("SPOOF-02", _NOTHING_LEAKED)
    yield Promise("SPOOF-07", "the webhook is answered below 500")
    if not again:
        yield Promise(
            "SPOOF-07",
            "either status and phone number were written, or nothing was, and the answer is below 500",
        )
    if _is_one_url(location):
        yield from _refusal_told(moment)


def _refusal_told(moment: Moment) -> Iterator[Promise]:
    """The one webhook of a story was not believed: the assigned instance holds the session. The log says so."""
    before = moment.before
    quiet = moment.first_send and moment.first_webhook and moment.first_check
    if moment.log and quiet and before.well and before.named == before.holder:
        yield Promise("SPOOF-08", "one bounded line reports the refused location, and no line another event")


def _is_one_url(location: str) -> bool:
    return not location.startswith("two locations")


def _of_claimed_instance(moment: Moment, number: int, *, again: bool) -> Iterator[Promise]:
    before = moment.before
    if before.named != before.holder and not (again and before.named in before.holders):
        return
    if not before.well or before.named in {None, number}:
        return
    if number in before.holders:
        if again:
            yield Promise("AUTH-09", f"the row is still assigned to instance {before.named}")
    else:
        yield Promise(
            "SPOOF-05" if again else "SPOOF-04", f"the row is still assigned to instance {before.named}"
        )
        yield from _refusal_told(moment)


def of_again(moment: Moment) -> Iterator[Promise]:
    """The same webhook a second time says nothing new, if nothing else happened in between.

    Where an instance failed once, the second may be believed that was not the first time.
    """
    if not moment.earlier or not is_webhook(moment.earlier[-1]) or moment.has("fails-once"):
        return
    last = moment.earlier[-1]
    if last.kind.name in {"announces", "reconnects"} and last.get("event") in {*LOCATION_EVENTS, None}:
        yield Promise("WEBHOOK-09", "the row says what it said before")
        webhooks = [one for one in moment.earlier if is_webhook(one)]
        if (
            moment.log
            and len(webhooks) == 1
            and moment.before.well
            and moment.before.holder == moment.before.named
        ):
            yield from _one_move(moment)


def _one_move(moment: Moment) -> Iterator[Promise]:
    """Count the moves of one announcement and its copy, where the row before them is known."""
    *begun, last = moment.earlier
    row: object = None
    for one in begun:
        if one.kind.name in {"account-on", "account-nowhere", "set-row"}:
            row = one["number"]
        elif one.kind.name not in {"account-of-same-workspace", "moves-unannounced", "lists-too"}:
            return
    if last.kind.name == "reconnects" and row is not None:
        moves = "no" if row == last["number"] else "one"
        yield Promise("WEBHOOK-11", f"the log has {moves} move by webhook")


def of_late(moment: Moment) -> Iterator[Promise]:
    """An old announcement does not undo a move that a webhook made, while the new place says that it holds it."""
    before, number = moment.before, moment.action["number"]
    heard = list(moment.of("reconnects"))
    is_known = bool(heard) and heard[-1]["number"] == before.named == before.holder != number
    if is_known and before.well and not moment.has("started-again") and not moment.skewed:
        yield Promise("WEBHOOK-12", f"the row is still assigned to instance {before.named}")


def of_other_account(moment: Moment) -> Iterator[Promise]:
    """A webhook is about the session that it names, and no other. Its one holder is believed, if all answer truly."""
    yield Promise("WEBHOOK-08", "the first account's row was not written")
    other, number = moment.other_before, moment.action["number"]
    if other is not None and other.well and other.holder == number and moment.first_webhook:
        yield Promise("WEBHOOK-08", f"the other account's row is assigned to instance {number}")


def of_too_much(moment: Moment) -> Iterator[Promise]:
    """A location needs no long body: who gets one refuses it. Another event may be taken or refused, whole."""
    if moment.action["event"] in LOCATION_EVENTS:
        yield Promise("AUTH-08", "the webhook is refused as too large")
        yield Promise("AUTH-08", _UNWRITTEN)
        return
    yield Promise("AUTH-08", "the webhook is taken or refused, and nothing breaks")
    if moment.before.named is not None:
        yield Promise("AUTH-08", f"the row is still assigned to instance {moment.before.named}")


def of_odd_text_and_another(moment: Moment) -> Iterator[Promise]:
    """Text that few can store breaks nothing, and keeps out nothing that comes after it."""
    before, number = moment.before, moment.action["number"]
    yield Promise("WEBHOOK-17", "both webhooks are answered below 500")
    if before.well and before.holder == number and not moment.skewed:
        yield Promise("WEBHOOK-17", f"the row is assigned to instance {number}")


def of_copies_at_once(moment: Moment) -> Iterator[Promise]:
    """Copies of one webhook that come together make one move, as one does."""
    before = moment.before
    if moment.log and before.well and before.holder == before.named is not None and moment.first_webhook:
        yield Promise("WEBHOOK-18", "the log has three moves by webhook")


def of_kill(moment: Moment) -> Iterator[Promise]:
    """What was accepted is not lost with the process that accepted it."""
    killed = list(moment.of("killed-after-answer"))
    if killed and killed[-1]["number"] == moment.before.holder and moment.before.well:
        yield Promise("WEBHOOK-15", f"the row is assigned to instance {moment.before.holder}")

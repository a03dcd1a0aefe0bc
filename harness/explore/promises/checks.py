"""Promises about the health check. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.explore.promises.base import SPOOFS, Promise

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.explore.promises.base import Moment
    from harness.explore.situation import Situation

_REPAIRED = "every row is assigned to the instance that holds its session"
_OTHERS_REPAIRED = "every row but the one in the middle is assigned to the instance that holds its session"
_UNWRITTEN = "no row was written"
_UNREACHABLE = ("refuses connections", "never answers")


def of_check(moment: Moment) -> Iterator[Promise]:
    """Every row whose one holder answers truly is there after a check; right ones are untouched.

    A check that cannot ask somebody still knows what the others say.
    """
    accounts = [one for one in (moment.before, moment.other_before) if one is not None]
    yield from _nobody_outside(moment)
    if any(one.lying for one in accounts):
        return
    if moment.accounts > len(accounts) or moment.has("middle-without-session", "middle-written-meanwhile"):
        yield from _of_many(moment)
        return
    if any(one.pending for one in accounts):
        return
    if any(len(one.holders) > 1 for one in accounts):
        if all(one.named in one.holders and not one.silent for one in accounts):
            yield Promise("HEALTH-11", _UNWRITTEN)
        return
    yield from _of_rows(moment, accounts)
    yield from _counts(moment, accounts)
    yield from _unreachable(moment, accounts)


def _of_rows(moment: Moment, accounts: list[Situation]) -> Iterator[Promise]:
    first = moment.before
    if all(_is_right(one) or not one.holders for one in accounts):
        kept = "HEALTH-05" if first.silent else "HEALTH-04" if not first.holders else "HEALTH-03"
        is_mistaken = (first.copies and not first.silent) or moment.has("holds-alike")
        yield Promise("HEALTH-11" if is_mistaken else kept, _UNWRITTEN)
        return
    if all(_is_right(one) or one.holder is None or one.holder in one.silent for one in accounts):
        if not any(one.holder in one.passing for one in accounts):
            yield Promise("HEALTH-05", _UNWRITTEN)
        return
    if len(first.silent) > 1 or any(one.holder is None or one.holder in one.silent for one in accounts):
        return
    yield Promise(_requirement(moment), _REPAIRED)
    if not first.silent:
        yield Promise("HEALTH-01", "each move is reported with its old and its new URL")
        if moment.log and moment.first_check:
            yield Promise("HEALTH-02", "each move, and nothing else, is logged as a correction")
    if not _is_right(first):
        yield Promise("STATE-01", "its updated_at is the time of the write, in UTC")


def _nobody_outside(moment: Moment) -> Iterator[Promise]:
    """A check asks configured instances alone, wherever rows and redirects lead."""
    if moment.has("redirects", "row-names") and not moment.has(*SPOOFS):
        yield Promise("HEALTH-11", "nobody outside the configured instances is called")


def _of_many(moment: Moment) -> Iterator[Promise]:
    """However many rows there are, each is checked, at the same price, if every instance answers truly.

    One that has no session, or is written meanwhile, is the only one that need not be repaired.
    """
    before = moment.before
    if before.silent or before.dialect or moment.now.pending or not moment.first_check:
        return
    if moment.has("middle-without-session", "middle-written-meanwhile"):
        yield Promise("HEALTH-12", _OTHERS_REPAIRED)
        if not moment.has("middle-written-meanwhile"):
            yield Promise("HEALTH-12", "the row in the middle was not written")
    elif before.pending or moment.has("lists-too", "restored-everywhere"):
        return
    elif moment.has("very-many-accounts"):
        yield Promise("HEALTH-01", _REPAIRED)
    elif moment.has("all-restarted", "died-under-messages"):
        yield Promise("HEALTH-10", _REPAIRED)
    elif moment.has("many-accounts") and moment.first_send and moment.first_webhook:
        yield Promise("HEALTH-08", "each instance was asked at most twice")


def _hidden(moment: Moment) -> set[object]:
    """Return the instances that cannot be reached."""
    return {one["number"] for one in moment.of("misbehaves") if one["behaviour"] in _UNREACHABLE}


def _unreachable(moment: Moment, accounts: list[Situation]) -> Iterator[Promise]:
    """Who refuses connections knows nothing of a row: it is unreachable, or failed where its own instance said no."""
    first = moment.before
    if not first.silent or not first.silent <= _hidden(moment):
        return
    if any(one.copies or one.dialect for one in accounts):
        return
    if any(one.odd_posts or one.named is None or len(one.holders) > 1 for one in accounts):
        return
    seen = [one for one in accounts if one.holder is not None and one.holder not in first.silent]
    unseen = [one for one in accounts if one not in seen]
    unreachable = sum(one.named in first.silent for one in unseen)
    verified = sum(_is_right(one) for one in seen)
    yield Promise(
        "HEALTH-05",
        f"the check reports {verified} verified, {len(seen) - verified} updated, "
        f"{len(unseen) - unreachable} failed and {unreachable} unreachable",
    )


def _counts(moment: Moment, accounts: list[Situation]) -> Iterator[Promise]:
    """With every instance answering truly, each account is of one kind, and counted as that."""
    if not all(one.well for one in accounts) or any(one.copies for one in accounts):
        return
    if moment.has("holds-else-the-same"):
        return
    right = sum(_is_right(one) for one in accounts)
    lost = sum(not one.holders for one in accounts)
    wrong = len(accounts) - right - lost
    known = "HEALTH-04" if lost else "HEALTH-03" if not wrong else "HEALTH-01"
    if lost:
        if not wrong:
            yield Promise(known, f"the check reports {right} verified, {lost} failed and 0 unreachable")
    else:
        yield Promise(
            known, f"the check reports {len(accounts)} checked, {right} verified and {wrong} updated"
        )


def of_dry_run(moment: Moment) -> Iterator[Promise]:
    """A dry run writes nothing, whatever it finds.

    What it reported is compared with a check, which writes, and so only where the story ends with it.
    """
    yield Promise("HEALTH-06", _UNWRITTEN)
    accounts = [one for one in (moment.before, moment.other_before) if one is not None]
    if all(one.well and len(one.holders) == 1 for one in accounts) and moment.accounts == len(accounts):
        yield Promise("HEALTH-06", "each move is reported with its old and its new URL")
        if moment.log and moment.first_check and moment.last:
            yield Promise(
                "HEALTH-06", "a check after it does what it reported, and only that is logged and counted"
            )


def _is_right(one: Situation) -> bool:
    return one.holder is not None and one.named == one.holder


def _requirement(moment: Moment) -> str:
    first = moment.before
    other = moment.other_before
    if first.named is None and other is not None and not _is_right(other):
        return "HEALTH-12"
    if first.named is None and not moment.has("row-names"):
        return "HEALTH-01"
    if first.silent and first.silent <= _hidden(moment):
        return "HEALTH-01"
    if first.named is None or first.silent or first.copies or first.dialect or moment.has("holds-alike"):
        return "HEALTH-11"
    return "HEALTH-10" if moment.has("instance-restarted", "all-restarted") else "HEALTH-01"

"""Promises about the health check. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.explore.promises.base import Promise

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.explore.promises.base import Moment
    from harness.explore.situation import Situation

_REPAIRED = "every row is assigned to the instance that holds its session"
_UNWRITTEN = "no row was written"


def of_check(moment: Moment) -> Iterator[Promise]:
    """Every row whose session one instance holds, which answers truly, is there after a check; right ones are untouched.

    A check that cannot ask somebody still knows what the others say.
    """
    accounts = [one for one in (moment.before, moment.other_before) if one is not None]
    if any(one.pending or one.lying for one in accounts):
        return
    first = moment.before
    known = _requirement(moment)
    if any(len(one.holders) > 1 for one in accounts):
        if all(one.named in one.holders and not one.silent for one in accounts):
            yield Promise("HEALTH-11", _UNWRITTEN)
        return
    if all(_is_right(one) or not one.holders for one in accounts):
        kept = "HEALTH-05" if first.silent else "HEALTH-04" if not first.holders else "HEALTH-03"
        yield Promise("HEALTH-11" if first.copies or moment.has("holds-alike") else kept, _UNWRITTEN)
    elif all(one.holder is not None and one.holder not in one.silent for one in accounts):
        if len(first.silent) <= 1:
            yield Promise(known, _REPAIRED)
            if not first.silent:
                yield Promise("HEALTH-01", "each move is reported with its old and its new URL")
            if moment.log and not first.silent and not moment.has("health-check-runs"):
                yield Promise("HEALTH-02", "each move, and nothing else, is logged as a correction")
            if not _is_right(first):
                yield Promise("STATE-01", "its updated_at is the time of the write, in UTC")
    yield from _counts(moment, accounts)


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
    """A dry run writes nothing, whatever it finds."""
    yield Promise("HEALTH-06", _UNWRITTEN)
    accounts = [one for one in (moment.before, moment.other_before) if one is not None]
    if all(one.well and len(one.holders) == 1 for one in accounts):
        yield Promise("HEALTH-06", "each move is reported with its old and its new URL")


def _is_right(one: Situation) -> bool:
    return one.holder is not None and one.named == one.holder


def _requirement(moment: Moment) -> str:
    first = moment.before
    if first.named is None or first.silent or first.copies or first.dialect or moment.has("holds-alike"):
        return "HEALTH-11"
    if moment.has("account-with-id"):
        return "HEALTH-12"
    return "HEALTH-10" if moment.has("instance-restarted") else "HEALTH-01"

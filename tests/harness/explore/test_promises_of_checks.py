"""What is promised of a health check, and in which situations nothing is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.explore.promises.table import promises
from tests.harness.explore.moments import NOWHERE, OTHER, WELL, WRONG, moment, promised, texts

CHECK, DRY = "health-check-runs", "health-check-dry-run"
UNWRITTEN = "no row was written"
REPAIRED = "every row is assigned to the instance that holds its session"
REFUSES = "misbehaves number=3001 'behaviour=refuses connections'"
ERRS = "misbehaves number=3001 'behaviour=answers 500'"


def test_right_rows_are_left_alone_and_counted() -> None:
    assert promised(CHECK) == {
        ("HEALTH-03", UNWRITTEN),
        ("HEALTH-03", "the check reports 2 checked, 2 verified and 0 updated"),
    }


def test_a_wrong_row_is_repaired_reported_and_logged() -> None:
    made = promised(CHECK, before=WRONG)
    assert {("HEALTH-01", REPAIRED), ("STATE-01", "its updated_at is the time of the write, in UTC")} <= made
    assert ("HEALTH-02", "each move, and nothing else, is logged as a correction") in made
    assert ("HEALTH-01", "the check reports 2 checked, 1 verified and 1 updated") in made


def test_after_another_check_the_log_is_not_counted() -> None:
    logged = "each move, and nothing else, is logged as a correction"
    assert logged not in texts(CHECK, DRY, before=WRONG)
    assert logged not in texts(CHECK, CHECK, before=WRONG)


def test_a_lost_session_keeps_its_row_and_counts_as_failed() -> None:
    assert promised(CHECK, before=NOWHERE) == {
        ("HEALTH-04", UNWRITTEN),
        ("HEALTH-04", "the check reports 1 verified, 1 failed and 0 unreachable"),
    }


def test_who_cannot_be_reached_says_nothing_of_a_row() -> None:
    there = replace(WELL, holders=frozenset({3001}), named=3001, silent=frozenset({3001}))
    other = replace(OTHER, silent=frozenset({3001}))
    made = promised(CHECK, REFUSES, before=there, other=other)
    assert ("HEALTH-05", "the check reports 1 verified, 0 updated, 0 failed and 1 unreachable") in made
    # Who answers with nonsense can be reached, and what becomes of it is not known.
    assert not [one for one in texts(CHECK, ERRS, before=there, other=other) if "unreachable" in one]


@pytest.mark.parametrize(
    ("earlier", "before", "requirement"),
    [
        ((REFUSES,), replace(WRONG, silent=frozenset({3001})), "HEALTH-01"),
        ((ERRS,), replace(WRONG, silent=frozenset({3001})), "HEALTH-11"),
        (("set-row-to-none",), replace(WELL, row=None, named=None), "HEALTH-01"),
        (("row-names 'content=an empty text'",), replace(WELL, row="", named=None), "HEALTH-11"),
        (("all-restarted",), WRONG, "HEALTH-10"),
        ((), replace(WRONG, copies={3004: "disconnected"}), "HEALTH-11"),
    ],
)
def test_what_is_special_of_the_scene_names_the_requirement(
    earlier: tuple[str, ...], before: object, requirement: str
) -> None:
    silent = before.silent  # type: ignore[attr-defined]
    assert (requirement, REPAIRED) in promised(
        CHECK, *earlier, before=before, other=replace(OTHER, silent=silent)
    )


def test_one_row_that_names_nobody_stops_no_other_rows_repair() -> None:
    wrong = replace(OTHER, named=3002)
    unset = replace(WELL, row=None, named=None)
    assert ("HEALTH-12", REPAIRED) in promised(CHECK, "set-row-to-none", before=unset, other=wrong)


def test_of_two_holders_the_assigned_one_is_kept_and_of_two_others_nothing_is_known() -> None:
    twice = replace(WELL, holders=frozenset({3002, 3004}))
    assert promised(CHECK, before=twice) == {("HEALTH-11", UNWRITTEN)}
    assert promised(CHECK, before=replace(twice, named=3001)) == set()


@pytest.mark.parametrize("amiss", [{"pending": True}, {"lying": frozenset({3004})}])
def test_while_something_is_about_to_happen_or_somebody_lies_nothing_is_promised(
    amiss: dict[str, object],
) -> None:
    assert promised(CHECK, before=replace(WRONG, **amiss)) == set()  # type: ignore[arg-type]


def test_a_holder_that_cannot_be_asked_is_not_found() -> None:
    assert REPAIRED not in texts(CHECK, before=replace(WRONG, silent=frozenset({3002})))


def test_nobody_outside_is_called() -> None:
    outside = "nobody outside the configured instances is called"
    redirect = "redirects number=3002 'what=every question' status=307"
    assert ("HEALTH-11", outside) in promised(CHECK, redirect, before=replace(WELL, silent=frozenset({3002})))
    assert outside not in texts(CHECK, redirect, "names-location 'location=the stranger'")


def test_crowds_are_checked_row_by_row() -> None:
    assert promised(CHECK, "very-many-accounts") == {("HEALTH-01", REPAIRED)}
    assert promised(CHECK, "eight-accounts number=3001", "all-restarted") == {("HEALTH-10", REPAIRED)}
    assert promised(CHECK, "many-accounts") == {("HEALTH-08", "each instance was asked at most twice")}
    assert promised(CHECK, "many-accounts", "sends message=hello") == set()
    assert promised(CHECK, "eight-accounts number=3001") == set()
    middle = promised(CHECK, "account-on number=3001", "middle-without-session content=null")
    assert ("HEALTH-12", "the row in the middle was not written") in middle


def test_a_dry_run_writes_nothing_and_says_what_a_check_would_do() -> None:
    made = promised(DRY, before=WRONG)
    assert ("HEALTH-06", UNWRITTEN) in made
    after = "a check after it does what it reported, and only that is logged and counted"
    assert ("HEALTH-06", after) in made
    assert promised(DRY, before=replace(WRONG, silent=frozenset({3001}))) == {("HEALTH-06", UNWRITTEN)}
    assert after not in texts(DRY, CHECK, before=WRONG)
    going_on = replace(moment(DRY, before=WRONG), last=False)
    assert after not in {one.then for one in promises(going_on)}


def test_a_row_may_be_repaired_by_whoever_asks_again() -> None:
    silent = replace(WRONG, silent=frozenset({3002}))
    assert ("HEALTH-05", UNWRITTEN) in promised(CHECK, before=silent)
    assert ("HEALTH-05", UNWRITTEN) not in promised(CHECK, before=replace(silent, passing=frozenset({3002})))

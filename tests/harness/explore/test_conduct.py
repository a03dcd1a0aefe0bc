"""Telling stories to the reference and to the control plane without the fix, and looking into what is found."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import pytest

from harness.attach.setup import Setup, fleet_addresses
from harness.catalogue.features import catalogue
from harness.contract import Settings
from harness.explore.conduct import Conduct, warm_up
from harness.explore.exploring import Explored
from harness.explore.failing import Failing
from harness.explore.found.finding import Steadiness
from harness.explore.found.looking_into import LookingInto
from harness.explore.found.page import render
from harness.explore.making import random_stories, small
from harness.explore.story import Story
from harness.scenario.actions import named
from harness.targets.reader import load_target

if TYPE_CHECKING:
    from collections.abc import Iterator

SETTINGS = Settings(verify_timeout=0.8, send_timeout=2.0)
ACCOUNT, WRONG = named("account-on")(number=3002), named("set-row")(number=3001)
SENDS = named("sends")(message="message 1")


def launched(target: str) -> Iterator[Setup]:
    with Setup(load_target(target), fleet_addresses("127.0.0.1", "free"), SETTINGS) as setup:
        warm_up(setup)
        yield setup


@pytest.fixture(scope="module")
def reference() -> Iterator[Setup]:
    yield from launched("reference")


@pytest.fixture(scope="module")
def before_fix() -> Iterator[Setup]:
    yield from launched("before-fix")


def test_a_story_that_was_left_without_its_other_account_is_not_judged(reference: Setup) -> None:
    story = Story((ACCOUNT,), (named("announces-other")(number=3001),))

    assert Conduct(reference, 1).carry_out(story).unjudged == "there is no other account"


def test_the_reference_keeps_every_promise_of_the_first_stories(reference: Setup) -> None:
    conduct = Conduct(reference, 1)
    told = [conduct.carry_out(one) for one in islice(small(reference.fleet.numbers), 200)]

    assert [one.violation for one in told if one.violation] == []
    assert sum(one.kept for one in told) > 500
    assert sum(bool(one.unjudged) for one in told) < 20


def test_the_reference_keeps_every_promise_of_random_stories(reference: Setup) -> None:
    conduct, kept, covered = Conduct(reference, 1), 0, set[tuple[str, str]]()
    for story in islice(random_stories(reference.fleet.numbers, 1), 100):
        carried = conduct.carry_out(story)
        assert carried.violation is None, story
        kept += carried.kept
        covered |= carried.covered

    assert kept > 500
    assert len({name for name, _ in covered}) > 30


def test_a_violation_cuts_the_story_and_is_told_in_the_words_of_the_check(before_fix: Setup) -> None:
    story = Story((ACCOUNT, WRONG), (SENDS, named("closed-idle")(number=3002)))

    violation = Conduct(before_fix, 1).carry_out(story).violation

    assert violation is not None
    assert violation.promise.requirement == "SCAN-01"
    assert violation.promise.then == 'instance 3002 delivers "message 1" once'
    assert violation.story.when == (SENDS,)
    assert "404" in violation.observed


def test_only_what_is_claimed_is_judged(before_fix: Setup) -> None:
    story = Story((ACCOUNT, WRONG), (SENDS,))

    assert Conduct(before_fix, 1, {"SEND-02"}).carry_out(story).violation is None


def test_a_story_that_cannot_be_carried_out_is_not_judged(reference: Setup) -> None:
    nowhere = named("account-nowhere")(number=3001)
    story = Story((nowhere,), (named("moves-unannounced")(number=3002), SENDS))

    carried = Conduct(reference, 1).carry_out(story)

    assert carried.violation is None
    assert "no instance holds" in carried.unjudged


def test_what_is_found_is_shrunk_to_what_is_needed(before_fix: Setup) -> None:
    noise = [
        named("closed-idle")(number=3003),
        named("lists-too")(number=3004),
        named("closed-idle")(number=3001),
    ]
    other = named("account-of-same-workspace")(number=3003)
    story = Story((ACCOUNT, other, WRONG), (*noise, SENDS))
    violation = Conduct(before_fix, 1).carry_out(Story(story.given, (SENDS,))).violation
    assert violation is not None

    found = LookingInto(before_fix, 1).look_into(violation)

    assert found.steadiness is Steadiness.STABLE
    assert found.story.actions == (ACCOUNT, WRONG, SENDS)
    assert [(one.step, one.failed) for one in found.needed] == [(WRONG.step, 0)]
    assert found.rate == (10, 10)
    page = render(Explored(findings=[found]), "before-fix", 1, 1, catalogue())
    assert "<svg" in page
    assert before_fix.secrets[0] not in page + str(found.to_json())


def test_each_call_of_a_story_that_passed_is_made_to_fail_once(reference: Setup) -> None:
    story = Story(
        (ACCOUNT, WRONG), (named("closed-idle")(number=3002), SENDS, named("sends")(message="message 2"))
    )
    conduct, failing = Conduct(reference, 1), Failing()
    carried = conduct.carry_out(story)

    made = list(failing.of(carried))

    assert {one.kind.name for each in made for one in each.when} >= {"fails-once"}
    assert all(len(one.when) == len(story.when) + 1 for one in made)
    assert [conduct.carry_out(one).violation for one in made] == [None] * len(made)
    assert not {one.name for one in failing.of(carried)} & {one.name for one in made}


def test_webhooks_that_rest_on_one_that_was_not_believed_convict_only_where_all_is_well(
    before_fix: Setup,
) -> None:
    at_once = named("announced-at-once")(count=6)
    silent = named("misbehaves")(number=3001, behaviour="answers 500", asked="", optional=", if it is asked")
    conduct = Conduct(before_fix, 1)

    assert conduct.carry_out(Story((ACCOUNT,), (at_once,))).violation is not None
    troubled = conduct.carry_out(Story((ACCOUNT,), (silent, at_once)))
    assert troubled.violation is None
    assert "assigned_instance_url" in troubled.unjudged

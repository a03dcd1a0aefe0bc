"""Stories: made up as data, the same for the same seed, and possible."""

from __future__ import annotations

import json
from itertools import islice
from typing import TYPE_CHECKING

import pytest

from harness.catalogue.features import catalogue
from harness.errors import TargetError
from harness.explore.alphabet import WAITING
from harness.explore.found.finding import Finding, Steadiness
from harness.explore.found.kept import gherkin, kept_stories, name_of, save
from harness.explore.making import is_possible, random_stories, small, stories
from harness.explore.promises.table import is_judged
from harness.explore.story import MOST_ACTIONS, Story, story_of_json
from harness.explore.workers import Explore, is_claimed, share
from harness.scenario.actions import named, of_step

if TYPE_CHECKING:
    from pathlib import Path

NUMBERS = (3001, 3002, 3003, 3004)
STORY = Story(
    (named("account-on")(number=3002), named("set-row")(number=3001)), (named("sends")(message="hello"),)
)


def test_a_seed_makes_the_same_stories_again_and_another_makes_others() -> None:
    first = [str(one) for one in islice(random_stories(NUMBERS, 1), 50)]

    assert first == [str(one) for one in islice(random_stories(NUMBERS, 1), 50)]
    assert first != [str(one) for one in islice(random_stories(NUMBERS, 2), 50)]


def test_shards_have_every_story_once() -> None:
    whole = [one.name for one in islice(stories(NUMBERS, 3), 300)]

    dealt = [[one.name for one in share(NUMBERS, 3, Explore(place, 4, 1.0, 300))] for place in range(4)]

    assert sorted(name for part in dealt for name in part) == sorted(whole)
    assert [name for group in zip(*dealt, strict=True) for name in group] == whole


def test_what_was_kept_is_told_first() -> None:
    made = share(NUMBERS, 3, Explore(0, 1, 1.0, 3, (STORY,)))

    assert next(made) == STORY


def test_small_stories_have_few_actions_and_the_last_is_judged() -> None:
    made = list(islice(small(NUMBERS), 3000))

    assert {len(one.when) for one in made} == {1, 2, 3, 4}
    assert all(is_judged(one.when[-1].kind.name) for one in made)
    assert sum(len(one.when) > 2 for one in made) < len(made) / 3


def test_random_stories_can_be_carried_out_and_have_at_most_one_that_waits() -> None:
    for story in islice(random_stories(NUMBERS, 1), 400):
        assert is_possible(story.when)
        assert len(story.when) <= 12
        assert sum(one.get("behaviour") in WAITING for one in story.when) <= 1


def test_nothing_is_repeated_that_was_never_sent_and_nobody_is_asked_who_was_killed() -> None:
    again, killed = named("webhook-again")(), named("killed-after-answer")(number=3002)
    sends, started = named("sends")(message="a"), named("started-again")()

    assert not is_possible([again])
    assert is_possible([named("announces")(number=3002, event="session_ready"), again])
    assert not is_possible([killed, sends])
    assert is_possible([killed, started, sends])
    assert not is_possible([started])


def test_a_story_is_the_same_behind_json() -> None:
    for story in islice(stories(NUMBERS, 1), 0, 3000, 97):
        again = story_of_json(json.loads(json.dumps(story.to_json())))
        assert (again, again.name) == (story, story.name)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ([], "a story is a JSON object"),
        ({"given": [], "when": "x"}, "a story is a JSON object"),
        ({"given": [], "when": [{"action": "dances"}]}, "no action is called"),
        ({"given": [], "when": [STORY.when[0].to_json()] * (MOST_ACTIONS + 1)}, "at most"),
    ],
)
def test_json_that_is_no_story_is_refused(value: object, told: str) -> None:
    with pytest.raises(TargetError, match=told):
        story_of_json(value)


def test_a_health_check_is_not_asked_of_whoever_claims_none() -> None:
    check = Story(STORY.given, (named("health-check-runs")(),))

    assert not is_claimed(check, ("core",))
    assert is_claimed(check, ("core", "health-check"))
    assert is_claimed(STORY, ("core",))


def finding() -> Finding:
    then = 'instance 3002 delivers "hello" once'
    return Finding("SCAN-01", then, "it", "nothing", STORY, STORY, Steadiness.STABLE, (10, 10))


def test_a_counterexample_is_a_feature_of_existing_steps(tmp_path: Path) -> None:
    text = gherkin(finding(), catalogue()["SCAN-01"], seed=7)

    steps = [line.split(maxsplit=1)[1] for line in text.splitlines() if line.startswith("    ")]
    assert "  @SCAN-01\n" in text
    assert "--seed 7" in text
    assert [of_step(one) for one in steps[:-1]] == [*STORY.actions]
    assert steps[-1] == finding().then

    (saved,) = save(tmp_path, [(finding(), text)])
    assert saved.name == f"{name_of(finding())}.feature"
    assert (tmp_path / "test_counterexamples.py").exists()
    assert kept_stories(tmp_path) == (STORY,)


def test_a_kept_file_that_is_no_counterexample_is_named(tmp_path: Path) -> None:
    (tmp_path / "mine.json").write_text("{}", "utf-8")

    with pytest.raises(TargetError, match=r"mine\.json is no counterexample"):
        kept_stories(tmp_path)


def test_a_folder_that_is_not_there_has_no_stories(tmp_path: Path) -> None:
    assert kept_stories(tmp_path / "nowhere") == ()

"""Shrinking: nothing is kept that is not needed, and what is needed is kept."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from harness.explore.found.finding import Finding, Needed, Steadiness
from harness.explore.found.looking_into import is_steady
from harness.explore.found.shrinking import shrink, without_each
from harness.explore.story import Story
from harness.scenario.actions import Action, named

GIVEN = (named("account-on")(number=3002), named("set-row")(number=3001))


def sends(number: int) -> Action:
    return named("sends")(message=f"message {number}")


@settings(max_examples=200)
@given(
    st.integers(1, 12).flatmap(lambda n: st.tuples(st.just(n), st.sets(st.integers(0, n - 1), max_size=3)))
)
def test_only_what_is_needed_and_the_last_action_are_left(case: tuple[int, set[int]]) -> None:
    length, needed = case
    wanted = {sends(number) for number in {*needed, length - 1}}
    story = Story(GIVEN, tuple(sends(number) for number in range(length)))

    least = shrink(story, lambda one: wanted <= {*one.when})

    assert {*least.when} == wanted
    assert list(least.when) == sorted(least.when, key=list(story.when).index)
    assert least.given == GIVEN[:1]


def test_what_is_given_and_needed_stays() -> None:
    story = Story(GIVEN, (sends(1), sends(2)))

    least = shrink(story, lambda one: GIVEN[1] in one.given)

    assert least == Story(GIVEN, (sends(2),))


def test_without_each_leaves_out_everything_but_the_first_account_and_the_last_action() -> None:
    story = Story(GIVEN, (sends(1), sends(2)))

    assert [(action, rest.actions) for action, rest in without_each(story)] == [
        (GIVEN[1], (GIVEN[0], sends(1), sends(2))),
        (sends(1), (*GIVEN, sends(2))),
    ]


def test_nine_of_ten_is_steady_and_less_is_not() -> None:
    assert is_steady((9, 10))
    assert is_steady((10, 10))
    assert not is_steady((8, 10))
    assert not is_steady((2, 2))


def test_the_sentence_names_what_is_needed_and_nothing_else() -> None:
    story = Story(GIVEN, (sends(1),))
    finding = Finding(
        "SCAN-01", "t", "a", "b", story, story, Steadiness.STABLE, (10, 10),
        needed=(Needed("the webhook is late", 0, 10), Needed("the row is set", 9, 10), Needed("3001 hangs", 1, 10)),
    )  # fmt: skip

    assert finding.sentence == "the webhook is late; 3001 hangs. Without any one of them the promise is kept"

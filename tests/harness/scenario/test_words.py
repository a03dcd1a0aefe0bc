"""What users write differs from scenario to scenario, and is the same again for the same seed."""

from __future__ import annotations

from random import Random

from harness.scenario.texts.words import Words, recipient_of


def test_words_stay_the_same_within_a_scenario_and_differ_in_another() -> None:
    one, again, other = Words(Random(1)), Words(Random(1)), Words(Random(2))
    varied = one.vary("hello")
    assert varied.startswith("hello ")
    assert varied == one.vary("hello") == one.said("hello") == again.vary("hello") != other.vary("hello")
    assert one.said("never varied") == "never varied"


def test_nobody_is_written_to_twice() -> None:
    words = Words(Random(1))
    people = {words.recipient() for _ in range(100)}
    assert len(people) == 100
    assert all(one.isdecimal() and 8 <= len(one) <= 15 for one in people | {recipient_of("hello")})
    assert recipient_of("hello") == recipient_of("hello") != recipient_of("good bye")

"""Whatever is true when something is judged, each promise is a Then step that there is."""

from __future__ import annotations

from itertools import islice
from random import Random

from fake_instances.faults import Answer, AnswersHollow, DeniesSession, Hang, Redirect, Reset, SendsThenFails
from harness.explore.making import random_stories, small
from harness.explore.promises.base import Moment
from harness.explore.promises.table import is_judged, promises
from harness.explore.situation import Situation
from harness.scenario.phrases import check_of

NUMBERS = (3001, 3002, 3003, 3004)
FAULTS = (
    Answer(200, b""),
    Answer(403),
    Answer(500),
    AnswersHollow(b"{}"),
    DeniesSession(),
    Hang(),
    Redirect("http://localhost:3001"),
    Reset(),
    SendsThenFails(Reset()),
)


def any_situation(random: Random) -> Situation:
    """Return what may be true at a moment: anything, likely or not."""
    named = random.choice((None, *NUMBERS))
    some = [frozenset(random.sample(NUMBERS, random.choice((0, 0, 0, 1, 2)))) for _ in range(4)]
    holders = frozenset(random.sample(NUMBERS, random.choice((0, 1, 1, 1, 2))))
    return Situation(
        holders=holders,
        copies=dict.fromkeys(some[0] - holders, "disconnected"),
        row=None if named is None and random.random() < 0.5 else f"http://localhost:{named}",
        slash=random.random() < 0.1,
        named=named,
        silent=some[1],
        odd_posts={one: (random.choice(FAULTS),) for one in some[2]},
        lying=some[3],
        dialect=random.random() < 0.1,
        pending=random.random() < 0.1,
        passing=some[1] if random.random() < 0.3 else frozenset(),
    )


def test_every_promise_is_a_step_whatever_is_true() -> None:
    random, seen = Random(1), set[str]()
    for story in [*islice(small(NUMBERS), 600), *islice(random_stories(NUMBERS, 1), 600)]:
        for place, action in enumerate(story.when):
            if not is_judged(action.kind.name):
                continue
            earlier = (*story.given, *story.when[:place])
            for _ in range(4):
                one, other = any_situation(random), any_situation(random)
                last = place == len(story.when) - 1
                seen |= {
                    each.then
                    for each in promises(
                        Moment(action, earlier, one, one, other, log=True, asynchronous=False, last=last)
                    )
                }

    for then in seen:
        assert check_of(then)
        assert "None" not in then
    assert len(seen) > 100

"""What was measured is told in words, in a table, as JSON and as a page, whatever it is."""

from __future__ import annotations

import json
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from harness.errors import TargetError
from harness.frontier import page, telling
from harness.frontier.axes import AXES, named
from harness.frontier.bisection import Frontier, Scale, find
from tests.harness.frontier.made_up import (
    BROKE,
    CONDITIONS,
    COUNT,
    FEW,
    HELD,
    SECONDS,
    UNJUDGED,
    axis,
    found,
    measured,
    up_to,
)

EVIL = 'Acme <script>alert("1")</script>\x1b[31m'
DELAY, HANGING = axis("delay"), axis("hanging", FEW)
RESULTS = [
    measured(DELAY, EVIL, found(SECONDS, up_to(3))),
    measured(DELAY, "reference", found(SECONDS, up_to(1000))),
    measured(HANGING, EVIL, found(FEW, up_to(-1))),
    measured(HANGING, "reference", found(FEW, up_to(2, UNJUDGED))),
]
VERSIONS = {EVIL: "1.4", "reference": "0.1.0"}


@pytest.mark.parametrize(
    ("frontier", "words"),
    [
        (found(SECONDS, up_to(0.76)), "tolerates 0.754, fails from 0.777"),
        (found(SECONDS, up_to(1000)), "at least 900, the end of the range"),
        (found(Scale(10, 20_000, whole=True), up_to(30_000)), "at least 20,000, the end of the range"),
        (found(SECONDS, up_to(0)), "not even 0.5, the least"),
        (found(COUNT, up_to(0, UNJUDGED)), "not judged, even at 1"),
        (found(FEW, up_to(2, UNJUDGED)), "tolerates 2, not judged from 3"),
        (find(SECONDS, 5, up_to(3), lambda: True), "not measured, the time was up"),
        (find(SECONDS, 1, up_to(3), iter([False, True]).__next__), "tolerates 0.5 (the time was up)"),
        (
            find(SECONDS, 1, up_to(3), iter([False] * 2 + [True]).__next__),
            "tolerates 0.5, fails from 900 (the time was up)",
        ),
    ],
)
def test_an_interval_says_what_is_known(frontier: Frontier, words: str) -> None:
    assert telling.interval(frontier) == words


def test_a_table_has_a_row_for_each_axis_and_a_column_for_each_implementation() -> None:
    head, delay, hanging = telling.table(RESULTS, [*VERSIONS])

    assert "\x1b" not in head
    assert [head.index("unit"), head.index("reference")] == [delay.index("s  "), delay.index("at least 900")]
    assert hanging.index("not even 0, the least") == delay.index("tolerates ")
    assert hanging.endswith("tolerates 2, not judged from 3")


def test_notes_say_why_it_goes_no_further_and_what_is_odd() -> None:
    odd = found(SECONDS, lambda value: BROKE if 1 < value < 20 or value > 300 else HELD)
    lines = " ".join(telling.note_lines([*RESULTS, measured(DELAY, "odd", odd)]))

    assert "observed <b>&" in lines
    assert "hanging of reference, at 3: the harness itself is too slow" in lines
    assert "delay of odd, no clear frontier: it" in lines
    assert "\x1b" not in lines


def test_notes_say_that_a_frontier_is_blurred() -> None:
    blurred = replace(found(SECONDS, up_to(3)), blurred=True)

    assert [one for one in telling.notes(measured(DELAY, "x", blurred)) if "blurred" in one]


def test_json_has_every_value_that_was_tried() -> None:
    saved = json.loads(json.dumps(telling.to_json(RESULTS, VERSIONS, CONDITIONS)))

    first, second = saved["axes"]
    assert [one["implementation"] for one in first["results"]] == [EVIL, "reference"]
    mine = first["results"][0]
    assert mine["tolerates"] <= 3 < mine["fails_from"]
    assert (mine["monotonic"], mine["blurred"], mine["complete"]) == (True, False, True)
    assert {one["outcome"] for one in mine["tried"]} == {"held", "broke"}
    assert [one["fails_from"] for one in second["results"]] == [0, None]
    assert (saved["verify_timeout"], saved["signature_ttl"], saved["load"]) == (0.8, 300, [0.5, 1.25])


def test_what_was_not_looked_at_is_not_said_to_be_monotonic() -> None:
    short = find(SECONDS, 1, up_to(3), iter([False, True]).__next__)
    saved = telling.to_json([measured(DELAY, "x", short)], {"x": "1"}, CONDITIONS)

    assert '"monotonic": null' in json.dumps(saved)


def test_a_busy_machine_is_told() -> None:
    assert "busy" not in " ".join(telling.conditions_lines(CONDITIONS))
    assert "too busy" in " ".join(telling.conditions_lines(replace(CONDITIONS, load_after=17.0)))


class Page(HTMLParser):
    """The elements of a page, with how often each comes, and whether each is closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.classes: list[str] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.classes += (dict(attrs).get("class") or "").split()
        assert "style" not in dict(attrs), "the page forbids itself styles of elements"
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.open.pop()


def test_a_page_stands_alone_and_shows_nothing_as_it_was_given() -> None:
    text = page.render(RESULTS, VERSIONS, CONDITIONS)
    read = Page(text)

    assert read.open == []
    assert read.tags.count("svg") == 2
    assert not {"script", "link", "img", "b&"} & {*read.tags}
    assert "\x1b" not in text
    assert {"point", "cross", "ring", "band"} <= {*read.classes}


def test_a_chart_places_values_by_their_ratio() -> None:
    chart = page.chart_of(DELAY, RESULTS[:2])

    assert page.place_of(SECONDS, SECONDS.least) == chart.left
    assert page.place_of(SECONDS, SECONDS.most) == chart.right
    first, second = (page.place_of(SECONDS, one) for one in (5, 50))
    third = page.place_of(SECONDS, 500)
    assert abs((second - first) - (third - second)) < 0.3
    mine, reference = chart.lanes
    assert mine.holds is not None
    assert mine.fails is not None
    assert chart.left == mine.holds[0] < mine.holds[1] < mine.fails[0] < mine.fails[1] == chart.right
    assert (reference.holds, reference.fails) == ((chart.left, chart.right), None)
    assert [words for _, words in chart.ticks] == ["0.5", "1", "10", "100", "900"]


def test_a_chart_of_few_values_has_each_of_them() -> None:
    chart = page.chart_of(HANGING, RESULTS[2:])

    assert [words for _, words in chart.ticks] == ["0", "1", "2", "3"]


@pytest.mark.parametrize("one", AXES, ids=lambda one: one.name)
def test_every_axis_can_be_drawn(one: object) -> None:
    chart = page.chart_of(one, [])  # type: ignore[arg-type]

    places = [x for x, _ in chart.ticks]
    assert places == sorted(places)
    assert len(places) >= 3


def test_axes_are_chosen_by_name_in_their_own_order() -> None:
    assert named(()) == AXES
    assert [one.name for one in named(("moves", "drip"))] == ["drip", "moves"]
    with pytest.raises(TargetError, match="there is no axis speed; there are webhook-delay, "):
        named(("speed",))


def test_every_axis_says_when_it_holds() -> None:
    told = "\n".join(telling.axis_lines(AXES))

    for one in AXES:
        assert f"{one.name}: {one.title}, from " in told
    assert told.count("    holds when ") == len(AXES)

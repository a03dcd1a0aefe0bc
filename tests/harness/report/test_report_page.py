"""The page stands alone: it loads nothing, runs nothing, and draws what happened."""

from __future__ import annotations

import base64
import hashlib
import html
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from harness.catalogue.verdict import Outcome
from harness.evidence import Event, Evidence
from harness.report.diagram import draw
from harness.report.formats.html import anchor, render_html
from tests.harness.reporting import EVIDENCE, LOGGED, RUNS, Made, record, with_record

if TYPE_CHECKING:
    from harness.catalogue.record import Record

VOID = {"meta", "input", "br"}


class Page(HTMLParser):
    """Reads a page: its elements with their attributes, its ids, and whether every element is closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def values(self, name: str) -> list[str]:
        return [str(attributes[name]) for _, attributes in self.elements if name in attributes]


@pytest.fixture(params=RUNS.values(), ids=RUNS.keys())
def page_text(request: pytest.FixtureRequest) -> str:
    made: Made = request.param
    return render_html(made.report())


def test_the_page_loads_nothing_and_runs_nothing(page_text: str) -> None:
    page = Page(page_text)

    tags = {tag for tag, _ in page.elements}
    assert not tags & {"script", "link", "img", "iframe", "object", "embed", "form", "base"}
    names = {name for _, attributes in page.elements for name in attributes}
    assert not {name for name in names if name.startswith("on")} | names & {"style", "src", "xlink:href"}
    assert all(re.match(r"#|history/[a-z0-9-]+\.jsonl$", one) for one in page.values("href"))
    assert "url(" not in page_text
    assert "@import" not in page_text


def test_the_policy_permits_this_style_and_nothing_else(page_text: str) -> None:
    (style,) = re.findall(r"<style>(.*?)</style>", page_text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()

    (policy,) = (one for one in Page(page_text).values("content") if "default-src" in one)
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}';")
    assert "unsafe" not in policy


def test_every_link_within_the_page_leads_somewhere(page_text: str) -> None:
    page = Page(page_text)
    ids = page.values("id")

    assert len(ids) == len(set(ids))
    assert {one[1:] for one in page.values("href") if one.startswith("#")} <= set(ids)


def test_what_did_not_pass_is_reported_first_and_is_open() -> None:
    report = RUNS["a must failed"].report()
    told = render_html(report)

    (failed,) = (one for one in report.scenarios if one.outcome is Outcome.FAILED)
    assert told.index('id="causes">1 cause<') < told.index('id="scenarios"')
    assert f'href="#{anchor(failed.id)}"' in told
    assert told.count("<details open>") == 1


def reported(**changes: object) -> Record:
    report = Made(with_record(record(LOGGED, Outcome.FAILED, reason="wrong", evidence=EVIDENCE)), 1).report()
    (one,) = (each for each in report.scenarios if each.name == LOGGED.name)
    return replace(one, **changes)  # type: ignore[arg-type]


def drawing(**changes: object) -> ET.Element:
    return ET.fromstring(draw(reported(**changes)))


def texts(picture: ET.Element, kind: str) -> list[str]:
    return [str(one.text) for one in picture.iter("text") if kind in one.get("class", "").split()]


def test_a_diagram_has_a_lane_for_each_party() -> None:
    lanes = ["user", "implementation", "database", *(f"instance {one}" for one in (3001, 3002, 3003, 3004))]

    assert texts(drawing(), "name") == lanes
    stranger = Evidence(events=(Event(0.0, "implementation", "elsewhere", "3 bytes", "bad"),))
    assert texts(drawing(evidence=stranger), "name") == [*lanes, "elsewhere"]


def test_arrows_lead_from_lane_to_lane_with_times_and_words() -> None:
    picture = drawing()

    arrows = [one for one in picture.iter("line") if "arrow" in one.get("class", "")]
    assert [float(one.get("x1", 0)) < float(one.get("x2", 0)) for one in arrows] == [True, True, False]
    assert arrows[2].get("class") == "arrow bad"
    assert texts(picture, "time") == ["0.010 s", "0.020 s", "0.030 s", "0.040 s"]
    assert "GET /health/detailed (2 times)" in texts(picture, "label")


def test_the_assertion_that_failed_is_marked() -> None:
    picture = drawing()

    assert [one.get("class") for one in picture.iter("rect") if "step" in one.get("class", "")] == [
        "step",
        "step wrong",
    ]
    assert texts(picture, "says") == [
        "Given a row",
        "✗ When it rains",
        "✗",
        "expected one delivery",
        "observed none at all",
    ]


def test_nothing_is_marked_where_all_passed() -> None:
    picture = drawing(outcome=Outcome.PASSED)

    kinds = {one.get("class") for one in picture.iter("rect")}
    assert "step wrong" not in kinds
    assert "finding" not in kinds


def test_what_was_not_judged_is_marked_with_its_reason() -> None:
    picture = drawing(
        outcome=Outcome.NOT_JUDGED, reason="a fault did not fire", evidence=replace(EVIDENCE, expected="")
    )

    assert "? When it rains" in texts(picture, "says")
    assert texts(picture, "says")[-1] == "a fault did not fire"


def test_everything_stays_inside_the_picture() -> None:
    long = "x" * 500
    lanes = ("user", "3004", "elsewhere")
    events = tuple(Event(0.1, one, to, long) for one in lanes for to in (*lanes, "") if one != to)
    picture = drawing(evidence=replace(EVIDENCE, events=(Event(0.0, "", "", long), *events)))

    width = float(picture.get("width", 0))
    for one in picture.iter("rect"):
        assert 0 <= float(one.get("x", 0)) <= float(one.get("x", 0)) + float(one.get("width", 0)) <= width
    assert all(len(str(one.text)) * 6.7 <= width for one in picture.iter("text"))
    assert max(float(one.get("y", 0)) for one in picture.iter("text")) < float(picture.get("height", 0))


def test_what_is_left_out_is_counted() -> None:
    assert any(
        "7 more events" in one for one in texts(drawing(evidence=replace(EVIDENCE, left_out=7)), "label")
    )


def test_a_diagram_escapes_what_it_is_given() -> None:
    nasty = "</text><script>alert(1)</script>"
    told = draw(reported(name='"><b>', evidence=replace(EVIDENCE, events=(Event(0.0, "user", "", nasty),))))

    assert "<script>" not in told
    assert html.escape(nasty)[:20] in told
    assert ET.fromstring(told).get("aria-label") == 'What happened in: "><b>'


def test_without_events_there_is_no_diagram() -> None:
    assert draw(reported(evidence=Evidence())) == ""

"""Several reports side by side: real differences between implementations are seen at once, and only those."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.catalogue.verdict import Outcome
from harness.report.comparison import (
    Comparison,
    compare,
    conclusions,
    render_comparison_html,
    render_comparison_markdown,
    render_comparison_text,
)
from tests.harness.made_up_runs import REPEATABLE, WORST_FIRST, MadeUp, runs
from tests.harness.reporting import LOGGED, RETRIED, RUNS, Made, record, with_record

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.report.model import Report

RENDERERS = pytest.mark.parametrize(
    "render", [render_comparison_text, render_comparison_markdown, render_comparison_html]
)
NASTY = "<script>alert(1)</script> | `x` \x1b[2J\nnext"


def named(report: Report, name: str, version: str = "1") -> Report:
    return replace(report, implementation=replace(report.implementation, name=name, version=version))


def of(**made: str) -> Comparison:
    """Compare runs of `RUNS`, each under a name."""
    return compare([named(RUNS[run.replace("_", " ")].report(), name) for name, run in made.items()])


def row_of(text: str, id_: str) -> str:
    (line,) = (line for line in text.splitlines() if line.startswith(id_))
    return line


def test_what_one_passes_and_another_fails_is_a_difference() -> None:
    compared = of(ours="all passed", theirs="a must failed")

    assert [row.requirement.id for row in compared.differing] == ["SCAN-02"]
    assert conclusions(compared)[0] == "1 requirement tells them apart: SCAN-02."
    told = render_comparison_text(compared)
    assert row_of(told, "SCAN-02").split()[:5] == ["SCAN-02", "must", "✓", "✗", "≠"]
    assert "≠" not in row_of(told, "SCAN-01")
    assert "  1  ours: conformant, all 2 MUSTs" in told
    assert "  2  theirs: non-conformant, failed: SCAN-02" in told


@pytest.mark.parametrize(
    ("ours", "sentences"),
    [
        (
            "a must was not judged",
            [
                "No requirement was passed by one and failed by another.",
                "1 requirement was judged for some of them only: SCAN-02.",
                "1 requirement is left out here, for nobody was judged by it.",
            ],
        ),
        (
            "nothing ran",
            [
                "No requirement was passed by one and failed by another.",
                "3 requirements were judged for some of them only: SCAN-01, SCAN-02, SCAN-07.",
                "1 requirement is left out here, for nobody was judged by it.",
            ],
        ),
    ],
)
def test_what_was_not_judged_is_no_difference(ours: str, sentences: list[str]) -> None:
    compared = compare([RUNS[ours].report(), RUNS["a must failed"].report()])

    assert (compared.differing, conclusions(compared)) == ((), sentences)


@RENDERERS
def test_what_was_selected_and_claimed_is_said(render: Callable[[Comparison], str]) -> None:
    report = RUNS["one row was left out"].report()
    chosen = replace(report, run=replace(report.run, selection="requirement SCAN-01"))

    assert "claims core; only requirement SCAN-01" in render(compare([chosen, report]))


@RENDERERS
def test_a_requirement_that_one_catalogue_does_not_have_is_reported(
    render: Callable[[Comparison], str],
) -> None:
    full = RUNS["all passed"].report()
    older = replace(full, requirements=tuple(one for one in full.requirements if one.id != "SCAN-02"))

    compared = compare([older, full])
    (row,) = (row for row in compared.rows if row.requirement.id == "SCAN-02")
    assert (row.signs, row.differs) == (("-", "✓"), False)
    assert "not in its catalogue" in render(compared)


@pytest.mark.parametrize(
    ("given_names", "told"),
    [
        ([("a", "1"), ("b", "1")], ("a", "b")),
        ([("a", "1"), ("a", "2")], ("a 1", "a 2")),
        ([("a", "1"), ("a", "1")], ("a 1 (no. 1)", "a 1 (no. 2)")),
        ([("a", "1"), ("a", "2"), ("a 1", "x")], ("a 1 (no. 1)", "a 2", "a 1 (no. 3)")),
        ([("a", ""), ("a", "")], ("a (no. 1)", "a (no. 2)")),
    ],
)
def test_one_name_twice_is_reported_apart(given_names: list[tuple[str, str]], told: tuple[str, ...]) -> None:
    report = RUNS["all passed"].report()

    assert compare([named(report, *one) for one in given_names]).names == told


def test_a_number_that_somebody_wrote_in_a_report_does_not_make_it_green() -> None:
    report = RUNS["a must failed"].report()
    edited = replace(report, verdict=replace(report.verdict, exit_code=0))

    assert compare([edited, edited]).exit_code == 1


@RENDERERS
def test_no_text_can_break_out_of_its_place(render: Callable[[Comparison], str]) -> None:
    report = named(RUNS["a must failed"].report(), NASTY)
    nasty = replace(
        report,
        verdict=replace(report.verdict, why=NASTY),
        requirements=tuple(replace(one, words=NASTY) for one in report.requirements),
    )

    told = render(compare([nasty, RUNS["all passed"].report()]))
    if render is render_comparison_text:
        assert "\x1b" not in told
        assert not any(line.startswith("next") for line in told.splitlines())
    else:
        assert "<script>" not in told


@REPEATABLE
@given(st.lists(runs(), min_size=2, max_size=3))
def test_every_format_shows_the_same_and_the_worst_verdict_decides(made: list[MadeUp]) -> None:
    reports = [one.report() for one in made]
    compared = compare(reports)
    text, markdown, page = (
        render(compared)
        for render in (render_comparison_text, render_comparison_markdown, render_comparison_html)
    )

    assert compared.exit_code == min((one.verdict.exit_code for one in reports), key=WORST_FIRST.index)
    shown = [row for row in compared.rows if not row.silent]
    for row in shown:
        came = [
            {one.id: one.outcome for one in report.requirements}.get(row.requirement.id) for report in reports
        ]
        assert row.differs == (Outcome.PASSED in came and Outcome.FAILED in came)
        line = row_of(text, row.requirement.id)
        assert tuple(line.split()[2 : 2 + len(reports)]) == row.signs
        assert ("≠" in line) == row.differs
        assert (
            f"**{row.requirement.id}**" in markdown
            if row.differs
            else f"| {row.requirement.id} |" in markdown
        )
        assert (
            bool(re.search(rf'<tr class="differs"><th scope="row">{row.requirement.id}<', page))
            == row.differs
        )
    top, _, every = page.partition('<table class="comparison every">')
    assert len(re.findall(r'<tr[^>]*><th scope="row">SCAN', every)) == len(shown)
    assert len(re.findall(r'<tr[^>]*><th scope="row">SCAN', top)) == len(compared.differing)
    verdicts = re.findall(r'<b class="outcome [a-z-]+">\S ([a-z -]+)</b>', page)
    assert verdicts == [one.verdict.conclusion.value for one in reports]


def test_the_words_of_what_differs_stand_at_the_top_of_the_page_and_of_the_summary() -> None:
    failed = Made(with_record(record(RETRIED, Outcome.FAILED)), 0).report()
    compared = compare([failed, Made(with_record(record(LOGGED, Outcome.FAILED)), 1).report()])

    page, markdown = render_comparison_html(compared), render_comparison_markdown(compared)
    for told, table in ((page, '"comparison every"'), (markdown, "\n## core")):
        top = told.partition(table)[0].replace("\\_", "_")
        assert "2 requirements tell them apart: SCAN-02, SCAN-07." in top
        assert "SCAN_02 holds." in top
        assert "SCAN_07 holds." in top

"""The one function that computes a verdict, over made-up records: each rule by itself, and its words.

That the rules hold together, whatever comes of a run, is in test_tally_properties.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import pytest

from harness.catalogue.requirements import Level, Profile
from harness.catalogue.verdict import Conclusion, Outcome, judge
from tests.harness.support import CORE, SECURITY, catalogue, record_of, run, scenario

if TYPE_CHECKING:
    from collections.abc import Collection

    from harness.catalogue.record import Record
    from harness.catalogue.verdict import Run

SMALL = catalogue(SCAN_01="must", SCAN_02="must", SCAN_07="should", SCAN_09="self", AUTH_05="must:security")
FAILED, NOT_JUDGED, BROKEN = Outcome.FAILED, Outcome.NOT_JUDGED, Outcome.BROKEN


def came(node: str, *ids: str, outcome: Outcome = Outcome.PASSED, reason: str = "") -> Record:
    return record_of(scenario(node, *ids), SMALL, node, outcome=outcome, reason=reason)


BOTH_MUSTS = (came("a", "SCAN-01"), came("b", "SCAN-02"))
PROOF_FAILED = came("proof", "SCAN-09", outcome=FAILED)
BOTH_FAILED = came("proof", "SCAN-09", "AUTH-05", outcome=FAILED)

VERDICTS: dict[str, tuple[Run, Collection[Profile], int, str]] = {
    "every must passed": (run(*BOTH_MUSTS), CORE, 0, "all 2 MUSTs of the claimed profiles passed"),
    "a must failed": (run(*BOTH_MUSTS, came("c", "SCAN-02", outcome=FAILED)), CORE, 1, "failed: SCAN-02"),
    "a should failed": (
        run(*BOTH_MUSTS, came("c", "SCAN-07", outcome=FAILED)),
        CORE,
        0,
        "all 2 MUSTs of the claimed profiles passed",
    ),
    "a must was not judged": (
        run(came("a", "SCAN-01"), came("b", "SCAN-02", outcome=NOT_JUDGED)),
        CORE,
        2,
        "nothing failed, but not judged: SCAN-02",
    ),
    "a must has no scenario": (run(came("a", "SCAN-01")), CORE, 2, "nothing failed, but not judged: SCAN-02"),
    "a must was not judged, and a should failed": (
        run(came("a", "SCAN-01"), came("b", "SCAN-07", outcome=FAILED)),
        CORE,
        2,
        "no MUST failed (of the SHOULDs, SCAN-07 did), but not judged: SCAN-02",
    ),
    "a must was left out": (
        run(came("a", "SCAN-01"), also_written={"SCAN-02": ("b",)}),
        CORE,
        2,
        "nothing failed, but not judged: SCAN-02",
    ),
    "nothing ran": (run(), CORE, 2, "no scenario ran"),
    "a result came twice": (run(*BOTH_MUSTS, came("a", "SCAN-01")), CORE, 3, "a result came twice: a"),
    "a crash, though a must failed": (
        run(came("a", "SCAN-01", outcome=FAILED), crash="pytest broke"),
        CORE,
        3,
        "pytest broke",
    ),
    "a scenario broke": (
        run(*BOTH_MUSTS, came("c", "SCAN-07", outcome=BROKEN)),
        CORE,
        3,
        "broke in the harness itself: c",
    ),
    "interrupted, though all that ran passed": (
        run(*BOTH_MUSTS, trouble="the run was interrupted"),
        CORE,
        2,
        "the run was interrupted",
    ),
    "interrupted after a failure": (
        run(came("a", "SCAN-01", outcome=FAILED), trouble="the run was interrupted"),
        CORE,
        1,
        "failed: SCAN-01",
    ),
    "a proof of the instrument failed": (
        run(*BOTH_MUSTS, PROOF_FAILED),
        CORE,
        3,
        "broke in the harness itself: proof",
    ),
    "a proof that carries only what is not claimed failed": (
        run(*BOTH_MUSTS, BOTH_FAILED),
        CORE,
        3,
        "broke in the harness itself: proof",
    ),
    "a proof that judges too failed": (
        run(*BOTH_MUSTS, BOTH_FAILED),
        CORE | SECURITY,
        1,
        "failed: AUTH-05",
    ),
    "what is not claimed failed": (
        run(*BOTH_MUSTS, came("s", "AUTH-05", outcome=FAILED)),
        CORE,
        0,
        "all 2 MUSTs of the claimed profiles passed",
    ),
    "nothing is claimed": (run(*BOTH_MUSTS), (), 2, "no MUST of a claimed profile was judged"),
}


@pytest.mark.parametrize(("ran", "claims", "code", "why"), VERDICTS.values(), ids=VERDICTS.keys())
def test_each_rule_of_the_verdict(ran: Run, claims: Collection[Profile], code: int, why: str) -> None:
    verdict = judge(SMALL, claims, ran)

    assert (verdict.exit_code, verdict.why) == (code, why)
    assert verdict.conclusion is list(Conclusion)[code]


@pytest.mark.parametrize(
    ("expected", "reason"),
    [(["b2"], "its scenario never ran"), ([], "its scenario was left out by the selection")],
)
def test_what_did_not_run_leaves_its_must_not_judged_with_the_reason(
    expected: list[str], reason: str
) -> None:
    ran = run(*BOTH_MUSTS, also_written={"SCAN-02": ["b2"]}, also_expected=expected)

    assert (NOT_JUDGED, (reason,)) in [
        (one.outcome, one.reasons) for one in judge(SMALL, CORE, ran).requirements
    ]


def test_the_worst_scenario_of_a_requirement_decides_and_each_reason_is_given_once() -> None:
    ends = [(NOT_JUDGED, "not this"), (FAILED, "lost"), (FAILED, "lost"), (FAILED, "late")]
    records = [came(str(n), "SCAN-01", outcome=end, reason=why) for n, (end, why) in enumerate(ends)]

    first, *_ = judge(SMALL, CORE, run(*BOTH_MUSTS, *records)).requirements

    assert (first.outcome, first.reasons) == (FAILED, ("lost", "late"))


def test_a_long_list_of_failures_is_cut() -> None:
    many = catalogue(**{f"SCAN_{number:02}": "must" for number in range(1, 13)})
    records = [record_of(scenario(one, one), many, one, outcome=FAILED) for one in many]

    assert judge(many, CORE, run(*records)).why.endswith("SCAN-07, SCAN-08 and 4 more")


# Every way in which one scenario can end, and three in which it gives no result at all.
ENDINGS = [Outcome.BROKEN, FAILED, NOT_JUDGED, Outcome.PASSED, "never ran", "left out", "not written"]


def test_no_combination_without_every_claimed_must_passed_is_conformant() -> None:
    ids = ["SCAN-01", "SCAN-02", "SCAN-07", "AUTH-05"]
    for endings in product(ENDINGS, repeat=len(ids)):
        ends = dict(zip(ids, endings, strict=True))
        records = [came(one, one, outcome=end) for one, end in ends.items() if isinstance(end, Outcome)]
        unrun = {one: [one] for one, end in ends.items() if end in {"never ran", "left out"}}
        never = [one for one, end in ends.items() if end == "never ran"]
        for claims, trouble in product((CORE, SECURITY, CORE | SECURITY), ("", "interrupted")):
            verdict = judge(
                SMALL, claims, run(*records, also_written=unrun, also_expected=never, trouble=trouble)
            )
            musts = [one for one in ids if SMALL[one].level is Level.MUST and SMALL[one].profile in claims]
            sound = not trouble and BROKEN not in ends.values()
            expected = sound and all(ends[one] is Outcome.PASSED for one in musts)
            assert (verdict.conclusion is Conclusion.CONFORMANT) == expected, (ends, claims, trouble)

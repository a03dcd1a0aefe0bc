"""The one function that computes a verdict, over made-up results."""

from __future__ import annotations

from itertools import product

import pytest

from harness.catalogue.requirements import Level, Profile
from harness.catalogue.verdict import Conclusion, Outcome, RequirementResult, Verdict, judge
from tests.harness.support import CORE, SECURITY, catalogue, result, run

SMALL = catalogue(SCAN_01="must", SCAN_02="must", SCAN_07="should", SCAN_09="self", AUTH_05="must:security")
FAILED, NOT_JUDGED, BROKEN = Outcome.FAILED, Outcome.NOT_JUDGED, Outcome.BROKEN
BOTH_MUSTS = (result("a", "SCAN-01"), result("b", "SCAN-02"))


def outcomes(verdict: Verdict) -> dict[str, Outcome]:
    return {one.requirement.id: one.outcome for one in verdict.requirements}


def of(verdict: Verdict, id_: str) -> RequirementResult:
    return next(one for one in verdict.requirements if one.requirement.id == id_)


def test_every_must_passed_is_conformant() -> None:
    verdict = judge(SMALL, CORE, run(*BOTH_MUSTS, result("c", "SCAN-07")))

    assert verdict.conclusion is Conclusion.CONFORMANT
    assert verdict.why == "all 2 MUSTs of the claimed profiles passed"
    assert verdict.exit_code == 0
    assert verdict.profiles == (Profile.CORE,)


def test_a_failed_must_is_non_conformant_and_named() -> None:
    verdict = judge(
        SMALL, CORE, run(result("a", "SCAN-01"), result("b", "SCAN-02", outcome=FAILED, reason="wrong"))
    )

    assert (verdict.conclusion, verdict.exit_code) == (Conclusion.NON_CONFORMANT, 1)
    assert verdict.why == "failed: SCAN-02"
    assert of(verdict, "SCAN-02").reasons == ("wrong",)


def test_a_failed_should_stays_conformant_and_is_listed() -> None:
    verdict = judge(SMALL, CORE, run(*BOTH_MUSTS, result("c", "SCAN-07", outcome=FAILED, reason="too slow")))

    assert (verdict.conclusion, verdict.exit_code) == (Conclusion.CONFORMANT, 0)
    (listed,) = verdict.of(FAILED)
    assert (listed.requirement.id, listed.reasons) == ("SCAN-07", ("too slow",))
    assert verdict.of(FAILED, level=Level.MUST) == ()


def test_a_must_that_was_not_judged_is_incomplete() -> None:
    verdict = judge(
        SMALL,
        CORE,
        run(result("a", "SCAN-01"), result("b", "SCAN-02", outcome=NOT_JUDGED, reason="no fault fired")),
    )

    assert (verdict.conclusion, verdict.exit_code) == (Conclusion.INCOMPLETE, 2)
    assert verdict.why == "nothing failed, but not judged: SCAN-02"
    assert of(verdict, "SCAN-02").reasons == ("no fault fired",)


def test_a_scenario_that_never_ran_leaves_its_must_not_judged() -> None:
    verdict = judge(SMALL, CORE, run(*BOTH_MUSTS, also_written={"SCAN-02": ["b2"]}, also_expected=["b2"]))

    assert verdict.conclusion is Conclusion.INCOMPLETE
    assert of(verdict, "SCAN-02") == RequirementResult(
        SMALL["SCAN-02"], NOT_JUDGED, ("its scenario never ran",)
    )


def test_a_scenario_that_the_selection_left_out_leaves_its_must_not_judged() -> None:
    verdict = judge(SMALL, CORE, run(*BOTH_MUSTS, also_written={"SCAN-02": ["b2"]}))

    assert verdict.conclusion is Conclusion.INCOMPLETE
    assert of(verdict, "SCAN-02").reasons == ("its scenario was left out by the selection",)


def test_a_must_without_any_scenario_is_incomplete() -> None:
    verdict = judge(SMALL, CORE, run(result("a", "SCAN-01")))

    assert verdict.conclusion is Conclusion.INCOMPLETE
    assert outcomes(verdict)["SCAN-02"] is Outcome.NOT_WRITTEN


def test_nothing_ran_is_incomplete_and_says_so() -> None:
    verdict = judge(SMALL, CORE, run())

    assert (verdict.conclusion, verdict.why) == (Conclusion.INCOMPLETE, "no scenario ran")


def test_a_result_that_came_twice_is_a_harness_error() -> None:
    verdict = judge(SMALL, CORE, run(*BOTH_MUSTS, result("a", "SCAN-01")))

    assert (verdict.conclusion, verdict.exit_code) == (Conclusion.HARNESS_ERROR, 3)
    assert verdict.why == "a result came twice: a"


def test_a_crash_is_a_harness_error_though_a_must_failed() -> None:
    failed = (*BOTH_MUSTS, result("c", "SCAN-01", outcome=FAILED))

    verdict = judge(SMALL, CORE, run(*failed, crash="pytest broke"))

    assert (verdict.conclusion, verdict.why) == (Conclusion.HARNESS_ERROR, "pytest broke")


def test_a_scenario_that_broke_is_a_harness_error_and_named() -> None:
    verdict = judge(
        SMALL, CORE, run(*BOTH_MUSTS, result("c", "SCAN-07", outcome=BROKEN, reason="KeyError: 'x'"))
    )

    assert verdict.conclusion is Conclusion.HARNESS_ERROR
    assert verdict.why == "broke in the harness itself: c"
    assert of(verdict, "SCAN-07").reasons == ("KeyError: 'x'",)


def test_an_interruption_is_incomplete_though_all_that_ran_passed() -> None:
    verdict = judge(SMALL, CORE, run(*BOTH_MUSTS, trouble="the run was interrupted"))

    assert (verdict.conclusion, verdict.why) == (Conclusion.INCOMPLETE, "the run was interrupted")


def test_an_interruption_does_not_hide_a_failure() -> None:
    verdict = judge(
        SMALL, CORE, run(result("a", "SCAN-01", outcome=FAILED), trouble="the run was interrupted")
    )

    assert verdict.conclusion is Conclusion.NON_CONFORMANT


def test_a_scenario_that_proves_the_instrument_and_fails_is_a_harness_error() -> None:
    verdict = judge(SMALL, CORE, run(*BOTH_MUSTS, result("proof", "SCAN-09", outcome=FAILED)))

    assert (verdict.conclusion, verdict.why) == (
        Conclusion.HARNESS_ERROR,
        "broke in the harness itself: proof",
    )


def test_a_failure_of_a_scenario_that_judges_too_is_no_harness_error() -> None:
    verdict = judge(SMALL, CORE, run(*BOTH_MUSTS, result("c", "SCAN-01", "SCAN-09", outcome=FAILED)))

    assert verdict.conclusion is Conclusion.NON_CONFORMANT


@pytest.mark.parametrize("outcome", [Outcome.NOT_CLAIMED, Outcome.NOT_WRITTEN])
def test_a_claimed_must_whose_scenario_came_to_anything_but_passed_is_not_judged(outcome: Outcome) -> None:
    verdict = judge(SMALL, CORE, run(result("a", "SCAN-01"), result("b", "SCAN-02", outcome=outcome)))

    assert verdict.conclusion is Conclusion.INCOMPLETE


def test_a_failed_proof_of_the_instrument_that_else_carries_only_what_is_not_claimed_is_a_harness_error() -> (
    None
):
    failed = result("proof", "SCAN-09", "AUTH-05", outcome=FAILED)

    assert judge(SMALL, CORE, run(*BOTH_MUSTS, failed)).conclusion is Conclusion.HARNESS_ERROR
    assert judge(SMALL, CORE | SECURITY, run(*BOTH_MUSTS, failed)).conclusion is Conclusion.NON_CONFORMANT


def test_an_unclaimed_profile_never_counts_as_passed() -> None:
    verdict = judge(SMALL, CORE, run(*BOTH_MUSTS, result("s", "AUTH-05")))

    assert outcomes(verdict)["AUTH-05"] is Outcome.NOT_CLAIMED
    assert verdict.counts(Profile.SECURITY) == {Outcome.NOT_CLAIMED: 1}
    assert verdict.why == "all 2 MUSTs of the claimed profiles passed"


def test_a_failure_of_an_unclaimed_profile_does_not_convict() -> None:
    verdict = judge(SMALL, CORE, run(*BOTH_MUSTS, result("s", "AUTH-05", outcome=FAILED)))

    assert verdict.conclusion is Conclusion.CONFORMANT
    assert outcomes(verdict)["AUTH-05"] is Outcome.NOT_CLAIMED


def test_a_run_that_judged_no_must_of_a_claimed_profile_is_incomplete() -> None:
    only_shoulds = catalogue(SCAN_07="should")

    verdict = judge(only_shoulds, CORE, run(result("c", "SCAN-07")))

    assert (verdict.conclusion, verdict.why) == (
        Conclusion.INCOMPLETE,
        "no MUST of a claimed profile was judged",
    )


def test_claiming_nothing_is_never_conformant() -> None:
    verdict = judge(SMALL, (), run(*BOTH_MUSTS))

    assert verdict.conclusion is Conclusion.INCOMPLETE
    assert outcomes(verdict)["SCAN-01"] is Outcome.NOT_CLAIMED


def test_the_worst_scenario_of_a_requirement_decides_and_its_reason_is_told_once() -> None:
    verdict = judge(
        SMALL,
        CORE,
        run(
            result("a", "SCAN-01"),
            result("b", "SCAN-01", outcome=NOT_JUDGED, reason="not this"),
            result("c", "SCAN-01", outcome=FAILED, reason="lost"),
            result("d", "SCAN-01", outcome=FAILED, reason="lost"),
            result("e", "SCAN-01", outcome=FAILED, reason="late"),
        ),
    )

    assert of(verdict, "SCAN-01") == RequirementResult(SMALL["SCAN-01"], FAILED, ("lost", "late"))


def test_a_long_list_of_failures_is_cut() -> None:
    many = catalogue(**{f"SCAN_{number:02}": "must" for number in range(1, 13)})

    verdict = judge(many, CORE, run(*(result(one, one, outcome=FAILED) for one in many)))

    assert verdict.why.endswith("SCAN-07, SCAN-08 and 4 more")


def test_the_profiles_of_a_verdict_stand_in_their_own_order() -> None:
    assert judge(SMALL, [*SECURITY, *CORE], run()).profiles == (Profile.CORE, Profile.SECURITY)


def test_counts_leave_out_what_nobody_is_judged_by() -> None:
    verdict = judge(SMALL, CORE, run(*BOTH_MUSTS, result("proof", "SCAN-09")))

    assert sum(verdict.counts().values()) == 4


@pytest.mark.parametrize(
    ("conclusion", "exit_code"),
    [
        (Conclusion.CONFORMANT, 0),
        (Conclusion.NON_CONFORMANT, 1),
        (Conclusion.INCOMPLETE, 2),
        (Conclusion.HARNESS_ERROR, 3),
    ],
)
def test_each_conclusion_has_its_exit_code(conclusion: Conclusion, exit_code: int) -> None:
    assert conclusion.exit_code == exit_code


# Every way in which one scenario can end, and three in which it gives no result at all.
ENDINGS = [*Outcome, "never ran", "left out", "not written"]
ENDINGS.remove(Outcome.NOT_CLAIMED)
ENDINGS.remove(Outcome.NOT_WRITTEN)


def test_no_combination_without_every_claimed_must_passed_is_conformant() -> None:
    ids = ["SCAN-01", "SCAN-02", "SCAN-07", "AUTH-05"]
    checked = 0
    for endings in product(ENDINGS, repeat=len(ids)):
        ends = dict(zip(ids, endings, strict=True))
        for claims in (CORE, SECURITY, CORE | SECURITY):
            for trouble in ("", "interrupted"):
                checked += 1
                musts = [
                    one for one in ids if SMALL[one].level is Level.MUST and SMALL[one].profile in claims
                ]
                verdict = judge(
                    SMALL,
                    claims,
                    run(
                        *(result(one, one, outcome=end) for one, end in ends.items() if end in set(Outcome)),
                        also_written={
                            one: [one] for one, end in ends.items() if end in {"never ran", "left out"}
                        },
                        also_expected=[one for one, end in ends.items() if end == "never ran"],
                        trouble=trouble,
                    ),
                )
                sound = not trouble and BROKEN not in ends.values()
                expected = sound and all(ends[one] is Outcome.PASSED for one in musts)
                assert (verdict.conclusion is Conclusion.CONFORMANT) == expected, (ends, claims, trouble)
    assert checked == len(ENDINGS) ** 4 * 6

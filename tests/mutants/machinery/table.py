"""The kill matrix as text: requirements, the mutants that break each, and what caught them. Pure."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from tests.mutants.machinery.rulings import idle_scenarios
from tests.mutants.machinery.trials import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.catalogue.requirements import Catalogue
    from tests.mutants.machinery.rulings import Ruling

_WIDTH = 110


def table(rulings: Sequence[Ruling], catalogue: Catalogue) -> Iterator[str]:
    """Give the matrix: under each requirement its mutants, by how many runs each was caught, what else failed."""
    by_requirement: dict[str, list[Ruling]] = {}
    for one in rulings:
        if one.trial.defect is not None:
            by_requirement.setdefault(one.trial.defect.requirement, []).append(one)
    for requirement in catalogue.values():
        if (found := by_requirement.get(requirement.id)) is None:
            continue
        caught = sum(1 for one in found if one.caught_by)
        head = f"{requirement.id:<12} {requirement.level.value:<6}  {caught} of {len(found)} caught"
        yield f"{head:<36}{textwrap.shorten(requirement.words, _WIDTH - 36, placeholder=' …')}"
        for one in found:
            also = f"   also failed: {', '.join(one.collateral)}" if one.collateral else ""
            runs = f"{len(one.caught_by)} run{'s' if len(one.caught_by) != 1 else ''}"
            yield f"  {_sign(one)} {one.trial.name:<58}{runs:>8}{also}"
    for kind, title in ((Kind.BASELINE, "baselines"), (Kind.VARIANT, "sound, and of another design")):
        if acquitted := [one for one in rulings if one.trial.kind is kind]:
            yield f"{title}, which must be acquitted"
            for shares in _by_name(acquitted).values():
                runs = sum(len(one.ran) for one in shares)
                yield f"  {_sign(*shares)} {shares[0].trial.name:<58}{runs:>4} runs"
                yield from (f"    with {name}" for name in shares[0].trial.blended)


def _sign(*rulings: Ruling) -> str:
    return "✓" if all(one.good for one in rulings) else "✗"


def _by_name(rulings: Sequence[Ruling]) -> dict[str, list[Ruling]]:
    """Bring together what became of each implementation: a slow one is judged in several runs."""
    found: dict[str, list[Ruling]] = {}
    for one in rulings:
        found.setdefault(one.trial.name, []).append(one)
    return found


def conclusion(
    rulings: Sequence[Ruling], complaints: Sequence[str], seconds: float, *, whole: bool
) -> Iterator[str]:
    """Give what is wrong, then everything in a few lines; of what caught nothing only if the matrix is `whole`."""
    wrong = [one for one in rulings if not one.good]
    for one in wrong:
        yield ""
        told = one.trial.defect.mistake if one.trial.defect else "must be acquitted"
        names = " with ".join((one.trial.title, *one.trial.blended))
        yield f"✗ {one.trial.kind.value} {names}: {' '.join(told.split())}"
        for complaint in one.complaints:
            yield textwrap.indent(complaint, "    ")
    yield ""
    yield from (f"✗ {one}" for one in complaints)
    kinds = {kind: [one for one in rulings if one.trial.kind is kind] for kind in Kind}
    mutants = kinds[Kind.MUTANT]
    requirements = {one.trial.defect.requirement for one in mutants if one.trial.defect}
    caught = sum(1 for one in mutants if one.caught_by)
    yield f"mutants        {caught} of {len(mutants)} caught, over {len(requirements)} requirements"
    for kind, label in ((Kind.BASELINE, "baselines"), (Kind.VARIANT, "variants")):
        judged = _by_name(kinds[kind]).values()
        good, count = (
            sum(1 + len(shares[0].trial.blended) for shares in some)
            for some in ([one for one in judged if all(share.good for share in one)], judged)
        )
        inside = f", in {len(judged)} implementations" if count > len(judged) else ""
        yield f"{label:<15}{good} of {count} acquitted{inside}"
    if whole:
        idle, reasoned = idle_scenarios(rulings)
        yield f"caught nothing {len(idle)} of the scenarios that judge somebody"
        yield from (f"               {one}: proves the instrument, judges nobody" for one in reasoned)
    yield f"in             {seconds:.0f} s"
    yield f"{len(rulings) - len(wrong)} passed, {len(wrong) + len(complaints)} failed"

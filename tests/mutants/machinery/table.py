"""The kill matrix as text: the mutants of each requirement, and what caught them. Pure."""

from __future__ import annotations

import textwrap
from itertools import groupby
from typing import TYPE_CHECKING

from tests.mutants.machinery.rulings import idle_scenarios
from tests.mutants.machinery.trials import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.catalogue.requirements import Catalogue
    from tests.mutants.machinery.rulings import Ruling

_WIDTH = 110
_LABELS = {Kind.BASELINE: "baselines", Kind.DESIGN: "sound designs"}


def table(rulings: Sequence[Ruling], catalogue: Catalogue) -> Iterator[str]:
    """Yield the matrix: for each mutant how many runs caught it, and which other requirements failed."""
    for requirement in catalogue.values():
        found = [
            one for one in rulings if one.trial.defect and one.trial.defect.requirement == requirement.id
        ]
        if not found:
            continue
        caught = sum(1 for one in found if one.caught_by)
        head = f"{requirement.id:<12} {requirement.level.value:<6}  {caught} of {len(found)} caught"
        yield f"{head:<36}{textwrap.shorten(requirement.words, _WIDTH - 36, placeholder=' …')}"
        for one in found:
            also = f"   also failed: {', '.join(one.collateral)}" if one.collateral else ""
            runs = f"{len(one.caught_by)} run{'s' if len(one.caught_by) != 1 else ''}"
            yield f"  {_sign(one)} {one.trial.name:<58}{runs:>8}{also}"
    for kind, label in _LABELS.items():
        if acquitted := _implementations(rulings, kind):
            yield f"{label}, which must be acquitted"
            for shares in acquitted:
                runs = sum(len(one.ran) for one in shares)
                yield f"  {_sign(*shares)} {shares[0].trial.name:<58}{runs:>4} runs"
                yield from (f"    with {name}" for name in shares[0].trial.blended)


def _sign(*rulings: Ruling) -> str:
    return "✓" if all(one.good for one in rulings) else "✗"


def _implementations(rulings: Sequence[Ruling], kind: Kind) -> list[list[Ruling]]:
    """Return the rulings on each implementation together: a slow one has several runs."""
    by_name = sorted((one for one in rulings if one.trial.kind is kind), key=lambda one: one.trial.name)
    return [list(shares) for _, shares in groupby(by_name, lambda one: one.trial.name)]


def conclusion(
    rulings: Sequence[Ruling], complaints: Sequence[str], seconds: float, *, whole: bool
) -> Iterator[str]:
    """Yield what is wrong, and then the sums; `whole` says whether every mutant was judged."""
    wrong = [one for one in rulings if not one.good]
    for one in wrong:
        mistake = one.trial.defect.mistake if one.trial.defect else "must be acquitted"
        names = " with ".join((one.trial.title, *one.trial.blended))
        yield f"\n✗ {one.trial.kind.value} {names}: {' '.join(mistake.split())}"
        for complaint in one.complaints:
            yield textwrap.indent(complaint, "    ")
    yield ""
    yield from (f"✗ {one}" for one in complaints)
    defects = {one.trial.defect: one for one in rulings if one.trial.defect}
    caught = sum(1 for one in defects.values() if one.caught_by)
    requirements = {one.requirement for one in defects}
    yield f"mutants        {caught} of {len(defects)} caught, over {len(requirements)} requirements"
    for kind, label in _LABELS.items():
        implementations = _implementations(rulings, kind)
        count, good = (
            sum(1 + len(shares[0].trial.blended) for shares in some)
            for some in (implementations, [one for one in implementations if _sign(*one) == "✓"])
        )
        inside = f", in {len(implementations)} implementations" if count > len(implementations) else ""
        yield f"{label:<15}{good} of {count} acquitted{inside}"
    if whole:
        idle, reasoned = idle_scenarios(rulings)
        yield f"caught nothing {len(idle)} of the scenarios that judge somebody"
        yield from (f"               {one}: proves the instrument, judges nobody" for one in reasoned)
    yield f"in             {seconds:.0f} s"
    yield f"{len(rulings) - len(wrong)} passed, {len(wrong) + len(complaints)} failed"

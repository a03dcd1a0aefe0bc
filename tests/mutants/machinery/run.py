"""`python run.py (reference|fakes) [NAME ...] -- [ARGUMENT ...]`: serve one of the two with these patches applied."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from tests.mutants.machinery.combinations import combinations
from tests.mutants.machinery.registry import gateway_designs, gateway_mutants, mutants, sound_designs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.mutants.machinery.combinations import Combination
    from tests.mutants.machinery.registry import Mutant, SoundDesign


def main(program: str, *words: str) -> int | None:
    """Apply the named patches and become the program."""
    end = words.index("--")
    names, arguments = words[:end], words[end + 1 :]
    known: Mapping[str, Mutant | SoundDesign | Combination]
    known = (
        {**gateway_mutants(), **gateway_designs()}
        if program == "fakes"
        else {**mutants(), **sound_designs(), **combinations()}
    )
    for name in names:
        if name not in known:
            sys.exit(f"run.py: {name!r} is no mutant of the {program}")
        known[name].apply()
    sys.argv = [program, *arguments]
    # Only now, so that what a patch replaces is what they import.
    if program == "fakes":
        from fake_instances.__main__ import main as fakes  # noqa: PLC0415

        return fakes()
    from reference_impl.__main__ import main as reference  # noqa: PLC0415

    return reference()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

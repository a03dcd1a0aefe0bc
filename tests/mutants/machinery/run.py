"""`python run.py [THEME.]NAME ...`: serves the reference with the mistake of that mutant. Target files name it.

With the module that it stands in, the others need not be loaded. Of sound designs there may be several.
"""

from __future__ import annotations

import runpy
import sys
from typing import TYPE_CHECKING

from tests.mutants.machinery.registry import UNCHANGED, known_in, mutants, variants

if TYPE_CHECKING:
    from collections.abc import Callable


def main(words: list[str]) -> None:
    if words != [UNCHANGED]:
        for apply in [_found(word) for word in words or [""]]:
            apply()
    sys.argv = ["reference_impl"]
    runpy.run_module("reference_impl", run_name="__main__", alter_sys=True)


def _found(word: str) -> Callable[[], None]:
    theme, _, name = word.rpartition(".")
    known = known_in(theme) if theme else {**mutants(), **variants()}
    if name not in known:
        sys.exit(f"run.py: {word!r} names no mutant; there are {UNCHANGED}, {', '.join(known)}")
    return known[name].apply


if __name__ == "__main__":
    main(sys.argv[1:])

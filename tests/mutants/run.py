"""`python run.py NAME`: serves the reference with the mistake of that mutant. Target files name it."""

from __future__ import annotations

import runpy
import sys

from tests.mutants.registry import UNCHANGED, mutants, variants


def main(words: list[str]) -> None:
    known = {**mutants(), **variants()}
    if len(words) != 1 or words[0] not in {UNCHANGED, *known}:
        sys.exit(f"run.py: {words} names no mutant; there are {UNCHANGED}, {', '.join(known)}")
    if words[0] != UNCHANGED:
        known[words[0]].apply()
    sys.argv = ["reference_impl"]
    runpy.run_module("reference_impl", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(sys.argv[1:])

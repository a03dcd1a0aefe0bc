"""`python run_gateway.py NAME ...`: runs the fakes with the mistake of that mutant. Target files name it."""

from __future__ import annotations

import sys

from fake_instances.__main__ import main as run_fakes
from tests.mutants.machinery.registry import UNCHANGED, gateway_mutants


def main(words: list[str]) -> int:
    known = gateway_mutants()
    name, *arguments = words or [""]
    if name not in {UNCHANGED, *known}:
        sys.exit(f"run_gateway.py: {name!r} names no mutant; there are {UNCHANGED}, {', '.join(known)}")
    if name != UNCHANGED:
        known[name].apply()
    return run_fakes(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

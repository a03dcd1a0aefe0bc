"""Designs that are judged together do not undo each other's changes."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

from harness.attach.rows_by_sql import SqlAccounts
from harness.targets.reader import load_target
from tests.harness.support import PATIENCE, ROOT
from tests.mutants.machinery.blends import BLENDS, GATEWAY_BLENDS
from tests.mutants.machinery.registry import gateway_designs, sound_designs

if TYPE_CHECKING:
    from pathlib import Path

WRAPPED = {
    "reference_impl.fix.locations.LocationSync.apply",
    "reference_impl.fix.sender.Sender.send",
}
"""What `around_webhooks` and `around_sends` wrap, and do not replace."""
TOUCHED = """
import importlib, json, pkgutil, sys
import reference_impl
from tests.mutants.machinery.registry import sound_designs

known = sound_designs()
found = pkgutil.walk_packages(reference_impl.__path__, "reference_impl.")
modules = [importlib.import_module(one.name) for one in found if not one.name.endswith(("__main__", "before_fix"))]

def everything():
    found = {}
    for module in modules:
        for name, value in vars(module).items():
            found[f"{module.__name__}.{name}"] = value
            if isinstance(value, type) and value.__module__ == module.__name__:
                found |= {f"{module.__name__}.{name}.{one}": inner for one, inner in vars(value).items()}
    return found

touched = []
for name in sys.argv[1:]:
    before = everything()
    known[name].apply()
    after = everything()
    touched.append(sorted(one for one in after if after[one] is not before.get(one)))
print(json.dumps(touched))
"""


def test_no_design_of_a_blend_takes_the_place_of_another(tmp_path: Path) -> None:
    environment = {"DATABASE_URL": f"sqlite:///{tmp_path / 'accounts.db'}"}
    SqlAccounts(environment["DATABASE_URL"], load_target("reference")).close()
    for names in BLENDS:
        ended = subprocess.run(
            [sys.executable, "-c", TOUCHED, *names],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=True,
        )
        touched = [set(one) - WRAPPED for one in json.loads(ended.stdout)]
        assert len(touched) == len(names)
        every = [one for some in touched for one in some]
        assert sorted(every) == sorted(set(every)), names


def test_asynchronous_designs_are_in_no_blend() -> None:
    blended = {name for names in BLENDS for name in names}
    assert not [one.name for one in sound_designs().values() if one.asynchronous and one.name in blended]


def test_every_design_of_a_gateway_is_in_one_blend() -> None:
    assert sorted(name for names in GATEWAY_BLENDS for name in names) == sorted(gateway_designs())

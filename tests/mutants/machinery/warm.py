"""Loads and parses everything once: the process that imports this is forked for each run.

A run of one scenario spends most of its time on that. Where it fails, runs are only slower.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import io
import os
import sys

import faker  # noqa: F401 - a step loads it late
import pytest
import sqlalchemy
from pytest_bdd.steps import step_function_context_registry

from harness.catalogue import features
from harness.catalogue.features import features_root

WORDS = (
    str(features_root()),
    *("-q", "-p", "no:cacheprovider", "-p", "pytest_bdd.plugin", "-p", "harness.run.plugin"),
)
"""How pytest is called: with no plugins but those that the features need."""

# No run speaks TLS, and an implementation would spend a sixth of its start on reading certificates.
os.environ["SSL_CERT_FILE"] = os.devnull
os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
# Every run reads the same features.
features.read_suite = functools.cache(features.read_suite)  # type: ignore[assignment]
with contextlib.suppress(Exception):  # each run then says what is wrong with them
    features.read_suite(features_root())
with contextlib.redirect_stdout(io.StringIO()) as printed:
    status = pytest.main([*WORDS, "--collect-only"])
if status != pytest.ExitCode.OK:
    sys.stderr.write(f"{printed.getvalue()}kill-matrix: nothing was loaded beforehand; runs are slower\n")
sqlalchemy.create_engine("sqlite://")  # loads the dialect
for known in step_function_context_registry.values():
    known.parser.is_matching("")  # compiles its expression

gc.freeze()

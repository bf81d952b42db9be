# The few commands of daily work. `make help` lists them; the CLI behind them is .venv/bin/foundation.
.DEFAULT_GOAL := help
.PHONY: help setup prepare up preview down test test-reference bench prove lint fmt schema lock

PYTHON ?= python3
BIN := .venv/bin
TESTS ?= tests
# Tests of servers and engines wait as well as compute: three workers keep two cores busy.
WORKERS ?= $(shell echo $$(( ($$(nproc) * 3 + 1) / 2 )))
# Even where the machine says otherwise: without kept bytecode every process compiles its libraries anew.
export PYTHONDONTWRITEBYTECODE =

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 24

setup: ## .venv with the locked packages; does nothing when it is up to date
	@$(PYTHON) -I automation/bootstrap.py

prepare: setup ## build or fetch every tool that `make up` needs, and start nothing
	@$(BIN)/foundation prepare

up: setup ## bring up environment local: sandbox, platform, tenants
	@$(BIN)/foundation up

preview: setup ## show what `make up` would change
	@$(BIN)/foundation preview

down: setup ## remove environment local with its sandbox and its data
	@$(BIN)/foundation down --yes

test: setup ## every test, on real parts (TESTS=path for a part of them)
	@$(BIN)/pytest -n $(WORKERS) --dist loadgroup --no-loadscope-reorder $(TESTS)

test-reference: setup ## the program under genuine plugins: FOUNDATION_REFERENCE_PLUGINS=folder
	@test -n "$(FOUNDATION_REFERENCE_PLUGINS)" || { echo "name the folder that holds pulumi-resource-kubernetes, -postgresql and -random: make test-reference FOUNDATION_REFERENCE_PLUGINS=DIR" >&2; exit 2; }
	@FOUNDATION_REFERENCE_PLUGINS="$(FOUNDATION_REFERENCE_PLUGINS)" $(BIN)/pytest tests/reference tests/plugins/*/test_reference.py tests/plugins/random

bench: setup ## time and memory at 1, 10 and 100 tenants beside the bare API calls
	@$(BIN)/python -m benchmarks.tenants $(SIZES)

prove: setup ## prove NAME=local: run the named proof and write docs/evidence/NAME.md
	@$(BIN)/python -m automation.prove $(or $(NAME),local)

lint: setup ## ruff and mypy
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

fmt: setup ## format, and mend what ruff can mend
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

schema: setup ## write the JSON Schemas that editors read
	@$(BIN)/foundation schema

lock: ## pin newer packages, with hashes, for Python 3.11 and later on Linux
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --upgrade \
	  --custom-compile-command "make lock" pyproject.toml --group dev -o requirements.lock
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --upgrade \
	  --custom-compile-command "make lock" --group setup -o requirements-setup.lock

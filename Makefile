# Every target sets up what it needs: nothing is installed by hand.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
PLUGINS := $(wildcard plugins/*/pyproject.toml)

.PHONY: run test lint schema bench audit soak clean setup

setup: $(READY)

$(READY): pyproject.toml constraints.txt connectors/pyproject.toml $(PLUGINS)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip==26.2"
	$(BIN)/python -m pip install --quiet -c constraints.txt --group runtime --group dev
	$(BIN)/python -m pip install --quiet -c constraints.txt -e connectors $(patsubst %/pyproject.toml,-e %,$(PLUGINS))
	touch $(READY)

run: $(READY)            ## the main job, on the embedded database
	$(BIN)/python -m server run

test: $(READY)           ## under 5 minutes; CI=true adds the slow kinds
	$(BIN)/python -m pytest -q $(if $(CI),,-m "not slow") --cov --cov-report=term $(ARGS)

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

schema: $(READY)         ## writes schema/schema.graphql
	$(BIN)/python -m server schema --write

bench: $(READY)
	$(BIN)/python -m tests.benchmarks

audit: $(READY)          ## the npm package graphql-http's audits against a running server
	$(BIN)/python -m tests.audit

clean:                   ## leaves the data folder alone
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache build dist
	find . -name '*.egg-info' -prune -exec rm -rf {} +

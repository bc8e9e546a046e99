# Every target sets up what it needs: nothing is installed by hand but Python 3.11 or newer.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
PLUGINS := $(wildcard plugins/*/pyproject.toml)
# Half again as many as processors: tests wait for processes and sockets much of their time.
JOBS   ?= $(shell $(PYTHON) -c 'import os; n = os.cpu_count() or 1; print(n + n // 2)')

.PHONY: help setup run test coverage soak lint schema bench audit clean

help:                    ## list the targets
	@sed -n 's/^\([a-z]*\):[^#]*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | while IFS='|' read -r name text; \
	do printf '%-8s %s\n' "$$name" "$$text"; done

setup: $(READY)          ## make .venv with everything that the other targets need

$(READY): pyproject.toml constraints.txt connectors/pyproject.toml $(PLUGINS)
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or newer is needed: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip==26.2"
	$(BIN)/python -m pip install --quiet -c constraints.txt --group runtime --group dev
	$(BIN)/python -m pip install --quiet -c constraints.txt -e "connectors[xlsx]" $(patsubst %/pyproject.toml,-e %,$(PLUGINS))
	touch $(READY)

run: $(READY)            ## the whole system with a real case, on an embedded database
	$(BIN)/python -m server run

test: $(READY)           ## the tests; CI=true adds the slow kinds, ARGS="-k word" chooses
	$(BIN)/python -m pytest -q -n $(JOBS) --dist loadfile $(if $(CI),,-m "not slow") $(ARGS)

coverage: $(READY)       ## all tests, traced: which lines nothing runs
	CI=true $(BIN)/python -m pytest -q -n $(JOBS) --dist loadfile --cov --cov-report=term $(ARGS)

soak: $(READY)           ## random operations at six times CI's number, kills at eight times, the live feed whole, three years played
	EKINERJA_DIFFERENTIAL=12000 $(BIN)/python -m pytest -q -m "not slow" tests/schema/test_differential.py
	EKINERJA_KILLS=200 $(BIN)/python -m pytest -q tests/acceptance/test_kill_ingestion.py tests/acceptance/test_kill_server.py
	EKINERJA_LIVE=full $(BIN)/python -m pytest -q -s tests/acceptance/test_live_scale.py tests/acceptance/test_live_cost.py
	EKINERJA_LIVE_KILLS=8 $(BIN)/python -m pytest -q tests/acceptance/test_kill_live.py
	EKINERJA_DATA=$$(mktemp -d) $(BIN)/python -m server demo year
	$(BIN)/python -m tests.benchmarks.appraisals

lint: $(READY)           ## ruff, mypy, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

schema: $(READY)         ## write schema/schema.graphql anew
	$(BIN)/python -m server schema --write

bench: $(READY)          ## measure this server beside others on the same data; ARGS="--quick"
	$(BIN)/python -m tests.benchmarks $(ARGS)

audit: $(READY)          ## the npm package graphql-http's audits against a running server
	$(BIN)/python -m tests.audit

clean:                   ## remove what was made, but not the data folder
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache build dist
	find . -name '*.egg-info' -prune -exec rm -rf {} +

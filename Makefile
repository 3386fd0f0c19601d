# Every target depends on .dev-stamp, so that each works from a fresh clone.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export BROADCASTER_DATA ?= var

.DEFAULT_GOAL := help
.PHONY: help dev demo check test fix peers bench lock clean

help: ## Show what there is to make
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

dev: .dev-stamp ## Build the virtual environment with everything in it

.dev-stamp: pyproject.toml constraints.txt hatch_build.py
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

demo: .dev-stamp ## Check the set-up, issue the bundled heavy-rain alert, show what it published
	$(BIN)/broadcaster check
	$(BIN)/broadcaster subscribers import --channel texts examples/subscribers.csv
	$(BIN)/broadcaster issue examples/heavy_rain.yaml --yes
	@echo; echo "Look at:"; find $(BROADCASTER_DATA)/www/ $(BROADCASTER_DATA)/outbox -maxdepth 2 | sort | sed 's/^/  /'
	@echo; echo "Open $(BROADCASTER_DATA)/www/index.html, or: $(BIN)/broadcaster serve"

check: .dev-stamp ## Format, lint, types, import law, catalogues
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/broadcaster --data var/check translations lint

test: check ## Everything CI runs: checks and tests
	$(BIN)/python -m pytest -n auto

fix: .dev-stamp ## Format and repair what can be repaired by itself
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

peers: .dev-stamp ## Install the real programs that tests talk to (Debian and npm packages)
	sh tests/peers/install.sh

bench: .dev-stamp ## Measure: ratios taken in one run
	$(BIN)/python -m benchmarks

lock: .dev-stamp ## Write constraints.txt from what is installed now
	$(BIN)/python -m pip freeze --exclude-editable > constraints.txt

clean: ## Remove everything that was built or published here
	rm -rf $(VENV) .dev-stamp var dist build .mypy_cache .ruff_cache .hypothesis .import_linter_cache

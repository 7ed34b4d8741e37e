# Every target sets up what it needs by itself: nothing to install or activate first.
SHELL := /bin/bash
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help

# PYTHON=/path/to/python3.12 chooses the interpreter; ARGS="..." is handed on to the command of the target.
VENV := $(abspath $(or $(VENV),.venv))
BIN := $(VENV)/bin
export VENV PYTHON
ARGS ?=

.PHONY: help
help: ## This list
	@echo 'Zonetag. Each of these sets up what it needs by itself (a Python environment in .venv):'
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' Makefile | expand -t 20
	@echo
	@echo '  ARGS="..." is handed on:  make demo ARGS="--for 30 --speed 60"   make test ARGS="tests/protocol -k frame"'
	@echo '  PYTHON=... chooses the interpreter, 3.11 or newer:  make demo PYTHON=python3.12'

# All noise of the set-up goes to standard error: standard output holds what the demo itself prints, and only that.
.PHONY: demo
demo: ## The whole path on this machine: tags, two gateways, broker, backend, a page. Ctrl-C ends it
	@scripts/setup run >&2 && exec $(BIN)/zonetag demo $(ARGS)

.PHONY: test
test: ## Style, types and every test (with ARGS: pytest alone)
	@scripts/setup test
	@scripts/apt-for-tests
	@$(if $(ARGS),,$(MAKE) check-style)
	@$(if $(ARGS),exec $(BIN)/python -m pytest $(ARGS),exec scripts/test-all)

.PHONY: lint
lint: ## Style (ruff) and types (mypy --strict)
	@scripts/setup test
	@$(MAKE) check-style

.PHONY: check-style
check-style:
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

.PHONY: format
format: ## Put all files into the project's style
	@scripts/setup test
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

.PHONY: bench
bench: ## The benchmarks, and what they mean
	@scripts/setup bench
	@exec $(BIN)/python benchmarks/run.py $(ARGS)

.PHONY: soak
soak: ## 30 days of office through a real gateway at accelerated time (ARGS="--days 3", --write)
	@scripts/setup bench
	@PYTHONPATH=benchmarks:tests exec $(BIN)/python benchmarks/soak.py $(ARGS)

.PHONY: accuracy
accuracy: ## What tracing finds on real recordings with ground truth: DATA=DIR, TRAIN=OTHER
	@scripts/setup run >&2
	@PYTHONPATH=benchmarks exec $(BIN)/python -m accuracy $(if $(DATA),--data "$(DATA)") $(if $(TRAIN),--train "$(TRAIN)") $(ARGS)

# As `make demo`: standard output holds the table, or the array of --json, and only that.
.PHONY: faults
faults: ## Every fault, hundreds of times, and its control: hours, as root (ARGS="--short": minutes; --only, --times, --json)
	@{ scripts/setup test && scripts/apt-for-tests; } >&2 && cd tests && exec $(BIN)/python -m faults $(ARGS)

.PHONY: pictures
pictures: ## The pictures of the documents, taken anew of an office of 236 people (needs chromium and poppler-utils)
	@{ scripts/setup test && scripts/apt-for-tests; } >&2 && cd tests && exec $(BIN)/python -m rig.doc_pictures $(ARGS)

.PHONY: deb
deb: ## The gateway as a Debian package, into dist/ (for another machine: ARGS="--arch arm64")
	@scripts/setup run >&2
	@exec scripts/deb $(ARGS)

.PHONY: lock
lock: ## Choose the newest versions that pyproject.toml allows, and write requirements/*.lock
	@scripts/lock $(ARGS)

.PHONY: clean
clean: ## Remove the environment and everything else that can be made again
	rm -rf .venv .cache .hypothesis .mypy_cache .pytest_cache .ruff_cache build dist
	find . -name __pycache__ -not -path './.git/*' -prune -exec rm -rf {} +

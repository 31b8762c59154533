# The one door: `make` alone lists what there is.
# Needs make and Python 3.11+; uv is fetched into .tools where it is missing.

.DEFAULT_GOAL := help
.PHONY: help run web web-types screens operator test test-all faults interop mutants check fmt proto lock settings bench clean
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory
# Start-up is mostly imports: without bytecode they take three times as long.
unexport PYTHONDONTWRITEBYTECODE

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
# Handed on to the program behind a target: make test ARGS="-k login"
ARGS ?=

help: ## list the targets
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

run: $(READY) ## start Parley on http://127.0.0.1:8000 with its own servers (GATEWAY_PORT moves it)
	@$(BIN)/python -m tools.web --or-say
	@exec $(BIN)/python -m parley_local --with-parent --web web/dist --offer-demo $(ARGS)

web: $(READY) ## build the pages into web/dist, with a Node of its own where there is none
	@$(BIN)/python -m tools.web

operator: $(READY) ## make a user of the Parley that runs an operator: NAME=ada
	@exec $(BIN)/python -m parley_local.command auth-service make-operator "$(NAME)"

# A worker that ends in mid-test fails that test: pytest-xdist would wait for ever for the one that
# replaces it, where tests are in groups.
test: $(READY) ## run the tests, but for the slow ones (ARGS="-k login" for some of them)
	@$(BIN)/python -m pytest -n auto --dist loadgroup --max-worker-restart 0 $(ARGS)

test-all: $(READY) ## run the slow tests as well: before a change to what they are about lands
	@$(BIN)/python -m pytest -n auto --dist loadgroup --max-worker-restart 0 -m "not faults and not interop" --hypothesis-profile=many $(ARGS)

screens: $(READY) ## look at every page in all six looks (make test-all: in two), a picture of each in .screens
	@mkdir -p .screens
	@PARLEY_SCREENS=.screens $(BIN)/python -m pytest tests/web/test_screens.py -q -n 0 -m "" $(ARGS)

faults: $(READY) ## kill, freeze and cut everything in mid-stream (ARGS="--seeds 200" kills by seed)
	@$(BIN)/python -m pytest tests/faults tests/web chat-service/tests/protocol -m "" $(ARGS)

interop: $(READY) ## Parley beside model servers that others wrote (ARGS="-k llama" for one of them)
	@$(BIN)/python -m tools.interop $(ARGS)

mutants: $(READY) ## put small faults in, and see whether a test notices (ARGS="--sample 400 --seed 1")
	@$(BIN)/python -m tools.mutants $(ARGS)

check: $(READY) ## prove format, types, imports, contracts, lock and packaging
	@$(BIN)/python -m tools.check

fmt: $(READY) ## format the code, and mend what the linter can
	@$(BIN)/ruff check --fix --quiet || true
	@$(BIN)/ruff format
	@$(BIN)/python -m tools.web_check --fix

web-types: $(READY) ## generate the API's types for the pages from the gateway's document
	@$(BIN)/python -m tools.web_types

proto: $(READY) ## generate proto/src from the .proto files
	@$(BIN)/python -m tools.generate_proto

lock: $(READY) ## make requirements.lock (ARGS=--upgrade takes the newest versions)
	@$(BIN)/python -m tools.lock $(ARGS)

settings: $(READY) ## make docs/settings.md from the settings classes
	@$(BIN)/python -m tools.settings_table

bench: $(READY) ## measure Parley beside a direct call to the same model server
	@exec $(BIN)/python -m bench $(ARGS)

clean: ## remove what make made, but not .data
	rm -rf web/dist web/dist.new web/dist.old web/node_modules web/tools/types/node_modules
	rm -rf .venv .tools .screens .mutants .interop .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(READY): requirements.lock $(wildcard */pyproject.toml deploy/*/pyproject.toml) tools/setup.py
	@$(PYTHON) tools/setup.py

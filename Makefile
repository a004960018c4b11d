# Every target says what it is for behind `##`; `make` alone prints them.
PYTHON ?= python3
BIN := .venv/bin
APP := $(BIN)/python -m app.entrypoints

# `PORT=9000 make run` is short for APP_HTTP__PORT.
ifdef PORT
export APP_HTTP__PORT := $(PORT)
endif

.DEFAULT_GOAL := help
.PHONY: help run dev serve test long check fmt lint types migrate config openapi routes token upstream fuzz bench soak faults overload lock picture drop rename clean

help:
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: .venv/.runtime ## Run the service on SQLite, with its documentation page (PORT=9000 for another port)
	@$(APP) run $(ARGS)

dev: .venv/.dev ## Run the service, and start it again whenever the code changes
	@exec $(BIN)/watchfiles --filter python "$(APP) run $(ARGS)" src

serve: .venv/.runtime ## Migrate, and run the service with several workers, as in production (WORKERS=4; kill -HUP replaces them)
	@$(APP) migrate
	@exec $(APP) serve $(if $(WORKERS),--workers $(WORKERS))

test: .venv/.dev ## Run the tests that take seconds
	@$(BIN)/python -m pytest -n 2 --dist loadgroup -m "not long" -p no:schemathesis $(ARGS)

long: .venv/.dev ## Run the tests that take minutes: faults, restarts, attacks, on every storage
	@$(BIN)/python -m pytest -n 2 --dist loadgroup -m long $(ARGS)

check: .venv/.dev lint types ## Check everything that needs no running: lint, types, imports, lock files, documentation
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/python -m scripts.check_lock
	@$(BIN)/python -m scripts.check_docs

fmt: .venv/.dev ## Format the code
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

lint: .venv/.dev ## Lint the code
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: .venv/.dev ## Check the types
	@$(BIN)/mypy

migrate: .venv/.runtime ## Bring the storage to the schema that the code expects
	@$(APP) migrate

config: .venv/.runtime ## Print every setting, its value and where it comes from
	@$(APP) config

openapi: .venv/.runtime ## Print the OpenAPI document
	@$(APP) openapi

routes: .venv/.runtime ## List the routes
	@$(APP) routes

token: .venv/.runtime ## Print a token for development
	@$(APP) token

upstream: .venv/.runtime ## Serve a stand-in for app_pages, where the service looks for it in development
	@$(BIN)/python -m tests.upstream

fuzz: .venv/.dev ## Send the API what its document allows and forbids (EXAMPLES=500 for each operation)
	@FUZZ_EXAMPLES=$(or $(EXAMPLES),500) $(BIN)/python -m pytest -q -s tests/e2e/test_fuzz.py

bench: .venv/.dev .venv-bench/.done ## Measure the service beside bare handlers and its peers (docs/performance.md; ARGS="--only storages")
	@$(BIN)/python -m tests.benchmarks $(ARGS)

soak: .venv/.dev ## Replace workers 100 times under good and bad requests, then go on for 200,000 more: nothing may be lost, nothing grow (docs/soak.md)
	@$(BIN)/python -m tests.soak $(ARGS)

faults: .venv/.dev ## Let every storage fail in every way, and count what it costs (docs/faults.md)
	@$(BIN)/python -m tests.faults $(ARGS)

overload: .venv/.dev ## Offer three times what the service can do, and 10,000 idle connections
	@$(BIN)/python -m tests.faults.overload

lock: .venv/.dev ## Lock the newest versions that pyproject.toml allows
	@$(BIN)/python -m pip install --quiet uv
	@$(BIN)/uv pip compile pyproject.toml --universal --generate-hashes --upgrade --no-annotate --python-version 3.11 \
	  --custom-compile-command "make lock" --quiet -o requirements.lock
	@$(BIN)/uv pip compile pyproject.toml --extra otel --universal --generate-hashes --upgrade --no-annotate --python-version 3.11 \
	  --custom-compile-command "make lock" --constraint requirements.lock --quiet -o requirements-otel.lock
	@$(BIN)/uv pip compile pyproject.toml --extra otel --group dev --universal --generate-hashes --upgrade --no-annotate --python-version 3.11 \
	  --custom-compile-command "make lock" --constraint requirements-otel.lock --quiet -o requirements-dev.lock
	@$(BIN)/uv pip compile tests/benchmarks/peers/requirements.in --universal --generate-hashes --upgrade --no-annotate \
	  --python-version 3.11 --custom-compile-command "make lock" --constraint requirements.lock --quiet \
	  -o tests/benchmarks/peers/requirements.lock

picture: .venv/.dev ## Take the picture of the documentation page anew
	@$(BIN)/python -m tests.picture

drop: .venv/.dev ## Take a storage out of the project (STORAGE=…; without, it tells which there are)
	@$(BIN)/python -m scripts.drop_storage $(STORAGE)

rename: .venv/.dev ## Give the project a name of its own (NAME=order-service; a single word is for good)
	@$(BIN)/python -m scripts.rename $(NAME)

clean: ## Remove what the build and the tests made (your data stays)
	@rm -rf .venv .venv-bench .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The packages come from the lock files, hashes checked; the project itself is put on the path by its source folder.
.venv/.runtime: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed: PYTHON=python3.12 make run")'
	@echo "Installing into .venv, which is done once and takes a little…" >&2
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@echo "$(CURDIR)/src" > "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/app.pth"
	@touch $@

.venv-bench/.done: tests/benchmarks/peers/requirements.lock
	@$(PYTHON) -m venv .venv-bench
	@.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

.venv/.dev: .venv/.runtime requirements-dev.lock
	@echo "Installing what the tests and checks need…" >&2
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

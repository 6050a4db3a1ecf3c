# `make run` trains, compiles and serves; `make help` lists the rest.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
IMAGE ?= penguins
BASE ?= python:3.13-slim-trixie
DOCKER ?= docker
DOCKER_BUILD_FLAGS ?=
CANDIDATE ?= artifacts/bundle
export DOCKER_BUILDKIT := 1

MODEL := artifacts/penguin_model.json
BUNDLE := artifacts/bundle/manifest.json
CONTRACT := $(wildcard contract/*.py)

.DEFAULT_GOAL := help
.PHONY: help setup train compile run test test-image bench bench-http bench-overload bench-request bench-swap drift trust
.PHONY: load load-report layers memory-limit deploy canary canary-odds check format image clean lock

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1|/' | \
	  awk -F'|' '{ printf "  make %-14s %s\n", $$1, $$2 }'

# The locks are complete, so nothing is resolved (--no-deps). They leave out XGBoost's library for several GPUs.
define install
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is " + sys.version.split()[0] + "; set PYTHON=")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || \
	  { rm -rf $(VENV); echo "error: no virtual environment; on Debian: apt install python3-venv" >&2; exit 2; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $<
	@touch $@
endef

$(VENV)/.build: requirements/build.txt
	$(install)

$(VENV)/.dev: requirements/dev.txt
	$(install)

$(VENV)/.bench: requirements/bench.txt
	$(install)

$(MODEL): $(VENV)/.build $(CONTRACT) $(wildcard train/*.py train/data/*.csv)
	$(BIN)/python -m train

$(BUNDLE): $(MODEL) $(wildcard compile/*.py compile/native/*) bundle/write.py app/library.py app/mapping.py
	$(BIN)/python -m compile $(MODEL)
	@touch $@

setup: $(VENV)/.dev ## install everything that development needs into .venv

train: $(MODEL) ## fit the model: artifacts/penguin_model.json and its report

compile: $(BUNDLE) ## compile the model: artifacts/bundle

run: $(BUNDLE) ## serve on PORT (default 8080)
	@exec $(BIN)/python -m app

test: $(VENV)/.dev ## run the tests, with branch coverage
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -n 2 $(ARGS)
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report

bench: $(VENV)/.bench $(BUNDLE) ## compare with other ways to ask the model: docs/benchmarks.md
	$(BIN)/python -m benchmarks $(ARGS)

bench-request: $(VENV)/.bench $(BUNDLE) ## what each part of a request costs, without sockets: docs/request.md
	$(BIN)/python -m benchmarks.request

drift: $(VENV)/.dev $(BUNDLE) ## what drift is seen, how soon, and how often without any: docs/drift.md
	$(BIN)/python -m benchmarks.drift

bench-overload: $(VENV)/.bench $(BUNDLE) ## offer the service ten times more than it can do: docs/overload.md
	$(BIN)/python -m benchmarks.overload $(ARGS)

bench-http: $(VENV)/.bench $(BUNDLE) ## compare with other servers, through sockets: docs/http-benchmarks.md
	$(BIN)/python -m benchmarks.wire $(ARGS)

PROFILE ?= normal
HOST ?= http://127.0.0.1:8080

load: $(VENV)/.dev ## ask the service at HOST as the users of PROFILE do; status 1 where an objective is missed
	$(BIN)/locust -f locustfile.py --headless --only-summary --load-profile $(PROFILE) --host $(HOST) $(ARGS)

load-report: $(VENV)/.bench $(BUNDLE) ## run the load profiles against the image, or the process: LOAD_TEST_REPORT.md
	DOCKER="$(DOCKER)" IMAGE="$(IMAGE)" $(BIN)/python -m benchmarks.load $(ARGS)

trust: $(VENV)/.build $(BUNDLE) ## measure when answers are doubted, rightly and wrongly: docs/trust.md
	$(BIN)/python -m benchmarks.trust $(ARGS)

bench-swap: $(VENV)/.bench $(BUNDLE) ## measure loading and swapping bundles: docs/swap.md
	$(BIN)/python -m benchmarks.swap $(ARGS)

layers: $(VENV)/.dev ## measure rebuilding the image after one change: docs/layers.md
	DOCKER=$(DOCKER) DOCKER_BUILD_FLAGS="$(DOCKER_BUILD_FLAGS)" BASE=$(BASE) $(BIN)/python -m benchmarks.layers $(ARGS)

memory-limit: $(VENV)/.dev image ## measure the image with less and less memory: docs/memory.md
	DOCKER=$(DOCKER) IMAGE=$(IMAGE) $(BIN)/python -m benchmarks.memory_limit $(ARGS)

# PROJECT, REGION, IMAGE, ... are environment variables: DEPLOYMENT.md.
deploy: $(VENV)/.build ## deploy to Cloud Run, without requests for a new revision; DRY_RUN=1 prints every command
	@$(BIN)/python -m deploy $(if $(filter-out 0,$(DRY_RUN)),plan,up)

canary: $(VENV)/.build ## let revision NEW in beside OLD while it is as good; CANDIDATE is its bundle's directory
	@$(BIN)/python -m deploy canary $(OLD) $(NEW) --bundle $(CANDIDATE) $(ARGS)

canary-odds: $(VENV)/.build ## simulate how often the canary is wrong: DEPLOYMENT.md
	@$(BIN)/python -m deploy odds $(ARGS)

check: $(VENV)/.dev ## lint, format, types; the workflows and the Dockerfile too
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/hadolint Dockerfile
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yaml
	$(BIN)/check-jsonschema --builtin-schema custom.github-workflows-require-timeout .github/workflows/*.yaml
	$(BIN)/check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml
	$(BIN)/zizmor --quiet --offline --pedantic .github

format: $(VENV)/.dev ## rewrite the source in the house's format
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

image: ## build the container image
	$(DOCKER) build $(DOCKER_BUILD_FLAGS) --build-arg BASE=$(BASE) -t $(IMAGE) .

test-image: $(VENV)/.dev image ## build the image and test a container of it
	IMAGE=$(IMAGE) DOCKER=$(DOCKER) $(BIN)/python -m pytest -m image $(ARGS)

lock: $(VENV)/.dev ## resolve requirements/*.in again into hashed locks
	requirements/lock $(BIN)/uv

clean: ## remove everything that was made, .venv included
	rm -rf artifacts $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage*

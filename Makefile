# `make run` trains, compiles and serves; `make help` lists the rest.
ifeq ($(PYTHON),)
override PYTHON := python3
endif
VENV := .venv
BIN := $(VENV)/bin
NODE := tests/browser/node_modules
IMAGE ?= penguins
BASE ?= python:3.13-slim-trixie
STORAGE ?= gs
DOCKER ?= docker
DOCKER_BUILD_FLAGS ?=
CANDIDATE ?= artifacts/bundle
export DOCKER_BUILDKIT := 1

TRAINED := artifacts/penguin_model.json
BUNDLE := artifacts/bundle/manifest.json
CONTRACT_FILES := $(wildcard contract/*.py contract/*.toml)

node_is_here = command -v npm >/dev/null && node -e 'process.exit(+(parseInt(process.versions.node) < 20))'

.DEFAULT_GOAL := help
.PHONY: help setup train compile run serve test test-long test-browser coverage test-image test-image-build bench bench-http bench-overload
.PHONY: explore bench-page bench-request bench-swap drift nested trust renew load load-report deploy canary canary-odds check check-page format clean lock model-matrix fuzz
.PHONY: test-spark spark-zip spark-bench image image-page image-start image-score score-bench

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1|/' | \
	  awk -F'|' '{ printf "  make %-14s %s\n", $$1, $$2 }'

# Make .venv anew if it does not start, or if PYTHON was given and is of another version.
version = $(shell $(1) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
ifneq ($(wildcard $(VENV)),)
KEPT := $(call version,$(BIN)/python)
ASKED := $(if $(filter command environment,$(origin PYTHON)),$(call version,$(PYTHON)),$(KEPT))
ifneq ($(KEPT),$(or $(ASKED),none))
RENEW := renew
endif
endif

check_python = $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
  { echo "error: expected Python 3.11 or newer as PYTHON=$(PYTHON), found" \
    "$(or $(addprefix Python ,$(call version,$(PYTHON))),nothing that starts);" \
    "type: make PYTHON=/path/of/python3.12 $(MAKECMDGOALS)" >&2; exit 2; }

renew:
	@$(check_python)
	@echo "$(VENV) has $(if $(KEPT),Python $(KEPT),no Python that starts): it is made anew with $(PYTHON)"
	@rm -rf $(VENV)

# The locks are complete, so nothing is resolved (--no-deps). They leave out XGBoost's library for several GPUs.
define install
	@test -x $(BIN)/python || { $(check_python); }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || \
	  { rm -rf $(VENV); echo "error: no virtual environment; on Debian: apt install python3-venv" >&2; exit 2; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $<
	@touch $@
endef

$(VENV)/.build: requirements/build.txt $(RENEW)
	$(install)

$(VENV)/.dev: requirements/dev.txt $(RENEW)
	$(install)

$(VENV)/.bench: requirements/bench.txt $(RENEW)
	$(install)

# Apart from .venv: Spark wants an older pandas.
.venv-spark/.made: VENV := .venv-spark
.venv-spark/.made: BIN := .venv-spark/bin
.venv-spark/.made: requirements/spark.txt
	$(install)

$(TRAINED): $(VENV)/.build $(CONTRACT_FILES) $(wildcard evaluation/*.py cards/*.py train/*.py train/page/* train/data/*.csv)
	$(BIN)/python -m train

$(BUNDLE): $(TRAINED) $(wildcard cards/*.py compile/*.py compile/*/*.py compile/*/*/*.py compile/native/*) bundle/write.py $(wildcard binding/*.py)
	$(BIN)/python -m compile $(TRAINED)
	@touch $@

setup: $(VENV)/.dev ## install everything that development needs into .venv

train: $(TRAINED) ## fit the model: artifacts/penguin_model.json and its report

compile: $(BUNDLE) ## compile the model: artifacts/bundle

run: $(BUNDLE) ## serve on PORT (default 8080)
	@exec $(BIN)/python -m app

# The file MODEL, and what is known about it: docs/your-own-model.md.
serve: $(VENV)/.build ## compile and serve MODEL=FILE; optional: CONTRACT=TOML, ROWS=CSV with TARGET=COLUMN
	@test -n "$(MODEL)" || { echo "error: expected a model, found none; type: make serve MODEL=model.ubj" >&2; exit 2; }
	@name=$$(basename "$(MODEL)") && out="artifacts/$${name%.*}" && \
	$(BIN)/python -m compile "$(MODEL)" --out "$$out" $(if $(CONTRACT),--contract "$(CONTRACT)") \
	  $(if $(ROWS),--rows "$(ROWS)") $(if $(TARGET),--target "$(TARGET)") $(ARGS) && \
	BUNDLE="$$out" exec $(BIN)/python -m app

# Three workers keep two cores busy: many tests wait for a process or a deadline.
test: $(VENV)/.dev ## run the tests
	$(BIN)/python -m pytest -n 3 $(ARGS)

test-long: $(VENV)/.dev ## run those tests that take many seconds
	$(BIN)/python -m pytest -n 3 -m long $(ARGS)

test-browser: $(VENV)/.dev ## run the tests of the pages, in Debian's Chromium
	@$(node_is_here) && $(MAKE) --no-print-directory $(NODE)/.installed || echo "without $(NODE): some tests skip"
	$(BIN)/python -m pytest -n 2 --dist loadfile -m browser $(ARGS)

explore: $(VENV)/.dev ## run the property-based tests with other and more cases than `make test`
	$(BIN)/python -m pytest -n 2 --hypothesis-profile=exploring $(ARGS)

coverage: $(VENV)/.dev ## run both, and see which branches were never taken
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -n 2 -m "not image and not browser" $(ARGS)
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report

test-spark: .venv-spark/.made ## run the tests of score.spark on a cluster of processes; needs Java 17
	.venv-spark/bin/python -m pytest -m spark tests/spark $(ARGS)

spark-zip: ## the code that spark-submit carries to a cluster: artifacts/score-spark.zip
	$(or $(wildcard $(BIN)/python),$(PYTHON)) -m score.lake.package artifacts/score-spark.zip

bench: $(VENV)/.bench $(BUNDLE) ## compare with other ways to ask the model: docs/benchmarks.md
	@mkdir -p artifacts/bench
	$(BIN)/python -m pytest benchmarks/timed/bench_model.py --benchmark-json=artifacts/bench/model.json $(ARGS)
	@$(BIN)/python -m benchmarks.timed.model_page $(if $(ARGS),--quick)

bench-request: $(VENV)/.bench $(BUNDLE) ## what each part of a request costs, without sockets: docs/request.md
	@mkdir -p artifacts/bench
	$(BIN)/python -m pytest benchmarks/timed/bench_request.py --benchmark-json=artifacts/bench/request.json $(ARGS)
	@$(BIN)/python -m benchmarks.timed.request_page $(if $(ARGS),--quick)

drift: $(VENV)/.dev $(BUNDLE) ## what drift is seen, how soon, and how often without any: docs/drift.md
	$(BIN)/python -m evaluation.drift_study $(ARGS)

fuzz: $(VENV)/.dev $(BUNDLE) ## feed made-up requests to both doors, and compare: ARGS="CASES SEED"
	ALLOW_UNSIGNED_BUNDLES=1 $(BIN)/python -m tests.support.doors $(ARGS)

model-matrix: $(VENV)/.dev ## train with many XGBoosts, and judge every model: docs/model-matrix.md; ARGS=--small for few
	$(BIN)/python -m tests.matrix $(ARGS)

bench-overload: $(VENV)/.bench $(BUNDLE) ## offer the service ten times more than it can do: docs/overload.md
	$(BIN)/python -m benchmarks.overload $(ARGS)

bench-http: $(VENV)/.bench $(BUNDLE) ## compare with other servers, through sockets: docs/http-benchmarks.md
	$(BIN)/python -m benchmarks.wire $(ARGS)

score-bench: $(VENV)/.dev $(BUNDLE) ## score 10 million rows beside other ways: docs/many-rows.md; ARGS="--rows N" for fewer
	$(BIN)/python -m tests.score.speed $(ARGS)

PROFILE ?= normal
HOST ?= http://127.0.0.1:8080

load: $(VENV)/.dev ## ask the service at HOST as the users of PROFILE do; status 1 where an objective is missed
	$(BIN)/locust -f locustfile.py --headless --only-summary --load-profile $(PROFILE) --host $(HOST) $(ARGS)

load-report: $(VENV)/.bench $(BUNDLE) ## run the load profiles against the image, or the process: LOAD_TEST_REPORT.md
	DOCKER="$(DOCKER)" IMAGE="$(IMAGE)" $(BIN)/python -m benchmarks.load $(ARGS)

spark-bench: .venv-spark/.made $(BUNDLE) ## compare score.spark with other ways, with 5 and 50 million birds: docs/scale.md
	.venv-spark/bin/python -m benchmarks.spark $(ARGS)

trust: $(VENV)/.build $(BUNDLE) ## measure when answers are doubted, rightly and wrongly: docs/trust.md
	$(BIN)/python -m benchmarks.trust $(ARGS)

nested: $(VENV)/.bench $(BUNDLE) ## choose the model's parameters by nested cross-validation: docs/classifier.md; some 4 minutes
	$(BIN)/python -m benchmarks.classifier $(ARGS)

bench-page: $(VENV)/.dev $(BUNDLE) ## measure the pages in Chromium: first paint, bytes, frames of the map: docs/page.md
	$(BIN)/python -m tests.browser.measure $(ARGS)

bench-swap: $(VENV)/.bench $(BUNDLE) ## measure loading and swapping bundles: docs/swap.md
	$(BIN)/python -m benchmarks.swap $(ARGS)

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
	$(BIN)/check-jsonschema --builtin-schema vendor.github-issue-forms .github/ISSUE_TEMPLATE/*.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.citation-file-format CITATION.cff --default-filetype yaml
	$(BIN)/zizmor --quiet --offline --pedantic .github
	@if $(node_is_here); then $(MAKE) --no-print-directory check-page; \
	else echo "app/page/static was not checked: no npm with Node.js 20 or newer here; on Debian 13: apt install npm"; fi

check-page: $(NODE)/.installed
	$(NODE)/.bin/tsc --project tests/browser
	$(NODE)/.bin/eslint --config tests/browser/eslint.config.js --max-warnings 0 app/page/static

$(NODE)/.installed: tests/browser/package-lock.json
	npm ci --prefix tests/browser --silent
	@touch $@

format: $(VENV)/.dev ## rewrite the source in the house's format
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

# Two builds of one commit have the same files: what would differ, such as the time, is the commit's (docs/image.md).
image: ## build the container image; STORAGE=none leaves out the client of gs://
	$(DOCKER) build $(DOCKER_BUILD_FLAGS) $(image_arguments) -t $(IMAGE) .
image_arguments = --build-arg BASE=$(BASE) --build-arg STORAGE=$(STORAGE) \
  --build-arg SOURCE_DATE_EPOCH=$(shell git log -1 --format=%ct 2>/dev/null) \
  --build-arg CREATED=$(shell TZ=UTC git log -1 --date=format-local:%Y-%m-%dT%H:%M:%SZ --format=%cd 2>/dev/null) \
  --build-arg REVISION=$(shell git describe --always --abbrev=40 --dirty=+ --exclude='*' 2>/dev/null)

image-start: $(VENV)/.dev ## see where the time goes between docker run and the first answer
	DOCKER="$(DOCKER)" IMAGE="$(IMAGE)" $(BIN)/python -m benchmarks.image.start

image-page: $(VENV)/.dev ## list what the image holds, package by package: docs/image.md
	DOCKER="$(DOCKER)" IMAGE="$(IMAGE)" $(BIN)/python -m benchmarks.image $(ARGS)

image-score: ## build the image that scores files: docs/many-rows.md
	$(DOCKER) build $(DOCKER_BUILD_FLAGS) $(image_arguments) --target score -t $(IMAGE)-score .

test-image: $(VENV)/.dev image image-score ## build the images and test containers of them
	IMAGE=$(IMAGE) DOCKER=$(DOCKER) DOCKER_BUILD_FLAGS="$(DOCKER_BUILD_FLAGS)" BASE=$(BASE) \
	  $(BIN)/python -m pytest -m image $(ARGS)

test-image-build: ## run the compiler's tests in the image's build, with its Python and XGBoost
	$(DOCKER) build $(DOCKER_BUILD_FLAGS) $(image_arguments) --target judged .

lock: $(VENV)/.dev ## resolve requirements/*.in again into hashed locks
	requirements/lock $(BIN)/uv
	requirements/matrix/lock $(BIN)/uv

clean: ## remove everything that was made, .venv included
	rm -rf artifacts $(VENV) $(NODE) .venv-matrix .venv-spark .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage*

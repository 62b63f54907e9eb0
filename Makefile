# The two commands of the README are `make eval` and `make test`; `make help` lists the others.
# Everything else is Snakemake.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
CORES ?= all
# A study on top of config.yaml: make eval CONFIG=studies/named.yaml. The shell reads it from its
# environment, so that it may have any name.
CONFIG ?=
export CONFIG
# Processes that run tests in parallel; tests that share a fixture or a cluster stay on one worker.
# Three on two cores, because the tests of the cluster mostly wait.
TEST_WORKERS ?= 3
STAMP := $(VENV)/.pins
# In every timespan, Snakemake's scheduler runs once for each finished job and looks at all jobs that
# are ready: with the default of one second, hundreds of jobs keep a third of a core busy.
SNAKEMAKE := PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/snakemake --cores $(CORES) --max-jobs-per-timespan 1000/5s
PYTEST := PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m pytest

.PHONY: help eval test test-cluster lint schema docs readme benchmarks env clean-env

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):[^#]*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 16

eval: env ## run the workflow to results/eval.csv and results/report.html (CONFIG=studies/NAME.yaml adds a study)
	$(BIN)/python -m workflow_scripts.config.files $${CONFIG:+"$$CONFIG"}
	case $$CONFIG in "~/"*) CONFIG=$$HOME/$${CONFIG#"~/"};; esac; \
	$(SNAKEMAKE) --rerun-incomplete --show-failed-logs results/eval.csv results/report.html \
	$${CONFIG:+"--configfile=$$CONFIG"}

test: env lint ## check the code and run all tests, TEST_WORKERS=3 side by side
	$(PYTEST) tests --numprocesses $(TEST_WORKERS)

test-cluster: env ## run only the tests on a SLURM cluster of this machine (needs root and Debian's SLURM)
	$(PYTEST) tests/slurm

lint: env ## check style, types and rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/snakefmt --check Snakefile rules
	$(SNAKEMAKE) --lint

# The editors' schema and the page of the configuration, from the models that check it.
schema: env ## write rules/schemas/config.schema.yaml, docs/configuration.md and the tables of docs/results.md
	$(BIN)/python -m benchmarks.configuration

docs: schema readme ## write every generated page: configuration, figures of the README
readme: env ## write the figures and pictures of the README
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m benchmarks.update_readme

benchmarks: env ## measure speed and accuracy, into benchmarks/figures.csv
	$(BIN)/python -m benchmarks.run

env: $(STAMP) ## make the virtual environment in .venv
	@command -v c++ >/dev/null && $(BIN)/python -c "import open3d" 2>/dev/null || envs/system.sh

# torch comes first and by exact version: any later package that wants "torch" is then content,
# and pip does not fetch the CUDA build for a machine that has asked for the CPU one.
$(STAMP): envs/pins.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet "$$(grep '^torch==' envs/pins.txt)"
	$(BIN)/python -m pip install --quiet -r envs/pins.txt
	touch $@

clean-env: ## remove the virtual environment
	rm -rf $(VENV)

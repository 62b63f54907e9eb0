# The two commands of the README: `make eval` and `make test`. Everything else is Snakemake.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
CORES ?= all
# A study on top of config.yaml: make eval CONFIG=studies/named.yaml
CONFIG ?=
STAMP := $(VENV)/.pins
# Snakemake wakes up once more in every timespan for each job that has ended, and then looks at all
# jobs that are ready: with its own second, hundreds of jobs keep a third of a core busy.
SNAKEMAKE := PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/snakemake --cores $(CORES) --max-jobs-per-timespan 1000/5s
# Snakemake's own lock outlives a killed run and must then be removed by hand; this one cannot.
LOCK := $(shell command -v flock >/dev/null && echo "flock --nonblock --conflict-exit-code 75 $(VENV)/.run.lock env")

.PHONY: eval test test-cluster lint benchmarks readme schema env clean-env

eval: env
	@test -z "$(CONFIG)" || test -f "$(CONFIG)" || { echo "error: CONFIG=$(CONFIG): no such file; give the path of a configuration file" >&2; exit 1; }
	$(LOCK) $(SNAKEMAKE) $(if $(LOCK),--nolock) --rerun-incomplete --show-failed-logs results/eval.csv results/report.html \
	$(if $(CONFIG),--configfile "$(CONFIG)") \
	|| { test $$? != 75 || echo "error: another 'make eval' is running in this folder" >&2; exit 1; }

test: env lint
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m pytest tests

test-cluster: env
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m pytest tests/slurm

lint: env
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/snakefmt --check Snakefile rules
	$(SNAKEMAKE) --lint

benchmarks: env
	$(BIN)/python -m benchmarks.run

readme: env
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m benchmarks.update_readme

# The editors' schema and the page of the configuration, from the models that check it.
schema: env
	$(BIN)/python -m benchmarks.configuration

env: $(STAMP)
	@command -v c++ >/dev/null && $(BIN)/python -c "import open3d" 2>/dev/null || envs/system.sh

# torch comes first and by exact version: any later package that wants "torch" is then content,
# and pip does not fetch the CUDA build for a machine that has asked for the CPU one.
$(STAMP): envs/pins.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet "$$(grep '^torch==' envs/pins.txt)"
	$(BIN)/python -m pip install --quiet -r envs/pins.txt
	touch $@

clean-env:
	rm -rf $(VENV)

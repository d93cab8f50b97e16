# make reproduce   everything, from nothing: environment, data, training, tuning, tables
# make report      one HTML file of the finished laptop run: results/laptop/report.html
# make test        the tests, the smoke run among them
# make faults      kills, damaged files, invalid configurations: counted in full
# TORCH_INDEX=https://download.pytorch.org/whl/cpu (or .../cu130) picks the build of torch.

PYTHON ?= python3.11
VENV ?= .venv
CORES ?= all
TORCH_INDEX ?=
BIN := $(VENV)/bin

.PHONY: reproduce report smoke test faults lint keep

reproduce: $(VENV)/.stamp
	$(BIN)/snakemake --cores $(CORES)

report: $(VENV)/.stamp
	$(BIN)/snakemake --report results/laptop/report.html

smoke: $(VENV)/.stamp
	$(BIN)/snakemake --cores $(CORES) --configfile presets/smoke.yaml

test: $(VENV)/.stamp
	$(BIN)/python -m pytest

# Kills, damaged files and invalid configurations, counted in full (docs/benchmarks.md).
faults: $(VENV)/.stamp
	$(BIN)/python tests/faults/kill.py --cycles 30
	$(BIN)/python tests/faults/mutations.py --count 2000
	$(BIN)/python tests/faults/configs.py
	$(BIN)/python tests/faults/configs.py --snakemake --count 200

# Copies a run's tables, figures and record to results/reference/, which git keeps; pages and
# films are megabytes that show the same.
RUN ?= laptop
keep:
	rm -rf results/reference/$(RUN)
	mkdir -p results/reference/$(RUN)
	cp -r results/$(RUN)/5_report/. results/reference/$(RUN)
	rm -rf results/reference/$(RUN)/pages results/reference/$(RUN)/videos

lint: $(VENV)/.stamp
	$(BIN)/ruff check . && $(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/snakemake --lint

# The stamp is written last, so a broken installation is done again. torch goes first and
# alone: only it may come from another index.
$(VENV)/.stamp: requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --disable-pip-version-check $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) $$(grep '^torch==' requirements.lock)
	$(BIN)/pip install --disable-pip-version-check -r requirements.lock
	$(BIN)/pip install --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

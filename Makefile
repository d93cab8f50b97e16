# make reproduce   everything, from nothing: environment, data, training, tuning, tables
# make report      one HTML file of the finished laptop run: results/laptop/report.html
# make test        the tests, the smoke run among them
# make faults      kills, damaged files, invalid configurations: counted in full
# PYTHON=python3.12, TORCH_INDEX=https://... and VENV=... change the environment: envs/install.sh.

VENV ?= .venv
CORES ?= all
export VENV PYTHON TORCH_INDEX
unexport PYTHONPATH PYTHONHOME # modules of other Pythons
BIN := $(VENV)/bin
# Snakemake and others keep caches at home; where it can't be written, they are kept here, without pip's.
ifneq ($(shell [ -w "$$HOME" ] && echo writable),writable)
export XDG_CACHE_HOME := $(CURDIR)/.cache
export PIP_NO_CACHE_DIR := 1
endif

.PHONY: reproduce report smoke test unit faults lint lock keep

reproduce: $(VENV)/.stamp
	$(BIN)/snakemake --cores $(CORES)

report: $(VENV)/.stamp
	$(BIN)/snakemake --report results/laptop/report.html

smoke: $(VENV)/.stamp
	$(BIN)/snakemake --cores $(CORES) --configfile presets/smoke.yaml

test: $(VENV)/.stamp
	$(BIN)/python -m pytest

unit: $(VENV)/.stamp
	$(BIN)/python -m pytest tests/unit

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

# Pins what requirements.in needs, with uv (https://docs.astral.sh/uv). Packages of CUDA are left to
# torch, whose CUDA build pins them itself. MuJoCo is the one that we say, not Meta-World.
lock:
	grep ^mujoco requirements.in | uv pip compile --override /dev/stdin --quiet --universal --python-version 3.11 --no-annotate --no-header \
	  --output-file requirements.lock requirements.in
	sed -i -E '/^(nvidia-|cuda-|triton)/d' requirements.lock

lint: $(VENV)/.stamp
	$(BIN)/ruff check . && $(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/snakemake --lint

# The stamp is written last, so a broken installation is done again.
$(VENV)/.stamp: requirements.lock pyproject.toml envs/install.sh
	sh envs/install.sh
	touch $@

# make smoke       every stage and method once, tiny
# make reproduce   everything: environment, data, training, tuning, tables
# make report      one HTML file of the finished laptop run: results/laptop/report.html
# make test        all tests, including the smoke run
# make docs        the documentation as a site: site/index.html
# make faults      the complete fault tests: kills, damaged files, invalid configurations
# make lint        formatting, types, layers, spelling, documentation
# PYTHON=python3.12, TORCH_INDEX=https://... and VENV=... set the environment, see envs/install.sh.

VENV ?= .venv
CORES ?= all
export VENV PYTHON TORCH_INDEX
unexport PYTHONPATH PYTHONHOME # they may add modules of other Pythons
BIN := $(VENV)/bin
ifneq ($(words $(VENV)),1)
$(error VENV must be a path without spaces, found '$(VENV)')
endif
# Snakemake, Matplotlib and others cache files in the home folder. If it is not writable, they use
# this folder instead; pip does not cache.
ifneq ($(shell [ -w "$$HOME" ] && echo writable),writable)
export XDG_CACHE_HOME := $(CURDIR)/.cache
export MPLCONFIGDIR := $(CURDIR)/.cache/matplotlib
export PIP_NO_CACHE_DIR := 1
endif

.PHONY: help reproduce report smoke test unit faults docs lint lock keep keep-calibration

help:
	@sed -n 's/^# \(make .*\|PYTHON=.*\)/\1/p' Makefile

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

# Kills, damaged files and invalid configurations (docs/benchmarks.md).
faults: $(VENV)/.stamp
	$(BIN)/python tests/faults/kill.py --cycles 30
	$(BIN)/python tests/faults/mutations.py --count 2000
	$(BIN)/python tests/faults/configs.py
	$(BIN)/python tests/faults/configs.py --snakemake --count 200

# Copy a run's tables, figures, episodes and record to results/reference/, which is in git. Pages and films
# are left out: they are megabytes with the same content.
RUN ?= laptop
keep:
	test -s results/$(RUN)/5_report/record.json
	rm -rf results/reference/$(RUN)
	mkdir -p results/reference/$(RUN)
	cp -r results/$(RUN)/5_report/. results/reference/$(RUN)
	rm -rf $(addprefix results/reference/$(RUN)/,pages videos front.html)

# Copy the tables and the figure of `trajprompt calibrate --all`.
CALIBRATION := results/calibration/6_calibrate
keep-calibration:
	test -s $(CALIBRATION)/choices.yaml
	rm -rf results/reference/calibration
	mkdir -p results/reference/calibration
	cp $(addprefix $(CALIBRATION)/,calibration.csv calibration.md calibration.png calibration.svg choices.yaml signal.csv headroom.csv \
	  calibration.provenance.json) \
	  results/reference/calibration

# Pin the requirements of requirements.in with uv (https://docs.astral.sh/uv). CUDA packages are
# removed: torch's CUDA build pins them. So is OpenVINO's telemetry: it reports every import to its
# makers, and OpenVINO works without it. MuJoCo's versions in requirements.in override Meta-World's.
lock:
	grep ^mujoco requirements.in | uv pip compile --override /dev/stdin --quiet --universal --python-version 3.11 --no-annotate --no-header \
	  --output-file requirements.lock requirements.in
	sed -i -E '/^(nvidia-|cuda-|triton|openvino-telemetry)/d' requirements.lock

# The documentation as a site; broken links are errors (mkdocs.yml).
SITE ?= site
docs: $(VENV)/.stamp
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --site-dir $(SITE)

lint: $(VENV)/.stamp
	$(BIN)/ruff check . && $(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/snakemake --lint
	$(MAKE) docs SITE=.cache/site

# The stamp is written last, so an incomplete installation is repeated. It does not count if the
# environment's Python has been removed, e.g. by an upgrade of the system.
ifneq ($(shell $(BIN)/python -c 'print("works")' 2> /dev/null),works)
.PHONY: $(VENV)/.stamp
endif
$(VENV)/.stamp: requirements.lock pyproject.toml envs/install.sh
	sh envs/install.sh
	touch $@

# Checks the configuration before anything else, and answers the rules' questions about it.

import json
import os
import re
import sys

from trajprompt import config as run_config
from trajprompt import settings as stage_settings

# Snakemake lists overlays first; an error should name the file that had the last word.
run_config.check(config, [workflow.configfiles[-1], *workflow.configfiles[:-1]])

RUN = config["run"]
THREADS = config["compute"]["threads"]
CELLS = run_config.cells(config)
BACKBONES = sorted({setting["backbone"] for setting in config["settings"].values()})

# Jobs find this environment's Python, and numerical libraries keep to one thread each:
# jobs run side by side, and two threads that wait for each other are slower than one.
shell.prefix(
    f"export PATH={os.path.dirname(sys.executable)}:$PATH"
    " OMP_NUM_THREADS=1 MUJOCO_GL=${{MUJOCO_GL:-egl}}; "
)


wildcard_constraints:
    run=re.escape(RUN),
    suite="|".join(config["suites"]),
    backbone="prompt-dt|prompt-mt-bc|mt-orl",
    setting="|".join(config["settings"]),
    method="|".join(config["tune"]["methods"]),
    seed=r"\d+",


def sources(*patterns):
    """The modules that define a stage's numbers: editing one reruns the stage."""
    from glob import glob

    found = [path for pattern in patterns for path in glob(f"src/trajprompt/{pattern}")]
    return sorted(path for path in found if not path.endswith("__init__.py"))


def collect_settings(wildcards):
    return stage_settings.to_json(run_config.collect(config, wildcards.suite))


def pretrain_settings(wildcards):
    settings = run_config.pretrain(
        config, wildcards.suite, wildcards.backbone, int(wildcards.seed)
    )
    return stage_settings.to_json(settings)


def tune_settings(wildcards):
    return stage_settings.to_json(run_config.tune(config, *_cell(wildcards)))


def calibrate_settings(wildcards):
    cell = wildcards.suite, "expert", wildcards.method, int(wildcards.seed)
    return stage_settings.to_json(run_config.tune(config, *cell))


def evaluate_settings(wildcards):
    return stage_settings.to_json(run_config.evaluate(config, *_cell(wildcards)))


def report_settings(wildcards):
    return stage_settings.to_json(run_config.report(config))


def _cell(wildcards):
    return wildcards.suite, wildcards.setting, wildcards.method, int(wildcards.seed)


def cell_backbone(wildcards):
    backbone = config["settings"][wildcards.setting]["backbone"]
    return f"results/{RUN}/2_pretrain/{wildcards.suite}/{backbone}/seed{wildcards.seed}.safetensors"


def method_source(wildcards):
    kind = config["tune"]["methods"][wildcards.method]["kind"]
    return f"src/trajprompt/tuning/{kind.replace('-', '_')}.py"


def every_cell(pattern):
    """``pattern`` filled in for every cell of the run and every seed."""
    return [
        pattern.format(run=RUN, suite=suite, setting=setting, method=method, seed=seed)
        for suite, setting, method in CELLS
        for seed in config["seeds"]
    ]

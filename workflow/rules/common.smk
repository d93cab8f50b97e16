# Checks the configuration before anything else, and answers the rules' questions about it.

import json
import os
import re
import shlex
import sys
from pathlib import Path
from trajprompt.config import derive
from trajprompt.config.layers import REQUIRED
from trajprompt.config.load import resolve
from trajprompt.config import backbones as pretraining_values
from trajprompt.workflow import hooks
from trajprompt.settings import stages as stage_settings
from trajprompt.config import cells as table_cells
from trajprompt.report.read.papers import list_papers, printed_files
from trajprompt.tasks.registry import family, get_suite
from trajprompt.report.plots import inputs as plot_inputs
from trajprompt.rollout.opengl import require_opengl

# The user's files as Snakemake merged them, over presets and papers. Snakemake lists overlays
# first; an error should name the file that had the last word.
VIDEOS_REQUIRED = (
    config.get("videos") == REQUIRED
)  # resolving puts the videos in its place
resolved = resolve(
    config, Path(), [workflow.configfiles[-1], *workflow.configfiles[:-1]]
)
config.clear()  # not replaced: the captions of the HTML report read this mapping
config.update(resolved)
PAPERS = {paper.key: paper for paper in list_papers(config["papers"])}
PAPERS_FILES = sorted(
    path
    for path in Path(config["papers"]).rglob("*")
    if path.suffix in (".yaml", ".csv")
)

RUN = config["run"]
# Without OpenGL a run with required videos ends before it begins; of nodes that is not known here.
hooks.install(workflow, RUN, require_opengl if VIDEOS_REQUIRED else None)
THREADS = config["compute"]["threads"]
TABLES, FIGURES = table_cells.tables(config), table_cells.figures(config)
VIDEOS = table_cells.videos(config)  # name -> suites
GPUS = 0 if config["compute"]["device"] == "cpu" else 1  # of a job that learns or plays

# Jobs find this environment's Python, and numerical libraries keep to one thread each:
# jobs run side by side, and two threads that wait for each other are slower than one.
# Only videos need OpenGL, and choose it themselves.
# A job ends with the Snakemake that started it, its parent: commands begin with `exec`.
shell.prefix(
    f"export PATH={shlex.quote(os.path.dirname(sys.executable))}:$PATH"
    " OMP_NUM_THREADS=1 MUJOCO_GL=${{MUJOCO_GL:-disable}} TRAJPROMPT_STOP_WITH_PARENT=$$:$PPID; "
)


# How the HTML report (`snakemake --report`) is ordered: it sorts categories by name.
CATEGORY = {
    name: f"{number} {name}"
    for number, name in enumerate(
        ("Claims", "Tables", "Figures", "Videos", "Compute", "What made it"), start=1
    )
}
OF_THE_RUN = "This run"  # the subcategory of what no paper has


wildcard_constraints:
    run=re.escape(RUN),
    suite="|".join(config["suites"]),
    backbone="|".join(pretraining_values.names(config)),
    condition="|".join(config["conditions"]),
    method="|".join(config["methods"]),
    seed=r"\d+",


def scaled(amount):
    """``amount`` of memory or time at the first attempt, twice as much at the second, .."""
    return lambda wildcards, attempt: amount * attempt


def collect_gpus(wildcards):
    """Scripted experts, and files that were collected elsewhere, learn nothing."""
    algorithm = config["collect"][wildcards.suite]["algorithm"]
    return 0 if algorithm in ("scripted", "file") else GPUS


def own_data(wildcards):
    """The user's store that a suite is read from, where the config names one."""
    chosen = config["collect"][wildcards.suite]
    return [chosen["options"]["path"]] if chosen["algorithm"] == "file" else []


def collect_settings(wildcards):
    return stage_settings.to_json(derive.collect(config, wildcards.suite))


def pretrain_settings(wildcards):
    settings = derive.pretrain(
        config, wildcards.suite, wildcards.backbone, int(wildcards.seed)
    )
    return stage_settings.to_json(settings)


def tune_settings(wildcards):
    return stage_settings.to_json(derive.tune(config, *_cell(wildcards)))


def calibrate_settings(wildcards):
    cell = wildcards.suite, "expert", wildcards.method, int(wildcards.seed)
    return stage_settings.to_json(derive.tune(config, *cell))


def evaluate_settings(wildcards):
    return stage_settings.to_json(derive.evaluate(config, *_cell(wildcards)))


def random_policy_settings(wildcards):
    return stage_settings.to_json(derive.random_policy(config, wildcards.suite))


def report_folder(wildcards, output):
    folders = Path(output[0]).parents
    return next(folder for folder in folders if folder.name == "5_report")


def report_settings(wildcards):
    """Report settings of the whole run."""
    return stage_settings.to_json(derive.report(config))


def table_settings(table):
    """What answers a rule's question for the settings of one table."""
    return lambda wildcards: stage_settings.to_json(derive.report(config, table))


def figure_settings(figure):
    """What answers a rule's question for the settings of one figure."""
    return lambda wildcards: stage_settings.to_json(derive.figure(config, figure))


def video_settings(video):
    """What answers a rule's question for the settings of one video."""
    return lambda wildcards: stage_settings.to_json(derive.video(config, video))


def shown_as(title, form):
    """How the HTML report lists a result. Two forms of every result become a switch."""
    return {"result": title, "as": form}


def of_paper(name):
    """The subcategory of a table or figure in the HTML report."""
    paper = PAPERS.get(table_cells.shown(config, name).get("paper"))
    return paper.name if paper else OF_THE_RUN


def _cell(wildcards):
    return wildcards.suite, wildcards.condition, wildcards.method, int(wildcards.seed)


def suite_code(wildcards):
    return code(*families([wildcards.suite]))


def families(suites):
    """Files that define ``suites``: found by listing, no other file imports them."""
    return sorted({f"tasks/{family(suite)}" for suite in suites})


def goals(wildcards):
    return f"src/trajprompt/tasks/{get_suite(wildcards.suite).table}"


def method_code(wildcards):
    kind = config["methods"][wildcards.method]["kind"]
    return code(f"tuning/methods/{kind.replace('-', '_')}")

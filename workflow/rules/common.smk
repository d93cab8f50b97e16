# Checks the configuration before anything else, and answers the rules' questions about it.

import json
import os
import re
import sys
from pathlib import Path
from trajprompt.config import derive
from trajprompt.config.load import resolve
from trajprompt.config import backbones as pretraining_values
from trajprompt.workflow import hooks
from trajprompt.settings import stages as stage_settings
from trajprompt.config import cells as table_cells
from trajprompt.report.read.papers import list_papers, printed_files
from trajprompt.tasks.registry import family, get_suite
from trajprompt.report.plots import inputs as plot_inputs

# The user's files as Snakemake merged them, over presets and papers. Snakemake lists overlays
# first; an error should name the file that had the last word.
CONFIG = resolve(config, Path(), [workflow.configfiles[-1], *workflow.configfiles[:-1]])
PAPERS = {paper.key: paper for paper in list_papers(CONFIG["papers"])}
PAPERS_FILES = sorted(
    path
    for path in Path(CONFIG["papers"]).rglob("*")
    if path.suffix in (".yaml", ".csv")
)

RUN = CONFIG["run"]
hooks.install(workflow, RUN)
THREADS = CONFIG["compute"]["threads"]
TABLES, FIGURES = table_cells.tables(CONFIG), table_cells.figures(CONFIG)
VIDEOS = table_cells.videos(CONFIG)  # name -> suites
GPUS = 0 if CONFIG["compute"]["device"] == "cpu" else 1  # of a job that learns or plays

# Jobs find this environment's Python, and numerical libraries keep to one thread each:
# jobs run side by side, and two threads that wait for each other are slower than one.
# Only videos need OpenGL, and choose it themselves.
# A job ends with the Snakemake that started it, its parent: commands begin with `exec`.
shell.prefix(
    f"export PATH={os.path.dirname(sys.executable)}:$PATH"
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
    suite="|".join(CONFIG["suites"]),
    backbone="|".join(pretraining_values.names(CONFIG)),
    condition="|".join(CONFIG["conditions"]),
    method="|".join(CONFIG["methods"]),
    seed=r"\d+",


def scaled(amount):
    """``amount`` of memory or time at the first attempt, twice as much at the second, .."""
    return lambda wildcards, attempt: amount * attempt


def collect_gpus(wildcards):
    """Scripted experts, and files that were collected elsewhere, learn nothing."""
    algorithm = CONFIG["collect"][wildcards.suite]["algorithm"]
    return 0 if algorithm in ("scripted", "file") else GPUS


def own_data(wildcards):
    """The user's store that a suite is read from, where the config names one."""
    chosen = CONFIG["collect"][wildcards.suite]
    return [chosen["options"]["path"]] if chosen["algorithm"] == "file" else []


def collect_settings(wildcards):
    return stage_settings.to_json(derive.collect(CONFIG, wildcards.suite))


def pretrain_settings(wildcards):
    settings = derive.pretrain(
        CONFIG, wildcards.suite, wildcards.backbone, int(wildcards.seed)
    )
    return stage_settings.to_json(settings)


def tune_settings(wildcards):
    return stage_settings.to_json(derive.tune(CONFIG, *_cell(wildcards)))


def calibrate_settings(wildcards):
    cell = wildcards.suite, "expert", wildcards.method, int(wildcards.seed)
    return stage_settings.to_json(derive.tune(CONFIG, *cell))


def evaluate_settings(wildcards):
    return stage_settings.to_json(derive.evaluate(CONFIG, *_cell(wildcards)))


def random_policy_settings(wildcards):
    return stage_settings.to_json(derive.random_policy(CONFIG, wildcards.suite))


def report_folder(wildcards, output):
    folders = Path(output[0]).parents
    return next(folder for folder in folders if folder.name == "5_report")


def report_settings(wildcards):
    """Of the whole run."""
    return stage_settings.to_json(derive.report(CONFIG))


def table_settings(table):
    """What answers a rule's question for the settings of one table."""
    return lambda wildcards: stage_settings.to_json(derive.report(CONFIG, table))


def figure_settings(figure):
    """What answers a rule's question for the settings of one figure."""
    return lambda wildcards: stage_settings.to_json(derive.figure(CONFIG, figure))


def video_settings(video):
    """What answers a rule's question for the settings of one video."""
    return lambda wildcards: stage_settings.to_json(derive.video(CONFIG, video))


def shown_as(title, form):
    """How the HTML report lists a result. Two forms of every result become a switch."""
    return {"result": title, "as": form}


def of_paper(name):
    """The subcategory of a table or figure in the HTML report."""
    paper = PAPERS.get(table_cells.shown(CONFIG, name).get("paper"))
    return paper.name if paper else OF_THE_RUN


def read_by_figure(figure, what, pattern):
    """``pattern`` filled in for the cells of a figure, if its kind reads that file."""
    return cells_of(figure, pattern) if reads(figure, what) else []


def backbones_read(figure, pattern):
    """``pattern`` filled in for the backbones of a figure's cells, if its kind reads them."""
    pairs = table_cells.backbones(CONFIG, (figure,))
    return _of_backbones(pattern, pairs) if reads(figure, "backbones") else []


def stores_read(figure):
    """The trajectories of a figure's suites, if its kind reads them."""
    return stores_of(figure) if reads(figure, "stores") else []


def reads(figure, what):
    return what in plot_inputs.READS[CONFIG["figures"][figure]["kind"]]


def _cell(wildcards):
    return wildcards.suite, wildcards.condition, wildcards.method, int(wildcards.seed)


def cell_backbone(wildcards):
    backbone = CONFIG["conditions"][wildcards.condition]["backbone"]
    return f"results/{RUN}/2_pretrain/{wildcards.suite}/{backbone}/seed{wildcards.seed}.safetensors"


def suite_code(wildcards):
    return code(*families([wildcards.suite]))


def families(suites):
    """Files that define ``suites``: found by listing, no other file imports them."""
    return sorted({f"tasks/{family(suite)}" for suite in suites})


def suites_of(table):
    """The suites of a table's or a figure's cells."""
    return {cell[0] for cell in table_cells.cells(CONFIG, (table,))}


def goals(wildcards):
    return f"src/trajprompt/tasks/{get_suite(wildcards.suite).table}"


def method_code(wildcards):
    kind = CONFIG["methods"][wildcards.method]["kind"]
    return code(f"tuning/methods/{kind.replace('-', '_')}")


def every_cell(pattern):
    """``pattern`` filled in for every cell of the run and every seed."""
    return _filled(pattern, table_cells.cells(CONFIG), CONFIG["seeds"])


def cells_of(table, pattern, seeds=None):
    """``pattern`` filled in for the cells of one table or figure."""
    return _filled(
        pattern, table_cells.cells(CONFIG, (table,)), seeds or CONFIG["seeds"]
    )


def cells_of_video(video, pattern):
    """``pattern`` filled in for the panels of a video, film by film."""
    return [
        pattern.format(
            run=RUN,
            suite=suite,
            seed=CONFIG["seeds"][0],
            backbone=CONFIG["conditions"][entry["condition"]]["backbone"],
            condition=entry["condition"],
            method=entry["method"],
        )
        for suite in VIDEOS[video]
        for entry in map(CONFIG["entries"].get, CONFIG["videos"][video]["entries"])
    ]


def _filled(pattern, cells, seeds):
    return [
        pattern.format(
            run=RUN, suite=suite, condition=condition, method=method, seed=seed
        )
        for suite, condition, method in cells
        for seed in seeds
    ]


def backbones_of_run(pattern):
    """``pattern`` filled in for every backbone that a cell needs, and every seed."""
    return _of_backbones(pattern, table_cells.backbones(CONFIG))


def _of_backbones(pattern, pairs):
    return [
        pattern.format(run=RUN, suite=suite, backbone=backbone, seed=seed)
        for suite, backbone in pairs
        for seed in CONFIG["seeds"]
    ]


def stores_of(table):
    """The trajectories of a table's suites."""
    suites = suites_of(table)
    path = f"results/{RUN}/1_collect/{{}}/trajectories.h5"
    return [path.format(suite) for suite in CONFIG["suites"] if suite in suites]


def printed(*names):
    """The papers' files with these names, of printed numbers."""
    return [path for name in names for path in printed_files(CONFIG["papers"], name)]


def papers_files(paper):
    """What the tables and figures of a paper, or of none, write."""
    return [
        made_by(name)
        for name in (*TABLES, *FIGURES)
        if table_cells.shown(CONFIG, name).get("paper") == paper
    ]


def made_by(name):
    """Plain paths of what ``name`` writes; its own would ask for places in the report."""
    return [str(path) for path in workflow.get_rule(name).output]

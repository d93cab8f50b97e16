# Check the configuration first; then functions that derive the parameters of rules from it.

import json
import os
import re
import shlex
import sys
from pathlib import Path
from types import SimpleNamespace
import snakemake.io as io
from trajprompt.config import derive
from trajprompt.config.evaluation import has_varied_starts
from trajprompt.config.layers import requires_videos
from trajprompt.config.load import resolve
from trajprompt.config import backbones as pretraining_values
from trajprompt.workflow import hooks
from trajprompt.settings import stages as stage_settings
from trajprompt.settings.kinds import CMT
from trajprompt.settings.engine import require_engine
from trajprompt.config import cells as table_cells
from trajprompt.report.read.papers import list_papers, printed_files
from trajprompt.tasks.registry import family, get_suite
from trajprompt.report.plots import inputs as plot_inputs
from trajprompt.rollout.opengl import require_opengl
from trajprompt.tuning.registry import get_method

VIDEOS_REQUIRED = requires_videos(config, workflow.configfiles)
# The user's files as Snakemake merged them, above presets and papers. Snakemake lists
# config.yaml last; `resolve` needs the order in which files override each other.
resolved = resolve(
    config, Path(), [workflow.configfiles[-1], *workflow.configfiles[:-1]]
)
config.clear()  # changed in place: captions of the HTML report read this mapping
config.update(resolved)
PAPERS = {paper.key: paper for paper in list_papers(config["papers"])}
PAPERS_FILES = sorted(
    path
    for path in Path(config["papers"]).rglob("*")
    if path.suffix in (".yaml", ".csv")
)

RUN = config["run"]


def require_libraries():
    """End a run before any job if this machine lacks what it needs; not checked on a cluster."""
    require_engine(config["compute"])
    if VIDEOS_REQUIRED:
        require_opengl()


hooks.install(workflow, RUN, require_libraries)
THREADS = config["compute"]["threads"]
SUITES, COLLECTED = table_cells.suites(config), table_cells.collected(config)
TABLES, FIGURES = table_cells.tables(config), table_cells.figures(config)
VIDEOS = table_cells.videos(config)  # name -> suites
GPUS = 0 if config["compute"]["device"] == "cpu" else 1  # per job that trains or plays

# PATH: jobs use this environment's Python. *_NUM_THREADS: one thread per numerical library,
# because jobs run in parallel and threads that wait for each other are slower.
# TRAJPROMPT_STOP_WITH_PARENT: a job ends with its parent, Snakemake; `exec` in the commands keeps
# the process id of the job.
shell.prefix(
    f"export PATH={shlex.quote(os.path.dirname(sys.executable))}:$PATH"
    " OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1"
    " TRAJPROMPT_STOP_WITH_PARENT=$$:$PPID; "
)


# Categories of the HTML report (`snakemake --report`), numbered because it sorts by name.
CATEGORY = {
    name: f"{number} {name}"
    for number, name in enumerate(
        ("Claims", "Tables", "Figures", "Videos", "Compute", "What made it"), start=1
    )
}
THIS_RUN = "This run"  # the subcategory of results that belong to no paper


wildcard_constraints:
    run=re.escape(RUN),
    suite="|".join(config["suites"]),
    backbone="|".join(pretraining_values.transformers(config)),
    condition="|".join(config["conditions"]),
    method="|".join(config["methods"]),
    seed=r"\d+",
    environment="|".join(config["teachers"]) or "none",
    algorithm="|".join(config["algorithms"]) or "none",


def scaled(amount):
    """Resource ``amount`` at the first attempt, twice the amount at the second, etc."""
    return lambda wildcards, attempt: amount * attempt


def collect_gpus(wildcards):
    """GPUs of a collection; PPO, scripted experts and imported files need none."""
    algorithm = config["collect"][wildcards.suite]["algorithm"]
    return 0 if algorithm in ("ppo", "scripted", "file", "level") else GPUS


def teach_gpus(wildcards):
    """GPUs of a teacher; PPO learns on the CPU."""
    return (
        GPUS if config["teachers"][wildcards.environment]["algorithm"] == "sac" else 0
    )


def user_store(wildcards):
    """The user's store that a suite is read from, if the config sets one."""
    chosen = config["collect"][wildcards.suite]
    return [chosen["options"]["path"]] if chosen["algorithm"] == "file" else []


def demonstrations(wildcards):
    """Trajectories of another suite whose demonstrations the job reads, if it names one."""
    backbone = wildcards.get("backbone")
    if backbone is None:
        condition = wildcards.get("condition") or calibrated_cell(wildcards)[1]
        backbone = config["conditions"][condition]["backbone"]
    other = pretraining_values.demonstrations_from(config, wildcards.suite, backbone)
    return [f"results/{RUN}/1_collect/{other}/trajectories.h5"] if other else []


def relabelled_data(wildcards):
    """Relabelled data of the job's seeds, if its method tunes a CMT."""
    kind = config["methods"][wildcards.method]["kind"]
    if not get_method(kind).reads_relabelled:
        return []
    backbone = config["conditions"][wildcards.condition]["backbone"]
    folder = f"results/{RUN}/2_pretrain/{wildcards.suite}/{backbone}"
    seed = wildcards.get("seed")
    return [f"{folder}/relabelled{n}.h5" for n in ([seed] if seed else config["seeds"])]


def relabelled_option(wildcards, input):
    return "--relabelled" if input.relabelled else ""


def demonstrations_option(wildcards, input):
    return "--demonstrations" if input.demonstrations else ""


def teacher_files(wildcards):
    """Policies and replay of the teacher that a D4RL suite's data is made from."""
    if config["collect"][wildcards.suite]["algorithm"] != "level":
        return []
    environment = get_suite(wildcards.suite).environment
    return expand(rules.teach.output, run=RUN, environment=environment)


def teach_settings(wildcards):
    return stage_settings.to_json(derive.teach(config, wildcards.environment))


def learn_settings(wildcards):
    settings = derive.learn(
        config, wildcards.suite, wildcards.algorithm, config["seeds"][0]
    )
    return stage_settings.to_json(settings)


def relabel_settings(wildcards):
    names = wildcards.suite, wildcards.algorithm, int(wildcards.seed)
    return stage_settings.to_json(derive.relabel(config, *names))


def algorithm_code(wildcards):
    kind = config["algorithms"][wildcards.algorithm]["kind"]
    if kind == CMT:
        return code("offline/cmt/pretraining")
    return code(f"offline/algorithms/{kind.replace('-', '_')}")


def collect_settings(wildcards):
    return stage_settings.to_json(derive.collect(config, wildcards.suite))


def pretrain_settings(wildcards):
    settings = derive.pretrain(
        config, wildcards.suite, wildcards.backbone, int(wildcards.seed)
    )
    return stage_settings.to_json(settings)


def tune_settings(wildcards):
    return stage_settings.to_json(derive.tune(config, *_cell(wildcards)))


def evaluate_settings(wildcards):
    return stage_settings.to_json(derive.evaluate(config, *_cell(wildcards)))


def of_first_seed(settings):
    """Params function: ``settings`` of the first seed; others differ in the seed alone."""

    def derived(wildcards):
        names = {**dict(wildcards.items()), "seed": config["seeds"][0]}
        return settings(SimpleNamespace(**names))

    return derived


def random_policy_settings(wildcards):
    return stage_settings.to_json(derive.random_policy(config, wildcards.suite))


def report_folder(wildcards, output):
    folders = Path(output[0]).parents
    return next(folder for folder in folders if folder.name == "5_report")


def report_settings(wildcards):
    """Report settings of the complete run."""
    return stage_settings.to_json(derive.report(config))


def table_settings(table):
    """Params function of a rule: the settings of one table."""
    return lambda wildcards: stage_settings.to_json(derive.report(config, table))


def figure_settings(figure):
    """Params function of a rule: the settings of one figure."""
    return lambda wildcards: stage_settings.to_json(derive.figure(config, figure))


def video_settings(video):
    """Params function of a rule: the settings of one video."""
    return lambda wildcards: stage_settings.to_json(derive.video(config, video))


def report_labels(title, form):
    """Labels of a result in the HTML report, where ``as`` switches between its two forms."""
    return {"result": title, "as": form}


def paper_subcategory(name):
    """Subcategory of a table or figure in the HTML report."""
    paper = PAPERS.get(table_cells.shown(config, name).get("paper"))
    return paper.name if paper else THIS_RUN


def _cell(wildcards):
    return wildcards.suite, wildcards.condition, wildcards.method, int(wildcards.seed)


def suite_code(wildcards):
    return code(*families([wildcards.suite]))


def families(suites):
    """Modules that define ``suites``; no module imports them, so `code` needs their names."""
    return sorted({f"tasks/{family(suite)}" for suite in suites})


def goals(wildcards):
    table = get_suite(wildcards.suite).table
    return [f"src/trajprompt/tasks/{table}"] if table else []


def method_code(wildcards):
    kind = config["methods"][wildcards.method]["kind"]
    return code(f"tuning/methods/{kind.replace('-', '_')}")

# One stage, one rule file, one folder of results:
#
#   1_collect ──▶ 2_pretrain ──▶ 3_tune ──▶ 4_evaluate ──▶ 5_report
#   trajectories  backbones      prompts    episodes       tables, figures, claims
#
# The files of a stage are in results/<run>/<stage>/. config.yaml sets what a run makes,
# papers/ defines the tables and figures, presets/ the sizes: `--config preset=smoke`.

from pathlib import Path

from trajprompt.config.calibration import PLAN_FILE
from trajprompt.config.layers import read_mapping

# Checked before Snakemake reads it, whose errors name neither the line nor the cause.
read_mapping(Path("config.yaml"))


configfile: "config.yaml"


report: "workflow/report/workflow.rst"


include: "workflow/rules/code.smk"
include: "workflow/rules/common.smk"
include: "workflow/rules/files.smk"
include: "workflow/rules/1_collect.smk"
include: "workflow/rules/2_pretrain.smk"
include: "workflow/rules/3_tune.smk"
include: "workflow/rules/4_evaluate.smk"
include: "workflow/rules/stacked.smk"
include: "workflow/rules/5_tables.smk"
include: "workflow/rules/5_figures.smk"
include: "workflow/rules/5_videos.smk"
include: "workflow/rules/5_claims.smk"
include: "workflow/rules/5_episodes.smk"
include: "workflow/rules/5_report.smk"


if Path(config["papers"], PLAN_FILE).is_file():

    include: "workflow/rules/calibration.smk"
    include: "workflow/rules/6_calibrate.smk"


rule all:
    """Everything (the default)."""
    default_target: True
    input:
        [paper_outputs(paper) for paper in (*PAPERS, None)],
        rules.curves.output,
        rules.claims.output,
        rules.opening.output,
        rules.aggregate.output,
        rules.variance.output,
        rules.episodes.output,
        rules.compute.output,
        [outputs_of(name) for name in VIDEOS],
        rules.record.output,
    localrule: True

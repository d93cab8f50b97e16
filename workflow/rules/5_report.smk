# Learning curves, compute and provenance of the run. Then a target per paper, with the name of
# its folder, for all its tables and figures.


rule curves:
    """Learning curves of collection, teachers, pretraining and offline algorithms."""
    input:
        stores=STORES,
        teachers=TEACHERS,
        pretraining=PRETRAINING_CURVES,
        offline=OFFLINE_CURVES,
    output:
        (
            learning_curves("collection", "Learning curves of the collection")
            if any(not get_suite(suite).environment for suite in COLLECTED)
            else []
        ),
        (
            learning_curves("teachers", "Learning curves of the teachers")
            if TEACHERS
            else []
        ),
        (
            learning_curves("pretraining", "Learning curves of the pretraining")
            if PRETRAINING_CURVES
            else []
        ),
        (
            learning_curves(
                "offline_learning", "Learning curves of offline algorithms"
            )
            if OFFLINE_CURVES
            else []
        ),
    log:
        f"logs/{RUN}/5_report/curves.log",
    localrule: True
    conda:
        "../../envs/trajprompt.yaml"
    params:
        code=REPORT_CODE,
        settings=report_settings,
        out=report_folder,
    message:
        "Drawing the learning curves"
    shell:
        "exec python -m trajprompt.commands.report curves --stores {input.stores}"
        " --teachers {input.teachers}"
        " --pretraining {input.pretraining} --offline {input.offline}"
        " --settings {params.settings:q} --out {params.out} > {log} 2>&1"


rule compute:
    """Time, memory and simulator steps of every stage; CPU time of every cell."""
    input:
        teachers=TEACHERS,
        stores=STORES,
        pretraining=[PRETRAINING_CURVES, OFFLINE_CURVES],
        adaptations=rules.tune_all.input,
        evaluations=rules.evaluate_all.input.cells,
        random_policies=rules.evaluate_all.input.random,
    output:
        report(
            f"results/{RUN}/5_report/compute.csv",
            caption="../report/compute.rst",
            category=CATEGORY["Compute"],
            labels=report_labels("Time, memory and simulator steps", "raw data"),
        ),
        report(
            f"results/{RUN}/5_report/pages/compute.html",
            caption="../report/compute.rst",
            category=CATEGORY["Compute"],
            labels=report_labels("Time, memory and simulator steps", "page"),
        ),
        multiext(f"results/{RUN}/5_report/compute", ".md", "_cells.csv"),
    log:
        f"logs/{RUN}/5_report/compute.log",
    localrule: True
    conda:
        "../../envs/trajprompt.yaml"
    params:
        code=REPORT_CODE,
        settings=report_settings,
        out=report_folder,
    message:
        "Adding up time, memory and simulator steps"
    shell:
        "exec python -m trajprompt.commands.report compute --stores {input.stores}"
        " --teachers {input.teachers}"
        " --pretraining {input.pretraining} --adaptations {input.adaptations}"
        " --evaluations {input.evaluations} --random-policies {input.random_policies}"
        " --settings {params.settings:q} --out {params.out} > {log} 2>&1"


rule record:
    """Provenance of the report: configuration, versions, and the hashes of all files."""
    input:
        made=[
            TEACHERS,
            STORES,
            rules.pretrain_all.input,
            PRETRAINING_CURVES,
            OFFLINE_CURVES,
            rules.tune_all.input,
            rules.evaluate_all.input,
        ],
        printed=PAPERS_FILES,
        report=[
            [paper_outputs(paper) for paper in (*PAPERS, None)],
            rules.curves.output,
            rules.claims.output,
            rules.opening.output,
            rules.aggregate.output,
            rules.variance.output,
            rules.episodes.output,
            rules.compute.output,
            [outputs_of(name) for name in VIDEOS],
        ],
    output:
        report(
            f"results/{RUN}/5_report/record.json",
            caption="../report/record.rst",
            category=CATEGORY["What made it"],
            labels=report_labels("Machine, code, configuration, files", "raw data"),
        ),
        report(
            f"results/{RUN}/5_report/pages/record.html",
            caption="../report/record.rst",
            category=CATEGORY["What made it"],
            labels=report_labels("Machine, code, configuration, files", "page"),
        ),
        f"results/{RUN}/5_report/summary.csv",
    log:
        f"logs/{RUN}/5_report/record.log",
    localrule: True
    conda:
        "../../envs/trajprompt.yaml"
    params:
        code=code("report/pages/record", "report/pages/summary", "artifacts/provenance"),
        settings=report_settings,
        run_config=json.dumps(config, sort_keys=True),
        out=report_folder,
    message:
        "Recording what made this report"
    shell:
        "exec python -m trajprompt.commands.report record --inputs {input.made} {input.printed}"
        " --outputs {input.report} --run-config {params.run_config:q}"
        " --settings {params.settings:q} --out {params.out} > {log} 2>&1"


for PAPER in PAPERS:

    rule:
        """The tables and figures of one paper, or of papers/own."""
        name:
            PAPER
        input:
            paper_outputs(PAPER),
        localrule: True

    # `snakemake --list` shows it; the docstring above is shared by all papers.
    workflow.get_rule(PAPER).docstring = (
        f"The tables and figures of {PAPERS[PAPER].name} ({PAPERS[PAPER].source})."
    )

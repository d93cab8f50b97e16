# Tables, figures and claims, each a target of its own; `ptdt` is the paper that they belong to.

STORES = expand(
    "results/{run}/1_collect/{suite}/trajectories.h5", run=RUN, suite=config["suites"]
)
PRETRAINING_CURVES = expand(
    "results/{run}/2_pretrain/{suite}/{backbone}/seed{seed}.csv",
    run=RUN,
    suite=config["suites"],
    backbone=BACKBONES,
    seed=config["seeds"],
)
REPORT_CODE = code("report/__main__")


rule table1:
    """Table 1: returns of every method and suite, ours beside the papers'."""
    input:
        published=["published/ptdt_table1.csv", "published/prompt_diffuser_table1.csv"],
        stores=STORES,
        evaluations=rules.evaluate_all.input,
    output:
        report(
            f"results/{RUN}/5_report/tables/table1.csv",
            caption="../report/table1.rst",
            category="Tables",
            labels={"result": "Table 1", "checkpoint": "last"},
        ),
        report(
            f"results/{RUN}/5_report/tables/table1_best.csv",
            caption="../report/table1_best.rst",
            category="Tables",
            labels={"result": "Table 1", "checkpoint": "best"},
        ),
        report(
            f"results/{RUN}/5_report/tables/table1_tasks.csv",
            caption="../report/table1_tasks.rst",
            category="Tables",
            labels={"result": "Table 1, task by task", "checkpoint": "last"},
        ),
        multiext(
            f"results/{RUN}/5_report/tables/",
            "table1.md",
            "table1_best.md",
            "table1_tasks.md",
        ),
        f"results/{RUN}/5_report/figures/table1.png",
        report(
            f"results/{RUN}/5_report/figures/table1.svg",
            caption="../report/table1.rst",
            category="Figures",
            labels={"result": "Table 1", "checkpoint": "last"},
        ),
    log:
        f"logs/{RUN}/5_report/table1.log",
    benchmark:
        f"results/{RUN}/benchmarks/5_report/table1.tsv"
    localrule: True
    conda:
        "../../envs/trajprompt.yaml"
    params:
        code=REPORT_CODE,
        settings=report_settings,
        out=report_folder,
    message:
        "Writing Table 1, ours beside the papers'"
    shell:
        "exec python -m trajprompt.report table1 --evaluations {input.evaluations}"
        " --stores {input.stores} --published {input.published}"
        " --settings {params.settings:q} --out {params.out} > {log} 2>&1"


rule figure5:
    """Figure 5: return against oracle queries."""
    input:
        evaluations=rules.evaluate_all.input,
    output:
        f"results/{RUN}/5_report/tables/figure5.csv",
        f"results/{RUN}/5_report/figures/figure5.png",
        report(
            f"results/{RUN}/5_report/figures/figure5.svg",
            caption="../report/figure5.rst",
            category="Figures",
            labels={"result": "Figure 5", "checkpoint": "curve"},
        ),
    log:
        f"logs/{RUN}/5_report/figure5.log",
    benchmark:
        f"results/{RUN}/benchmarks/5_report/figure5.tsv"
    localrule: True
    conda:
        "../../envs/trajprompt.yaml"
    params:
        code=REPORT_CODE,
        settings=report_settings,
        out=report_folder,
    message:
        "Drawing Figure 5, return against oracle queries"
    shell:
        "exec python -m trajprompt.report figure5 --evaluations {input.evaluations}"
        " --settings {params.settings:q} --out {params.out} > {log} 2>&1"


rule curves:
    """Learning curves of collection and pretraining."""
    input:
        stores=STORES,
        pretraining=PRETRAINING_CURVES,
    output:
        multiext(f"results/{RUN}/5_report/tables/", "collection.csv", "pretraining.csv"),
        multiext(
            f"results/{RUN}/5_report/figures/", "collection.png", "pretraining.png"
        ),
        report(
            f"results/{RUN}/5_report/figures/collection.svg",
            caption="../report/collection.rst",
            category="Figures",
            labels={"result": "How the data were learned", "checkpoint": "curve"},
        ),
        report(
            f"results/{RUN}/5_report/figures/pretraining.svg",
            caption="../report/pretraining.rst",
            category="Figures",
            labels={"result": "How the backbones were trained", "checkpoint": "curve"},
        ),
    log:
        f"logs/{RUN}/5_report/curves.log",
    benchmark:
        f"results/{RUN}/benchmarks/5_report/curves.tsv"
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
        "exec python -m trajprompt.report curves --stores {input.stores}"
        " --pretraining {input.pretraining}"
        " --settings {params.settings:q} --out {params.out} > {log} 2>&1"


rule claims:
    """The papers' claims, each with a verdict."""
    input:
        claims="published/claims.yaml",
        published=["published/ptdt_table1.csv", "published/prompt_diffuser_table1.csv"],
        stores=STORES,
        evaluations=rules.evaluate_all.input,
    output:
        report(
            f"results/{RUN}/5_report/claims.csv",
            caption="../report/claims.rst",
            category="Claims",
            labels={"result": "Claims with verdicts", "checkpoint": "last"},
        ),
        f"results/{RUN}/5_report/claims.md",
    log:
        f"logs/{RUN}/5_report/claims.log",
    benchmark:
        f"results/{RUN}/benchmarks/5_report/claims.tsv"
    localrule: True
    conda:
        "../../envs/trajprompt.yaml"
    params:
        code=REPORT_CODE,
        settings=report_settings,
        out=report_folder,
    message:
        "Judging the claims"
    shell:
        "exec python -m trajprompt.report claims --evaluations {input.evaluations}"
        " --stores {input.stores} --published {input.published} --claims {input.claims}"
        " --settings {params.settings:q} --out {params.out} > {log} 2>&1"


rule compute:
    """Time, memory and simulator steps of every stage."""
    input:
        stores=STORES,
        pretraining=PRETRAINING_CURVES,
        adaptations=rules.tune_all.input,
        evaluations=rules.evaluate_all.input,
    output:
        report(
            f"results/{RUN}/5_report/compute.csv",
            caption="../report/compute.rst",
            category="Compute",
            labels={"result": "Time, memory and simulator steps", "checkpoint": "-"},
        ),
        f"results/{RUN}/5_report/compute.md",
    log:
        f"logs/{RUN}/5_report/compute.log",
    localrule: True
    conda:
        "../../envs/trajprompt.yaml"
    params:
        code=REPORT_CODE,
        settings=report_settings,
        out=report_folder,
        benchmarks=f"results/{RUN}/benchmarks",
        logs=f"logs/{RUN}",
    message:
        "Adding up time, memory and simulator steps"
    shell:
        "exec python -m trajprompt.report compute --benchmarks {params.benchmarks}"
        " --logs {params.logs} --stores {input.stores} --pretraining {input.pretraining}"
        " --adaptations {input.adaptations} --evaluations {input.evaluations}"
        " --settings {params.settings:q} --out {params.out} > {log} 2>&1"


rule record:
    """What made the report: configuration, versions, and the hashes of all files."""
    input:
        made=[
            STORES,
            rules.pretrain_all.input,
            PRETRAINING_CURVES,
            rules.tune_all.input,
            rules.evaluate_all.input,
        ],
        published=sorted(Path("published").glob("*")),
        report=[
            rules.table1.output,
            rules.figure5.output,
            rules.curves.output,
            rules.claims.output,
            rules.compute.output,
        ],
    output:
        f"results/{RUN}/5_report/record.json",
    log:
        f"logs/{RUN}/5_report/record.log",
    localrule: True
    conda:
        "../../envs/trajprompt.yaml"
    params:
        code=code("report/record", "provenance"),
        settings=report_settings,
        run_config=json.dumps(config, sort_keys=True),
        out=report_folder,
    message:
        "Recording what made this report"
    shell:
        "exec python -m trajprompt.report record --inputs {input.made} {input.published}"
        " --outputs {input.report} --run-config {params.run_config:q}"
        " --settings {params.settings:q} --out {params.out} > {log} 2>&1"


rule ptdt:
    """Stage 5: everything from the paper: tables, figures, claims, compute, record."""
    input:
        rules.table1.output,
        rules.figure5.output,
        rules.curves.output,
        rules.claims.output,
        rules.compute.output,
        rules.record.output,
    localrule: True

# Tables and claims, each a target of its own; `ptdt` and `prompt_diffuser` make the tables and
# figures of one paper, `all` everything.

STORES = expand(
    "results/{run}/1_collect/{suite}/trajectories.h5", run=RUN, suite=config["suites"]
)
PRETRAINING_CURVES = backbones_of_run(rules.pretrain.output.curve)
REPORT_CODE = code("report/__main__")
MAIN_TABLE = "ptdt_table1"


for TABLE in TABLES:

    rule:
        """One table of the config, ours beside the paper's."""
        name:
            TABLE
        input:
            published=published(f"{TABLE}.csv", "sizes.csv"),
            stores=stores_of(TABLE),
            evaluations=cells_of(TABLE, rules.evaluate.output[0]),
            adaptations=cells_of(TABLE, rules.tune.output[0], config["seeds"][:1]),
        output:
            report(
                f"results/{RUN}/5_report/pages/{TABLE}.html",
                caption="../report/table.rst",
                category=CATEGORY["Tables"],
                subcategory=of_paper(TABLE),
                labels=shown_as(config["tables"][TABLE]["title"], "page"),
            ),
            report(
                f"results/{RUN}/5_report/tables/{TABLE}.csv",
                caption="../report/table.rst",
                category=CATEGORY["Tables"],
                subcategory=of_paper(TABLE),
                labels=shown_as(config["tables"][TABLE]["title"], "raw data"),
            ),
            multiext(
                f"results/{RUN}/5_report/tables/{TABLE}",
                ".md",
                "_best.csv",
                "_best.md",
                "_tasks.csv",
                "_tasks.md",
            ),
            multiext(f"results/{RUN}/5_report/figures/{TABLE}", ".png", ".svg"),
        log:
            f"logs/{RUN}/5_report/{TABLE}.log",
        benchmark:
            f"results/{RUN}/benchmarks/5_report/{TABLE}.tsv"
        localrule: True
        conda:
            "../../envs/trajprompt.yaml"
        params:
            code=REPORT_CODE,
            table=TABLE,
            settings=table_settings(TABLE),
            out=report_folder,
        message:
            f"Writing {TABLE}, ours beside the paper's"
        shell:
            "exec python -m trajprompt.report table --table {params.table}"
            " --evaluations {input.evaluations} --stores {input.stores}"
            " --adaptations {input.adaptations}"
            " --settings {params.settings:q} --out {params.out} > {log} 2>&1"

    # What --list shows: all these rules are written once.
    workflow.get_rule(TABLE).docstring = f"{config['tables'][TABLE]['title']}."


rule curves:
    """Learning curves of collection and pretraining."""
    input:
        stores=STORES,
        pretraining=PRETRAINING_CURVES,
    output:
        multiext(
            f"results/{RUN}/5_report/figures/", "collection.png", "pretraining.png"
        ),
        report(
            f"results/{RUN}/5_report/figures/collection.svg",
            caption="../report/collection.rst",
            category=CATEGORY["Figures"],
            subcategory=OF_THE_RUN,
            labels=shown_as("How the data were learned", "picture"),
        ),
        report(
            f"results/{RUN}/5_report/tables/collection.csv",
            caption="../report/collection.rst",
            category=CATEGORY["Figures"],
            subcategory=OF_THE_RUN,
            labels=shown_as("How the data were learned", "raw data"),
        ),
        report(
            f"results/{RUN}/5_report/figures/pretraining.svg",
            caption="../report/pretraining.rst",
            category=CATEGORY["Figures"],
            subcategory=OF_THE_RUN,
            labels=shown_as("How the backbones were trained", "picture"),
        ),
        report(
            f"results/{RUN}/5_report/tables/pretraining.csv",
            caption="../report/pretraining.rst",
            category=CATEGORY["Figures"],
            subcategory=OF_THE_RUN,
            labels=shown_as("How the backbones were trained", "raw data"),
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
    """The papers' claims, each with a verdict, and their contradictions."""
    input:
        published=sorted(Path("published").glob("*")),
        stores=STORES,
        evaluations=rules.evaluate_all.input,
    output:
        report(
            f"results/{RUN}/5_report/claims.csv",
            caption="../report/claims.rst",
            category=CATEGORY["Claims"],
            labels=shown_as("The papers' claims, with verdicts", "raw data"),
        ),
        report(
            f"results/{RUN}/5_report/pages/claims.html",
            caption="../report/claims.rst",
            category=CATEGORY["Claims"],
            labels=shown_as("The papers' claims, with verdicts", "page"),
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
        " --stores {input.stores}"
        " --settings {params.settings:q} --out {params.out} > {log} 2>&1"


rule aggregate:
    """All methods over all suites: interquartile means, chances of improvement, profiles."""
    input:
        published=published(f"{MAIN_TABLE}.csv"),
        stores=STORES,
        evaluations=rules.evaluate_all.input,
    output:
        multiext(
            f"results/{RUN}/5_report/tables/",
            "aggregate.md",
            "improvement.csv",
            "profiles.csv",
        ),
        report(
            f"results/{RUN}/5_report/tables/aggregate.csv",
            caption="../report/aggregate.rst",
            category=CATEGORY["Tables"],
            subcategory=OF_THE_RUN,
            labels=shown_as("All methods over all suites", "raw data"),
        ),
        report(
            f"results/{RUN}/5_report/pages/aggregate.html",
            caption="../report/aggregate.rst",
            category=CATEGORY["Tables"],
            subcategory=OF_THE_RUN,
            labels=shown_as("All methods over all suites", "page"),
        ),
        multiext(f"results/{RUN}/5_report/figures/aggregate", ".png", ".svg"),
    log:
        f"logs/{RUN}/5_report/aggregate.log",
    benchmark:
        f"results/{RUN}/benchmarks/5_report/aggregate.tsv"
    localrule: True
    conda:
        "../../envs/trajprompt.yaml"
    params:
        code=REPORT_CODE,
        settings=report_settings,
        out=report_folder,
    message:
        "Comparing all methods over all suites"
    shell:
        "exec python -m trajprompt.report aggregate --evaluations {input.evaluations}"
        " --stores {input.stores}"
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
            category=CATEGORY["Compute"],
            labels=shown_as("Time, memory and simulator steps", "raw data"),
        ),
        report(
            f"results/{RUN}/5_report/pages/compute.html",
            caption="../report/compute.rst",
            category=CATEGORY["Compute"],
            labels=shown_as("Time, memory and simulator steps", "page"),
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
            papers_files("ptdt"),
            papers_files("prompt_diffuser"),
            papers_files(None),
            rules.curves.output,
            rules.claims.output,
            rules.aggregate.output,
            rules.compute.output,
            [made_by(name) for name in VIDEOS],
        ],
    output:
        report(
            f"results/{RUN}/5_report/record.json",
            caption="../report/record.rst",
            category=CATEGORY["What made it"],
            labels=shown_as("Machine, code, configuration, files", "raw data"),
        ),
        report(
            f"results/{RUN}/5_report/pages/record.html",
            caption="../report/record.rst",
            category=CATEGORY["What made it"],
            labels=shown_as("Machine, code, configuration, files", "page"),
        ),
        f"results/{RUN}/5_report/summary.csv",
    log:
        f"logs/{RUN}/5_report/record.log",
    localrule: True
    conda:
        "../../envs/trajprompt.yaml"
    params:
        code=code("report/record", "report/summary", "provenance"),
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
    """The tables and figures of Prompt-Tuning DT (arXiv 2305.09648)."""
    input:
        papers_files("ptdt"),
    localrule: True


rule prompt_diffuser:
    """The tables and figures of Prompt Diffuser (arXiv 2411.01168)."""
    input:
        papers_files("prompt_diffuser"),
    localrule: True

# Tables of the config; each is a target.

STORES = expand(
    "results/{run}/1_collect/{suite}/trajectories.h5", run=RUN, suite=COLLECTED
)
TEACHERS = expand(
    rules.teach.output.policies, run=RUN, environment=table_cells.taught(config)
)
PRETRAINING_CURVES = backbones_of_run(rules.pretrain.output.curve, offline=False)
OFFLINE_CURVES = backbones_of_run(rules.pretrain.output.curve, offline=True)
REPORT_CODE = code("commands/report", *families(SUITES))


for TABLE in TABLES:

    rule:
        """One table of the config, our values beside the published ones."""
        name:
            TABLE
        input:
            printed=printed(f"{TABLE}.csv", "sizes.csv"),
            stores=stores_of(TABLE),
            evaluations=cells_of(TABLE, rules.evaluate.output[0]),
            adaptations=cells_of(TABLE, rules.tune.output[0], config["seeds"][:1]),
        output:
            report(
                f"results/{RUN}/5_report/pages/{TABLE}.html",
                caption="../report/table.rst",
                category=CATEGORY["Tables"],
                subcategory=paper_subcategory(TABLE),
                labels=report_labels(config["tables"][TABLE]["title"], "page"),
            ),
            report(
                f"results/{RUN}/5_report/tables/{TABLE}.csv",
                caption="../report/table.rst",
                category=CATEGORY["Tables"],
                subcategory=paper_subcategory(TABLE),
                labels=report_labels(config["tables"][TABLE]["title"], "raw data"),
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
        localrule: True
        conda:
            "../../envs/trajprompt.yaml"
        params:
            code=code("commands/report", *families(suites_of(TABLE))),
            table=TABLE,
            settings=table_settings(TABLE),
            out=report_folder,
        message:
            f"Writing {TABLE}"
        shell:
            "exec python -m trajprompt.commands.report table --table {params.table}"
            " --evaluations {input.evaluations} --stores {input.stores}"
            " --adaptations {input.adaptations}"
            " --settings {params.settings:q} --out {params.out} > {log} 2>&1"

    # `snakemake --list` shows it; the docstring above is shared by all tables.
    workflow.get_rule(TABLE).docstring = f"{config['tables'][TABLE]['title']}."

# The papers' figures; each is a target.

for FIGURE in FIGURES:
    KIND = config["figures"][FIGURE]["kind"]
    # Kinds that are tables in the paper are listed as tables, with the figure on their page.
    WITH_TEXT = KIND in plot_inputs.WITH_TEXT
    SHOWN = f"pages/{FIGURE}.html" if WITH_TEXT else f"figures/{FIGURE}.svg"

    rule:
        """One figure of the config and its data."""
        name:
            FIGURE
        input:
            printed=printed(*plot_inputs.published_of(KIND)),
            evaluations=read_by_figure(FIGURE, "evaluations", rules.evaluate.output[0]),
            adaptations=read_by_figure(FIGURE, "adaptations", rules.tune.output[0]),
            backbones=backbones_read(FIGURE, rules.pretrain.output.backbone),
            stores=stores_read(FIGURE),
        output:
            report(
                f"results/{RUN}/5_report/tables/{FIGURE}.csv",
                caption=f"../report/figures/{plot_inputs.module_of(KIND)}.rst",
                category=CATEGORY["Tables" if WITH_TEXT else "Figures"],
                subcategory=paper_subcategory(FIGURE),
                labels=report_labels(config["figures"][FIGURE]["title"], "raw data"),
            ),
            report(
                f"results/{RUN}/5_report/{SHOWN}",
                caption=f"../report/figures/{plot_inputs.module_of(KIND)}.rst",
                category=CATEGORY["Tables" if WITH_TEXT else "Figures"],
                subcategory=paper_subcategory(FIGURE),
                labels=report_labels(
                    config["figures"][FIGURE]["title"],
                    "page" if WITH_TEXT else "picture",
                ),
            ),
            f"results/{RUN}/5_report/figures/{FIGURE}.png",
            (
                [
                    f"results/{RUN}/5_report/tables/{FIGURE}.md",
                    f"results/{RUN}/5_report/figures/{FIGURE}.svg",
                ]
                if WITH_TEXT
                else []
            ),
        log:
            f"logs/{RUN}/5_report/{FIGURE}.log",
        localrule: True
        conda:
            "../../envs/trajprompt.yaml"
        params:
            code=code(
                "commands/figure",
                *families(suites_of(FIGURE)),
                f"report/plots/kinds/{plot_inputs.module_of(KIND)}",
            ),
            figure=FIGURE,
            settings=figure_settings(FIGURE),
            out=report_folder,
        message:
            f"Drawing {FIGURE}"
        shell:
            "exec python -m trajprompt.commands.figure --figure {params.figure}"
            " --evaluations {input.evaluations} --adaptations {input.adaptations}"
            " --backbones {input.backbones} --stores {input.stores}"
            " --settings {params.settings:q} --out {params.out} > {log} 2>&1"

    workflow.get_rule(FIGURE).docstring = f"{config['figures'][FIGURE]['title']}."

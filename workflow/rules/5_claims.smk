# Results over all cells: the papers' claims with verdicts, and all methods over all suites.


rule claims:
    """The papers' claims, each with a verdict, and their contradictions."""
    input:
        printed=PAPERS_FILES,
        stores=STORES,
        evaluations=rules.evaluate_all.input.cells,
        random_policies=rules.evaluate_all.input.random,
        adaptations=every_cell(rules.tune.output[0], config["seeds"][:1]),
        pretraining=PRETRAINING_CURVES,
        offline=OFFLINE_CURVES,
    output:
        report(
            f"results/{RUN}/5_report/claims.csv",
            caption="../report/claims.rst",
            category=CATEGORY["Claims"],
            labels=report_labels("The papers' claims, with verdicts", "raw data"),
        ),
        report(
            f"results/{RUN}/5_report/pages/claims.html",
            caption="../report/claims.rst",
            category=CATEGORY["Claims"],
            labels=report_labels("The papers' claims, with verdicts", "page"),
        ),
        f"results/{RUN}/5_report/claims.md",
        multiext(f"results/{RUN}/5_report/power", ".csv", ".md"),
    log:
        f"logs/{RUN}/5_report/claims.log",
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
        "exec python -m trajprompt.commands.report claims --evaluations {input.evaluations}"
        " --stores {input.stores} --random-policies {input.random_policies}"
        " --adaptations {input.adaptations} --pretraining {input.pretraining}"
        " --offline {input.offline}"
        " --settings {params.settings:q} --out {params.out} > {log} 2>&1"


rule opening:
    """The headline picture and the findings in words, which open the HTML report."""
    input:
        claims=rules.claims.output[0],
        printed=PAPERS_FILES,
    output:
        report(
            f"results/{RUN}/5_report/figures/headline.svg",
            caption="../report/opening.rst",
            category=CATEGORY["Figures"],
            subcategory=THIS_RUN,
            labels=report_labels("Primary contrasts beside the papers'", "picture"),
        ),
        report(
            f"results/{RUN}/5_report/tables/headline.csv",
            caption="../report/opening.rst",
            category=CATEGORY["Figures"],
            subcategory=THIS_RUN,
            labels=report_labels("Primary contrasts beside the papers'", "raw data"),
        ),
        f"results/{RUN}/5_report/figures/headline.png",
        f"results/{RUN}/5_report/pages/opening.html",
        f"results/{RUN}/5_report/front.html",  # workflow/report/workflow.rst begins with it
    log:
        f"logs/{RUN}/5_report/opening.log",
    localrule: True
    conda:
        "../../envs/trajprompt.yaml"
    params:
        code=REPORT_CODE,
        settings=report_settings,
        out=report_folder,
    message:
        "Drawing the primary contrasts"
    shell:
        "exec python -m trajprompt.commands.report opening --claims {input.claims}"
        " --settings {params.settings:q} --out {params.out} > {log} 2>&1"


rule aggregate:
    """All methods over all suites: interquartile means, probabilities of improvement, profiles."""
    input:
        printed=printed(f"{config['aggregate']}.csv"),
        stores=STORES,
        evaluations=rules.evaluate_all.input.cells,
        random_policies=rules.evaluate_all.input.random,
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
            subcategory=THIS_RUN,
            labels=report_labels("All methods over all suites", "raw data"),
        ),
        report(
            f"results/{RUN}/5_report/pages/aggregate.html",
            caption="../report/aggregate.rst",
            category=CATEGORY["Tables"],
            subcategory=THIS_RUN,
            labels=report_labels("All methods over all suites", "page"),
        ),
        multiext(f"results/{RUN}/5_report/figures/aggregate", ".png", ".svg"),
    log:
        f"logs/{RUN}/5_report/aggregate.log",
    localrule: True
    conda:
        "../../envs/trajprompt.yaml"
    params:
        code=REPORT_CODE,
        settings=report_settings,
        suites_of=f"--suites-of {config['aggregate']}" if config["aggregate"] else "",
        out=report_folder,
    message:
        "Comparing all methods over all suites"
    shell:
        "exec python -m trajprompt.commands.report aggregate --evaluations {input.evaluations}"
        " --stores {input.stores} --random-policies {input.random_policies}"
        " {params.suites_of}"
        " --settings {params.settings:q} --out {params.out} > {log} 2>&1"

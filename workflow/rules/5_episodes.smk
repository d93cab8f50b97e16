# Results over all episodes of a run: their variance, and all of them as one table.


rule variance:
    """Variance by seeds, tasks and episodes; what untuned prompts leave to gain."""
    input:
        stores=STORES,
        evaluations=rules.evaluate_all.input.cells,
        random_policies=rules.evaluate_all.input.random,
    output:
        report(
            f"results/{RUN}/5_report/tables/variance.csv",
            caption="../report/variance.rst",
            category=CATEGORY["Tables"],
            subcategory=THIS_RUN,
            labels=report_labels("Where the variance comes from", "raw data"),
        ),
        report(
            f"results/{RUN}/5_report/pages/variance.html",
            caption="../report/variance.rst",
            category=CATEGORY["Tables"],
            subcategory=THIS_RUN,
            labels=report_labels("Where the variance comes from", "page"),
        ),
        report(
            f"results/{RUN}/5_report/tables/headroom.csv",
            caption="../report/headroom.rst",
            category=CATEGORY["Tables"],
            subcategory=THIS_RUN,
            labels=report_labels("Headroom: what tuning could gain", "raw data"),
        ),
        report(
            f"results/{RUN}/5_report/pages/headroom.html",
            caption="../report/headroom.rst",
            category=CATEGORY["Tables"],
            subcategory=THIS_RUN,
            labels=report_labels("Headroom: what tuning could gain", "page"),
        ),
        multiext(
            f"results/{RUN}/5_report/tables/",
            "variance.md",
            "headroom.md",
            *(["varied_starts.csv"] if has_varied_starts(config, SUITES) else []),
        ),
    log:
        f"logs/{RUN}/5_report/variance.log",
    localrule: True
    conda:
        "../../envs/trajprompt.yaml"
    params:
        code=REPORT_CODE,
        settings=report_settings,
        out=report_folder,
    message:
        "Splitting the variance"
    shell:
        "exec python -m trajprompt.commands.report variance --evaluations {input.evaluations}"
        " --stores {input.stores} --random-policies {input.random_policies}"
        " --settings {params.settings:q} --out {params.out} > {log} 2>&1"


rule episodes:
    """All evaluation episodes of the run as one compressed table."""
    input:
        evaluations=rules.evaluate_all.input.cells,
        random_policies=rules.evaluate_all.input.random,
    output:
        f"results/{RUN}/5_report/episodes.csv.gz",
    log:
        f"logs/{RUN}/5_report/episodes.log",
    localrule: True
    conda:
        "../../envs/trajprompt.yaml"
    params:
        code=REPORT_CODE,
        settings=report_settings,
        out=report_folder,
    message:
        "Collecting all episodes"
    shell:
        "exec python -m trajprompt.commands.report episodes --evaluations {input.evaluations}"
        " --random-policies {input.random_policies}"
        " --settings {params.settings:q} --out {params.out} > {log} 2>&1"

# Fresh episodes of every tuned prompt or backbone, and random play; one row per episode.


rule evaluate:
    """Play the tuned prompts or backbones of one cell on fresh episodes."""
    input:
        backbone=cell_backbone,
        adaptation="results/{run}/3_tune/{suite}/{condition}/{method}/seed{seed}.h5",
    output:
        "results/{run}/4_evaluate/{suite}/{condition}/{method}/seed{seed}.csv",
    log:
        "logs/{run}/4_evaluate/{suite}/{condition}/{method}/seed{seed}.log",
    conda:
        "../../envs/trajprompt.yaml"
    threads: THREADS
    resources:
        mem_mb=scaled(4000),
        runtime=scaled(120),
        gpu=GPUS,
    params:
        code=code("commands/evaluate"),
        suite=suite_code,
        settings=evaluate_settings,
    message:
        "Evaluating {wildcards.suite}, {wildcards.condition}, {wildcards.method}, seed {wildcards.seed}"
    shell:
        "exec python -m trajprompt.commands.evaluate --suite {wildcards.suite} --condition {wildcards.condition}"
        " --method {wildcards.method} --seed {wildcards.seed}"
        " --backbone-file {input.backbone} --adaptation {input.adaptation}"
        " --settings {params.settings:q} --out {output} > {log} 2>&1"


# The zero of normalised returns in the comparison of all methods; not a cell of any table.
rule random_policy:
    """Play uniformly random actions on the test tasks of one suite."""
    output:
        "results/{run}/4_evaluate/{suite}/random-policy.csv",
    log:
        "logs/{run}/4_evaluate/{suite}/random-policy.log",
    conda:
        "../../envs/trajprompt.yaml"
    threads: THREADS
    resources:
        mem_mb=scaled(4000),
        runtime=scaled(60),
    params:
        code=code("commands/random_policy"),
        suite=suite_code,
        settings=random_policy_settings,
    message:
        "Playing random actions on {wildcards.suite}"
    shell:
        "exec python -m trajprompt.commands.random_policy --suite {wildcards.suite}"
        " --settings {params.settings:q} --out {output} > {log} 2>&1"


rule evaluate_all:
    """Stage 4: fresh episodes of every cell, and random play on every suite."""
    input:
        cells=every_cell(rules.evaluate.output[0]),
        random=expand(rules.random_policy.output, run=RUN, suite=SUITES),
    localrule: True

# Fresh episodes of every tuned prompt or backbone; one row per episode.


rule evaluate:
    """Play the tuned prompts or backbones of one cell on fresh episodes."""
    input:
        backbone=cell_backbone,
        adaptation="results/{run}/3_tune/{suite}/{setting}/{method}/seed{seed}.h5",
    output:
        "results/{run}/4_evaluate/{suite}/{setting}/{method}/seed{seed}.csv",
    log:
        "logs/{run}/4_evaluate/{suite}/{setting}/{method}/seed{seed}.log",
    conda:
        "../../envs/trajprompt.yaml"
    threads: THREADS
    resources:
        mem_mb=scaled(4000),
        runtime=scaled(120),
        gpu=GPUS,
    params:
        code=code("evaluate"),
        settings=evaluate_settings,
    message:
        "Evaluating {wildcards.suite}, {wildcards.setting}, {wildcards.method}, seed {wildcards.seed}"
    shell:
        "exec python -m trajprompt.evaluate --suite {wildcards.suite} --setting {wildcards.setting}"
        " --method {wildcards.method} --seed {wildcards.seed}"
        " --backbone-file {input.backbone} --adaptation {input.adaptation}"
        " --settings {params.settings:q} --out {output} > {log} 2>&1"


rule evaluate_all:
    """Stage 4: fresh episodes of every cell."""
    input:
        every_cell(rules.evaluate.output[0]),
    localrule: True

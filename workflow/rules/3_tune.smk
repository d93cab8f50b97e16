# One job per cell: a method adapts a frozen backbone to the test tasks of a suite.


rule tune:
    """Adapt one backbone to the test tasks of one suite with one method."""
    input:
        data="results/{run}/1_collect/{suite}/trajectories.h5",
        demonstrations=demonstrations,
        backbone=cell_backbone,
        relabelled=relabelled_data,
    output:
        "results/{run}/3_tune/{suite}/{condition}/{method}/seed{seed}.h5",
    log:
        "logs/{run}/3_tune/{suite}/{condition}/{method}/seed{seed}.log",
    priority: 30
    conda:
        "../../envs/trajprompt.yaml"
    threads: THREADS
    resources:
        mem_mb=scaled(4000),
        runtime=scaled(240),
        gpu=GPUS,
    params:
        code=code("commands/tune"),
        demonstrations=demonstrations_option,
        relabelled=relabelled_option,
        suite=suite_code,
        method=method_code,
        settings=tune_settings,
    message:
        "Tuning {wildcards.suite}, {wildcards.condition}, {wildcards.method}, seed {wildcards.seed}"
    shell:
        "exec python -m trajprompt.commands.tune --suite {wildcards.suite} --condition {wildcards.condition}"
        " --method {wildcards.method} --seed {wildcards.seed} --data {input.data}"
        " {params.demonstrations} {input.demonstrations}"
        " --backbone-file {input.backbone} {params.relabelled} {input.relabelled}"
        " --settings {params.settings:q}"
        " --out {output} > {log} 2>&1"


rule tune_all:
    """Stage 3: every cell of the run's tables and figures."""
    input:
        every_cell(rules.tune.output[0]),
    localrule: True

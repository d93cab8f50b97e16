# Each cell: one method adapts one frozen backbone to the test tasks of a suite.


rule tune:
    input:
        code=sources(
            "tune.py",
            "tuning/protocol.py",
            "tuning/adaptation.py",
            "tuning/zo_rank.py",
            "models/*.py",
            "rollout/*.py",
            "tasks/*.py",
            "trajectories/*.py",
            "seeds.py",
        ),
        method=method_source,
        data="results/{run}/1_collect/{suite}/trajectories.h5",
        backbone=cell_backbone,
    output:
        "results/{run}/3_tune/{suite}/{setting}/{method}/seed{seed}.h5",
    log:
        "logs/{run}/3_tune/{suite}/{setting}/{method}/seed{seed}.log",
    benchmark:
        "results/{run}/benchmarks/3_tune/{suite}/{setting}/{method}/seed{seed}.tsv"
    priority: 30
    conda:
        "../../envs/trajprompt.yaml"
    threads: THREADS
    resources:
        mem_mb=4000,
        runtime=lambda wildcards, attempt: 240 * attempt,
    params:
        settings=tune_settings,
    message:
        "Tuning {wildcards.suite}, {wildcards.setting}, {wildcards.method}, seed {wildcards.seed}"
    shell:
        "python -m trajprompt.tune --suite {wildcards.suite} --setting {wildcards.setting}"
        " --method {wildcards.method} --seed {wildcards.seed} --data {input.data}"
        " --backbone-file {input.backbone} --settings {params.settings:q}"
        " --out {output} > {log} 2>&1"


rule tune_all:
    input:
        every_cell(rules.tune.output[0]),
    localrule: True

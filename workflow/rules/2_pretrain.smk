# One transformer per suite, backbone and seed, trained on the training tasks' replay buffers.


rule pretrain:
    """Pretrain one backbone on one suite with one seed."""
    input:
        data="results/{run}/1_collect/{suite}/trajectories.h5",
    output:
        backbone="results/{run}/2_pretrain/{suite}/{backbone}/seed{seed}.safetensors",
        curve="results/{run}/2_pretrain/{suite}/{backbone}/seed{seed}.csv",
    log:
        "logs/{run}/2_pretrain/{suite}/{backbone}/seed{seed}.log",
    priority: 40
    conda:
        "../../envs/trajprompt.yaml"
    threads: THREADS
    resources:
        mem_mb=scaled(6000),
        runtime=scaled(720),
        gpu=GPUS,
    params:
        code=code("commands/pretrain"),
        suite=suite_code,
        settings=pretrain_settings,
    message:
        "Pretraining {wildcards.backbone} on {wildcards.suite}, seed {wildcards.seed}"
    shell:
        "exec python -m trajprompt.commands.pretrain --suite {wildcards.suite}"
        " --backbone {wildcards.backbone} --seed {wildcards.seed} --data {input.data}"
        " --settings {params.settings:q}"
        " --out {output.backbone} --curve {output.curve} > {log} 2>&1"


rule pretrain_all:
    """Stage 2: every backbone that a cell needs, with every seed."""
    input:
        backbones_of_run(rules.pretrain.output.backbone),
    localrule: True

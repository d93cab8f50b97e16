# One transformer per suite, backbone and seed, trained on the training tasks' replay buffers.


rule pretrain:
    """Pretrain one backbone on one suite with one seed."""
    input:
        data="results/{run}/1_collect/{suite}/trajectories.h5",
        demonstrations=demonstrations,
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
        demonstrations=demonstrations_option,
        suite=suite_code,
        settings=pretrain_settings,
    message:
        "Pretraining {wildcards.backbone} on {wildcards.suite}, seed {wildcards.seed}"
    shell:
        "exec python -m trajprompt.commands.pretrain --suite {wildcards.suite}"
        " --backbone {wildcards.backbone} --seed {wildcards.seed} --data {input.data}"
        " {params.demonstrations} {input.demonstrations}"
        " --settings {params.settings:q}"
        " --out {output.backbone} --curve {output.curve} > {log} 2>&1"


rule learn:
    """Learn the policies of all seeds on one D4RL suite by one offline algorithm."""
    input:
        data="results/{run}/1_collect/{suite}/trajectories.h5",
    output:
        backbone=per_seed(
            "results/{run}/2_pretrain/{suite}/{algorithm}/seed{seed}.safetensors"
        ),
        curve=per_seed("results/{run}/2_pretrain/{suite}/{algorithm}/seed{seed}.csv"),
    log:
        "logs/{run}/2_pretrain/{suite}/{algorithm}/seeds.log",
    priority: 40
    conda:
        "../../envs/trajprompt.yaml"
    threads: THREADS
    resources:
        mem_mb=scaled(6000),
        runtime=scaled(720),
        gpu=GPUS,
    params:
        code=code("commands/learn"),
        suite=suite_code,
        algorithm=algorithm_code,
        seeds=config["seeds"],
        settings=learn_settings,
    message:
        "Learning {wildcards.algorithm} on {wildcards.suite}, seeds {params.seeds}"
    shell:
        "exec python -m trajprompt.commands.learn --suite {wildcards.suite}"
        " --algorithm {wildcards.algorithm} --seed {params.seeds} --data {input.data}"
        " --settings {params.settings:q}"
        " --out {output.backbone} --curve {output.curve} > {log} 2>&1"


rule relabel:
    """Replace actions of one suite's data by planned ones, in one frozen CMT backbone."""
    input:
        data="results/{run}/1_collect/{suite}/trajectories.h5",
        backbone="results/{run}/2_pretrain/{suite}/{algorithm}/seed{seed}.safetensors",
    output:
        "results/{run}/2_pretrain/{suite}/{algorithm}/relabelled{seed}.h5",
    log:
        "logs/{run}/2_pretrain/{suite}/{algorithm}/relabelled{seed}.log",
    priority: 35
    conda:
        "../../envs/trajprompt.yaml"
    threads: THREADS
    resources:
        mem_mb=scaled(6000),
        runtime=scaled(240),
    params:
        code=code("commands/relabel"),
        suite=suite_code,
        settings=relabel_settings,
    message:
        "Relabelling {wildcards.suite} by {wildcards.algorithm}, seed {wildcards.seed}"
    shell:
        "exec python -m trajprompt.commands.relabel --suite {wildcards.suite}"
        " --algorithm {wildcards.algorithm} --seed {wildcards.seed} --data {input.data}"
        " --backbone-file {input.backbone} --settings {params.settings:q}"
        " --out {output} > {log} 2>&1"


rule pretrain_all:
    """Stage 2: every backbone that a cell needs, with every seed."""
    input:
        backbones_of_run(rules.pretrain.output.backbone),
    localrule: True

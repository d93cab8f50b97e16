# One job per cell: a method adapts a frozen backbone to the test tasks of a suite.


rule tune:
    """Adapt one backbone to the test tasks of one suite with one method."""
    input:
        data="results/{run}/1_collect/{suite}/trajectories.h5",
        backbone=cell_backbone,
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
        suite=suite_code,
        method=method_code,
        settings=tune_settings,
    message:
        "Tuning {wildcards.suite}, {wildcards.condition}, {wildcards.method}, seed {wildcards.seed}"
    shell:
        "exec python -m trajprompt.commands.tune --suite {wildcards.suite} --condition {wildcards.condition}"
        " --method {wildcards.method} --seed {wildcards.seed} --data {input.data}"
        " --backbone-file {input.backbone} --settings {params.settings:q}"
        " --out {output} > {log} 2>&1"


rule tune_all:
    """Stage 3: every cell of the run's tables and figures."""
    input:
        every_cell(rules.tune.output[0]),
    localrule: True


# Not part of a run: the choice of the default step sizes, smoothings and learning rates, on
# training tasks only. `trajprompt calibrate --sweep` tries other values and options.
CALIBRATED = [
    "ptdt-offline",
    "ptdt-online",
    "soft-prompt",
    "adaptor",
    "full-finetune",
    "lora",
    "prefix-tuning",
    "prompt-diffuser",
    "prompt-vae",
]


rule calibrate:
    """Sweep the step sizes or learning rates of one method on training tasks."""
    input:
        data="results/{run}/1_collect/{suite}/trajectories.h5",
        backbone="results/{run}/2_pretrain/{suite}/prompt-dt/seed{seed}.safetensors",
    output:
        "results/{run}/calibration/{suite}/{method}/seed{seed}.csv",
    log:
        "logs/{run}/calibration/{suite}/{method}/seed{seed}.log",
    conda:
        "../../envs/trajprompt.yaml"
    threads: THREADS
    resources:
        mem_mb=scaled(4000),
        runtime=scaled(240),
        gpu=GPUS,
    params:
        code=code("commands/calibrate"),
        suite=suite_code,
        method=method_code,
        settings=calibrate_settings,
    message:
        "Calibrating {wildcards.method} on training tasks of {wildcards.suite}"
    shell:
        "exec python -m trajprompt.commands.calibrate --suite {wildcards.suite} --condition expert"
        " --method {wildcards.method} --seed {wildcards.seed} --data {input.data}"
        " --backbone-file {input.backbone} --settings {params.settings:q}"
        " --out {output} > {log} 2>&1"


rule calibrate_all:
    """All sweeps behind the default step sizes and rates; not part of a run."""
    input:
        expand(
            rules.calibrate.output,
            run=RUN,
            suite=config["suites"],
            method=CALIBRATED,
            seed=config["seeds"][0],
        ),
    localrule: True

# Not part of a run: options of the methods, chosen on training tasks (docs/calibration.md).
# `trajprompt calibrate --all` runs `calibrate_all` with presets/calibration.yaml.


rule calibrate:
    """Try all settings of one method on training tasks of one suite, with one backbone."""
    input:
        data="results/{run}/1_collect/{suite}/trajectories.h5",
        demonstrations=demonstrations,
        backbone=calibrated_backbone,
    output:
        "results/{run}/6_calibrate/{suite}/{method}/seed{seed}.csv",
    log:
        "logs/{run}/6_calibrate/{suite}/{method}/seed{seed}.log",
    priority: 20
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
        demonstrations=demonstrations_option,
        condition=lambda wildcards: calibrated_cell(wildcards)[1],
        sweep=lambda wildcards: PLAN.methods[wildcards.method].sweep,
        episodes=PLAN.episodes,
    message:
        "Calibrating {wildcards.method} on training tasks of {wildcards.suite}, seed {wildcards.seed}"
    shell:
        "exec python -m trajprompt.commands.calibrate --suite {wildcards.suite}"
        " --condition {params.condition} --method {wildcards.method} --seed {wildcards.seed}"
        " --data {input.data} {params.demonstrations} {input.demonstrations}"
        " --backbone-file {input.backbone} --settings {params.settings:q}"
        " --sweep {params.sweep} --episodes {params.episodes} --out {output} > {log} 2>&1"


rule calibrate_signal:
    """Measure what returns tell about perturbed prompts, before any tuning."""
    input:
        data="results/{run}/1_collect/{suite}/trajectories.h5",
        demonstrations=demonstrations,
        backbone=cell_backbone,
    output:
        "results/{run}/6_calibrate/{suite}/signal/{condition}/seed{seed}.csv",
    log:
        "logs/{run}/6_calibrate/{suite}/signal/{condition}/seed{seed}.log",
    priority: 20
    conda:
        "../../envs/trajprompt.yaml"
    threads: THREADS
    resources:
        mem_mb=scaled(4000),
        runtime=scaled(60),
        gpu=GPUS,
    params:
        code=code("commands/calibrate_signal"),
        suite=suite_code,
        settings=signal_settings,
        demonstrations=demonstrations_option,
        smoothings=PLAN.signal.smoothings,
        resets=PLAN.signal.resets,
    message:
        "Signal of {wildcards.suite}, {wildcards.condition}, seed {wildcards.seed}"
    shell:
        "exec python -m trajprompt.commands.calibrate_signal --suite {wildcards.suite}"
        " --condition {wildcards.condition} --seed {wildcards.seed} --data {input.data}"
        " {params.demonstrations} {input.demonstrations}"
        " --backbone-file {input.backbone} --settings {params.settings:q}"
        " --smoothing {params.smoothings} --resets {params.resets}"
        " --out {output} > {log} 2>&1"


rule calibrate_choose:
    """Choose a setting of every method on every suite; write the tables and the figure."""
    input:
        plan=f"{config['papers']}/{PLAN_FILE}",
        sweeps=[
            f"results/{RUN}/6_calibrate/{suite}/{method}/seed{seed}.csv"
            for suite, _, method in CALIBRATED
            for seed in config["seeds"]
        ],
        signals=[
            f"results/{RUN}/6_calibrate/{suite}/signal/{condition}/seed{seed}.csv"
            for suite, condition in PLAN.signals(config)
            for seed in config["seeds"]
        ],
        data=[
            f"results/{RUN}/1_collect/{suite}/trajectories.h5"
            for suite in sorted({suite for suite, _, _ in CALIBRATED})
        ],
    output:
        multiext(
            f"results/{RUN}/6_calibrate/calibration", ".csv", ".md", ".svg", ".png"
        ),
        f"results/{RUN}/6_calibrate/choices.yaml",
        f"results/{RUN}/6_calibrate/signal.csv",
        f"results/{RUN}/6_calibrate/headroom.csv",
    log:
        f"logs/{RUN}/6_calibrate/choose.log",
    conda:
        "../../envs/trajprompt.yaml"
    params:
        code=code("commands/calibrate_choose"),
        folder=calibration_folder,
    message:
        "Choosing options of all methods"
    shell:
        "exec python -m trajprompt.commands.calibrate_choose --plan {input.plan}"
        " --sweeps {input.sweeps} --signals {input.signals} --data {input.data}"
        " --out {params.folder}"
        " > {log} 2>&1"


rule calibrate_all:
    """The whole calibration; not part of a run."""
    input:
        rules.calibrate_choose.output,
    localrule: True

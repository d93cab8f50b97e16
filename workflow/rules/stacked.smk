# With compute.stacked_seeds: one job for all seeds of a backbone or of a cell, for GPUs.

if config["compute"]["stacked_seeds"]:

    ruleorder: pretrain_seeds > pretrain
    ruleorder: tune_seeds > tune
    ruleorder: evaluate_seeds > evaluate

    rule pretrain_seeds:
        """Pretrain one backbone on one suite with all seeds."""
        input:
            data="results/{run}/1_collect/{suite}/trajectories.h5",
            demonstrations=demonstrations,
        output:
            backbone=per_seed(
                "results/{run}/2_pretrain/{suite}/{backbone}/seed{seed}.safetensors"
            ),
            curve=per_seed("results/{run}/2_pretrain/{suite}/{backbone}/seed{seed}.csv"),
        log:
            "logs/{run}/2_pretrain/{suite}/{backbone}/seeds.log",
        priority: 40
        conda:
            "../../envs/trajprompt.yaml"
        threads: THREADS
        resources:
            mem_mb=scaled(12000),
            runtime=scaled(720),
            gpu=GPUS,
        params:
            code=code("commands/pretrain"),
            demonstrations=demonstrations_option,
            suite=suite_code,
            seeds=config["seeds"],
            settings=of_first_seed(pretrain_settings),
        message:
            "Pretraining {wildcards.backbone} on {wildcards.suite}, seeds {params.seeds}"
        shell:
            "exec python -m trajprompt.commands.pretrain --suite {wildcards.suite}"
            " --backbone {wildcards.backbone} --seed {params.seeds} --data {input.data}"
            " {params.demonstrations} {input.demonstrations}"
            " --settings {params.settings:q}"
            " --out {output.backbone} --curve {output.curve} > {log} 2>&1"

    rule tune_seeds:
        """Adapt the backbones of all seeds to the test tasks of one suite with one method."""
        input:
            data="results/{run}/1_collect/{suite}/trajectories.h5",
            demonstrations=demonstrations,
            backbone=backbones_of_cell,
            relabelled=relabelled_data,
        output:
            per_seed("results/{run}/3_tune/{suite}/{condition}/{method}/seed{seed}.h5"),
        log:
            "logs/{run}/3_tune/{suite}/{condition}/{method}/seeds.log",
        priority: 30
        conda:
            "../../envs/trajprompt.yaml"
        threads: THREADS
        resources:
            mem_mb=scaled(12000),
            runtime=scaled(480),
            gpu=GPUS,
        params:
            code=code("commands/tune"),
            demonstrations=demonstrations_option,
            relabelled=relabelled_option,
            suite=suite_code,
            method=method_code,
            seeds=config["seeds"],
            settings=of_first_seed(tune_settings),
        message:
            "Tuning {wildcards.suite}, {wildcards.condition}, {wildcards.method}, seeds {params.seeds}"
        shell:
            "exec python -m trajprompt.commands.tune --suite {wildcards.suite}"
            " --condition {wildcards.condition} --method {wildcards.method}"
            " --seed {params.seeds} --data {input.data}"
            " {params.demonstrations} {input.demonstrations}"
            " --backbone-file {input.backbone} {params.relabelled} {input.relabelled}"
            " --settings {params.settings:q}"
            " --out {output} > {log} 2>&1"

    rule evaluate_seeds:
        """Play the tuned prompts or backbones of all seeds of a cell on fresh episodes."""
        input:
            backbone=backbones_of_cell,
            adaptation=per_seed(
                "results/{run}/3_tune/{suite}/{condition}/{method}/seed{seed}.h5"
            ),
        output:
            per_seed(
                "results/{run}/4_evaluate/{suite}/{condition}/{method}/seed{seed}.csv"
            ),
        log:
            "logs/{run}/4_evaluate/{suite}/{condition}/{method}/seeds.log",
        conda:
            "../../envs/trajprompt.yaml"
        threads: THREADS
        resources:
            mem_mb=scaled(12000),
            runtime=scaled(240),
            gpu=GPUS,
        params:
            code=code("commands/evaluate"),
            suite=suite_code,
            seeds=config["seeds"],
            settings=of_first_seed(evaluate_settings),
        message:
            "Evaluating {wildcards.suite}, {wildcards.condition}, {wildcards.method}, seeds {params.seeds}"
        shell:
            "exec python -m trajprompt.commands.evaluate --suite {wildcards.suite}"
            " --condition {wildcards.condition} --method {wildcards.method}"
            " --seed {params.seeds} --backbone-file {input.backbone}"
            " --adaptation {input.adaptation}"
            " --settings {params.settings:q} --out {output} > {log} 2>&1"

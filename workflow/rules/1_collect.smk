# Trajectories of learning agents or scripted experts, for all tasks of a suite. D4RL suites are
# made from the teacher of their environment.


rule teach:
    """Train the teacher of a D4RL environment."""
    output:
        policies="results/{run}/1_collect/teachers/{environment}/policies.safetensors",
        replay="results/{run}/1_collect/teachers/{environment}/replay.h5",
    log:
        "logs/{run}/1_collect/teachers/{environment}.log",
    priority: 60
    conda:
        "../../envs/trajprompt.yaml"
    threads: THREADS
    resources:
        mem_mb=scaled(8000),
        runtime=scaled(720),
        gpu=teach_gpus,
    params:
        code=code("commands/teach", "tasks/d4rl"),
        settings=teach_settings,
    message:
        "Training the teacher of {wildcards.environment}"
    shell:
        "exec python -m trajprompt.commands.teach --environment {wildcards.environment}"
        " --settings {params.settings:q} --out {output.policies} --replay {output.replay}"
        " > {log} 2>&1"


rule collect:
    """Collect the trajectories of one suite."""
    input:
        goals=goals,
        user_store=user_store,
        teacher=teacher_files,
    output:
        "results/{run}/1_collect/{suite}/trajectories.h5",
    log:
        "logs/{run}/1_collect/{suite}.log",
    priority: 50
    conda:
        "../../envs/trajprompt.yaml"
    threads: THREADS
    resources:
        mem_mb=scaled(12000),
        runtime=scaled(720),
        gpu=collect_gpus,
    params:
        code=code("commands/collect"),
        suite=suite_code,
        settings=collect_settings,
        teacher=lambda wildcards, input: "--teacher" if input.teacher else "",
    message:
        "Collecting trajectories of {wildcards.suite}"
    shell:
        "exec python -m trajprompt.commands.collect --suite {wildcards.suite}"
        " --settings {params.settings:q} {params.teacher} {input.teacher}"
        " --out {output} > {log} 2>&1"


rule collect_all:
    """Stage 1: the trajectories of every suite."""
    input:
        expand(rules.collect.output, run=RUN, suite=COLLECTED),
    localrule: True

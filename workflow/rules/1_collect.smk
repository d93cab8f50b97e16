# Trajectories of learning agents or scripted experts, for all tasks of a suite.


rule collect:
    """Collect the trajectories of one suite."""
    input:
        goals=goals,
        user_store=user_store,
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
    message:
        "Collecting trajectories of {wildcards.suite}"
    shell:
        "exec python -m trajprompt.commands.collect --suite {wildcards.suite}"
        " --settings {params.settings:q} --out {output} > {log} 2>&1"


rule collect_all:
    """Stage 1: the trajectories of every suite."""
    input:
        expand(rules.collect.output, run=RUN, suite=SUITES),
    localrule: True

# Rollouts side by side, each entry of the config's videos a target of its own.

for VIDEO in VIDEOS:

    rule:
        """Films of one entry of the config's videos, and the page that shows them."""
        name:
            VIDEO
        input:
            backbones=cells_of_video(VIDEO, rules.pretrain.output.backbone),
            adaptations=cells_of_video(VIDEO, rules.tune.output[0]),
        output:
            report(
                f"results/{RUN}/5_report/pages/{VIDEO}.html",
                caption="../report/video.rst",
                category=CATEGORY["Videos"],
                labels=shown_as(config["videos"][VIDEO]["title"], "page"),
            ),
            report(
                f"results/{RUN}/5_report/tables/{VIDEO}.csv",
                caption="../report/video.rst",
                category=CATEGORY["Videos"],
                labels=shown_as(config["videos"][VIDEO]["title"], "raw data"),
            ),
            expand(
                f"results/{RUN}/5_report/videos/{VIDEO}_{{suite}}.webm",
                suite=VIDEOS[VIDEO],
            ),
        log:
            f"logs/{RUN}/5_report/{VIDEO}.log",
        priority: -1  # last: a machine that cannot draw shall have made all the rest
        conda:
            "../../envs/trajprompt.yaml"
        threads: THREADS
        resources:
            mem_mb=scaled(4000),
            runtime=scaled(60),
            gpu=GPUS,
        params:
            code=code("commands/video", *families(VIDEOS[VIDEO])),
            video=VIDEO,
            settings=video_settings(VIDEO),
            out=report_folder,
        message:
            f"Filming {VIDEO}"
        shell:
            "exec python -m trajprompt.commands.video --video {params.video}"
            " --backbones {input.backbones} --adaptations {input.adaptations}"
            " --settings {params.settings:q} --out {params.out} > {log} 2>&1"

    workflow.get_rule(VIDEO).docstring = f"{config['videos'][VIDEO]['title']}."

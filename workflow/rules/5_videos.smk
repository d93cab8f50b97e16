# Rollouts side by side, each entry of the config's videos a target of its own.

from trajprompt.rollout.opengl import NOTHING_DRAWS, working_backend

VIDEO_PAGE = f"results/{RUN}/5_report/pages/{{}}.html"
# Where nothing draws, videos that do not exist yet are left out, and everything else is made.
# A Snakemake that runs one job, e.g. on a node, makes what was decided when the run began.
if workflow.is_main_process and not VIDEOS_REQUIRED:
    NEW = [video for video in VIDEOS if not Path(VIDEO_PAGE.format(video)).exists()]
    if NEW and not working_backend():
        logger.warning(f"No videos ({', '.join(NEW)}): {NOTHING_DRAWS}")
        VIDEOS = {name: VIDEOS[name] for name in VIDEOS if name not in NEW}

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
                VIDEO_PAGE.format(VIDEO),
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
        priority: -1  # last: it may fail on a node that cannot draw
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

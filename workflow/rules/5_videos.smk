# Videos of the config, with rollouts side by side; each is a target.

from trajprompt.rollout.opengl import NO_OPENGL, working_backend

VIDEO_PAGE = f"results/{RUN}/5_report/pages/{{}}.html"
# Videos that are left out because there is no OpenGL. Only the main process decides this: a
# Snakemake that runs a single job, e.g. on a node, must know the rules of the main one. The HTML
# report shows the videos that exist.
OMITTED = []
if workflow.is_main_process and VIDEOS:
    if any(argument.split("=")[0] == "--report" for argument in sys.argv):
        OMITTED = [
            name for name in VIDEOS if not Path(VIDEO_PAGE.format(name)).exists()
        ]
    elif not VIDEOS_REQUIRED and not working_backend():
        OMITTED = list(VIDEOS)
        logger.warning(f"No videos ({', '.join(OMITTED)}): {NO_OPENGL}")
    VIDEOS = {name: suites for name, suites in VIDEOS.items() if name not in OMITTED}

for VIDEO in OMITTED:

    rule:
        """A video that cannot be made without OpenGL."""
        name:
            VIDEO
        localrule: True
        params:
            error=f"trajprompt: error: {NO_OPENGL}",
        shell:
            "echo {params.error:q} >&2; exit 1"


for VIDEO in VIDEOS:

    rule:
        """Films of one video entry of the config, and the page that shows them."""
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
                labels=report_labels(config["videos"][VIDEO]["title"], "page"),
            ),
            report(
                f"results/{RUN}/5_report/tables/{VIDEO}.csv",
                caption="../report/video.rst",
                category=CATEGORY["Videos"],
                labels=report_labels(config["videos"][VIDEO]["title"], "raw data"),
            ),
            expand(
                f"results/{RUN}/5_report/videos/{VIDEO}_{{suite}}.webm",
                suite=VIDEOS[VIDEO],
            ),
        log:
            f"logs/{RUN}/5_report/{VIDEO}.log",
        priority: -1  # last, because it may fail on a node without OpenGL
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
        shell:  # not by the job server, which has imported MuJoCo without OpenGL
            "TRAJPROMPT_JOB_SERVER=off exec python -m trajprompt.commands.video --video {params.video}"
            " --backbones {input.backbones} --adaptations {input.adaptations}"
            " --settings {params.settings:q} --out {params.out} > {log} 2>&1"

    workflow.get_rule(VIDEO).docstring = f"{config['videos'][VIDEO]['title']}."

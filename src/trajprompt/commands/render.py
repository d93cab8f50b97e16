"""Write a video of one episode of a policy on one task.

No display is needed. The video plays at about the speed of the simulated time.
"""

import argparse
import contextlib
import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from trajprompt.artifacts.video import FORMATS, encodable, write_video
from trajprompt.commands.arguments import ADAPTATION, BACKBONE, SUITE, command_parser
from trajprompt.commands.process import run_stage
from trajprompt.errors import TrajpromptError

if TYPE_CHECKING:
    from trajprompt.rollout.loop import Policy
    from trajprompt.tasks.simulator import Simulator

EXAMPLE = """--suite cheetah-dir --task 0 --policy adapted \\
    --backbone-file results/smoke/2_pretrain/cheetah-dir/prompt-dt/seed0.safetensors \\
    --adaptation results/smoke/3_tune/cheetah-dir/expert/ptdt-offline/seed0.h5 \\
    --out after.mp4"""


def main(argv: Sequence[str] | None = None) -> None:
    parser = command_parser("render", __doc__, EXAMPLE)
    parser.add_argument("--suite", required=True, help=SUITE)
    parser.add_argument("--task", type=int, required=True, help="index of the task")
    parser.add_argument(
        "--policy",
        choices=("random", "scripted", "adapted"),
        default="adapted",
        help="policy to film (default: adapted, which needs --backbone-file and"
        " --adaptation; scripted exists for some suites)",
    )
    parser.add_argument("--backbone-file", type=Path, metavar="FILE", help=BACKBONE)
    parser.add_argument("--adaptation", type=Path, metavar="FILE", help=ADAPTATION)
    parser.add_argument(
        "--checkpoint",
        choices=("initial", "last", "best"),
        default="last",
        help="prompt of the adaptation: before tuning, after it, or the best one between"
        " (default: last)",
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=0,
        help="seed of the episode's start and of random actions (default: 0)",
    )
    parser.add_argument(
        "--steps", type=int, help="largest number of control steps (default: the horizon)"
    )
    parser.add_argument(
        "--fps", type=int, default=20, help="frames per second, approximately (default: 20)"
    )
    parser.add_argument(
        "--size", type=int, default=320, help="width and height in pixels (default: 320)"
    )
    out = "video to write (.mp4, .webm or .gif)"
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help=out)
    run(parser.parse_args(argv))


def run(args: argparse.Namespace) -> None:
    """Play the episode at real speed, write the video and print its task and return."""
    from trajprompt.rollout.opengl import choose_opengl

    _check(args)
    choose_opengl()

    import numpy as np

    from trajprompt.rollout.film import Film
    from trajprompt.rollout.loop import rollout
    from trajprompt.tasks.registry import get_suite, make_simulator

    suite = get_suite(args.suite)
    if args.steps:
        suite = dataclasses.replace(suite, horizon=min(args.steps, suite.horizon))
    simulator = make_simulator(suite, np.array([args.task]))
    every = max(1, round(1 / (args.fps * suite.dt)))
    policy = make_policy(args, simulator)
    with contextlib.closing(Film(simulator, policy, every, args.size)) as film:
        episodes = rollout(simulator, film, np.array([args.seed]))
    frames = [rows[0] for rows in film.frames]
    path = write_video(encodable(args.out), frames, 1 / (suite.dt * every))
    print(
        f"{path}: {suite.name} task {args.task}, {len(frames)} frames, "
        f"{episodes.lengths[0]} steps, return {episodes.returns[0]:.1f}"
    )


def make_policy(args: argparse.Namespace, simulator: "Simulator") -> "Policy":
    """Policy chosen by the arguments, for the single row of ``simulator``."""
    import numpy as np

    from trajprompt.collect.experts import ScriptedPolicy
    from trajprompt.collect.scripted import RandomPolicy
    from trajprompt.rollout.adapted import Adapted, adapted_policy

    if args.policy == "random":
        generator = np.random.default_rng(args.seed)
        return RandomPolicy(1, simulator.suite.action_dim, generator)
    if args.policy == "scripted":
        return ScriptedPolicy(simulator)
    return adapted_policy(
        Adapted(args.backbone_file, args.adaptation, args.suite, args.task, args.checkpoint)
    )


def _check(args: argparse.Namespace) -> None:
    if args.policy == "adapted":
        for name in ("backbone_file", "adaptation"):
            if getattr(args, name) is None:
                option = "--" + name.replace("_", "-")
                expected = "a file, because --policy is adapted"
                remedy = f"give {option}, or choose --policy random or scripted"
                raise TrajpromptError(option, "not given", expected, remedy)
    if args.out.suffix not in FORMATS:
        expected = f"a name that ends in {', '.join(FORMATS)}"
        found, remedy = f"found {args.out.name}", "change the ending of --out"
        raise TrajpromptError("--out", found, expected, remedy)
    for name, least in (("fps", 1), ("size", 16), ("steps", 1)):
        value = getattr(args, name)
        if value is not None and value < least:
            found, remedy = f"found {value}", f"give a larger --{name}"
            raise TrajpromptError(f"--{name}", found, f"at least {least}", remedy)


if __name__ == "__main__":
    raise SystemExit(run_stage(main))

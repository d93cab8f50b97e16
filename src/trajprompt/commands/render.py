"""Film one episode of a policy on one task; needs no display."""

import argparse
import contextlib
import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from trajprompt.artifacts.video import FORMATS, encodable, write_video
from trajprompt.commands.arguments import stage_parser
from trajprompt.commands.process import run_stage
from trajprompt.errors import TrajpromptError

if TYPE_CHECKING:
    from trajprompt.rollout.loop import Policy
    from trajprompt.tasks.simulator import Simulator

EXAMPLE = """--suite cheetah-vel --task 7 --policy adapted \\
    --backbone-file results/laptop/2_pretrain/cheetah-vel/prompt-dt/seed0.safetensors \\
    --adaptation results/laptop/3_tune/cheetah-vel/expert/ptdt-online/seed0.h5 \\
    --out after.mp4"""


def main(argv: Sequence[str] | None = None) -> None:
    parser = stage_parser("render", __doc__, EXAMPLE)
    parser.add_argument("--suite", required=True)
    parser.add_argument("--task", type=int, required=True, help="published task index")
    parser.add_argument(
        "--policy", choices=("random", "scripted", "adapted"), default="adapted"
    )
    parser.add_argument("--backbone-file", type=Path, help=".safetensors, for adapted")
    parser.add_argument("--adaptation", type=Path, help="of stage 3 (.h5), for adapted")
    parser.add_argument("--checkpoint", choices=("initial", "last", "best"), default="last")
    parser.add_argument("--seed", type=int, default=0, help="of the reset")
    parser.add_argument("--steps", type=int, help="control steps; default: the horizon")
    parser.add_argument(
        "--fps", type=int, default=20, help="about; time runs at real speed"
    )
    parser.add_argument("--size", type=int, default=320, help="pixels, width and height")
    parser.add_argument("--out", type=Path, required=True, help=".mp4, .webm or .gif")
    run(parser.parse_args(argv))


def run(args: argparse.Namespace) -> None:
    """Play the episode, write the video and print what it shows."""
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
    """The policy that the arguments ask for, for the one row of ``simulator``."""
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
                raise TrajpromptError(option, "not given", "a file, for an adapted policy")
    if args.out.suffix not in FORMATS:
        raise TrajpromptError(
            "--out", f"{args.out.name}", f"a name in {', '.join(FORMATS)}"
        )
    for name, least in (("fps", 1), ("size", 16), ("steps", 1)):
        value = getattr(args, name)
        if value is not None and value < least:
            raise TrajpromptError(f"--{name}", str(value), f"at least {least}")


if __name__ == "__main__":
    raise SystemExit(run_stage(main))

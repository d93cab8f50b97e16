"""Film one episode of a policy on one task; needs no display."""

import argparse
import contextlib
import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from trajprompt.errors import TrajpromptError, run_stage
from trajprompt.parsing import json_object
from trajprompt.settings import stage_parser
from trajprompt.video import FORMATS, write_video

if TYPE_CHECKING:
    import mujoco
    import numpy as np

    from trajprompt.rollout.loop import Policy
    from trajprompt.tasks.simulator import Simulator
    from trajprompt.tuning.adaptation import StoredAdaptation

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
    parser.add_argument("--out", type=Path, required=True, help=".mp4 or .gif")
    run(parser.parse_args(argv))


def run(args: argparse.Namespace) -> None:
    """Play the episode, write the video and print what it shows."""
    os.environ.setdefault("MUJOCO_GL", "egl")  # MuJoCo reads it when first imported

    import numpy as np

    from trajprompt.rollout.loop import rollout
    from trajprompt.tasks.simulator import make_simulator
    from trajprompt.tasks.suites import get_suite

    _check(args)
    suite = get_suite(args.suite)
    if args.steps:
        suite = dataclasses.replace(suite, horizon=min(args.steps, suite.horizon))
    simulator = make_simulator(suite, np.array([args.task]))
    every = max(1, round(1 / (args.fps * suite.dt)))
    policy = make_policy(args, simulator)
    with contextlib.closing(Film(simulator, policy, every, args.size)) as film:
        episodes = rollout(simulator, film, np.array([args.seed]))
    path = write_video(args.out, film.frames, 1 / (suite.dt * every))
    print(
        f"{path}: {suite.name} task {args.task}, {len(film.frames)} frames, "
        f"{episodes.lengths[0]} steps, return {episodes.returns[0]:.1f}"
    )


class Film:
    """A policy that photographs row 0 at every ``every``-th control step before it acts."""

    def __init__(self, simulator: "Simulator", policy: "Policy", every: int, size: int):
        import mujoco

        self.policy, self.every, self.data = policy, every, simulator.data[0]
        self.frames: list[np.ndarray] = []  # (size, size, 3) uint8
        self.time = 0
        model = simulator.model
        self.camera: str | mujoco.MjvCamera
        if simulator.suite.name == "reach":  # show the goal; sites take no part in physics
            model.site("goal").pos = simulator.suite.goals[simulator.tasks[0]]
            self.camera = _reach_camera()
        else:
            self.camera = "track"  # follows the torso; Gymnasium's models bring it
        try:
            self.renderer = mujoco.Renderer(model, size, size)
        except Exception as error:  # MuJoCo's back ends raise errors of many kinds
            backend = os.environ.get("MUJOCO_GL")
            raise TrajpromptError(
                "render",
                f"MUJOCO_GL={backend}: {error}",
                "a working OpenGL back end",
                "install Mesa's EGL libraries, or set MUJOCO_GL=osmesa",
            ) from error

    def act(self, observations: "np.ndarray") -> "np.ndarray":
        if self.time % self.every == 0:
            self.renderer.update_scene(self.data, self.camera)
            self.frames.append(self.renderer.render())
        self.time += 1
        return self.policy.act(observations)

    def receive(self, rewards: "np.ndarray") -> None:
        self.policy.receive(rewards)

    def close(self) -> None:
        self.renderer.close()


def _reach_camera() -> "mujoco.MjvCamera":
    """From above, beside the arm; Meta-World's own cameras stand on their heads."""
    import mujoco

    camera = mujoco.MjvCamera()
    camera.lookat[:], camera.distance = (0.0, 0.65, 0.15), 1.5
    camera.azimuth, camera.elevation = 120.0, -25.0
    return camera


def make_policy(args: argparse.Namespace, simulator: "Simulator") -> "Policy":
    """The policy that the arguments ask for, for the one row of ``simulator``."""
    import numpy as np

    from trajprompt.collect.scripted import RandomPolicy, ScriptedReachPolicy

    if args.policy == "random":
        generator = np.random.default_rng(args.seed)
        return RandomPolicy(1, simulator.suite.action_dim, generator)
    if args.policy == "scripted":
        return ScriptedReachPolicy(simulator)
    return _adapted(args)


def _adapted(args: argparse.Namespace) -> "Policy":
    """Backbone and tuned prompt (or tuned weights) of stage 3, row of the given task."""
    from trajprompt.models.backbone import load_backbone
    from trajprompt.models.lockstep import LockstepPolicy
    from trajprompt.tuning.adaptation import read_adaptation

    stored = read_adaptation(args.adaptation)
    backbone = load_backbone(args.backbone_file)
    for where, suite in (
        (args.adaptation, stored.attributes.get("suite")),
        (args.backbone_file, backbone.suite),
    ):
        if suite != args.suite:
            raise TrajpromptError(where, f"suite {suite}", args.suite)
    row = _row_of(args, stored)
    if row in stored.weights and args.checkpoint != "initial":
        backbone = backbone.with_weights(stored.weights[row])
    prompts = getattr(stored, args.checkpoint)
    where = f"{args.adaptation}: settings"
    target = json_object(stored.attributes.get("settings"), where).get("target_return")
    if not isinstance(target, int | float):
        raise TrajpromptError(where, f"target_return {target!r}", "a number")
    prompt = None if prompts is None else prompts.select([row])
    return LockstepPolicy(backbone, prompt, rows=1, target_return=target, precision="fp32")


def _row_of(args: argparse.Namespace, stored: "StoredAdaptation") -> int:
    """The first row of the task: its first prompt."""
    rows = (stored.rows == args.task).nonzero()[0]
    if len(rows) == 0:
        tasks = ", ".join(map(str, sorted(set(stored.rows.tolist()))))
        raise TrajpromptError(args.adaptation, f"no task {args.task}", f"one of {tasks}")
    return int(rows[0])


def _check(args: argparse.Namespace) -> None:
    if args.policy == "adapted":
        for name in ("backbone_file", "adaptation"):
            if getattr(args, name) is None:
                option = "--" + name.replace("_", "-")
                raise TrajpromptError(option, "not given", "a file, for an adapted policy")
    if args.out.suffix not in FORMATS:
        raise TrajpromptError("--out", f"{args.out.name}", "a name in .mp4 or .gif")
    for name, least in (("fps", 1), ("size", 16), ("steps", 1)):
        value = getattr(args, name)
        if value is not None and value < least:
            raise TrajpromptError(f"--{name}", str(value), f"at least {least}")


if __name__ == "__main__":
    raise SystemExit(run_stage(main))

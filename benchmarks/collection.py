"""Collection speed against Stable-Baselines3's SAC, at equal returns.

    OMP_NUM_THREADS=1 python benchmarks/collection.py [--tasks 7 26] [--cap 60]

Ours: the complete collect stage of cheetah-vel with the settings of config.yaml, in CPU
seconds of this process (core-seconds), divided by the number of tasks. The peer: SAC with
the defaults of Stable-Baselines3, one agent per task, on Gymnasium's HalfCheetah-v5. It
learns until the mean return of its last 10 training episodes, or of 10 deterministic ones,
reaches the mean of our last 10 stored episodes of that task, or until ``--cap`` times our
core-seconds per task. Imports and the peer's deterministic episodes are not counted.
"""

import argparse
import dataclasses
import importlib.metadata
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import torch
from stable_baselines3 import SAC
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.monitor import Monitor

from machine import gemm_gflops, physics_steps_per_second, print_machine
from trajprompt.collect.loop import schedule
from trajprompt.collect.options import KINDS, SacOptions
from trajprompt.commands.collect import run as run_stage
from trajprompt.config import derive
from trajprompt.config.load import load_config
from trajprompt.numerics.device import resolve_precision
from trajprompt.settings.options import parse_together
from trajprompt.settings.stages import CollectSettings
from trajprompt.tasks.registry import get_suite
from trajprompt.trajectories.store import read_trajectories

SUITE = get_suite("cheetah-vel")
ROOT = Path(__file__).resolve().parents[1]
LAST = 10  # episodes in the mean return of an agent
FOREVER = 10**9  # steps: the callback stops the training


@dataclass(frozen=True)
class Ours:
    seconds: float  # CPU, all tasks
    steps: int  # control steps of all tasks
    returns: dict[int, float]  # task -> mean return of its last episodes

    @property
    def per_task(self) -> float:
        return self.seconds / len(self.returns)


def our_settings(files: list[str], episodes: int | None) -> CollectSettings:
    """Settings of the suite on the CPU; with fewer ``episodes`` per task, no thresholds."""
    given = derive.settings_for(load_config(files), CollectSettings, suite=SUITE.name)
    settings = dataclasses.replace(given, device="cpu")
    if episodes is None:
        return settings
    options = {**settings.options, "episodes_per_task": episodes, "greedy_episodes": 0}
    return dataclasses.replace(
        settings,
        options=options,
        expert_at_least=None,
        random_at_most=None,
        quality_episodes=min(episodes, settings.quality_episodes),
    )


def run_ours(settings: CollectSettings) -> Ours:
    """Run the stage as the workflow does, including the writing of the store."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "trajectories.h5"
        start = time.process_time()
        run_stage(settings, str(out))
        seconds = time.process_time() - start
        tasks = read_trajectories(out, settings.tasks, SUITE)
    returns = {i: float(task.returns[-LAST:].mean()) for i, task in tasks.items()}
    return Ours(seconds, sum(len(task.rewards) for task in tasks.values()), returns)


class PeerTask(gymnasium.Wrapper):
    """Environment with the reward of one task; 17 observed values, as for our agents."""

    def __init__(self, env: gymnasium.Env, goal: float):
        super().__init__(env)
        self.goal = goal

    def step(self, action: np.ndarray) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        observation, _, terminated, truncated, info = self.env.step(action)
        cost = 0.05 * float(np.square(action, dtype=np.float64).sum())
        reward = -abs(info["x_velocity"] - self.goal) - cost
        return observation, reward, terminated, truncated, info


def make_peer_task(task: int) -> PeerTask:
    """Environment of one task, without Gymnasium's checks of every step."""
    env = gymnasium.make(
        "HalfCheetah-v5", max_episode_steps=SUITE.horizon, disable_env_checker=True
    )
    return PeerTask(env, float(SUITE.goals[task, 0]))


class Race(BaseCallback):
    """Callback that stops the peer at the target return or at its time limit."""

    def __init__(self, task: int, target: float, limit: float, every: int):
        super().__init__()
        self.task, self.target, self.limit, self.every = task, target, limit, every
        self.judge = Monitor(make_peer_task(task))
        self.returns: list[float] = []  # returns of training episodes
        self.best = -np.inf  # the better of the two latest mean returns
        self.seconds = 0.0  # CPU time of the learning, set at its end
        self.outside, self.start = 0.0, time.process_time()

    @property
    def learning_seconds(self) -> float:
        return time.process_time() - self.start - self.outside

    @property
    def reached(self) -> bool:
        return self.best >= self.target

    def _on_step(self) -> bool:
        ended = [x["episode"]["r"] for x in self.locals["infos"] if "episode" in x]
        if not ended:
            return True
        self.returns += ended
        if len(self.returns) >= LAST:
            self.best = float(np.mean(self.returns[-LAST:]))
        if not self.reached and len(self.returns) % self.every == 0:
            self._judge()
        return not self.reached and self.learning_seconds < self.limit

    def _on_training_end(self) -> None:
        self.seconds = self.learning_seconds
        if not self.reached:
            self._judge()

    def _judge(self) -> None:
        """Evaluate the mean action; the time is not counted."""
        spent, now = self.learning_seconds, time.process_time()
        found, _ = evaluate_policy(self.model, self.judge, LAST, deterministic=True)
        print(
            f"   peer, task {self.task}: {len(self.returns)} episodes, {spent:.0f} core-s, "
            f"training {np.mean(self.returns[-LAST:]):.0f}, "
            f"deterministic {np.mean(found):.0f}, target {self.target:.0f}",
            flush=True,
        )
        self.best = max(self.best, float(np.mean(found)))
        self.outside += time.process_time() - now


def run_peer(task: int, target: float, limit: float, every: int, seed: int) -> Race:
    """Train the peer from scratch on one task."""
    race = Race(task, target, limit, every)
    agent = SAC("MlpPolicy", make_peer_task(task), seed=seed, device="cpu")
    agent.learn(FOREVER, callback=race)
    return race


def update_work(options: SacOptions) -> float:
    """FLOPs of the matrix products of one update of the critics and, if due, the policy.

    A layer needs three products: forward, gradients of weights, gradients of inputs. The
    first layer needs the last only if its inputs come from the policy.
    """
    inputs, actions, width = SUITE.visible_dim + 1, SUITE.action_dim, options.width
    policy = inputs * width + width**2 + width * 2 * actions
    critic_first = 2 * (inputs + actions) * width  # first layers of both critics
    critics = critic_first + 2 * (width**2 + width)
    critic_step = policy + critics + (3 * critics - critic_first)
    policy_step = 2 * critics + (3 * policy - inputs * width)
    return 2 * options.batch * (critic_step + policy_step / options.policy_delay)


def print_limits(settings: CollectSettings, ours: Ours) -> None:
    """Print the shares of our time that physics and matrix products alone would take."""
    kinds = KINDS["goal-conditioned-sac"]
    loop, learner, _ = parse_together(kinds, settings.options, "collect")
    phases = schedule(loop, SUITE.horizon)
    rate = loop.updates_per_step
    updates = int(phases.greedy_from * rate) - int(phases.random_until * rate)
    updates = max(0, updates)
    dtype = str(resolve_precision(learner.precision)).removeprefix("torch.")
    physics = ours.steps / physics_steps_per_second(SUITE.name)
    products = updates * update_work(learner) / 1e9 / gemm_gflops(dtype)
    print(
        f"limits: {ours.steps:,} control steps of bare mj_step take {physics:.1f} s, "
        f"{physics / ours.seconds:.0%} of ours; the products of {updates:,} updates take "
        f"{products:.1f} s at the peak of {dtype}, {products / ours.seconds:.0%} of ours"
    )


def report(task: int, ours: Ours, race: Race) -> float:
    """Print one task; return the ratio of core-seconds, peer to ours."""
    ratio = race.seconds / ours.per_task
    ending = f"peer {race.best:.1f} in {race.seconds:.1f} core-s, ratio {ratio:.1f}x"
    if not race.reached:
        ending = f"ratio >= {ratio:.0f}x, peer at {race.best:.1f} when stopped"
    print(
        f"task {task}, v* = {SUITE.goals[task, 0]:.3f} m/s: ours {ours.returns[task]:.1f} "
        f"in {ours.per_task:.1f} core-s; {ending}",
        flush=True,
    )
    return ratio


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", nargs="+", default=[str(ROOT / "config.yaml")])
    parser.add_argument(
        "--tasks", nargs="+", type=int, default=[7, 26], help="tasks of the peer"
    )
    parser.add_argument("--cap", type=float, default=60, help="times our core-s per task")
    parser.add_argument("--episodes", type=int, help="ours, per task, for a quick test")
    parser.add_argument("--every", type=int, default=5, help="episodes between evaluations")
    parser.add_argument("--seed", type=int, default=0, help="seed of the peer")
    parser.add_argument("--store", help="earlier store to compare returns with")
    args = parser.parse_args()
    torch.set_num_threads(1)
    print_machine(physics=True)
    print(f"peer: stable_baselines3 {importlib.metadata.version('stable_baselines3')}")
    settings = our_settings(args.config, args.episodes)
    ours = run_ours(settings)
    print(
        f"trajprompt: {len(ours.returns)} tasks in {ours.seconds:.1f} core-s, "
        f"{ours.per_task:.2f} per task; last {LAST} episodes "
        f"{np.mean(list(ours.returns.values())):.1f} on average"
    )
    if args.store:
        earlier = read_trajectories(args.store, settings.tasks, SUITE)
        gaps = [ours.returns[i] - t.returns[-LAST:].mean() for i, t in earlier.items()]
        print(f"   minus the returns of {args.store}: {np.mean(gaps):+.2f} on average")
    print_limits(settings, ours)
    limit = args.cap * ours.per_task
    ratios = [
        report(i, ours, run_peer(i, ours.returns[i], limit, args.every, args.seed))
        for i in args.tasks
    ]
    print(f"core-seconds per task, peer / trajprompt: {min(ratios):.1f}x or more")


if __name__ == "__main__":
    main()

"""Evaluation speed against the reference implementation, on the same cores.

    OMP_NUM_THREADS=1 python benchmarks/evaluation.py [--backbone-file X.safetensors]

Ours: 5 test tasks of cheetah-vel x 50 episodes in lockstep. The peer: one episode at a
time, with batch size 1 and the same weights in transformers' GPT-2, on Gymnasium's
HalfCheetah-v5, with its best number of torch threads. Rates are control steps per wall
second.
"""

import argparse
import time

import numpy as np
import operations
import torch
from forward_pass import untrained
from peer import PeerPromptDT

from machine import gemm_gflops, print_machine
from trajprompt.models.backbone import Backbone, load_backbone
from trajprompt.models.lockstep import LockstepPolicy
from trajprompt.numerics.device import DTYPES, precision_name
from trajprompt.rollout.loop import Episodes, rollout
from trajprompt.tasks.registry import get_suite, make_simulator
from trajprompt.tasks.suites import Suite
from trajprompt.trajectories.segments import Segments

TARGET, P = 0.0, 5


def make_prompts(tasks: int, episodes: int) -> Segments:
    """Arbitrary prompts (tasks * episodes, P, ..), one per task."""
    generator = torch.Generator().manual_seed(0)
    each = Segments(
        torch.randn(tasks, P, 1, generator=generator) * 0.01,
        torch.randn(tasks, P, 20, generator=generator),
        torch.rand(tasks, P, 6, generator=generator) * 2 - 1,
        torch.arange(194, 194 + P).expand(tasks, P),
        torch.ones(tasks, P, dtype=torch.bool),
    )
    return each.repeat_interleave(episodes)


def run_ours(
    backbone: Backbone, suite: Suite, episodes: int, threads: int, precision: str
) -> tuple[Episodes, float]:
    """Episodes, and control steps per second including the set-up."""
    rows = np.repeat(suite.test_tasks, episodes)
    start = time.perf_counter()
    simulator = make_simulator(suite, rows, threads)
    prompts = make_prompts(len(suite.test_tasks), episodes)
    policy = LockstepPolicy(backbone, prompts, len(rows), TARGET, precision, threads)
    played = rollout(simulator, policy, np.arange(len(rows)))
    return played, played.lengths.sum() / (time.perf_counter() - start)


def parts(backbone: Backbone, suite: Suite, episodes: int, threads: int) -> None:
    """Print the rates of the forward pass and of the physics alone, without set-up."""
    rows = np.repeat(suite.test_tasks, episodes)
    prompts = make_prompts(len(suite.test_tasks), episodes)
    policy = LockstepPolicy(backbone, prompts, len(rows), TARGET, "auto", threads)
    simulator = make_simulator(suite, rows, threads)
    observations = simulator.reset(np.arange(len(rows)))
    actions = policy.act(observations)
    for label, work in (
        ("forward pass", lambda: policy.act(observations)),
        ("physics", lambda: simulator.step(actions)),
    ):
        for _ in range(20):  # until the window is full
            work()
        start = time.perf_counter()
        for _ in range(40):
            work()
        rate = 40 * len(rows) / (time.perf_counter() - start)
        print(f"   {label} alone, {threads} threads: {rate:8.0f} steps/s")


class ReferenceEpisode:
    """One episode as in the reference: a padded window and a forward pass per step."""

    def __init__(self, backbone: Backbone, peer: PeerPromptDT, prompt: Segments):
        self.backbone, self.peer, self.prompt = backbone, peer, prompt
        self.states, self.actions = torch.zeros(0, 20), torch.zeros(0, 6)
        self.returns = torch.zeros(0, 1)

    @torch.no_grad()
    def act(self, observation: np.ndarray, remaining: float) -> np.ndarray:
        state = self.backbone.normaliser.normalise(torch.from_numpy(observation)[None])
        self.states = torch.cat([self.states, state])
        self.actions = torch.cat([self.actions, torch.zeros(1, 6)])
        self.returns = torch.cat(
            [self.returns, torch.full((1, 1), remaining / self.backbone.return_scale)]
        )
        length = self.backbone.config.context_length
        first = max(0, len(self.states) - length)
        count = len(self.states) - first
        padding = (0, 0, length - count, 0)
        context = Segments(
            torch.nn.functional.pad(self.returns[first:], padding)[None],
            torch.nn.functional.pad(self.states[first:], padding)[None],
            torch.nn.functional.pad(self.actions[first:], padding)[None],
            torch.nn.functional.pad(torch.arange(first, first + count), padding[2:])[None],
            (torch.arange(length) >= length - count)[None],
        )
        action = self.peer(context, self.prompt)[0, -1]
        self.actions[-1] = action
        return action.numpy()


def play_reference(
    backbone: Backbone, peer: PeerPromptDT, prompt: Segments, goal: float, seed: int
) -> tuple[float, int]:
    """Return and number of control steps of one episode in Gymnasium."""
    import gymnasium

    env = gymnasium.make("HalfCheetah-v5", max_episode_steps=200).unwrapped
    env.reset(seed=seed)
    episode, total = ReferenceEpisode(backbone, peer, prompt), 0.0
    for _ in range(200):
        action = episode.act(legacy_observation(env), TARGET - total)
        _, _, _, _, info = env.step(action)
        total += -abs(info["x_velocity"] - goal) - 0.05 * float(np.square(action).sum())
    return total, 200


def legacy_observation(env) -> np.ndarray:
    """Observation (20,) of the reference: qpos without x, qvel, torso position."""
    parts = env.data.qpos[1:], env.data.qvel, env.data.body("torso").xpos
    return np.concatenate(parts).astype(np.float32)


def run_peer(
    backbone: Backbone, suite: Suite, episodes: int, threads: int
) -> tuple[np.ndarray, float]:
    """Returns of the first task's first ``episodes`` episodes, and steps per second."""
    torch.set_num_threads(threads)
    peer = PeerPromptDT(backbone.model).eval()
    prompt = make_prompts(len(suite.test_tasks), 1).select(slice(0, 1))
    goal = float(suite.goals[suite.test_tasks[0], 0])
    play_reference(backbone, peer, prompt, goal, 0)  # warm-up
    start = time.perf_counter()
    played = [
        play_reference(backbone, peer, prompt, goal, seed) for seed in range(episodes)
    ]
    elapsed = time.perf_counter() - start
    torch.set_num_threads(1)
    return np.array([total for total, _ in played]), sum(n for _, n in played) / elapsed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--backbone-file", help="default: untrained weights of the same size"
    )
    parser.add_argument("--episodes", type=int, default=50, help="ours, per task")
    parser.add_argument(
        "--peer-episodes", type=int, default=5, help="of the peer, per number of threads"
    )
    parser.add_argument("--threads", type=int, default=2, help="cores for both sides")
    args = parser.parse_args()
    torch.set_num_threads(1)
    suite = get_suite("cheetah-vel")
    backbone = untrained(width=128, layers=3, context_length=10)
    if args.backbone_file:
        backbone = load_backbone(args.backbone_file)
    print_machine(physics=True)
    auto = precision_name("auto", backbone.device)
    print(f"   K = {backbone.config.context_length}, P = {P}; precision auto is {auto}")
    peers = {n: run_peer(backbone, suite, args.peer_episodes, n) for n in (1, args.threads)}
    for threads, (_, rate) in peers.items():
        print(f"   peer, {threads} torch threads: {rate:8.0f} steps/s")
    best = max(rate for _, rate in peers.values())
    parts(backbone, suite, args.episodes, args.threads)
    precise = None
    for precision in ("fp32", "bf16"):
        played, rate = run_ours(backbone, suite, args.episodes, args.threads, precision)
        limit = operations.control_step(backbone.config, P) * rate / 1e9 / args.threads
        peak = gemm_gflops(str(DTYPES[precision]).removeprefix("torch."))
        print(
            f"   trajprompt, {precision}, {args.threads} threads: {rate:8.0f} steps/s, "
            f"ratio {rate / best:.1f}x, {limit / peak:.0%} of the peak matrix product"
        )
        if precise is None:
            precise = played.returns
            shown = played.returns[: args.peer_episodes]
            print(f"   returns of the same episodes, peer and ours: {peers[1][0]} {shown}")
        else:
            paired = played.returns - precise
            error = paired.std(ddof=1) / len(paired) ** 0.5
            print(
                f"   return in {precision} minus fp32, paired: "
                f"{paired.mean():+.2f} +- {error:.2f} (mean return {precise.mean():.1f})"
            )


if __name__ == "__main__":
    main()

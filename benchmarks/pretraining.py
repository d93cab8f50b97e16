"""Pretraining speed against transformers' GPT-2, on one thread.

    python benchmarks/pretraining.py [--data trajectories.h5 --suite cheetah-vel]

Both start from the same weights and use the same batches, made by the same code. The peer
uses float32, default attention and torch's AdamW. Without ``--data`` the batches come from
synthetic tasks. Prints sequences per CPU second, their ratio, and the CPU time of each to
the worse of the two final validation losses.
"""

import argparse
import copy
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from peer import PeerPromptDT

from machine import gemm_gflops, print_machine
from trajprompt.models.pretraining_data import PretrainData, Sampler, Validation, prepare
from trajprompt.models.prompt_dt import BackboneConfig, PromptDT, action_loss
from trajprompt.models.training import _Training, learning_rate_at, train
from trajprompt.numerics.device import resolve_precision
from trajprompt.settings.stages import PromptForm
from trajprompt.settings.training import TrainingSettings
from trajprompt.tasks.registry import get_suite
from trajprompt.trajectories.episodes import TaskTrajectories
from trajprompt.trajectories.store import read_trajectories

K, PROMPT, HORIZON = 20, 5, 200  # PTDT Table 7; horizon of the locomotion suites
# Forward and backward pass of one sequence in our code, three blocks of width 128: 10 W^2
# per token, for 74 tokens in two blocks and 20 in the last, which needs values of all 74.
PRODUCTS = {
    *(f"aten::{name}" for name in ("mm", "addmm", "bmm", "baddbmm", "addmv_")),
    "mkldnn::_linear_pointwise",
}
FLOPS = 3 * 2 * 128**2 * (10 * 74 * 2 + 9 * 20 + 74)


@dataclass
class Trace:
    """Validation losses, and the CPU seconds of training before each."""

    name: str
    sequences: int = 0
    spent: list[float] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)

    def time_to(self, loss: float) -> float:
        """CPU seconds to the first validation at or below ``loss``."""
        return next(t for t, x in zip(self.spent, self.losses, strict=True) if x <= loss)

    @property
    def rate(self) -> float:
        return self.sequences / self.spent[-1]


class Clock:
    """A validation whose time is not counted."""

    def __init__(self, trace: Trace, validate: Callable[[], float]):
        self.trace, self.validate = trace, validate
        self.outside, self.start = 0.0, time.process_time()

    def __call__(self) -> float:
        now = time.process_time()
        self.trace.spent.append(now - self.start - self.outside)
        self.trace.losses.append(self.validate())
        self.outside += time.process_time() - now
        return self.trace.losses[-1]


def synthetic_tasks(count: int = 8, episodes: int = 30) -> list[TaskTrajectories]:
    """Tasks with smooth random states; actions are functions of the state and the task."""
    generator = np.random.default_rng(0)
    mixing, tasks = generator.normal(size=(20, 6)) / 4, []
    for task in range(count):
        noise = generator.normal(size=(episodes, HORIZON, 20))
        states = np.cumsum(noise, axis=1) / np.sqrt(np.arange(1, HORIZON + 1))[:, None]
        actions = np.tanh(states @ mixing + 2 * task / count - 1)
        rewards = -np.abs(states[..., 0] - task)
        flat = [
            x.reshape(-1, *x.shape[2:]).astype(np.float32)
            for x in (states, actions, rewards)
        ]
        tasks.append(
            TaskTrajectories(
                task,
                np.array([float(task)]),
                *flat,
                terminations=np.zeros(episodes * HORIZON, bool),
                episode_ends=np.arange(1, episodes + 1) * HORIZON,
                final_observations=states[:, -1].astype(np.float32),
                behaviour_step=np.arange(episodes),
            )
        )
    return tasks


def sampler(
    data: PretrainData, per_task: int, seed: int, held_out: bool = False
) -> Sampler:
    source = data.validation if held_out else data.contexts
    generator = torch.Generator().manual_seed(seed)
    return Sampler(
        source, data.demonstrations, generator, per_task, K, PromptForm(1, PROMPT)
    )


def run_ours(
    model: PromptDT, batches: Sampler, validation: Sampler, settings: TrainingSettings
) -> Trace:
    trace = Trace("trajprompt")
    clock = Clock(trace, Validation(model, *validation()))
    train(model, batches, settings, "trajprompt", clock)
    return trace


def run_peer(
    model: PeerPromptDT, batches: Sampler, validation: Sampler, settings: TrainingSettings
) -> Trace:
    """Train as in the reference: loss, backward, clip, AdamW, schedule."""
    trace, (held, prompts) = Trace("transformers"), validation()
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(
        parameters, settings.learning_rate, weight_decay=settings.weight_decay
    )

    @torch.no_grad()
    def validate() -> float:
        model.eval()
        loss = action_loss(model(held, prompts), held).item()
        model.train()
        return loss

    clock = Clock(trace, validate)
    model.train()
    for step in range(settings.steps):
        context, prompt = batches()
        loss = action_loss(model(context, prompt), context)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, settings.gradient_clip)
        optimiser.param_groups[0]["lr"] = learning_rate_at(step, settings)
        optimiser.step()
        if (step + 1) % settings.validation_every == 0:
            clock()
    return trace


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", help="trajectory store (default: synthetic tasks)")
    parser.add_argument("--suite", default="cheetah-vel")
    parser.add_argument(
        "--batch", type=int, default=64, help="approximate sequences per step"
    )
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--precision", default="auto")
    args = parser.parse_args()
    torch.set_num_threads(1)
    suite = get_suite(args.suite)
    if args.data:
        tasks = list(read_trajectories(args.data, suite.train_tasks, suite).values())
    else:
        tasks = synthetic_tasks()
    data = prepare(tasks, 0.5, 5, 25, 500.0, "cpu")
    per_task = max(1, round(args.batch / len(tasks)))
    settings = TrainingSettings(
        args.steps,
        learning_rate=1e-3,
        warmup_steps=args.steps // 10,
        schedule="cosine",
        precision=args.precision,
        validation_every=max(1, args.steps // 20),
    )
    torch.manual_seed(0)
    dims = tasks[0].observations.shape[1], tasks[0].actions.shape[1]
    model = PromptDT(BackboneConfig(*dims))
    peer = PeerPromptDT(copy.deepcopy(model))
    print_machine()
    print(
        f"batch {per_task * len(tasks)}, {args.steps} steps, {len(tasks)} tasks, 1 thread"
    )
    traces = [
        run(net, sampler(data, per_task, 1), sampler(data, 32, 2, True), settings)  # type: ignore[operator]
        for run, net in (
            (run_peer, peer),
            (run_ours, model),
        )  # ours last: it changes malloc
    ]
    for trace in traces:
        trace.sequences = args.steps * per_task * len(tasks)
    report(*reversed(traces), str(resolve_precision(args.precision)))
    profile(model, sampler(data, per_task, 3), settings)


def report(ours: Trace, peer: Trace, dtype: str) -> None:
    for trace in (ours, peer):
        print(
            f"{trace.name:>14}: {trace.rate:7.0f} sequences/s, "
            f"validation loss {trace.losses[-1]:.4f} after {trace.spent[-1]:.1f} CPU s"
        )
    target = max(ours.losses[-1], peer.losses[-1])
    times = ours.time_to(target), peer.time_to(target)
    print(f"ratio of rates: {ours.rate / peer.rate:.2f}x")
    print(
        f"to validation loss {target:.4f}: {times[0]:.1f} and {times[1]:.1f} CPU s, "
        f"ratio {times[1] / times[0]:.2f}x"
    )
    name = dtype.removeprefix("torch.")
    share = ours.rate * FLOPS / 1e9 / gemm_gflops(name)
    print(f"trajprompt reaches {share:.0%} of the peak of {name} matrix products")


def profile(model: PromptDT, batches: Sampler, settings: TrainingSettings) -> None:
    """Print the parts of one step: CPU ms by calls, and matrix products by the profiler."""
    training = _Training(model, batches, settings, None, None)
    model.train()
    spent: dict[str, float] = {}

    def timed(owner: object, name: str, label: str) -> None:
        function = getattr(owner, name)

        def call(*args: object) -> object:
            start = time.thread_time()
            result = function(*args)
            spent[label] = spent.get(label, 0.0) + time.thread_time() - start
            return result

        setattr(owner, name, call)

    timed(training, "make_batch", "gather of the batch")
    timed(training, "model", "forward, with dropout's factors")
    timed(model.dropout, "_multipliers", "factors of dropout")
    timed(training.weights, "gradient_norm", "norm, clipping, AdamW")
    timed(training.weights, "step", "norm, clipping, AdamW")
    timed(training, "_update", "step")
    steps = 20
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as found:
        for step in range(steps):
            training._update(1e-4, "benchmark", step)
    products = sum(e.self_cpu_time_total for e in found.key_averages() if e.key in PRODUCTS)
    print("parts of a step, CPU ms (the profiler, which is running, included):")
    for label, seconds in sorted(spent.items(), key=lambda item: -item[1]):
        print(f"   {label:32} {seconds / steps * 1e3:7.2f}")
    print(f"   {'matrix products':32} {products / steps / 1e3:7.2f}")


if __name__ == "__main__":
    main()

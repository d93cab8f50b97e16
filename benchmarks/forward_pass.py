"""Control steps per second of the rollout's forward pass, for OpenVINO and PyTorch.

    OMP_NUM_THREADS=1 python benchmarks/forward_pass.py [--backbone-file X.safetensors]

One thread, one CPU; no simulator. A step is one action of one row with a full window.
PyTorch's steps at 3 times the rows are also an upper bound for playing three seeds as one
batch with stacked weights: every product has as many rows, and its weights are read once.
"""

import argparse
import time

import numpy as np
import operations
import torch

from machine import gemm_gflops, print_machine
from trajprompt.models.backbone import Backbone, load_backbone
from trajprompt.models.lockstep import LockstepPolicy
from trajprompt.models.prompt_dt import BackboneConfig, PromptDT
from trajprompt.numerics.device import resolve_precision
from trajprompt.trajectories.normaliser import Normaliser
from trajprompt.trajectories.segments import Segments

STATES, ACTIONS, SCALE = 20, 6, 500.0
# Name: width, layers, steps of a prompt; as in the laptop run.
MODELS = {"prompt-dt": (128, 3, 5), "segments": (64, 2, 40)}


def untrained(width: int, layers: int, context_length: int) -> Backbone:
    torch.manual_seed(0)
    model = PromptDT(
        BackboneConfig(
            STATES,
            ACTIONS,
            width=width,
            layers=layers,
            inner=4 * width,
            context_length=context_length,
        )
    ).eval()
    normaliser = Normaliser(torch.zeros(STATES), torch.ones(STATES))
    return Backbone("prompt-dt", "cheetah-vel", model, normaliser, SCALE, model.config)


def make_prompts(rows: int, steps: int) -> Segments:
    generator = torch.Generator().manual_seed(0)
    return Segments(
        torch.randn(rows, steps, 1, generator=generator) * 0.01,
        torch.randn(rows, steps, STATES, generator=generator),
        torch.rand(rows, steps, ACTIONS, generator=generator) * 2 - 1,
        torch.arange(100, 100 + steps).expand(rows, steps),
        torch.ones(rows, steps, dtype=torch.bool),
    )


def play(policy: LockstepPolicy, rows: int, steps: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    actions = []
    for _ in range(steps):
        actions.append(policy.act(rng.normal(size=(rows, STATES)).astype(np.float32)))
        policy.receive(rng.normal(size=rows))
    return np.stack(actions)


def rate(policy: LockstepPolicy, rows: int, seconds: float = 0.25) -> float:
    """Control steps per CPU second, the best of five measurements."""
    observations = np.zeros((rows, STATES), np.float32)
    for _ in range(policy.backbone.config.context_length + 2):
        policy.act(observations)
    best, count = 0.0, 1
    for _ in range(6):  # the first finds the number of steps
        start = time.process_time()
        for _ in range(count):
            policy.act(observations)
        spent = time.process_time() - start
        best = max(best, count * rows / spent)
        count = max(1, int(count * seconds / spent))
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backbone-file", help="weights of prompt-dt (default: untrained)")
    parser.add_argument("--rows", type=int, nargs="+", default=[5, 15, 50, 250])
    parser.add_argument("--context-length", type=int, default=10)
    args = parser.parse_args()
    torch.set_num_threads(1)
    print_machine()
    auto = resolve_precision("auto")
    print(f"precision auto: {auto}".replace("torch.", ""))
    for name, (width, layers, prompt) in MODELS.items():
        backbone = untrained(width, layers, args.context_length)
        if args.backbone_file and name == "prompt-dt":
            backbone = load_backbone(args.backbone_file)
        report(name, backbone, prompt, args.rows)


def report(name: str, backbone: Backbone, prompt: int, rows_list: list[int]) -> None:
    count = operations.control_step(backbone.config, prompt)
    print(f"\n{name}: {count / 1e6:.1f} MFLOP per step; steps/s by engine and rows")
    for precision, dtype in (("fp32", "float32"), ("bf16", "bfloat16")):
        bound = gemm_gflops(dtype) * 1e9 / count
        rates = {
            engine: [
                rate(policy(backbone, prompt, rows, precision, engine), rows)
                for rows in rows_list
            ]
            for engine in ("torch", "openvino")
        }
        print(f"  {precision}, limit of the matrix rate {bound:,.0f}")
        for engine, found in rates.items():
            print(f"    {engine:>8}: " + "  ".join(f"{value:7,.0f}" for value in found))
        ratios = (b / a for a, b in zip(*rates.values(), strict=True))
        print(f"    {'ratio':>8}: " + "  ".join(f"{ratio:6.2f}x" for ratio in ratios))
        check(backbone, prompt, precision)


def policy(
    backbone: Backbone,
    prompt: int,
    rows: int,
    precision: str,
    engine: str,
    threads: int = 1,
) -> LockstepPolicy:
    prompts = make_prompts(rows, prompt)
    return LockstepPolicy(backbone, prompts, rows, 0.0, precision, threads, engine)


def check(backbone: Backbone, prompt: int, precision: str, rows: int = 70) -> None:
    """Print each engine's largest error, and check its bits over repeats and threads."""
    exact = play(policy(backbone, prompt, rows, "fp32", "torch"), rows, 30)
    for engine in ("torch", "openvino"):
        plays = [
            play(policy(backbone, prompt, rows, precision, engine, threads), rows, 30)
            for threads in (1, 1, 2)
        ]
        same = all(np.array_equal(plays[0], other) for other in plays[1:])
        difference = np.abs(plays[0] - exact)
        bits = "same bits again and with 2 threads" if same else "DIFFERENT BITS"
        print(
            f"    {engine}: actions differ from torch in fp32 by at most "
            f"{difference.max():.1e}, on average {difference.mean():.1e}; {bits}"
        )


if __name__ == "__main__":
    main()

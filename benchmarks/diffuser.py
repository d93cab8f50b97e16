"""CPU time of tuning with the Prompt Diffuser, against PTDT-offline.

    OMP_NUM_THREADS=1 python benchmarks/diffuser.py [--suites cheetah-vel] [--share 0.2]

Both methods tune the test tasks of every suite of PD's Table 1 with the options of
config.yaml, on untrained backbones and random data of the suite's sizes. Their times do not
depend on the values. The two run alternately; each time is the minimum of the rounds.
``--share`` shortens both by the same share of their steps. Then come the parts of one
tuning step of the first suite, and the rate of the imitation loss without gradients.
"""

import argparse
import dataclasses
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from machine import gemm_gflops, print_machine, seconds
from trajprompt.config import derive
from trajprompt.config.load import load_config
from trajprompt.models.backbone import Backbone
from trajprompt.models.prompt_dt import BackboneConfig, PromptDT
from trajprompt.numerics.device import resolve_precision
from trajprompt.settings.options import parse_options
from trajprompt.settings.stages import PretrainSettings, TuneSettings
from trajprompt.tasks.registry import get_suite
from trajprompt.trajectories.normaliser import Normaliser
from trajprompt.trajectories.segments import PromptSet, Segments
from trajprompt.tuning.generation.diffusion import DiffusionConfig, PromptDiffusion
from trajprompt.tuning.generation.loop import Generation
from trajprompt.tuning.imitation import ImitationLoss
from trajprompt.tuning.methods.prompt_diffuser import DiffuserOptions
from trajprompt.tuning.prompt_sets import SET_SIZE
from trajprompt.tuning.prompt_vectors import to_prompts, to_vectors
from trajprompt.tuning.protocol import TuningProblem
from trajprompt.tuning.registry import get_method
from trajprompt.tuning.samples import FixedSamples, draw_rows

ROOT = Path(__file__).resolve().parents[1]
SUITES = ("cheetah-vel", "cheetah-dir", "ant-dir", "ant-dir-ood", "reach")
METHODS = ("prompt-diffuser", "ptdt-offline")
MAX_RATIO = 2.0  # target


def segments(suite_sizes: tuple[int, int], length: int, *leading: int) -> Segments:
    """Random segments (*leading, length, ..) of states and actions of these sizes."""
    states, actions = suite_sizes
    times = torch.arange(length).expand(*leading, length).contiguous()
    return Segments(
        0.1 * torch.randn(*leading, length, 1),
        torch.randn(*leading, length, states),
        torch.randn(*leading, length, actions).tanh(),
        times,
        torch.ones(*leading, length, dtype=torch.bool),
    )


def make_problem(config: dict[str, Any], cell: TuneSettings) -> TuningProblem:
    """Return a random problem of the cell's sizes; cheetah-vel: 5 rows."""
    torch.manual_seed(0)
    suite, where = get_suite(cell.suite), {"suite": cell.suite, "seed": cell.seed}
    given = derive.settings_for(config, PretrainSettings, backbone="prompt-dt", **where)
    sizes = suite.state_dim, suite.action_dim
    architecture = BackboneConfig(*sizes, **dataclasses.asdict(given.sizes))
    normaliser = Normaliser(torch.zeros(sizes[0]), torch.ones(sizes[0]))
    model = PromptDT(architecture).eval()
    kind = "prompt-dt"
    rows, length = len(cell.test_tasks) * cell.prompts_per_task, cell.prompt.length
    assert isinstance(cell.samples, int)

    def prompts(groups: int) -> PromptSet:
        drawn = segments(sizes, length, groups, SET_SIZE)
        return PromptSet(drawn, 0.1 * torch.randn(groups, SET_SIZE, length, 1))

    return TuningProblem(
        suite=suite,
        rows=np.repeat(np.array(cell.test_tasks), cell.prompts_per_task),
        prompts=np.tile(np.arange(cell.prompts_per_task), len(cell.test_tasks)),
        backbone=Backbone(kind, suite.name, model, normaliser, 1.0, architecture),
        initial_prompts=segments(sizes, length, rows),
        samples=FixedSamples(
            segments(sizes, architecture.context_length, rows, cell.samples)
        ),
        target_return=0.0,
        stream=np.random.SeedSequence(0),
        precision=cell.precision,
        training_prompts=prompts(len(cell.train_tasks)),
        prompt_set=prompts(rows),
    )


def shortened(options: Any, share: float) -> Any:
    """Options with a share of the steps of tuning and pretraining."""
    names = {"steps_per_iteration", "pretraining_steps"} & set(vars(options))
    # At least 2, so that the first step of tuning is not the one that judges.
    steps = {name: max(2, round(share * getattr(options, name))) for name in names}
    return dataclasses.replace(options, **steps)


@dataclasses.dataclass(frozen=True)
class Cell:
    """A suite's problem, and both methods with their options."""

    problem: TuningProblem
    options: dict[str, Any]  # per method

    @classmethod
    def of(cls, args: argparse.Namespace, config: dict[str, Any], suite: str) -> "Cell":
        where = {"suite": suite, "condition": "expert", "seed": 0}
        options = {}
        for name in METHODS:
            cell = derive.settings_for(config, TuneSettings, method=name, **where)
            parsed = parse_options(get_method(cell.kind).options, cell.options, name)
            options[name] = shortened(parsed, args.share)
        cell = dataclasses.replace(cell, precision=args.precision)
        return cls(make_problem(config, cell), options)

    def seconds(self, method: str) -> float:
        """CPU seconds of tuning all rows."""
        start = time.process_time()
        get_method(method).tune(self.problem, self.options[method])
        return time.process_time() - start


def compare(cell: Cell, rounds: int) -> None:
    """Print the times of both methods, and their ratio."""
    times = [[cell.seconds(name) for name in METHODS] for _ in range(rounds)]
    diffuser, ranking = (min(each) for each in zip(*times, strict=True))
    print(
        f"{cell.problem.suite.name:12s} {len(cell.problem.rows)} rows: prompt-diffuser "
        f"{diffuser:6.2f} CPU-s, ptdt-offline {ranking:6.2f}, ratio "
        f"{diffuser / ranking:.2f}x, target at most {MAX_RATIO:g}x",
        flush=True,
    )


def print_parts(cell: Cell) -> None:
    """Print the times of the parts of one step of the diffuser."""
    options: DiffuserOptions = cell.options["prompt-diffuser"]

    def build(codec: Any, generator: torch.Generator) -> PromptDiffusion:
        sizes = options.network(codec)
        return PromptDiffusion.fresh(
            DiffusionConfig(steps=options.diffusion_steps, **sizes), generator
        )

    tuning = Generation(cell.problem, options, build)
    model, rows, chains = tuning.learner.model, len(cell.problem.rows), options.chains
    batch = tuning.prompt_set.draw(tuning.generator, options.batch)
    y, x0 = batch.y[:, :chains], batch.x0[:, :chains].clone().requires_grad_()
    given = tuning.prompt_set.prompts_at(batch.places[:, :chains])
    contexts = draw_rows(cell.problem.samples, tuning.generator, rows, options.contexts)

    def chain() -> None:
        sampled = model.sample(y, tuning.generator, temperature=1.0)
        tuning.learner.gradient(sampled.sum(dim=(1, 2)))

    def backbone() -> None:
        prompts = tuning.codec.decode(x0, given).flatten()
        losses = tuning.loss(prompts, contexts.reshape(rows * chains, -1))
        torch.autograd.grad(losses.sum(), x0)

    def generator_loss() -> None:
        tuning.learner.gradient(model.loss(batch.x0, batch.y, tuning.generator))

    parts: dict[str, Callable[[], None]] = {
        "a step of tuning": lambda: tuning._tune(0),
        "   backbone, forward and backward": backbone,
        "   chain, forward and backward": chain,
        "   L_DM, forward and backward": generator_loss,
        "a step of pretraining": lambda: tuning._pretrain(0),
        "judging an iterate": lambda: tuning._keep(0),
    }
    print(f"\n{cell.problem.suite.name}, parts, CPU ms:")
    for name, work in parts.items():
        print(f"   {name:36s} {1000 * seconds(work):7.2f}", flush=True)


def loss_operations(model: PromptDT, prompts: int, contexts: int, length: int) -> float:
    """Floating-point operations of the loss without gradients, layer norms excluded."""
    width, inner = model.config.width, model.config.inner
    stride, steps = model.tokens_per_step, model.config.context_length
    tokens, seen = stride * steps - 1, 3 * length
    maps = 2 * inner * width  # of the perceptron, per token
    square = width**2
    first = tokens * (maps + width * (2 * seen + tokens))
    middle = tokens * (2 * square + maps + 2 * width * (seen + tokens))
    last = steps * (2 * square + maps + 2 * width * (seen + tokens))
    per_pair = first + (model.config.layers - 2) * middle + last
    shared = contexts * tokens * (2 * square + width * tokens)
    encoding = prompts * seen * (model.config.layers - 1) * (2 * square + maps)
    return 2.0 * (prompts * contexts * per_pair + shared + encoding)


def print_loss_rate(cell: Cell) -> None:
    """Print the rate of a query of PTDT-offline, next to that of a matrix product."""
    problem, options = cell.problem, cell.options["ptdt-offline"]
    model, rows = problem.backbone.model, len(problem.rows)
    loss = ImitationLoss(model, problem.precision)
    template = problem.require_prompts()
    repeats = (1, options.candidates, 1)
    candidates = to_prompts(to_vectors(template).unsqueeze(1).repeat(repeats), template)
    contexts = draw_rows(problem.samples, torch.Generator(), rows, options.batch)
    taken = seconds(lambda: loss(candidates, contexts))
    sizes = options.candidates, options.batch, template.length
    rate = rows * loss_operations(model, *sizes) / taken / 1e9
    dtype = str(resolve_precision(problem.precision)).removeprefix("torch.")
    peak = gemm_gflops(dtype)
    print(
        f"\nimitation loss of {rows} x {options.candidates} prompts on {options.batch} "
        f"contexts, {dtype}: {1000 * taken:.1f} CPU ms, {rate:.0f} GFLOP/s, "
        f"{100 * rate / peak:.0f} % of a matrix product's {peak:.0f}"
    )


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--config", nargs="+", default=[str(ROOT / "config.yaml")])
    parser.add_argument("--suites", nargs="+", default=SUITES, choices=SUITES)
    parser.add_argument("--share", type=float, default=1.0, help="of all steps")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--precision", default="auto", choices=("auto", "fp32", "bf16"))
    return parser.parse_args()


def main() -> None:
    args = parse_arguments()
    torch.set_num_threads(1)
    print_machine()
    config = load_config(args.config)
    cells = [Cell.of(args, config, suite) for suite in args.suites]
    for cell in cells:
        compare(cell, args.rounds)
    print_parts(cells[0])
    print_loss_rate(cells[0])


if __name__ == "__main__":
    main()

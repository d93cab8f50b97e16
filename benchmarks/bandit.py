r"""Overhead of the bandit: a cell against its rollouts alone, refits against torch's SGD.

    OMP_NUM_THREADS=1 python benchmarks/bandit.py cell \
        --data results/laptop/1_collect/cheetah-vel/trajectories.h5 \\
        --backbone-file results/laptop/2_pretrain/cheetah-vel/segments/seed0.safetensors
    OMP_NUM_THREADS=1 python benchmarks/bandit.py refit

cell: runs the search of one cell of config.yaml, then plays the same prompts again from the
same resets with the oracle alone. The ratio of the times is the cost of the bandit. Reading
files is not counted.

refit: fits the reward models of all tasks and slots at once, then one after the other as in
the co-author's code (sarakarimi/prompt-dt), from the same weights to the same data. A fit
in float64, not timed, shows that the differences in float32 are rounding errors, amplified
by 1000 steps. Times are CPU seconds.
"""

import argparse
import dataclasses
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from machine import print_machine
from trajprompt.commands.tune import prepare
from trajprompt.config import derive
from trajprompt.config.load import load_config
from trajprompt.settings.options import parse_options
from trajprompt.settings.stages import TuneSettings
from trajprompt.trajectories.segments import Segments
from trajprompt.tuning.bandit.reward_models import RewardModels
from trajprompt.tuning.bandit.reward_refit import RefitSettings, refit
from trajprompt.tuning.oracle import OracleResult, ReturnOracle
from trajprompt.tuning.protocol import TuningProblem
from trajprompt.tuning.registry import get_method

ROOT = Path(__file__).resolve().parents[1]
MAX_RATIO = 1.5  # target: CPU time of a cell to that of its rollouts
UNSEEN = 1000  # inputs at which fits are compared, about the number of arms of a task
T = TypeVar("T")


class Timed(NamedTuple, Generic[T]):
    result: T
    seconds: float  # CPU


def timed(work: Callable[[], T]) -> Timed[T]:
    start = time.process_time()
    result = work()
    return Timed(result, time.process_time() - start)


class Query(NamedTuple):
    """One call of the oracle."""

    prompts: Segments  # (R, C, P, ..)
    resets: np.ndarray  # (R, 1 or C, E)


@dataclass
class OracleCalls:
    """Queries of a method to its oracles, and the returns."""

    queries: list[Query] = field(default_factory=list)
    returns: list[np.ndarray] = field(default_factory=list)  # (R, C) each
    seconds: float = 0.0  # CPU, inside the oracle

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Record all calls of all oracles in the block."""
        call = ReturnOracle.__call__

        def recorded(
            oracle: ReturnOracle, prompts: Segments, seeds: np.ndarray
        ) -> OracleResult:
            played, seconds = timed(lambda: call(oracle, prompts, seeds))
            self.queries.append(Query(prompts, seeds))
            self.returns.append(played.returns)
            self.seconds += seconds
            return played

        ReturnOracle.__call__ = recorded  # type: ignore[method-assign]
        try:
            yield
        finally:
            ReturnOracle.__call__ = call  # type: ignore[method-assign]


def cell_settings(args: argparse.Namespace) -> TuneSettings:
    """Settings of the config on the CPU, with ``--episodes`` per row if given."""
    names = ("suite", "condition", "method", "seed")
    cell = {name: getattr(args, name) for name in names}
    given = derive.settings_for(load_config(args.config), TuneSettings, **cell)
    episodes = {} if args.episodes is None else {"episodes": args.episodes}
    return dataclasses.replace(given, options={**given.options, **episodes}, device="cpu")


def play_alone(problem: TuningProblem, queries: Sequence[Query]) -> list[np.ndarray]:
    """Returns (R, C) of the same queries to a new oracle, one call per query."""
    oracle = ReturnOracle(problem, queries[0].resets.shape[-1])
    return [oracle(prompts, resets).returns for prompts, resets in queries]


def warm_up(problem: TuningProblem) -> None:
    """Play the initial prompts once, for late imports and first calls."""
    prompts = problem.require_prompts().map(lambda part: part.unsqueeze(1))
    ReturnOracle(problem)(prompts, np.ones((len(problem.rows), 1, 1), np.int64))


def run_cell(args: argparse.Namespace) -> None:
    settings = cell_settings(args)
    method, where = get_method(settings.kind), f"methods.{settings.method}.options"
    options: Any = parse_options(method.options, settings.options, where)
    problem, reading = timed(lambda: prepare(settings, args.data, args.backbone_file))
    warm_up(problem)
    calls = OracleCalls()
    with calls.recording():
        _, cell = timed(lambda: method.tune(problem, options))
    if not calls.queries:
        raise SystemExit(f"{settings.method} plays no episodes: nothing to compare")
    alone = timed(lambda: play_alone(problem, calls.queries))
    report_cell(settings, calls, cell, alone)
    print(f"   reading the files, not counted: {reading:.1f} CPU-s")


def report_cell(
    settings: TuneSettings,
    calls: OracleCalls,
    cell: float,
    alone: Timed[list[np.ndarray]],
) -> None:
    returns, repeated = (np.concatenate(x, axis=1) for x in (calls.returns, alone.result))
    rows, episodes = returns.shape
    form = f"{settings.prompt.segments} x {settings.prompt.length} steps"
    print(
        f"{settings.suite}, {settings.condition}, {settings.method}, seed {settings.seed}: "
        f"{rows} rows x {episodes} episodes, prompts of {form}\n"
        f"   cell: {cell:.1f} CPU-s, {calls.seconds:.1f} of them in rollouts\n"
        f"   the same rollouts alone: {alone.seconds:.1f} CPU-s, returns differ by at most "
        f"{np.abs(returns - repeated).max():g}\n"
        f"   ratio {cell / alone.seconds:.2f}x, target at most {MAX_RATIO:g}x; "
        f"to the rollouts within the cell {cell / calls.seconds:.2f}x"
    )


@dataclass(frozen=True)
class Observations:
    """Data to fit G networks to, and inputs at which the fits are compared."""

    x: Tensor  # (G, n, D)
    y: Tensor  # (G, n)
    unseen: Tensor  # (G, UNSEEN, D)

    def double(self) -> "Observations":
        return Observations(self.x.double(), self.y.double(), self.unseen.double())


def observations(groups: int, count: int, inputs: int) -> Observations:
    """Standardised features and returns: a noisy linear function of the features."""
    generator = torch.Generator().manual_seed(count)
    x = torch.randn(groups, count + UNSEEN, inputs, generator=generator)
    slope = torch.randn(groups, inputs, 1, generator=generator) / inputs**0.5
    noise = torch.randn(groups, count, generator=generator)
    y = (torch.bmm(x[:, :count], slope).squeeze(-1) + noise) / 2**0.5
    return Observations(x[:, :count].contiguous(), y, x[:, count:].contiguous())


def fresh_models(groups: int, inputs: int) -> RewardModels:
    return RewardModels.fresh(
        inputs, [torch.Generator().manual_seed(0)], per_generator=groups
    )


def peer_network(models: RewardModels, group: int) -> nn.Sequential:
    """One network as in the co-author's code, with our initial weights."""
    parts: list[nn.Module] = []
    for layer in models.layers.open(models.weights):
        _, inputs, outputs = layer.weight.shape
        linear = nn.Linear(inputs, outputs, dtype=layer.weight.dtype)
        weights = {"weight": layer.weight[group].t(), "bias": layer.bias[group, 0]}
        linear.load_state_dict(weights)
        parts += [linear, nn.ReLU()]
    return nn.Sequential(*parts[:-1])


def peer_fit(network: nn.Sequential, x: Tensor, y: Tensor, settings: RefitSettings) -> None:
    """Fit x (n, D), y (n,) as ``update_model`` of prompt_tuning_bandit.py."""
    optimiser = torch.optim.SGD(network.parameters(), lr=settings.learning_rate)
    loss_of = nn.MSELoss()
    for _ in range(settings.steps):
        optimiser.zero_grad()
        loss_of(network(x).squeeze(), y).backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), settings.clip)
        optimiser.step()


def peer_refit(
    start: RewardModels, data: Observations, settings: RefitSettings
) -> list[nn.Sequential]:
    """Fit all networks, one after the other."""
    networks = [peer_network(start, group) for group in range(len(data.y))]
    for network, x, y in zip(networks, data.x, data.y, strict=True):
        peer_fit(network, x, y, settings)
    return networks


@torch.no_grad()
def peer_predictions(networks: Sequence[nn.Sequential], x: Tensor) -> Tensor:
    """Predictions (G, A) for inputs (G, A, D)."""
    pairs = zip(networks, x, strict=True)
    return torch.stack([network(part).squeeze(-1) for network, part in pairs])


class Round(NamedTuple):
    """Fits by trajprompt and by the co-author's code."""

    ours: Timed[RewardModels]
    peer: Timed[list[nn.Sequential]]


def fit_both(start: RewardModels, data: Observations, settings: RefitSettings) -> Round:
    ours = timed(lambda: refit(start, data.x, data.y, settings))
    return Round(ours, timed(lambda: peer_refit(start, data, settings)))


def run_refit(args: argparse.Namespace) -> None:
    settings, groups = RefitSettings(steps=args.steps), args.tasks * args.slots
    start = fresh_models(groups, args.inputs)
    fit_both(start, observations(groups, 2, args.inputs), RefitSettings(steps=1))  # imports
    print(
        f"{args.tasks} tasks x {args.slots} slots, {args.inputs} features, "
        f"{args.steps} steps; CPU-s, minimum of {args.rounds} rounds"
    )
    for count in args.observations:
        data = observations(groups, count, args.inputs)
        rounds = [fit_both(start, data, settings) for _ in range(args.rounds)]
        exact = start.with_weights(start.weights.double()), data.double()
        report_refit(data, rounds, max_difference(fit_both(*exact, settings), exact[1]))


def report_refit(data: Observations, rounds: Sequence[Round], exact: float) -> None:
    """Print one number of observations; ``exact`` is the largest difference in float64."""
    ours, peer = (min(side) for side in zip(*map(seconds_of, rounds), strict=True))
    values = peer_predictions(rounds[0].peer.result, data.unseen)
    print(
        f"   {data.y.shape[1]} observations: trajprompt {ours:.3f}, torch.optim.SGD "
        f"{peer:.3f}, ratio {peer / ours:.1f}x\n"
        f"      predictions, of standard deviation {values.std():.2f}, differ by at most "
        f"{max_difference(rounds[0], data):.0e} in float32, {exact:.0e} in float64",
        flush=True,
    )


def seconds_of(both: Round) -> tuple[float, float]:
    return both.ours.seconds, both.peer.seconds


def max_difference(both: Round, data: Observations) -> float:
    """Largest difference of the two predictions at the unseen inputs."""
    found = both.ours.result.predict(data.unseen)
    return float((found - peer_predictions(both.peer.result, data.unseen)).abs().max())


def parse_arguments() -> argparse.Namespace:
    described: dict[str, Any] = {
        "description": __doc__,
        "formatter_class": argparse.RawDescriptionHelpFormatter,
    }
    parser = argparse.ArgumentParser(**described)
    parts = parser.add_subparsers(required=True, metavar="cell|refit")
    cell = parts.add_parser("cell", help="a cell against its rollouts", **described)
    cell.set_defaults(run=run_cell)
    cell.add_argument("--data", type=Path, required=True, help="trajectories (.h5)")
    cell.add_argument("--backbone-file", type=Path, required=True, help=".safetensors")
    cell.add_argument("--config", nargs="+", default=[str(ROOT / "config.yaml")])
    cell.add_argument("--suite", default="cheetah-vel")
    cell.add_argument("--condition", default="segments")
    cell.add_argument(
        "--method", default="prompt-bandit", help="a method that plays episodes"
    )
    cell.add_argument("--seed", type=int, default=0)
    cell.add_argument("--episodes", type=int, help="per row (default: the method's)")
    fits = parts.add_parser("refit", help="refits against torch's SGD", **described)
    fits.set_defaults(run=run_refit)
    fits.add_argument("--tasks", type=int, default=5)
    fits.add_argument("--slots", type=int, default=2)
    fits.add_argument(
        "--inputs", type=int, default=540, help="default: 20 steps of cheetah-vel"
    )
    fits.add_argument("--observations", type=int, nargs="+", default=[50, 250])
    fits.add_argument(
        "--steps", type=int, default=1000, help="default: 1000, as in the co-author's code"
    )
    fits.add_argument("--rounds", type=int, default=3)
    return parser.parse_args()


def main() -> None:
    args = parse_arguments()
    torch.set_num_threads(1)
    print_machine()
    args.run(args)


if __name__ == "__main__":
    main()

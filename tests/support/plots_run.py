"""A small synthetic run for the tests of figures: evaluations and adaptations of cells."""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import torch

from support import report_run
from trajprompt.adaptations.adaptation import Adaptation, Extra, HistoryRow
from trajprompt.adaptations.write import write_adaptation
from trajprompt.artifacts.atomic import file_hash
from trajprompt.models.backbone import Backbone, save_backbone
from trajprompt.models.prompt_dt import BackboneConfig, PromptDT
from trajprompt.report.plots.inputs import READS
from trajprompt.rollout.columns import EVALUATION_COLUMNS
from trajprompt.settings.stages import FigureSettings
from trajprompt.tasks.registry import get_suite
from trajprompt.trajectories.normaliser import Normaliser
from trajprompt.trajectories.segments import Segments

SEEDS, STEPS, ITERATIONS, SHOWN = (0, 1), 5, (0, 2, 4), 6
CONTEXT_LENGTH = 13  # in no preset
SEGMENTS, SEGMENT_STEPS = 2, 3  # of the prompts of SEGMENT_METHODS
CONDITIONS = {
    "expert": {"prompt_quality": "expert", "data_quality": "expert", "samples": 256},
    "random-prompt": {"prompt_quality": "random", "data_quality": "expert", "samples": 256},
    "random-data": {"prompt_quality": "expert", "data_quality": "random", "samples": 256},
    "samples-32": {"prompt_quality": "expert", "data_quality": "expert", "samples": 32},
    "full-data": {"prompt_quality": "expert", "data_quality": "full", "samples": "all"},
}
# entry -> (condition, method, return above the untuned prompt, scale of prompt changes)
COLUMNS = {
    "prompt-dt": ("expert", "none", 0.0, 0.0),
    "prompt-dt-random": ("random-prompt", "none", -60.0, 0.0),
    "ptdt-offline": ("expert", "ptdt-offline", 4.0, 0.3),
    "ptdt-online": ("expert", "ptdt-online", 6.0, 0.3),
    "ptdt-32": ("samples-32", "ptdt-offline", 2.0, 0.3),
    "ptdt-full": ("full-data", "ptdt-offline", 5.0, 0.3),
    "ptdt-expert-random": ("random-prompt", "ptdt-offline", -50.0, 0.3),
    "ptdt-random-expert": ("random-data", "ptdt-offline", 1.0, 0.3),
    "ft-32": ("samples-32", "full-finetune", -9.0, 0.0),
    "prompt-dt-ft": ("expert", "full-finetune", 3.0, 0.0),
    "ft-full": ("full-data", "full-finetune", 8.0, 0.0),
    "prompt-diffuser": ("expert", "prompt-diffuser", 9.0, 1.0),
    "pd-expert-random": ("random-prompt", "prompt-diffuser", 7.0, 1.0),
    "pd-diffusion": ("expert", "prompt-diffuser-diffusion", 5.0, 1.0),
    "pd-sum": ("expert", "prompt-diffuser-sum", 2.0, 1.0),
    "bandit": ("expert", "prompt-bandit", 12.0, 1.0),
    "best-of-n": ("expert", "best-of-n", 8.0, 1.0),
    "random-segments": ("expert", "random-segments", 1.0, 1.0),
}
PLAYED = {  # method -> mean return of its search above LEVEL
    "prompt-bandit": 10.0,
    "best-of-n": 3.0,
    "random-segments": 0.0,
    "ptdt-online": 2.0,
}
SEGMENT_METHODS = set(PLAYED) - {"ptdt-online"}  # choose segments
EPISODES = 40  # of a search
OVERESTIMATE = 6.0  # of selection values
LEVEL = -70.0  # return of the untuned prompt


@dataclass(frozen=True)
class FakeFigure:
    settings: FigureSettings
    evaluations: list[Path]
    adaptations: list[Path]
    backbones: list[Path]
    stores: list[Path]

    def command(self, out: Path, **files: list[Path]) -> list[str]:
        """Arguments of ``python -m trajprompt.commands.figure``."""
        settings = json.dumps(dataclasses.asdict(self.settings))
        arguments = ["--figure", self.settings.table, "--settings", settings]
        arguments += ["--out", str(out)]
        names = ("evaluations", "adaptations", "backbones", "stores")
        given = {name: getattr(self, name) for name in names}
        for option, paths in {**given, **files}.items():
            arguments += [f"--{option}", *map(str, paths)]
        return arguments


def make_figure(
    folder: Path,
    kind: str,
    columns: tuple[str, ...],
    baseline: str = "",
    suites: tuple[str, ...] = ("cheetah-vel",),
    seeds: tuple[int, ...] = SEEDS,
) -> FakeFigure:
    entries = tuple(
        {"id": name, "label": name.upper(), "condition": COLUMNS[name][0]}
        | {"method": COLUMNS[name][1], "suites": list(suites)}
        for name in columns
    )
    settings = FigureSettings(
        "invented",
        7,
        suites,
        seeds,
        entries,
        f"my_{kind.replace('-', '_')}",
        "An invented figure",
        kind=kind,
        baseline=baseline,
        conditions=CONDITIONS,
        methods={entry["method"]: entry["label"] for entry in reversed(entries)},
        context_lengths={suite: [CONTEXT_LENGTH] for suite in suites},
    )
    cells = [(s, name, seed) for s in suites for name in columns for seed in seeds]
    backbones, stores = {}, []
    if "backbones" in READS[kind]:
        backbones = {(s, n): _backbone(folder, s, n) for s in suites for n in seeds}
    if "stores" in READS[kind]:
        stores = [report_run.write_store(folder, suite) for suite in suites]
    return FakeFigure(
        settings,
        [_evaluation(folder, *cell) for cell in cells],
        [_adaptation(folder, *cell, backbones.get((cell[0], cell[2]))) for cell in cells],
        list(backbones.values()),
        stores,
    )


def _evaluation(folder: Path, suite: str, name: str, seed: int) -> Path:
    """Write returns that rise by the entry's gain over iterations; seeds differ by 2."""
    condition, method, gain, _ = COLUMNS[name]
    generator = np.random.default_rng([seed, *map(ord, condition)])
    start = -60.0 if condition == "random-prompt" else 0.0
    points = [("last", ITERATIONS[-1], 3)]
    if method != "none":
        ends = {ITERATIONS[0], ITERATIONS[-1]}  # prompts that tables have, too
        points += [("curve", n, 3 if n in ends else 2) for n in ITERATIONS]
    rows = []
    for task in get_suite(suite).test_tasks:
        noise = generator.standard_normal(3)
        for checkpoint, iteration, episodes in points:
            share = iteration / ITERATIONS[-1]
            for episode in range(episodes):
                value = LEVEL + start + (gain - start) * share + 2 * seed + noise[episode]
                rows.append([suite, condition, method, seed, task, 0, episode, checkpoint])
                rows[-1] += [iteration, 150 * iteration, value, 200, 0]
    path = folder / "4_evaluate" / suite / condition / method / f"seed{seed}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(rows, columns=list(EVALUATION_COLUMNS)).to_csv(path, index=False)
    return path


def _adaptation(
    folder: Path, suite: str, name: str, seed: int, backbone: Path | None
) -> Path:
    condition, method, _, moved = COLUMNS[name]
    known = get_suite(suite)
    tasks = np.array(known.test_tasks)
    steps = SEGMENTS * SEGMENT_STEPS if method in SEGMENT_METHODS else STEPS
    initial = _prompts(tasks, steps, (known.state_dim, known.action_dim), seed)
    generator = np.random.default_rng([seed, *map(ord, name)])
    last = initial.map(
        lambda x: x + moved * _noise_like(x, generator) if x.is_floating_point() else x
    )
    problem = SimpleNamespace(rows=tasks, prompts=0 * tasks, initial_prompts=initial)
    history = [
        HistoryRow(int(t), prompt=0, iteration=i, objective=0.0)
        for t in tasks
        for i in ITERATIONS
    ]
    ends = np.full(len(tasks), ITERATIONS[-1])
    extras = {}
    if method.startswith("prompt-diffuser"):
        extras = _extras(len(tasks), known.state_dim, known.action_dim, generator)
    if method in PLAYED:
        extras = _search_extras(len(tasks), name, seed)
    made = Adaptation(last, last, ends, history, parameters=1, extras=extras)
    path = folder / "3_tune" / suite / condition / method / f"seed{seed}.h5"
    path.parent.mkdir(parents=True, exist_ok=True)
    names = {"suite": suite, "condition": condition, "method": method, "seed": seed}
    if method in SEGMENT_METHODS:
        names["prompt_segments"] = SEGMENTS
    if backbone is not None:
        names["inputs"] = json.dumps({str(backbone): file_hash(backbone)})
    write_adaptation(path, problem, made, names)
    return path


def _search_extras(rows: int, name: str, seed: int) -> dict[str, Extra]:
    """Returns of episodes and selection values that are OVERESTIMATE too high.

    Returns are 1 above and 1 below one level by turns. ``ptdt-online`` has no selection
    values, those of ``random-segments`` are NaN.
    """
    _, method, gain, _ = COLUMNS[name]
    played = np.full((rows, EPISODES), LEVEL + PLAYED[method] + 2 * seed)
    played += np.resize([1.0, -1.0], EPISODES)
    extras = {"episode_returns": Extra(played, "reward", "invented")}
    if method == "ptdt-online":
        return extras
    values = np.full((rows, 3), LEVEL + gain + 2 * seed + OVERESTIMATE)
    if method == "random-segments":
        values[:] = np.nan
    return extras | {"selection_values": Extra(values, "reward", "invented")}


def _backbone(folder: Path, suite: str, seed: int) -> Path:
    """Write a small backbone with its initial weights."""
    known = get_suite(suite)
    torch.manual_seed(seed)
    config = BackboneConfig(known.state_dim, known.action_dim, width=8, inner=16)
    normaliser = Normaliser(torch.zeros(known.state_dim), torch.ones(known.state_dim))
    model = PromptDT(config).eval()
    made = Backbone("prompt-dt", suite, model, normaliser, 500.0, config)
    path = folder / "2_pretrain" / suite / "prompt-dt" / f"seed{seed}.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    save_backbone(path, made, {})
    return path


def _prompts(tasks: np.ndarray, steps: int, sizes: tuple[int, int], seed: int) -> Segments:
    """Prompts by task and seed, equal for all methods; ``sizes`` of state and action."""

    def normal(width: int) -> torch.Tensor:
        generators = [np.random.default_rng([seed, int(task), width]) for task in tasks]
        drawn = [generator.standard_normal((steps, width)) for generator in generators]
        return torch.from_numpy(np.stack(drawn)).float()

    mask = torch.ones(len(tasks), steps, dtype=torch.bool)
    return Segments(normal(1), *map(normal, sizes), mask.long(), mask)


def _noise_like(values: torch.Tensor, generator: np.random.Generator) -> torch.Tensor:
    return torch.from_numpy(generator.standard_normal(values.shape)).float()


def _extras(
    rows: int, states: int, actions: int, generator: np.random.Generator
) -> dict[str, Extra]:
    """A denoising chain from noise to distinct steps, and data and generated prompts."""
    left = np.array([4, 2, 1, 0])
    shape = (rows, STEPS, states + actions + 1)
    centres = np.linspace(-1, 1, STEPS)[:, None]
    noise = [generator.standard_normal(shape) for _ in left]
    chain = [n / 4 * x + (1 - n / 4) * centres for n, x in zip(left, noise, strict=True)]
    vectors = (rows, SHOWN, STEPS * (1 + states + actions))
    arrays = {
        "denoising": np.stack(chain, axis=1),
        "denoising_steps": left,
        "data_prompts": generator.standard_normal(vectors),
        "written_prompts": generator.standard_normal(vectors) + 3,
    }
    return {name: Extra(values, "1", "invented") for name, values in arrays.items()}

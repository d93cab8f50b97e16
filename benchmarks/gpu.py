"""Speed of all stages on one GPU, and the hours that a run of the papers' sizes needs.

    python benchmarks/gpu.py [--out gpu.json]
    python benchmarks/gpu.py --device cpu --quick    # a trial of the script without a GPU

Measures shortened stages with synthetic data and untrained backbones of the sizes in
presets/paper.yaml: collection by every learning algorithm, pretraining and control steps
of one seed and of all seeds as a stack, with and without CUDA graphs, and one cell of
every method. Every measurement has a time limit; together they take at most 8 minutes.
The projection counts the jobs and steps of the resolved configuration. It is for one GPU
that does one job at a time, and excludes the starts of processes and the report. It
assumes that all steps of a loop take as long as the first ones; the fits of the bandit
take longer from round to round. What a section had no time for is named.
"""

import argparse
import dataclasses
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from gpu_data import Config
from gpu_machine import machine
from gpu_play import control_rate, evaluation_rows, representatives, tune_cell
from gpu_training import backbones, collect_suite, pretrain_rate, scripted_suite, tokens

from trajprompt.config import cells, derive
from trajprompt.config.load import load_config
from trajprompt.numerics.device import resolve_device
from trajprompt.rollout.plays import LARGEST_BATCH
from trajprompt.tasks.registry import get_suite

ROOT = Path(__file__).resolve().parents[1]
# Seconds of the measurements of each section, without set-ups, and of the whole section:
# later measurements are left out.
LIMITS = {"collect": 70, "pretrain": 55, "evaluate": 40, "tune": 110}
CAPS = {"collect": 105, "pretrain": 95, "evaluate": 65, "tune": 190}
# Methods that are measured first, and with a single seed as well.
KINDS_FIRST = {
    name: place
    for place, name in enumerate(
        ("ptdt-online", "ptdt-offline", "prompt-diffuser", "best-of-n", "prompt-bandit")
    )
}
QUICK = 0.04  # share of the limits with --quick
REFERENCE = "cheetah-vel"  # suite of the detailed measurements
# The run whose collection has one goal-conditioned agent for all tasks.
LAPTOP = ("config.yaml", "presets/laptop.yaml")
Result = dict[str, Any]


class Benchmark:
    """All measurements of a configuration on a device."""

    def __init__(self, config: Config, device: torch.device, quick: bool):
        self.config, self.device, self.quick = config, device, quick
        self.threads = config["compute"]["threads"]
        self.seeds = len(config["seeds"])
        self.episodes = 4 if quick else 256
        suites = config["suites"]
        self.reference = REFERENCE if REFERENCE in suites else suites[0]
        self.backbones = backbones(config)
        self.graphs = (True, False) if device.type == "cuda" else (True,)

    def share(self, section: str, count: int) -> float:
        """Seconds of each of ``count`` measurements of a section."""
        return LIMITS[section] * (QUICK if self.quick else 1.0) / max(1, count)

    def collect(self) -> Iterator[Result]:
        """Every suite of the run, then the laptop run's goal-conditioned agent."""
        found = [derive.collect(self.config, suite) for suite in self.config["suites"]]
        found = [one for one in found if one.algorithm != "file"]
        agents = [one for one in found if one.algorithm != "scripted"]
        limit = self.share("collect", len(agents) + 1)
        for settings in sorted(found, key=lambda one: one.algorithm == "scripted"):
            if settings.algorithm == "scripted":
                yield scripted_suite(settings, self.device)
            else:
                yield collect_suite(settings, self.device, limit)
        if self.quick:
            return
        laptop = load_config([str(ROOT / file) for file in LAPTOP])
        shared = derive.collect(laptop, REFERENCE)
        shared = dataclasses.replace(shared, threads=self.threads)
        yield collect_suite(shared, self.device, limit) | {"run": "laptop"}

    def pretrain(self) -> Iterator[Result]:
        """The smallest and the largest backbone, then the reference's in all ways."""
        order = sorted(self.backbones, key=tokens)
        on_suite = [one for one in order if one.suite == self.reference]
        named = [one for one in on_suite if one.backbone == "prompt-dt"]
        chosen = (named or on_suite)[-1]
        ways = [(0, False), *((n, g) for g in self.graphs for n in sorted({1, self.seeds}))]
        plan = [(one, self.seeds, True) for one in (order[0], order[-1])]
        plan += [(chosen, *way) for way in ways]
        limit = self.share("pretrain", len(plan))
        for settings, stack, graphs in plan:
            if self.quick:
                settings = dataclasses.replace(settings, batch_per_task=1)
            yield pretrain_rate(settings, self.device, self.episodes, limit, stack, graphs)

    def tune(self) -> Iterator[Result]:
        """One cell of every method, all seeds as a stack; some with a single seed too."""
        plan = [(cell, self.seeds) for cell in representatives(self.config, self.reference)]
        plan.sort(key=lambda one: KINDS_FIRST.get(one[0][2], len(KINDS_FIRST)))
        alone = set(KINDS_FIRST)
        plan += [(cell, 1) for cell, _ in plan if cell[2] in alone and self.seeds > 1]
        limit = self.share("tune", len(plan))
        for cell, seeds in plan:
            yield tune_cell(self.config, cell, seeds, self.device, self.episodes, limit)

    def evaluate(self) -> Iterator[Result]:
        """Every suite at the largest batch, then the reference in all ways."""
        first = {one.suite: one for one in reversed(self.backbones)}
        plan = [(one, LARGEST_BATCH, self.seeds, True, True) for one in first.values()]
        for rows in (5, 50, LARGEST_BATCH):
            plan.append((first[self.reference], rows, 1, False, False))
            for graphs in self.graphs:
                for seeds in sorted({1, self.seeds}):
                    plan.append((first[self.reference], rows, seeds, True, graphs))
        limit = self.share("evaluate", len(plan))
        for settings, rows, seeds, stacked, graphs in plan:
            rows = min(rows, 16) if self.quick else rows
            several = [dataclasses.replace(settings, seed=seed) for seed in range(seeds)]
            yield control_rate(
                several, self.device, rows, limit, self.threads, stacked, graphs
            )


def project(bench: Benchmark, found: dict[str, list[Result]]) -> dict[str, float]:
    """Seconds of every stage of the configuration, from the rates that were measured."""
    collected = sum(one["projected_s"] for one in found["collect"] if "run" not in one)
    lockstep = _lockstep_seconds(bench, found["evaluate"])
    return {
        "collect": collected,
        "pretrain": _project_pretrain(bench, found["pretrain"]),
        "tune": _project_tune(bench, found["tune"], lockstep),
        "evaluate": _project_evaluate(bench, lockstep),
    }


def not_measured(bench: Benchmark, found: dict[str, list[Result]]) -> list[str]:
    """What the projection needs and the sections had no time for, and what it assumes."""
    collected, played = (
        {one["suite"] for one in found[section] if "run" not in one}
        for section in ("collect", "evaluate")
    )
    methods = {one["method"] for one in found["tune"]}
    suites = [derive.collect(bench.config, suite) for suite in bench.config["suites"]]
    missing = [
        f"collection of {one.suite}: not counted"
        for one in suites
        if one.algorithm != "file" and one.suite not in collected
    ]
    if len(found["pretrain"]) < 2:
        missing.append("pretraining of the largest backbone: in proportion to its tokens")
    missing += [
        f"play on {one.suite}: as on the slowest suite"
        for one in suites
        if one.suite not in played
    ]
    return missing + [
        f"tuning by {cell[2]}: as another method"
        for cell in representatives(bench.config, bench.reference)
        if cell[2] not in methods
    ]


def _project_pretrain(bench: Benchmark, measured: list[Result]) -> float:
    """All backbones with all seeds as a stack; a step's time is linear in its tokens."""
    points = [(one["tokens"], one["per_step_s"]) for one in measured[:2]]
    if len(points) < 2:
        points.insert(0, (0, 0.0))
    (x, first), (y, last) = points
    slope = (last - first) / (y - x) if y != x else 0.0
    return sum(
        one.training.steps * max(first, first + slope * (tokens(one) - x))
        for one in bench.backbones
    )


def _lockstep_seconds(bench: Benchmark, measured: list[Result]) -> dict[str, float]:
    """Seconds of a lockstep step of each suite, at the size of its first measurement."""
    known = {one["suite"]: one["lockstep_s"] for one in reversed(measured)}
    return dict.fromkeys(bench.config["suites"], max(known.values())) | known


def _project_tune(
    bench: Benchmark, measured: list[Result], lockstep: dict[str, float]
) -> float:
    """All cells: the time of the method's measured cell, scaled to the suite.

    The scale is that of the time of an episode if the method plays, else the number of
    rows. A method that was left out counts as another one of its kind.
    """
    known = {one["kind"]: one for one in reversed(measured)}
    known |= {one["method"]: one for one in reversed(measured)}
    total = 0.0
    for suite, condition, method in cells.cells(bench.config):
        kind = bench.config["methods"][method]["kind"]
        one = known.get(method) or known.get(kind) or measured[0]
        settings = derive.tune(bench.config, suite, condition, method, 0)
        if kind == "diffuser-ptdt":  # its second loop is that of PTDT-offline
            total += known["ptdt-offline"]["projected_s"] if "ptdt-offline" in known else 0
        rows = len(settings.test_tasks) * settings.prompts_per_task / one["rows"]
        times = [lockstep[name] * get_suite(name).horizon for name in (suite, one["suite"])]
        total += one["projected_s"] * (times[0] / times[1] if one["plays"] else rows)
    return total


def _project_evaluate(bench: Benchmark, lockstep: dict[str, float]) -> float:
    """All cells: full batches of rows, for as many control steps as an episode has."""
    total = 0.0
    for cell in cells.cells(bench.config):
        rollouts = -(-evaluation_rows(bench.config, cell) // LARGEST_BATCH)
        total += rollouts * get_suite(cell[0]).horizon * lockstep[cell[0]]
    return total


def line(values: Result) -> str:
    """One result as text."""
    parts = []
    for name, value in values.items():
        text = f"{value:.4g}" if isinstance(value, float) else str(value)
        parts.append(f"{name} {text}")
    return "  " + ", ".join(parts)


def write(path: Path | None, values: Result) -> None:
    """Write the values as JSON if there is a path."""
    if path is not None:
        path.write_text(json.dumps(values, indent=1) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    sizes = "default: config.yaml presets/paper.yaml; with --quick presets/smoke.yaml"
    parser.add_argument("--config", nargs="+", metavar="FILE", help=sizes)
    parser.add_argument("--device", default="cuda", help="cuda (default) or cpu")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="for physics")
    parser.add_argument("--quick", action="store_true", help="a trial of the script")
    parser.add_argument("--out", type=Path, metavar="FILE", help="JSON file to write")
    args = parser.parse_args()
    torch.set_num_threads(1)
    began, device = time.perf_counter(), resolve_device(args.device)
    preset = "presets/smoke.yaml" if args.quick else "presets/paper.yaml"
    files = args.config or [str(ROOT / name) for name in ("config.yaml", preset)]
    config = load_config(files)
    config["compute"] |= {"device": device.type, "threads": args.threads}
    bench, found = Benchmark(config, device, args.quick), {}
    described = machine(device)
    print("\n".join(f"{name}: {value}" for name, value in described.items()), flush=True)
    for section in LIMITS:
        start, found[section] = time.perf_counter(), []
        print(f"{section}:", flush=True)
        for result in getattr(bench, section)():
            if "tflops" in result:
                name = "bf16" if result["dtype"] == "torch.bfloat16" else "fp32"
                result["share_of_peak"] = result["tflops"] / described[f"{name}_tflops"]
            found[section].append(result)
            print(line(result), flush=True)
            if time.perf_counter() - start > CAPS[section]:
                print("  the rest is left out: the section's time is over", flush=True)
                break
        print(f"  measured in {time.perf_counter() - start:.0f} s", flush=True)
    trial = device.type == "cpu" or args.quick
    values: dict[str, Any] = {"machine": described, **found, "trial": trial}
    write(args.out, values)  # first: the projection cannot lose the measurements
    hours = {name: value / 3600 for name, value in project(bench, found).items()}
    missing = not_measured(bench, found)
    label = "a TRIAL, not a forecast" if trial else "stacked seeds, CUDA graphs"
    print(f"projected hours of '{config['preset']}' on {described['device']} ({label}):")
    print(line(hours | {"all": sum(hours.values())}))
    for text in missing:
        print(f"  not measured: {text}")
    print(f"this benchmark took {time.perf_counter() - began:.0f} s")
    write(args.out, values | {"hours": hours, "not_measured": missing})


if __name__ == "__main__":
    main()

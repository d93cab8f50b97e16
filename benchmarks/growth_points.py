"""One point of growth.py, in a fresh process: prints its cost as a line of JSON.

    python benchmarks/growth_points.py write|pretrain|tune|inspect|verify FOLDER BYTES
    python benchmarks/growth_points.py episodes|tasks|online|offline FOLDER COUNT

A store in FOLDER has BYTES bytes of random numbers in the format of cheetah-vel. The
settings are those of cheetah-vel in config.yaml.
"""

import argparse
import contextlib
import dataclasses
import json
import os
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # a point imports only what its command imports
    from trajprompt.settings.stages import TuneSettings
    from trajprompt.trajectories.episodes import TaskTrajectories

ROOT = Path(__file__).resolve().parents[1]
SUITE, TASKS, HORIZON = "cheetah-vel", 40, 200
STEP_BYTES = 98  # of a step in the file: 27 float32 and a flag, compressed
TRAINING_STEPS = 20
SHORT = 50  # control steps of an episode of the last four kinds: a quarter of the horizon


@dataclass(frozen=True)
class RandomTask:
    """A task of random episodes, made when it is written."""

    task: int
    episodes: int

    def read(self) -> "TaskTrajectories":
        import numpy as np

        from trajprompt.trajectories.episodes import TaskTrajectories

        generator = np.random.default_rng(self.task)
        rows = self.episodes * HORIZON
        numbers = (generator.random((rows, n), np.float32) for n in (20, 6))
        ends = np.arange(1, self.episodes + 1) * HORIZON
        return TaskTrajectories(
            self.task,
            np.array([0.075 * (self.task + 1)]),
            *numbers,
            rewards=-generator.random(rows, np.float32),
            terminations=np.zeros(rows, bool),
            episode_ends=ends,
            final_observations=generator.random((self.episodes, 20), np.float32),
            behaviour_step=ends - HORIZON,
        )


def store_of(folder: Path) -> Path:
    return folder / "1_collect" / SUITE / "trajectories.h5"


def write(folder: Path, size: int) -> None:
    """Write a store of about ``size`` bytes, and its record."""
    from trajprompt.artifacts.provenance import provenance
    from trajprompt.artifacts.records import write_record
    from trajprompt.tasks.registry import get_suite
    from trajprompt.trajectories.store import write_trajectories

    episodes = max(12, round(size / (TASKS * HORIZON * STEP_BYTES)))
    tasks = [RandomTask(task, episodes) for task in range(TASKS)]
    attributes = provenance("collect", {"run": folder.name, "suite": SUITE})
    write_trajectories(store_of(folder), get_suite(SUITE), tasks, attributes)
    write_record(attributes, store_of(folder))


def settings_of(kind: type[Any], **cell: Any) -> Any:
    from trajprompt.config import derive
    from trajprompt.config.load import load_config

    config = load_config([str(ROOT / "config.yaml")])
    return derive.settings_for(config, kind, suite=SUITE, seed=0, **cell)


def pretrain(folder: Path, size: int) -> None:
    """Pretrain for a few steps on all data of the training tasks."""
    from trajprompt.commands import pretrain as stage
    from trajprompt.settings.stages import PretrainSettings

    given: PretrainSettings = settings_of(PretrainSettings, backbone="prompt-dt")
    training = dataclasses.replace(
        given.training, steps=TRAINING_STEPS, warmup_steps=2, precision=PRECISION
    )
    settings = dataclasses.replace(
        given, training=training, data_fraction=1.0, device="cpu"
    )
    stage.run(settings, store_of(folder), backbone_of(folder), folder / "curve.csv")


def backbone_of(folder: Path) -> Path:
    return folder / "backbone.safetensors"


def tune_settings(method: str) -> "TuneSettings":
    from trajprompt.settings.stages import TuneSettings

    given = settings_of(TuneSettings, condition="expert", method=method)
    return dataclasses.replace(given, precision=PRECISION, device="cpu", threads=1)


def tune(folder: Path, size: int) -> None:
    """The tuning stage with the method that changes nothing: its set-up and its output."""
    from trajprompt.commands import tune as stage

    settings = tune_settings("none")
    stage.run(settings, store_of(folder), backbone_of(folder), folder / "adaptation.h5")


def inspect(folder: Path, size: int) -> None:
    from trajprompt.commands.inspect import describe

    print(describe(store_of(folder)))


def verify(folder: Path, size: int) -> None:
    from trajprompt.commands.verify import verify as check

    check(folder / "1_collect")


def evaluation(folder: Path, tasks: int, episodes: int) -> Callable[[], object]:
    """Evaluation of the initial prompts; of more than five tasks, training tasks too."""
    import torch

    from trajprompt import openvino
    from trajprompt.commands.tune import prepare
    from trajprompt.rollout.plays import Play, PlaySettings, evaluation_seeds, play
    from trajprompt.tasks.registry import get_suite

    suite = get_suite(SUITE)
    chosen = (*suite.test_tasks, *suite.train_tasks)[:tasks]
    settings = dataclasses.replace(tune_settings("none"), test_tasks=chosen)
    problem = prepare(settings, store_of(folder), backbone_of(folder))
    prompts = problem.require_prompts()
    seeds = {task: evaluation_seeds(0, SUITE, 0, task, episodes) for task in chosen}
    short = dataclasses.replace(suite, horizon=SHORT)
    engine = "openvino" if openvino.is_installed() else "torch"
    how = PlaySettings(short, settings.target_return, PRECISION, engine, threads=1)
    torch.set_num_threads(1)

    def run() -> None:
        rows = range(len(chosen))
        plays = [Play(chosen[row], prompts.select(row), episodes) for row in rows]
        play(how, problem.backbone, plays, seeds)

    return run


def tuning(folder: Path, method: str, candidates: int) -> Callable[[], object]:
    """One step of a method that ranks ``candidates`` prompts of each of five tasks."""
    import torch

    from trajprompt.commands.tune import prepare
    from trajprompt.settings.options import parse_options
    from trajprompt.tuning.registry import get_method

    settings = tune_settings(method)
    problem = prepare(settings, store_of(folder), backbone_of(folder))
    short = dataclasses.replace(problem.suite, horizon=SHORT)
    problem = dataclasses.replace(problem, suite=short)
    found = get_method(settings.kind)
    sizes = {"candidates": candidates, "ranked": 1, "iterations": 1}
    sizes |= {"steps_per_iteration": 1}
    options: Any = parse_options(found.options, {**settings.options, **sizes}, "options")
    torch.set_num_threads(1)
    return lambda: found.tune(problem, options)


STORE_KINDS = {
    "write": write,
    "pretrain": pretrain,
    "tune": tune,
    "inspect": inspect,
    "verify": verify,
}
PLAY_KINDS: dict[str, Callable[[Path, int], Callable[[], object]]] = {
    "episodes": lambda folder, count: evaluation(folder, 5, count),
    "tasks": lambda folder, count: evaluation(folder, count, 5),
    "online": lambda folder, count: tuning(folder, "ptdt-online", count),
    "offline": lambda folder, count: tuning(folder, "ptdt-offline", count),
}
PRECISION = os.environ.get("GROWTH_PRECISION", "auto")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kind", choices=[*STORE_KINDS, *PLAY_KINDS])
    parser.add_argument("folder", type=Path)
    parser.add_argument("size", type=int)
    args = parser.parse_args()
    with contextlib.redirect_stdout(sys.stderr):
        if args.kind in STORE_KINDS:
            stage = STORE_KINDS[args.kind]
            work: Callable[[], object] = lambda: stage(args.folder, args.size)  # noqa: E731
        else:
            work = PLAY_KINDS[args.kind](args.folder, args.size)
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # Linux: KiB
    print(json.dumps({"cpu_s": cpu, "wall_s": wall, "peak_mib": peak}))


if __name__ == "__main__":
    main()

"""A small invented run for tests of the report: evaluations, stores, curves, resources."""

import json
from dataclasses import dataclass, replace
from pathlib import Path

import h5py
import numpy as np
import pandas as pd

from support.paths import ROOT
from trajprompt.adaptations.adaptation import HISTORY_COLUMNS
from trajprompt.artifacts.hdf5_attributes import write_attributes
from trajprompt.artifacts.provenance import SCHEMA_VERSION
from trajprompt.rollout.columns import EVALUATION_COLUMNS
from trajprompt.settings.stages import ReportSettings
from trajprompt.tasks.registry import get_suite
from trajprompt.trajectories.episodes import TaskTrajectories
from trajprompt.trajectories.store import write_trajectories

PAPERS = ROOT / "papers"
MAIN_TABLE = PAPERS / "ptdt" / "ptdt_table1.csv"
TABLES = sorted([*PAPERS.glob("*/*_table*.csv"), *PAPERS.glob("own/*.csv")])
TITLE = "An invented table"
BACKBONE_PARAMETERS, PROMPT_PARAMETERS = 862_619, 135  # for cheetah-vel
SEEDS = (0, 1, 2)
# suite -> (first episodes, expert data, untuned prompt, noise), in return
LEVELS = {
    "cheetah-dir": (20.0, 880.0, 820.0, 12.0),
    "cheetah-vel": (-260.0, -52.0, -66.0, 5.0),
    "ant-dir": (60.0, 410.0, 330.0, 18.0),
    "reach": (110.0, 655.0, 560.0, 9.0),
    "ant-dir-ood": (50.0, 300.0, 120.0, 18.0),
    "hopper-medium": (20.0, 2400.0, 1500.0, 40.0),
}
# suite -> random policy; it is below the first episodes, some of which had learned
RANDOM = {
    "cheetah-dir": 10.0,
    "cheetah-vel": -270.0,
    "ant-dir": 40.0,
    "reach": 105.0,
    "ant-dir-ood": 30.0,
    "hopper-medium": 15.0,
}
PRINTED = ("cheetah-dir", "cheetah-vel", "ant-dir", "reach")  # the papers' suites
# column -> (condition, method, gain over the untuned prompt as a share of the gap)
COLUMNS = {
    "prompt-dt": ("expert", "none", 0.0),
    "prompt-dt-random": ("random-prompt", "none", -0.45),
    "prompt-mt-bc": ("mt-bc", "none", -0.02),
    "mt-orl": ("mt-orl", "none", -0.8),
    "prompt-dt-ft": ("few-shot", "full-finetune", 0.03),
    "ft-full": ("full-data", "full-finetune", 0.06),
    "ptdt-offline": ("few-shot", "ptdt-offline", 0.02),
    "ptdt-online": ("few-shot", "ptdt-online", 0.025),
    "ptdt-offline-literal": ("few-shot", "ptdt-offline-literal", 0.0),
}
ONLY = {"ptdt-offline-literal": ["cheetah-vel"]}


@dataclass(frozen=True)
class FakeRun:
    settings: ReportSettings
    evaluations: list[Path]
    stores: list[Path]
    random_policies: list[Path]
    curves: list[Path]
    adaptations: list[Path]


def make_run(folder: Path, suites: tuple[str, ...] = PRINTED) -> FakeRun:
    """Write the run's files under ``folder``."""
    entries = tuple(
        {"id": name, "label": name.upper(), "condition": condition, "method": method}
        | ({"suites": ONLY[name]} if name in ONLY else {})
        for name, (condition, method, _) in COLUMNS.items()
    )
    settings = ReportSettings(
        "invented", 7, suites, SEEDS, entries, "ptdt_table1", TITLE, "ptdt", str(PAPERS)
    )
    cells = [(suite, name) for suite in suites for name in COLUMNS if _covers(name, suite)]
    made = FakeRun(
        settings,
        [_evaluation(folder, suite, name, seed) for suite, name in cells for seed in SEEDS],
        [write_store(folder, suite) for suite in suites],
        [_random_policy(folder, suite) for suite in suites],
        [_curve(folder, suite, seed) for suite in suites for seed in SEEDS],
        [_adaptation(folder, (suites[0], "few-shot", "ptdt-online"))],
    )
    _measure(made)
    return made


def with_entries(settings: ReportSettings, entries: list[dict]) -> ReportSettings:
    return replace(settings, entries=tuple(entries))


def command(run: FakeRun, name: str, out: Path, **files: list[Path]) -> list[str]:
    """Arguments of ``python -m trajprompt.commands.report``."""
    table = run.settings.table if name == "table" else ""
    settings = json.dumps({**vars(run.settings), "table": table})
    arguments = [name, "--settings", settings, "--out", str(out)]
    if table:
        arguments += ["--table", table]
    for option, paths in files.items():
        arguments += [f"--{option}", *map(str, paths)]
    return arguments


def _covers(name: str, suite: str) -> bool:
    return suite in ONLY.get(name, [suite])


def _evaluation(folder: Path, suite: str, name: str, seed: int) -> Path:
    condition, method, share = COLUMNS[name]
    tasks = get_suite(suite).test_tasks
    first, expert, level, noise = LEVELS[suite]
    generator = np.random.default_rng([seed, *map(ord, suite + name)])
    points = [("last", 20), ("best", 14)]
    if method.startswith("ptdt"):
        points += [("curve", iteration) for iteration in (0, 5, 10, 15, 20)]
    rows = []
    for task in tasks:
        base = level + noise * generator.standard_normal()
        for checkpoint, iteration in points:
            gain = share * (expert - first) * (iteration / 20 if share > 0 else 1)
            for episode in range(2 if checkpoint == "curve" else 3):
                value = base + gain + noise * generator.standard_normal()
                if checkpoint == "curve" and iteration == 0:  # untuned: equal episodes
                    value = _untuned(folder, suite, seed).loc[(task, episode), "return"]
                identity = [suite, condition, method, seed, task, 0, episode]
                rows.append(
                    [*identity, checkpoint, iteration, 150 * iteration, value, 200, 0]
                )
    path = folder / "4_evaluate" / suite / condition / method / f"seed{seed}.csv"
    return _write_episodes(path, rows)


def _random_policy(folder: Path, suite: str) -> Path:
    """Write two episodes of every test task, ten above and ten below the mean."""
    name = "random-policy"
    rows = [
        [suite, name, name, 7, task, 0, episode, "last", 0, 0, value, 200, 0]
        for task in get_suite(suite).test_tasks
        for episode, value in enumerate((RANDOM[suite] - 10, RANDOM[suite] + 10))
    ]
    return _write_episodes(folder / "4_evaluate" / suite / f"{name}.csv", rows)


def _write_episodes(path: Path, rows: list[list]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(rows, columns=EVALUATION_COLUMNS).to_csv(path, index=False)
    return path


def _untuned(folder: Path, suite: str, seed: int) -> pd.DataFrame:
    """Episodes of prompt-dt, which is written before the entries that tune its prompts."""
    condition, method, _ = COLUMNS["prompt-dt"]
    path = folder / "4_evaluate" / suite / condition / method / f"seed{seed}.csv"
    table = pd.read_csv(path).query("checkpoint == 'last'")
    return table.set_index(["task", "episode"])


def write_store(folder: Path, name: str) -> Path:
    suite = get_suite(name)
    first, expert, _, _ = LEVELS[name]
    returns = np.array([first, first, (first + expert) / 2, expert, expert])
    tasks = [_task(suite, task, returns) for task in suite.test_tasks]
    curve = np.array([[4.0 * p, r, r - 20, r + 10, 4] for p, r in enumerate(returns)])
    names = ("environment_steps_per_task", "mean_return", "worst_task_return")
    path = folder / "1_collect" / name / "trajectories.h5"
    attributes = {"settings": json.dumps({"quality_episodes": 2})}
    columns = (*names, "best_task_return", "mean_length")
    write_trajectories(path, suite, tasks, attributes, curve, columns)
    return path


def _task(suite, task: int, returns: np.ndarray) -> TaskTrajectories:
    """Trajectories of four-step episodes with the given returns."""
    count = len(returns)
    return TaskTrajectories(
        task=task,
        goal=suite.goals[task],
        observations=np.zeros((4 * count, suite.state_dim), np.float32),
        actions=np.zeros((4 * count, suite.action_dim), np.float32),
        rewards=np.repeat(returns / 4, 4).astype(np.float32),
        terminations=np.zeros(4 * count, bool),
        episode_ends=4 * np.arange(1, count + 1),
        final_observations=np.zeros((count, suite.state_dim), np.float32),
        behaviour_step=4 * np.arange(count),
    )


def _curve(folder: Path, suite: str, seed: int) -> Path:
    path = folder / "2_pretrain" / suite / "prompt-dt" / f"seed{seed}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    steps = np.arange(100, 1100, 100)
    loss = 0.3 * np.exp(-steps / 400) + 0.02 + 0.003 * seed
    table = {"step": steps, "train_loss": loss, "validation_loss": 1.2 * loss}
    pd.DataFrame(table).assign(learning_rate=1e-3).to_csv(path, index=False)
    return path


def _adaptation(folder: Path, cell: tuple[str, str, str]) -> Path:
    """Write an adaptation of two tasks with 300 simulator steps each."""
    path = folder.joinpath("3_tune", *cell, "seed0.h5")
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = dict.fromkeys(HISTORY_COLUMNS, np.zeros(6, int))
    columns["task"] = np.repeat([2, 7], 3)
    columns["simulator_steps"] = np.tile([0, 150, 300], 2)
    with h5py.File(path, "w", libver="latest") as file:
        attributes = {"kind": "adaptation", "schema_version": str(SCHEMA_VERSION)}
        attributes |= dict(zip(("suite", "condition", "method"), cell, strict=True))
        attributes["settings"] = json.dumps({"kind": cell[2], "options": {}})
        write_attributes(file, attributes)
        sizes = {"tuned_parameters": PROMPT_PARAMETERS}
        write_attributes(file, sizes | {"backbone_parameters": BACKBONE_PARAMETERS})
        for name, values in columns.items():
            file[f"history/{name}"] = values
    return path


def _measure(made: FakeRun) -> None:
    """Write resources for the jobs of the first store and the adaptation only."""
    for path, minutes in ((made.stores[0], 30), (made.adaptations[0], 1)):
        write_resources(path, cpu_s=3600.0, wall_s=60.0 * minutes, peak_mib=512)


def write_resources(path: Path, resumed_from: int | None = None, **used: float) -> None:
    """Write the resources of the job that made ``path``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    values = {"cpu_s": 1.0, "wall_s": 3.0, "peak_mib": 9, **used}
    values["resumed_from"] = resumed_from
    path.with_suffix(".resources.json").write_text(json.dumps(values))

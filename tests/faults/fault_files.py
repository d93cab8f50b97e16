"""Small valid files of every kind, which the tests damage."""

import json
import os
import pickle
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
SUITE, TASKS, STEPS = "reach", (6, 9), 10  # steps per episode; the horizon is 82
SEED = 7
MINARI = f"task{TASKS[0]}-v0"  # the folder of a dataset


def episodes(task: int, count: int = 4) -> Any:
    from trajprompt.tasks.registry import get_suite
    from trajprompt.trajectories.episodes import TaskTrajectories

    suite, rows = get_suite(SUITE), count * STEPS
    generator = np.random.default_rng([SEED, task])
    return TaskTrajectories(
        task=task,
        goal=suite.goals[task],
        observations=generator.normal(size=(rows, suite.state_dim)).astype(np.float32),
        actions=generator.uniform(-1, 1, (rows, suite.action_dim)).astype(np.float32),
        rewards=generator.uniform(0, 8, rows).astype(np.float32),
        terminations=np.zeros(rows, bool),
        episode_ends=STEPS * np.arange(1, count + 1),
        final_observations=generator.normal(size=(count, suite.state_dim)).astype(
            np.float32
        ),
        behaviour_step=STEPS * np.arange(count),
    )


def make_store(path: Path) -> None:
    from trajprompt.tasks.registry import get_suite
    from trajprompt.trajectories.store import write_trajectories

    attributes = {"stage": "collect", "settings": json.dumps({"quality_episodes": 2})}
    names = ("environment_steps_per_task", "mean_return", "worst_task_return")
    curve = np.arange(20.0).reshape(4, 5)
    columns = (*names, "best_task_return", "mean_length")
    tasks = [episodes(task) for task in TASKS]
    write_trajectories(path, get_suite(SUITE), tasks, attributes, curve, columns)


def small_model() -> Any:
    import torch

    from trajprompt.models.prompt_dt import BackboneConfig, PromptDT
    from trajprompt.tasks.registry import get_suite

    torch.manual_seed(SEED)
    dims = get_suite(SUITE).state_dim, get_suite(SUITE).action_dim
    return PromptDT(BackboneConfig(*dims, width=8, layers=2, inner=32, max_timestep=20))


def make_backbone(path: Path) -> None:
    import torch

    from trajprompt.models.backbone import Backbone, save_backbone
    from trajprompt.trajectories.normaliser import Normaliser

    model = small_model()
    size = model.config.state_dim
    normaliser = Normaliser(torch.zeros(size), torch.ones(size))
    backbone = Backbone("prompt-dt", SUITE, model, normaliser, 650.0, model.config)
    save_backbone(path, backbone, {"settings": json.dumps({"steps": 10})})


def small_prompts() -> Any:
    import torch

    from trajprompt.trajectories.segments import Segments

    torch.manual_seed(SEED)
    sizes = ((2, 5, 1), (2, 5, 39), (2, 5, 4))
    steps = torch.arange(5).repeat(2, 1)
    return Segments(*map(torch.randn, sizes), timesteps=steps, mask=steps >= 0)


def make_adaptation(path: Path) -> None:
    from trajprompt.adaptations.adaptation import Adaptation, HistoryRow
    from trajprompt.adaptations.write import write_adaptation

    prompts = small_prompts()
    history = [HistoryRow(task, 0, i, objective=0.5) for i in range(3) for task in TASKS]
    weights = {row: dict(small_model().norm_final.state_dict()) for row in range(2)}
    curve = {0: prompts, 2: prompts}
    best = np.ones(2, int)
    made = Adaptation(prompts, prompts, best, history, curve=curve, weights=weights)
    rows = np.array(TASKS)
    problem: Any = SimpleNamespace(
        rows=rows, prompts=np.zeros(2, int), initial_prompts=prompts
    )
    attributes = {"suite": SUITE, "method": "ptdt-online", "seed": 0}
    write_adaptation(path, problem, made, attributes)


def make_evaluation(path: Path) -> None:
    _write_episodes(path, "expert", "none", ("last", "best", "curve"))


def make_random_policy(path: Path) -> None:
    _write_episodes(path, "random-policy", "random-policy", ("last",))


def _write_episodes(
    path: Path, condition: str, method: str, checkpoints: Sequence[str]
) -> None:
    from trajprompt.rollout.columns import COUNT_COLUMNS
    from trajprompt.rollout.evaluation import to_csv

    names = {"suite": SUITE, "condition": condition, "method": method}
    entries = [
        dict.fromkeys(COUNT_COLUMNS, 0)
        | {**names, "task": task, "episode": episode, "checkpoint": checkpoint}
        | {"return": 1.5 * task + episode, "length": 82, "success": 1}
        for task in TASKS
        for checkpoint in checkpoints
        for episode in range(2)
    ]
    path.write_text(to_csv(entries))


def make_curve(path: Path) -> None:
    from trajprompt.commands.pretrain import curve_csv
    from trajprompt.models.training import CurvePoint

    path.write_text(curve_csv([CurvePoint(i, 1 / i, 2 / i, 1e-3) for i in range(1, 9)]))


def train_tiny(path: Path) -> object:
    """Run a tiny training that resumes from the checkpoint at ``path`` if it is valid."""
    import torch

    from trajprompt.artifacts.checkpoint import Checkpoint
    from trajprompt.models.training import train
    from trajprompt.settings.training import TrainingSettings

    model, generator = small_model(), torch.Generator().manual_seed(SEED)
    prompts = small_prompts()
    settings = TrainingSettings(steps=2, precision="fp32", validation_every=1)

    def batch() -> Any:
        torch.rand(1, generator=generator)
        return prompts, prompts

    target = path.with_name(path.name.removesuffix(".checkpoint.h5") + ".safetensors")
    checkpoint = Checkpoint(target, "identity")
    assert checkpoint.path == path
    curve = train(
        model, batch, settings, "train", generator=generator, checkpoint=checkpoint
    )
    return curve, dict(model.state_dict())


def make_checkpoint(path: Path) -> None:
    os.environ["TRAJPROMPT_CHECKPOINT_MINUTES"] = "0"  # after every step
    train_tiny(path)
    os.environ["TRAJPROMPT_CHECKPOINT_MINUTES"] = "inf"


def make_config(path: Path) -> None:
    import yaml
    from invalid_configs import DEFAULT

    path.write_text(yaml.safe_dump(DEFAULT, sort_keys=False))


def make_record(path: Path) -> None:
    from trajprompt.artifacts.records import record_text

    hashes = {"data.h5": "0" * 16}
    attributes = {"schema_version": "1", "stage": "tune", "trajprompt": "0", "commit": "x"}
    attributes |= {name: json.dumps(hashes) for name in ("settings", "libraries", "inputs")}
    path.write_text(record_text(attributes, path))


def make_resources(path: Path) -> None:
    from trajprompt.artifacts.resources import write_resources

    write_resources(path.with_name("s.csv"), resumed_from=7)


def flat_columns() -> dict[str, np.ndarray]:
    one = episodes(TASKS[0])
    timeouts = np.isin(np.arange(len(one.rewards)), one.episode_ends - 1)
    return {
        "observations": one.observations,
        "actions": one.actions,
        "rewards": one.rewards,
        "terminals": one.terminations,
        "timeouts": timeouts,
        "next_observations": one.observations,
    }


def make_prompt_dt(path: Path) -> None:
    columns = flat_columns()
    del columns["timeouts"]
    parts = range(0, len(columns["rewards"]), STEPS)
    episodes = [{n: v[at : at + STEPS] for n, v in columns.items()} for at in parts]
    path.write_bytes(pickle.dumps(episodes))


def make_d4rl(path: Path) -> None:
    import h5py

    with h5py.File(path, "w") as file:  # HDF5's oldest format, as in D4RL
        for name, values in flat_columns().items():
            file.create_dataset(name, data=values, compression="gzip")


def make_minari(path: Path) -> None:
    """Write both files of a dataset; ``path`` is one of them."""
    from trajprompt.exchange import minari
    from trajprompt.tasks.registry import get_suite

    root = path.parents[1].with_name("exported")
    dataset = minari.write(root, get_suite(SUITE), episodes(TASKS[0]), {"run": "theirs"})
    shutil.copytree(root / dataset / "data", path.parent, dirs_exist_ok=True)


def make_claims(path: Path) -> None:
    """Write the claims of a paper into its folder."""
    for name in ("paper.yaml", "claims.yaml"):
        shutil.copyfile(ROOT / "papers/ptdt" / name, path.with_name(name))


def copied(source: str) -> Callable[[Path], None]:
    return lambda path: shutil.copyfile(ROOT / source, path) and None

"""Every kind of file that trajprompt reads, with its readers."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import fault_files as files
import fault_teachers
from fault_files import SUITE, TASKS


@dataclass(frozen=True)
class Kind:
    """A kind of file. The first of ``readers`` is the stage's: it decides on acceptance."""

    name: str
    file: str  # with the folders from which some readers take names
    mutators: str  # format that the damage knows
    make: Callable[[Path], None]
    readers: Callable[[], Iterator[Callable[[Path], object]]]
    named: str = ""  # in errors, if not the file's name: its dataset


def _store_readers() -> Iterator[Callable[[Path], object]]:
    from trajprompt.report.numbers.learning import collection_table
    from trajprompt.report.read.baselines import read_teacher
    from trajprompt.tasks.registry import get_suite
    from trajprompt.trajectories.store import open_tasks, read_trajectories

    def used_episodes(path: Path) -> object:
        tasks = open_tasks(path, TASKS, get_suite(SUITE)).values()
        return [task.quality("expert", 1).read() for task in tasks]

    yield lambda path: read_trajectories(path, TASKS, get_suite(SUITE))
    yield lambda path: read_trajectories(path)
    yield used_episodes
    yield lambda path: read_teacher(path, TASKS)
    yield lambda path: collection_table([path])
    yield _compute("stores")
    yield _inspect


def _compute(name: str) -> Callable[[Path], object]:
    """Return a reader that makes the compute table of a report with this file only."""
    from trajprompt.report.numbers.compute import RunFiles, compute_table

    return lambda path: compute_table(RunFiles(**{name: [path]}))


def _inspect(path: Path) -> object:
    from trajprompt.commands.inspect import describe, plot

    text = describe(path)
    if path.suffix != ".safetensors" and len(text) % 4 == 0:  # drawing is slow
        plot(path, None, path.with_name("picture.png"))
    return text


def _backbone_readers() -> Iterator[Callable[[Path], object]]:
    from trajprompt.models.backbone import load_backbone

    yield lambda path: load_backbone(path)
    yield _inspect


def _teacher_readers() -> Iterator[Callable[[Path], object]]:
    from trajprompt.collect.teacher import load_teacher
    from trajprompt.report.numbers.learning import teacher_table

    yield lambda path: load_teacher(path, fault_teachers.suite())
    yield lambda path: teacher_table([path])
    yield _compute("teachers")
    yield _inspect


def _adaptation_readers() -> Iterator[Callable[[Path], object]]:
    from trajprompt.adaptations.read import read_adaptation

    yield lambda path: read_adaptation(path)
    yield _compute("adaptations")
    yield _inspect


def _evaluation_readers() -> Iterator[Callable[[Path], object]]:
    from trajprompt.report.read.cells import Entry, Evaluations, read_evaluation

    def scores(path: Path) -> object:
        entry = Entry("none", "none", "expert", "none")
        return vars(Evaluations([path], "run").scores(SUITE, entry, [0]))

    yield lambda path: read_evaluation(path)
    yield scores
    yield _compute("evaluations")
    yield _inspect


def _random_policy_readers() -> Iterator[Callable[[Path], object]]:
    from trajprompt.report.read.baselines import read_random_play

    yield lambda path: vars(read_random_play(path))
    yield _compute("random_policies")
    yield _inspect


def _curve_readers() -> Iterator[Callable[[Path], object]]:
    from trajprompt.report.numbers.learning import pretraining_table

    yield lambda path: pretraining_table([path])
    yield _inspect


def _checkpoint_readers() -> Iterator[Callable[[Path], object]]:
    yield files.train_tiny
    yield _inspect


def _config_readers() -> Iterator[Callable[[Path], object]]:
    from trajprompt.config.layers import read_mapping
    from trajprompt.config.load import resolve

    yield lambda path: resolve(read_mapping(path), files.ROOT, [path])


def _claims_readers() -> Iterator[Callable[[Path], object]]:
    from trajprompt.report.numbers.claims import read_ledger

    yield lambda path: read_ledger(path.parents[1])


def _published_readers() -> Iterator[Callable[[Path], object]]:
    from trajprompt.report.read.published import Published

    yield lambda path: vars(Published([path]))
    yield _inspect


def _record_readers() -> Iterator[Callable[[Path], object]]:
    from trajprompt.artifacts.records import read_record

    yield lambda path: read_record(path)


def _resources_readers() -> Iterator[Callable[[Path], object]]:
    from trajprompt.artifacts.resources import read_resources

    yield lambda path: read_resources(path.with_name("s.csv"))


def _prompt_dt_readers() -> Iterator[Callable[[Path], object]]:
    from trajprompt.exchange import prompt_dt
    from trajprompt.tasks.registry import get_suite

    yield lambda path: vars(prompt_dt.read(path, get_suite(SUITE)))


def _d4rl_readers() -> Iterator[Callable[[Path], object]]:
    from trajprompt.exchange import d4rl
    from trajprompt.tasks.registry import get_suite

    yield lambda path: vars(d4rl.read(path, get_suite(SUITE)))


def _minari_readers() -> Iterator[Callable[[Path], object]]:
    from trajprompt.exchange import minari
    from trajprompt.tasks.registry import get_suite

    yield lambda path: vars(minari.read(path.parents[1], get_suite(SUITE)))


KINDS = (
    Kind("store", "1_collect/x/trajectories.h5", "hdf5", files.make_store, _store_readers),
    Kind(
        "backbone", "b.safetensors", "safetensors", files.make_backbone, _backbone_readers
    ),
    Kind(
        "teacher",
        "policies.safetensors",
        "safetensors",
        fault_teachers.make_teacher,
        _teacher_readers,
    ),
    Kind("adaptation", "3_tune/x/s.h5", "hdf5", files.make_adaptation, _adaptation_readers),
    Kind(
        "checkpoint", "c.checkpoint.h5", "hdf5", files.make_checkpoint, _checkpoint_readers
    ),
    Kind(
        "evaluation", "4_evaluate/s.csv", "csv", files.make_evaluation, _evaluation_readers
    ),
    Kind(
        "random-policy",
        "4_evaluate/random-policy.csv",
        "csv",
        files.make_random_policy,
        _random_policy_readers,
    ),
    Kind("curve", "reach/prompt-dt/seed0.csv", "csv", files.make_curve, _curve_readers),
    Kind(
        "published",
        "p.csv",
        "csv",
        files.copied("papers/ptdt/ptdt_table1.csv"),
        _published_readers,
    ),
    Kind("config", "config.yaml", "yaml", files.make_config, _config_readers),
    Kind(
        "claims",
        "papers/ptdt/claims.yaml",
        "yaml",
        files.make_claims,
        _claims_readers,
    ),
    Kind("record", "s.provenance.json", "json", files.make_record, _record_readers),
    Kind(
        "resources",
        "s.resources.json",
        "json",
        files.make_resources,
        _resources_readers,
    ),
    Kind("pickle", "d-6-expert.pkl", "pickle", files.make_prompt_dt, _prompt_dt_readers),
    Kind("d4rl", "d4rl.hdf5", "hdf5", files.make_d4rl, _d4rl_readers),
    Kind(
        "minari",
        f"{files.MINARI}/data/main_data.hdf5",
        "hdf5",
        files.make_minari,
        _minari_readers,
        named=files.MINARI,
    ),
    Kind(
        "minari-json",
        f"{files.MINARI}/data/metadata.json",
        "json",
        files.make_minari,
        _minari_readers,
        named=files.MINARI,
    ),
)

"""Rollouts side by side, one film per suite: a video entry of the config.

Nothing in them is picked: the first test task (unless the config names one), the first
seed and the first reset of the evaluation. A film computes row by row what the evaluation
does as one batch: the last bits may differ, and in time the returns.
"""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trajprompt.errors import TrajpromptError
from trajprompt.settings.stages import VideoSettings

if TYPE_CHECKING:
    import numpy as np

    from trajprompt.rollout.film import Film
    from trajprompt.rollout.loop import Episodes, Policy
    from trajprompt.tasks.suites import Suite

FPS = 10  # frames per second
FRAMES = 100  # per episode, at most about: reach's 82 steps are seen slowed down
FORMAT = ".webm"  # which pages show, see pages.MIME
SIZE = 240  # pixels of a picture, width and height
COLUMNS = ("suite", "task", "goal", "column", "label", "seed", "return", "length", "speed")


def run(
    settings: VideoSettings,
    backbones: Sequence[Path],
    adaptations: Sequence[Path],
    out: Path,
) -> None:
    """Film every suite; write the films, a table of what they show, and a page of both."""
    from trajprompt.artifacts.video import require_encoder
    from trajprompt.rollout.opengl import choose_opengl

    require_encoder(out / f"videos/{settings.video}{FORMAT}")  # before anything is played
    choose_opengl()
    rows: list[dict[str, Any]] = []
    films = []
    for scene in scenes(settings, backbones, adaptations):
        film, episodes = play(settings, scene)
        path = out / "videos" / f"{settings.video}_{scene.suite.name}{FORMAT}"
        films.append(write_film(scene, film, path))
        rows += _rows(settings, scene, episodes)
    write_outputs(settings, rows, films, out)


@dataclass(frozen=True)
class Scene:
    """One film: a task, and what plays it in every panel."""

    suite: "Suite"
    task: int
    entries: Sequence[dict[str, str]]  # id, label, condition, method
    backbones: Sequence[Path]
    adaptations: Sequence[Path]

    @property
    def every(self) -> int:
        """Control steps from frame to frame."""
        return max(1, round(self.suite.horizon / FRAMES))

    @property
    def speed(self) -> float:
        """Of the film, in seconds of the simulator per second."""
        return self.every * self.suite.dt * FPS


def scenes(
    settings: VideoSettings, backbones: Sequence[Path], adaptations: Sequence[Path]
) -> Iterator[Scene]:
    """The films of the settings, with their shares of the files."""
    from trajprompt.tasks.registry import get_suite

    across = len(settings.entries)
    wanted = across * len(settings.suites)
    for option, files in (("--backbones", backbones), ("--adaptations", adaptations)):
        if len(files) != wanted:
            expected = f"{wanted}: {across} entries in {len(settings.suites)} suites"
            raise TrajpromptError(option, f"{len(files)} files", expected)
    for index, suite in enumerate(settings.suites):
        own = slice(index * across, (index + 1) * across)
        yield Scene(
            get_suite(suite),
            settings.tasks[suite],
            settings.entries,
            backbones[own],
            adaptations[own],
        )


def play(settings: VideoSettings, scene: Scene) -> "tuple[Film, Episodes]":
    """One episode in every panel, all from the same reset."""
    import numpy as np

    from trajprompt.rollout.film import Film
    from trajprompt.rollout.loop import rollout
    from trajprompt.rollout.plays import evaluation_seeds
    from trajprompt.tasks.registry import make_simulator

    run_seed, seed = settings.run_seed, settings.seed
    reset = evaluation_seeds(run_seed, scene.suite.name, seed, scene.task, count=1)
    tasks = np.full(len(scene.entries), scene.task)
    simulator = make_simulator(scene.suite, tasks)
    policy = SideBySide(_policies(settings, scene))
    with contextlib.closing(Film(simulator, policy, scene.every, SIZE)) as film:
        episodes = rollout(simulator, film, np.repeat(reset, len(tasks)))
        film.photograph()  # the end
    return film, episodes


class SideBySide:
    """One policy per row, each of its own backbone."""

    def __init__(self, policies: "Sequence[Policy]"):
        self.policies = policies

    def act(self, observations: "np.ndarray") -> "np.ndarray":
        import numpy as np

        rows = np.split(observations, len(self.policies))
        pairs = zip(self.policies, rows, strict=True)
        return np.concatenate([policy.act(row) for policy, row in pairs])

    def receive(self, rewards: "np.ndarray") -> None:
        for row, policy in enumerate(self.policies):
            policy.receive(rewards[row : row + 1])


def _policies(settings: VideoSettings, scene: Scene) -> "list[Policy]":
    from trajprompt.rollout.adapted import Adapted, adapted_policy

    policies: list[Policy] = []
    files = zip(scene.entries, scene.backbones, scene.adaptations, strict=True)
    for entry, backbone, adaptation in files:
        _check_cell(settings, entry, adaptation)
        chosen = Adapted(
            backbone,
            adaptation,
            scene.suite.name,
            scene.task,
            precision=settings.precision,
            device=settings.device,
        )
        policies.append(adapted_policy(chosen))
    return policies


def _check_cell(settings: VideoSettings, entry: dict[str, str], adaptation: Path) -> None:
    """Raise unless a file is the one of its panel."""
    from trajprompt.adaptations.layout import open_adaptation
    from trajprompt.artifacts.hdf5_attributes import get_attributes

    with open_adaptation(adaptation) as file:
        found = get_attributes(file)
    wanted = {**entry, "seed": settings.seed}
    for name in ("condition", "method", "seed"):
        if str(found.get(name)) != str(wanted[name]):
            expected = f"{name} {wanted[name]}, for {entry['label']}"
            raise TrajpromptError(adaptation, f"{name} {found.get(name)}", expected)


def write_film(scene: Scene, film: "Film", path: Path) -> Path:
    """The frames of all panels, as one film."""
    from trajprompt.artifacts.video import write_video
    from trajprompt.report.films.panels import Panels

    panels = Panels(heading(scene), [entry["label"] for entry in scene.entries], SIZE)
    steps = [*range(0, film.time, scene.every), film.time]
    frames = [
        panels.frame(pictures, earned, step * scene.suite.dt)
        for pictures, earned, step in zip(film.frames, film.earned, steps, strict=True)
    ]
    return write_video(path, frames, FPS)


def heading(scene: Scene) -> str:
    return f"{scene.suite.label}, task {scene.task}: {scene.suite.wording(scene.task)}"


def _rows(
    settings: VideoSettings, scene: Scene, episodes: "Episodes"
) -> list[dict[str, Any]]:
    goal = scene.suite.wording(scene.task)
    return [
        {
            "suite": scene.suite.name,
            "task": scene.task,
            "goal": goal,
            "column": entry["id"],
            "label": entry["label"],
            "seed": settings.seed,
            "return": float(earned),
            "length": int(length),
            "speed": scene.speed,
        }
        for entry, earned, length in zip(
            scene.entries, episodes.returns, episodes.lengths, strict=True
        )
    ]


def write_outputs(
    settings: VideoSettings, rows: list[dict[str, Any]], films: Sequence[Path], out: Path
) -> None:
    """The table of all films, and the page that shows them."""
    import pandas as pd

    from trajprompt.artifacts.csv_files import write_csv
    from trajprompt.report.pages.html import film_page, write_page

    table = pd.DataFrame(rows, columns=list(COLUMNS))
    write_csv(out / "tables" / f"{settings.video}.csv", table)
    page = film_page(settings.title, table, films)
    write_page(out / "pages" / f"{settings.video}.html", settings.title, page)

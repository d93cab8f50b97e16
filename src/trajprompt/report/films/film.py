"""Films of rollouts side by side, one per suite: a video entry of the config.

Rollouts are not hand-picked: a film shows the first test task (unless the config sets
another), the first seed and the first reset of the evaluation. A film computes row by row,
the evaluation in one batch: the last bits may differ, and over many steps the returns.
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
FRAMES = 100  # per episode, about; shorter ones (reach: 82 steps) play in slow motion
FORMAT = ".webm"  # can be embedded in pages, see MIME in report/pages/html.py
SIZE = 240  # width and height of a picture, pixels
COLUMNS = ("suite", "task", "goal", "column", "label", "seed", "return", "length", "speed")


def run(
    settings: VideoSettings,
    backbones: Sequence[Path],
    adaptations: Sequence[Path],
    out: Path,
) -> None:
    """Film every suite; write the films, a table of the episodes, and a page of both."""
    from trajprompt.artifacts.video import require_encoder
    from trajprompt.rollout.opengl import choose_opengl

    require_encoder(out / f"videos/{settings.video}{FORMAT}")  # before any rollout
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
    """One film: a task, with an entry and its files per panel."""

    suite: "Suite"
    task: int
    entries: Sequence[dict[str, str]]  # id, label, condition, method
    backbones: Sequence[Path]
    adaptations: Sequence[Path]

    @property
    def steps_per_frame(self) -> int:
        """Number of control steps from frame to frame."""
        return max(1, round(self.suite.horizon / FRAMES))

    @property
    def speed(self) -> float:
        """Speed of the film in simulated seconds per second."""
        return self.steps_per_frame * self.suite.dt * FPS


def scenes(
    settings: VideoSettings, backbones: Sequence[Path], adaptations: Sequence[Path]
) -> Iterator[Scene]:
    """Films of the settings, each with its files; a wrong number of files is an error."""
    from trajprompt.tasks.registry import get_suite

    across = len(settings.entries)
    wanted = across * len(settings.suites)
    for option, files in (("--backbones", backbones), ("--adaptations", adaptations)):
        if len(files) != wanted:
            expected = f"{wanted}: {across} entries in {len(settings.suites)} suites"
            remedy = "give one file per suite and entry, suite by suite"
            raise TrajpromptError(option, f"found {len(files)} files", expected, remedy)
    for index, suite in enumerate(settings.suites):
        part = slice(index * across, (index + 1) * across)
        yield Scene(
            get_suite(suite),
            settings.tasks[suite],
            settings.entries,
            backbones[part],
            adaptations[part],
        )


def play(settings: VideoSettings, scene: Scene) -> "tuple[Film, Episodes]":
    """Play one episode per panel, all from the same reset."""
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
    with contextlib.closing(Film(simulator, policy, scene.steps_per_frame, SIZE)) as film:
        episodes = rollout(simulator, film, np.repeat(reset, len(tasks)))
        film.capture()  # the final state
    return film, episodes


class SideBySide:
    """Policy with a separate policy per row, whose backbones may differ."""

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
            engine=settings.engine,
            device=settings.device,
        )
        policies.append(adapted_policy(chosen))
    return policies


def _check_cell(settings: VideoSettings, entry: dict[str, str], adaptation: Path) -> None:
    """Raise unless an adaptation belongs to the entry and seed of its panel."""
    from trajprompt.adaptations.layout import open_adaptation
    from trajprompt.artifacts.hdf5_attributes import get_attributes

    with open_adaptation(adaptation) as file:
        found = get_attributes(file)
    wanted = {**entry, "seed": settings.seed}
    for name in ("condition", "method", "seed"):
        if str(found.get(name)) != str(wanted[name]):
            expected = f"{name} {wanted[name]}, for {entry['label']}"
            remedy = "give the files of --adaptations in the order of suites and entries"
            text = f"found {name} {found.get(name)}"
            raise TrajpromptError(adaptation, text, expected, remedy)


def write_film(scene: Scene, film: "Film", path: Path) -> Path:
    """Write the frames of all panels as one film and return its path."""
    from trajprompt.artifacts.video import write_video
    from trajprompt.report.films.panels import Panels

    panels = Panels(heading(scene), [entry["label"] for entry in scene.entries], SIZE)
    steps = [*range(0, film.time, scene.steps_per_frame), film.time]
    frames = [
        panels.frame(pictures, returns, step * scene.suite.dt)
        for pictures, returns, step in zip(
            film.frames, film.frame_returns, steps, strict=True
        )
    ]
    return write_video(path, frames, FPS)


def heading(scene: Scene) -> str:
    return f"{scene.suite.label}, task {scene.task}: {scene.suite.goal_text(scene.task)}"


def _rows(
    settings: VideoSettings, scene: Scene, episodes: "Episodes"
) -> list[dict[str, Any]]:
    goal = scene.suite.goal_text(scene.task)
    return [
        {
            "suite": scene.suite.name,
            "task": scene.task,
            "goal": goal,
            "column": entry["id"],
            "label": entry["label"],
            "seed": settings.seed,
            "return": float(total),
            "length": int(length),
            "speed": scene.speed,
        }
        for entry, total, length in zip(
            scene.entries, episodes.returns, episodes.lengths, strict=True
        )
    ]


def write_outputs(
    settings: VideoSettings, rows: list[dict[str, Any]], films: Sequence[Path], out: Path
) -> None:
    """Write the table of all films and the page that shows them."""
    import pandas as pd

    from trajprompt.artifacts.csv_files import write_csv
    from trajprompt.report.pages.html import film_page, write_page

    table = pd.DataFrame(rows, columns=list(COLUMNS))
    write_csv(out / "tables" / f"{settings.video}.csv", table)
    page = film_page(settings.title, table, films)
    write_page(out / "pages" / f"{settings.video}.html", settings.title, page)

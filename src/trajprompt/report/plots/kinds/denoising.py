"""Prompts during denoising (PD Figure 4).

Every prompt step is a point with S + A + 1 elements. It is drawn in the plane of the first
two principal components of the generated prompts.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from trajprompt.report.pages.formats import span, suite_label
from trajprompt.report.plots.estimates import as_drawn, level, renamed
from trajprompt.report.plots.figure import Figure
from trajprompt.report.plots.marks import marks_note, mean_mark, plural
from trajprompt.report.plots.prompts import PromptCell
from trajprompt.report.plots.style import (
    BLACK,
    GREY,
    OKABE_ITO,
    canvas,
    headline,
    legend_below,
    save,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SHUFFLES = 500  # draws for the band of the step share by chance
BAND = (0.025, 0.975)  # quantiles of the draws
SCATTERS = 5  # of the stored denoising steps, first and last included


def table(figure: Figure) -> pd.DataFrame:
    """Projected prompt steps: a row per denoising step, prompt and prompt step.

    ``left`` is the number of denoising steps left; for ``step_share`` see the function.
    """
    rows = []
    cells = figure.prompts()
    for suite in figure.covered(figure.run.entries):
        here = [cell for cell in cells if cell.suite == suite]
        left = here[0].require("denoising_steps")
        chain = np.concatenate([cell.require("denoising") for cell in here])
        plane = principal_plane(chain[:, np.argmin(left)])
        for index, count in enumerate(left):
            points = (chain[:, index] - plane[0]) @ plane[1]  # (prompts, P, 2)
            share = _share(figure, suite, [c.require("denoising")[:, index] for c in here])
            for place, (cell, row) in enumerate(_rows(here)):
                for step, (x, y) in enumerate(points[place]):
                    names = {"suite": suite, "column": cell.entry.id, "seed": cell.seed}
                    names |= {
                        "task": cell.tasks[row],
                        "row": row,
                        "left": count,
                        "step": step,
                    }
                    rows.append(names | {"x": x, "y": y} | share)
    return pd.DataFrame(rows)


def _share(figure: Figure, suite: str, prompts: list[np.ndarray]) -> dict[str, object]:
    """Step share by seed, and its band by chance; ``prompts`` are (R, P, d) per seed."""
    by_seed = np.array([[step_share(found) for found in prompts]])  # (1, S)
    stream = figure.run.stream("shuffled", suite)
    shuffled = shuffled_shares(prompts, np.random.default_rng(stream))
    low, high = np.quantile(shuffled, BAND)
    found = renamed(level(figure.run, [by_seed], "share", suite), "step_share")
    return found | {"seeds": len(prompts), "shuffled_low": low, "shuffled_high": high}


def shuffled_shares(
    prompts: list[np.ndarray], generator: np.random.Generator, draws: int = SHUFFLES
) -> np.ndarray:
    """Step shares (draws,), means over seeds, with the steps of every prompt shuffled."""
    means = []
    for _ in range(draws):
        means.append(np.mean([step_share(_shuffled(p, generator)) for p in prompts]))
    return np.array(means)


def _shuffled(prompts: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Prompts (n, P, d) with the steps of each in an order of its own."""
    order = generator.permuted(
        np.tile(np.arange(prompts.shape[1]), (len(prompts), 1)), axis=1
    )
    return np.take_along_axis(prompts, order[..., None], axis=1)


def _rows(cells: list[PromptCell]) -> list[tuple[PromptCell, int]]:
    return [(cell, row) for cell in cells for row in range(len(cell.tasks))]


def principal_plane(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean (d,) and first two principal directions (d, 2) of points (..., d)."""
    flat = points.reshape(-1, points.shape[-1])
    mean = flat.mean(axis=0)
    directions = np.linalg.svd(flat - mean, full_matrices=False)[2][:2]
    # Fix the sign: make the largest loading of each direction positive.
    signs = np.sign(directions[np.arange(2), np.abs(directions).argmax(axis=1)])
    return mean, (signs[:, None] * directions).T


def step_share(prompts: np.ndarray) -> float:
    """Share of the variance of prompts (n, P, d) that lies between prompt steps.

    It is (P - 1) / (n P - 1) on average for noise, and 1 if all prompts are equal.
    """
    centred = prompts - prompts.mean(axis=(0, 1))
    between = np.square(centred.mean(axis=0)).sum() * len(prompts)
    return float(between / np.square(centred).sum())


def draw(rows: pd.DataFrame, figure: Figure, stem: Path) -> None:
    """Draw five denoising steps per suite, and the step share at all of them."""
    suites = list(dict.fromkeys(rows["suite"]))
    with canvas(2 * len(suites), 3, 5.4 * len(suites) + 0.5) as (picture, axes):
        for index, suite in enumerate(suites):
            here = rows[rows["suite"] == suite]
            left = np.sort(here["left"].unique())[::-1]
            chosen = left[np.linspace(0, len(left) - 1, SCATTERS).round().astype(int)]
            suite_axes = list(axes[2 * index : 2 * index + 2].flat)
            for count, axis in zip(chosen, suite_axes, strict=False):
                _scatter(axis, here[here["left"] == count])
                name = "noise" if count == left[0] else f"{plural(int(count), 'step')} left"
                axis.set_title("generated prompts" if count == 0 else name)
            suite_axes[0].set_ylabel(f"{suite_label(suite)}\n2nd principal component")
            _shares(suite_axes[SCATTERS], here)
        notes = [_heading(rows), f"grey: shuffled steps, middle of {SHUFFLES} draws"]
        notes += [f"share: {marks_note(as_drawn(rows, 'step_share'))}"]
        headline(picture, figure.run.title, *notes)
        legend_below(picture, list(axes.flat))
        save(picture, stem)


def _heading(rows: pd.DataFrame) -> str:
    """Heading with the number of prompts, steps, seeds and tasks in every panel."""
    suites = rows.groupby("suite")
    prompts = suites[["seed", "row"]].apply(lambda suite: len(suite.drop_duplicates()))
    seeds, tasks = (span(suites[name].nunique()) for name in ("seed", "task"))
    steps = rows["step"].nunique()
    shown = f"every panel shows all {span(prompts)} generated prompts of {steps} steps"
    return f"{shown}: {plural(seeds, 'seed')}, {plural(tasks, 'task')}"


def _scatter(axis: "Axes", rows: pd.DataFrame) -> None:
    """Draw prompt steps in the plane: a colour per step, a grey line per prompt."""
    for _, prompt in rows.groupby(["seed", "row"]):
        ordered = prompt.sort_values("step")
        axis.plot(ordered["x"], ordered["y"], color=GREY, lw=0.5, alpha=0.6, zorder=1)
    for step, points in rows.groupby("step"):
        colour = OKABE_ITO[int(step) % len(OKABE_ITO)]
        axis.scatter(
            points["x"], points["y"], 14, color=colour, label=f"prompt step {step}"
        )
    axis.set_xlabel("1st principal component")


def _shares(axis: "Axes", rows: pd.DataFrame) -> None:
    """Draw the step share against the denoising steps left, and its band by chance."""
    shares = as_drawn(rows.groupby("left").first().reset_index(), "step_share")
    band = shares["shuffled_low"], shares["shuffled_high"]
    text = "steps of every prompt shuffled"
    axis.fill_between(shares["left"], *band, color=GREY, alpha=0.3, lw=0, label=text)
    axis.plot(shares["left"], shares["mean"], color=BLACK, lw=1.2)
    for _, row in shares.iterrows():
        mean_mark(axis, row, row["left"], BLACK, upright=True, ms=4)
    axis.invert_xaxis()
    axis.set_title("difference between prompt steps")
    axis.set_xlabel("denoising steps left")
    axis.set_ylabel("share of the variance")

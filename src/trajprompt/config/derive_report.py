"""Settings of the jobs of stage 5, derived from a configuration; see `derive`."""

from typing import Any

from trajprompt.config import backbones as pretraining
from trajprompt.config import cells as table_cells
from trajprompt.config.checks import splits
from trajprompt.config.names import known_name, run_values
from trajprompt.settings import stages as st

Config = dict[str, Any]


def report(config: Config, table: str = "") -> st.ReportSettings:
    """Report settings of one table or figure, or of the whole run if no name is given."""
    if table:
        in_run = [*table_cells.tables(config), *table_cells.figures(config)]
        known_name(in_run, table, "table or figure")
    found = table_cells.entries(config, (table,) if table else None)
    shown = {suite for suites in found.values() for suite in suites}
    entries = [
        _entry(config, name) | {"suites": list(suites)} for name, suites in found.items()
    ]
    values = table_cells.shown(config, table) if table else {}
    return st.ReportSettings(
        **run_values(config),
        suites=tuple(suite for suite in config["suites"] if suite in shown),
        seeds=tuple(config["seeds"]),
        papers=config["papers"],
        entries=tuple(entries),
        table=table,
        title=values.get("title", ""),
        paper=values.get("paper") or "",
        raw=values.get("raw", False),
    )


def _entry(config: Config, name: str) -> dict[str, Any]:
    chosen = config["entries"][name]
    backbone = config["conditions"][chosen["condition"]]["backbone"]
    keys = ("label", "condition", "method")
    return {"id": name, "backbone": backbone, **{key: chosen[key] for key in keys}}


def figure(config: Config, table: str) -> st.FigureSettings:
    """Settings of the figure named ``table``."""
    chosen = config["figures"][known_name(config["figures"], table, "figure")]
    shared = report(config, table)
    names = sorted({entry["condition"] for entry in shared.entries})
    methods = {entry["method"] for entry in shared.entries}
    return st.FigureSettings(
        **vars(shared),
        kind=chosen["kind"],
        baseline=chosen["baseline"] or "",
        conditions={name: _given(config["conditions"][name]) for name in names},
        methods={method: _method_label(config, method) for method in sorted(methods)},
        context_lengths={
            suite: _context_lengths(config, suite, shared.entries)
            for suite in shared.suites
        },
    )


def _context_lengths(
    config: Config, suite: str, entries: tuple[dict[str, Any], ...]
) -> list[int]:
    """Context lengths in steps of the backbones of the entries' cells on a suite."""
    names = {entry["condition"] for entry in entries if suite in entry["suites"]}
    backbones = {config["conditions"][name]["backbone"] for name in names}
    found = (pretraining.values(config, suite, name) for name in backbones)
    return sorted({values["context_length"] for values in found})


def _method_label(config: Config, method: str) -> str:
    """Label of the first entry that uses the method, if possible on a transformer."""
    users = [one for one in config["entries"].values() if one["method"] == method]
    backbones = [config["conditions"][one["condition"]]["backbone"] for one in users]
    pairs = zip(users, backbones, strict=True)
    tuned = [one for one, name in pairs if not pretraining.is_offline(config, name)]
    return str((tuned or users)[0]["label"])


def _given(values: Config) -> Config:
    return {name: value for name, value in values.items() if value is not None}


def video(config: Config, video: str) -> st.VideoSettings:
    """Settings of a video: the run's first seed, one test task per suite."""
    known = table_cells.videos(config)
    chosen = config["videos"][known_name(known, video, "video")]
    first = {suite: splits(config, suite)[1][0] for suite in known[video]}
    named = chosen["tasks"]
    entries = tuple(_entry(config, name) for name in chosen["entries"])
    return st.VideoSettings(
        **run_values(config),
        video=video,
        title=chosen["title"],
        seed=config["seeds"][0],
        suites=known[video],
        tasks={suite: named.get(suite, task) for suite, task in first.items()},
        entries=entries,
        precision=config["compute"]["precision"],
        engine=config["compute"]["engine"],
        device=config["compute"]["device"],
    )
